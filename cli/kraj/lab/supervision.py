"""Starts and stops the lab's processes through supervisor, and tells which of them live.

Talks to supervisord over its unix socket. A process id is trusted only together with the start
time of its process (psutil compares both), because ids are given again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from kraj.errors import KrajError
from kraj.lab.errors import SERVICE_FAILED
from kraj.lab.settings import LabSettings

STARTUP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What supervisor says of one process."""

    name: str
    state: str  #: RUNNING, STARTING, STOPPED, BACKOFF, FATAL, EXITED
    pid: int
    detail: str


class Supervision:
    """The lab's supervisord."""

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings
        self._socket = settings.socket("supervisor.sock")
        self._pid_file = settings.run / "supervisord.pid"

    def _server(self) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        # The host of the address is not used: the transport is the socket.
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def running(self) -> bool:
        """Whether supervisord answers."""
        if not self._socket.exists():
            return False
        try:
            return bool(self._server().getState()["statecode"] >= 0)
        except (OSError, xmlrpc.client.Error):
            return False

    def start(self) -> None:
        """Start supervisord, or let a running one read the configuration again. Raises KRJ505."""
        if self.running():
            self._reread()
            return
        self._socket.unlink(missing_ok=True)
        self._pid_file.unlink(missing_ok=True)
        program = Path(sys.executable).parent / "supervisord"
        command = str(program) if program.exists() else (shutil.which("supervisord") or "")
        done = subprocess.run(
            [command, "-c", str(self._settings.etc / "supervisord.conf")],
            # A clean environment: services see their configuration and nothing of the user's.
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise KrajError(
                SERVICE_FAILED, "supervisord did not start", causes=(done.stderr.strip()[-500:],)
            )
        deadline = time.monotonic() + STARTUP_SECONDS
        while not self.running():
            if time.monotonic() > deadline:
                raise KrajError(SERVICE_FAILED, "supervisord does not answer on its socket")
            time.sleep(0.1)

    def _reread(self) -> None:
        server = self._server()
        ((_added, changed, removed),) = server.reloadConfig()
        for name in (*changed, *removed):
            server.stopProcessGroup(name)
            server.removeProcessGroup(name)
        present = {item["group"] for item in server.getAllProcessInfo()}
        wanted = {item["group"] for item in server.getAllConfigInfo()}
        for name in sorted(wanted - present):
            server.addProcessGroup(name)

    def start_services(self, names: Iterable[str]) -> None:
        """Start those that do not run yet, without waiting for them."""
        server = self._server()
        states = self.states()
        for name in names:
            if states[name].state in ("RUNNING", "STARTING"):
                continue
            with contextlib.suppress(xmlrpc.client.Fault):
                # Already started: somebody was quicker, which is as good.
                server.startProcess(name, False)

    def restart_services(self, names: Iterable[str]) -> None:
        """Stop and start, for services that read something at their start only."""
        server = self._server()
        for name in names:
            with contextlib.suppress(xmlrpc.client.Fault):
                server.stopProcess(name, True)
            server.startProcess(name, False)

    def states(self) -> dict[str, ProcessState]:
        """All processes by name; empty where supervisord does not run."""
        if not self.running():
            return {}
        return {
            item["name"]: ProcessState(
                item["name"], item["statename"], item["pid"], item["description"]
            )
            for item in self._server().getAllProcessInfo()
        }

    def log_tail(self, name: str, lines: int) -> list[str]:
        """The last lines that the service wrote: its log file's, and its output's."""
        found: list[str] = []
        for path in log_files(self._settings, name):
            text = path.read_bytes()[-200_000:].decode(errors="replace")
            found += text.splitlines()[-lines:]
        return found[-lines:]

    def stop(self) -> None:
        """Stop every process and supervisord itself; returns when they are gone."""
        owned = self._processes()
        if self.running():
            with contextlib.suppress(OSError, xmlrpc.client.Error):
                self._server().shutdown()
        _wait_gone(owned, 40.0)
        for process in owned:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        _wait_gone(owned, 5.0)
        self._socket.unlink(missing_ok=True)
        self._pid_file.unlink(missing_ok=True)

    def _processes(self) -> list[psutil.Process]:
        """supervisord and all below it; after a crash, all that run from the lab's folder."""
        folder = str(self._settings.folder) + os.sep
        owner = f"unix://{self._socket}"
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            environment = process.info["environ"]
            words = process.info["cmdline"] or []
            if environment is None or process.pid == os.getpid():
                continue
            below = environment.get("SUPERVISOR_SERVER_URL") == owner
            daemon = "supervisord" in Path(words[1] if len(words) > 1 else "").name and any(
                word.startswith(folder) for word in words
            )
            if below or daemon:
                found.append(process)
        return found


def log_files(settings: LabSettings, name: str) -> list[Path]:
    """Files that a service of that name writes."""
    stem = name.removesuffix("-api")
    candidates = [settings.log / f"{name}.log", settings.log / f"{stem}.log"]
    candidates.append(settings.log / f"{name}.out")
    return [path for path in dict.fromkeys(candidates) if path.is_file()]


def _wait_gone(processes: list[psutil.Process], seconds: float) -> None:
    # Where process 1 does not reap, a dead process stays a zombie: that counts as gone.
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        alive = [process for process in processes if _alive(process)]
        if not alive:
            return
        time.sleep(0.1)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

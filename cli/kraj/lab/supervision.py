"""Starts and stops the lab's processes through supervisor, and tells which of them live.

Talks to supervisord over its unix socket. A process id is trusted only together with the start
time of its process (psutil compares both), because ids are given again.
"""

from __future__ import annotations

import contextlib
import os
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
from kraj.lab.processes import end, wait_gone
from kraj.lab.services import STORES, all_services
from kraj.lab.settings import LabSettings

STARTUP_SECONDS = 15.0
#: Longer than any service's own time to stop, after which supervisor kills it.
STOP_SECONDS = 40.0
ALIVE = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")
#: What a process without supervisor gets between TERM and KILL: stores write their data.
LAST_WORDS_SECONDS = {False: 4.0, True: 20.0}


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What supervisor says of one process."""

    name: str
    state: str  #: RUNNING, STARTING, STOPPED, BACKOFF, FATAL, EXITED
    pid: int
    detail: str
    started: float = 0.0  #: seconds since 1970; 0 where it never was


class Supervision:
    """The lab's supervisord."""

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings
        services = all_services(settings)
        self._stores = {item.name for item in services if item.phase == STORES}
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
        configuration = str(self._settings.etc / "supervisord.conf")
        done = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", configuration],
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
                # One that supervisor tries again and again counts as started: begin anew.
                if states[name].state == "BACKOFF":
                    server.stopProcess(name)
                # Already started: somebody was quicker, which is as good.
                server.startProcess(name, False)

    def restart_services(self, names: Iterable[str]) -> None:
        """Stop and start, for services that read something at their start only."""
        wanted = list(names)
        self._stop_services(wanted)
        self.start_services(wanted)

    def _stop_services(self, names: Iterable[str]) -> None:
        """Stop all at once and wait; supervisor kills those that do not listen."""
        server = self._server()
        wanted = set(names)
        for name in wanted:
            with contextlib.suppress(xmlrpc.client.Fault):
                # Not running: as wanted.
                server.stopProcess(name, False)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            states = self.states()
            if not any(states[name].state in ALIVE for name in wanted if name in states):
                return
            time.sleep(0.1)

    def states(self) -> dict[str, ProcessState]:
        """All processes by name; empty where supervisord does not run."""
        if not self.running():
            return {}
        return {
            item["name"]: ProcessState(
                item["name"], item["statename"], item["pid"], item["description"], item["start"]
            )
            for item in self._server().getAllProcessInfo()
        }

    def log_tail(self, name: str, lines: int) -> list[str]:
        """The last lines that the service wrote; those of the file that it wrote last come last."""
        found: list[str] = []
        for path in log_files(self._settings, name):
            found += last_lines(path, lines)
        return found[-lines:]

    def stop(self) -> None:
        """Stop every process and supervisord itself, the stores last; returns when all are gone."""
        owned = self._processes()
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            if self.running():
                names = set(self.states())
                self._stop_services(names - self._stores)
                self._stop_services(names & self._stores)
                self._server().shutdown()
                wait_gone([process for process, _is_store in owned], STARTUP_SECONDS)
        for stores in (False, True):
            group = [process for process, is_store in owned if is_store == stores]
            end(group, LAST_WORDS_SECONDS[stores])
        self._socket.unlink(missing_ok=True)
        self._pid_file.unlink(missing_ok=True)

    def _processes(self) -> list[tuple[psutil.Process, bool]]:
        """supervisord and all below it, also after its death; and whether each is of a store.

        A process is ours by the address of supervisor in its environment. Some write their title
        over their environment: these are known by the session that supervisord opened and by the
        lab's folder as their working folder, both of which other programs have not got.
        """
        owner = f"unix://{self._socket}"
        session, folder = self._session(), self._settings.folder.resolve()
        found = []
        # psutil keeps what it saw; an id that was given again since would stand for a dead process.
        psutil.process_iter.cache_clear()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                environment = process.environ()
                name = environment.get("SUPERVISOR_PROCESS_NAME", "")
                if environment.get("SUPERVISOR_SERVER_URL") == owner or (
                    session == os.getsid(process.pid) and Path(process.cwd()) == folder
                ):
                    found.append((process, name in self._stores))
        return found

    def _session(self) -> int | None:
        """supervisord's process id as it wrote it, which is that of its session as well."""
        try:
            return int(self._pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None


def last_lines(path: Path, lines: int) -> list[str]:
    """The last lines of a file, each whole, without reading all of a long file."""
    size, taken = path.stat().st_size, 300 * lines
    with path.open("rb") as stream:
        while True:
            stream.seek(max(0, size - taken))
            text = stream.read()
            # One newline more than lines: the first line may be cut off.
            if taken >= size or text.count(b"\n") > lines:
                return text.decode(errors="replace").splitlines()[-lines:]
            taken *= 4


def log_files(settings: LabSettings, name: str) -> list[Path]:
    """Files that a service of that name writes, the one written last at the end."""
    names = dict.fromkeys((f"{name}.log", f"{name.removesuffix('-api')}.log", f"{name}.out"))
    found = [settings.log / name for name in names if (settings.log / name).is_file()]
    return sorted(found, key=lambda path: path.stat().st_mtime)

"""Ends virtual machines when libvirtd has ended: by QEMU's own protocol, else by force."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

_LOOK_SECONDS: Final = 0.2
_FORCE_SECONDS: Final = 5


def end_machines(folder: Path, seconds: float) -> None:
    """End every guest of a lab's libvirt; by force after so many seconds, or at once for 0."""
    files = sorted((folder / "run" / "qemu").glob("*.pid"))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda file: _end(file, folder, seconds), files))


def _end(file: Path, folder: Path, seconds: float) -> None:
    text = file.read_text().strip()
    pid = int(text) if text.isdigit() else 0
    if not _is_guest(pid, file.stem):
        return
    # libvirt names the folder domain-ID-NAME.
    sockets = (folder / "lib" / "qemu").glob(f"domain-*-{file.stem}/monitor.sock")
    monitor = next(sockets, None)
    if seconds and monitor is not None:
        with contextlib.suppress(OSError, ValueError):
            _shut_down(monitor, seconds)
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _is_guest(pid, file.stem):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + _FORCE_SECONDS
        while _is_guest(pid, file.stem) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)


def _is_guest(pid: int, name: str) -> bool:
    """Whether that process is the guest of this name, and not one that has its number now."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(word.startswith(f"guest={name},".encode()) for word in words)


def _shut_down(monitor: Path, seconds: float) -> None:
    """Press the power button and wait for the guest's own end (QEMU Machine Protocol)."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        # A path in /proc is short enough for a socket's address, wherever the lab is.
        place = os.open(monitor.parent, os.O_PATH)
        try:
            connection.connect(f"/proc/self/fd/{place}/{monitor.name}")
        finally:
            os.close(place)
        for word in ("qmp_capabilities", "system_powerdown"):
            connection.sendall(json.dumps({"execute": word}).encode())
        deadline = time.monotonic() + seconds
        with connection.makefile("rb") as stream:
            for message in _messages(stream):
                if message.get("event") == "SHUTDOWN" or time.monotonic() > deadline:
                    break


def _messages(stream: Any) -> Iterator[dict[str, Any]]:
    for line in stream:
        yield json.loads(line)

"""The engine's side of `host`: starting processes for stack programs quickly.

The first one costs as long as Pulumi's SDK takes to load, each further one some milliseconds; what
programs import of Pulumi's packages is loaded ahead for those that follow.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from kraj.engine.errors import PROGRAM_FAILED
from kraj.engine.inherited import inherited
from kraj.errors import KrajError

_END_SECONDS = 5.0  #: for the process to end after its socket was closed


@dataclass(slots=True)
class HostProcess:
    """One forked process, with the engine's ends of its pipes."""

    handle: int  #: a pidfd: unlike a process number it never comes to mean another process
    stdin: IO[str]
    stdout: IO[str]
    stderr: IO[str]
    outcome: IO[str]

    def kill(self) -> None:
        """End the process at once, if it still runs."""
        with contextlib.suppress(ProcessLookupError, OSError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)

    def wait(self) -> None:
        """Return when the process has ended, and let go of it. The outputs stay to be read."""
        select.select([self.handle], [], [])
        os.close(self.handle)


class ProgramHosts:
    """Starts host processes. Thread-safe; its process ends with this object or this process."""

    def __init__(self) -> None:
        self._control: socket.socket | None = None
        self._finalizer: weakref.finalize[..., ProgramHosts] | None = None
        self._loaded: set[str] = set()
        self._lock = threading.Lock()

    def start(self) -> HostProcess:
        """A new process that waits for its orders. Raises KRJ302 where none can be had."""
        theirs, ours = zip(*(_pipe(inward) for inward in (True, False, False, False)), strict=True)
        try:
            handle = self._request(theirs)
        except OSError as error:
            for end in ours:
                os.close(end)
            raise KrajError(
                PROGRAM_FAILED, f"no process can be started for the program: {error}"
            ) from error
        finally:
            for end in theirs:
                os.close(end)
        files = [
            os.fdopen(end, mode, encoding="utf-8", errors="replace")
            for end, mode in zip(ours, "wrrr", strict=True)
        ]
        return HostProcess(handle, *files)

    def load_ahead(self, modules: Iterable[str] = ()) -> None:
        """Begin to load Pulumi's SDK, and modules for the processes to come.

        Errors are left to whoever needs the modules.
        """
        with self._lock:
            if self._control is None:
                self._control = self._launch()
            new = sorted({*modules} - self._loaded)
            if new:
                self._loaded.update(new)
                with contextlib.suppress(OSError):
                    self._control.send(json.dumps({"modules": new}).encode())

    def _request(self, streams: Iterable[int]) -> int:
        with self._lock:
            for last_try in (False, True):
                if self._control is None:
                    self._control = self._launch()
                try:
                    socket.send_fds(self._control, [b"{}"], list(streams))
                    message, handles, _flags, _address = socket.recv_fds(self._control, 64, 1)
                    if message and handles:
                        return handles[0]
                except OSError:
                    if last_try:
                        raise
                self._end()  # its process has died: another one takes over
        raise OSError("the process that loads Pulumi's SDK ended")

    def _launch(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kraj.engine.local.host", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            # The channel to an engine that is done breaks; gRPC would write that to the output.
            env={**inherited(os.environ), "GRPC_VERBOSITY": "NONE"},
            start_new_session=True,  # Ctrl-C is the engine's to handle
        )
        theirs.close()
        self._loaded = set()
        self._finalizer = weakref.finalize(self, _end, ours, process)
        return ours

    def close(self) -> None:
        """End the process that starts others."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._control = self._finalizer = None


def _end(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Close the socket, upon which the process ends by itself."""
    control.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _pipe(inward: bool) -> tuple[int, int]:
    """The process's and the engine's end of a pipe that leads to (`inward`) or from the process."""
    read, write = os.pipe()
    return (read, write) if inward else (write, read)

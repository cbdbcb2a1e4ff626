"""Ends processes for certain: by process id together with start time, because ids are given again.

(psutil compares both before it sends a signal.)
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import psutil


def end(processes: Sequence[psutil.Process], seconds: float) -> None:
    """TERM, and KILL for those that still live after so many seconds."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    wait_gone(processes, seconds)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_gone(processes, 5.0)


def wait_gone(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Wait until none of them lives, at most so many seconds."""
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

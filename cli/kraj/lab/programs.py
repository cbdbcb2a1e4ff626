"""Runs the short programs of a start (installers, migrations) and finds those that outlived one.

Each carries the lab's folder in its environment. When kraj itself is killed they go on alone; the
next start ends them before it does the same work again.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from kraj.lab.processes import end

MARK = "KRAJ_LAB_STEP"
LAST_WORDS_SECONDS = 5.0


def run(
    folder: Path, command: Sequence[str], environment: Mapping[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program for the lab in that folder and wait for its end; `given` is its input."""
    return subprocess.run(
        command,
        env={**environment, MARK: str(folder)},
        capture_output=True,
        text=True,
        check=False,
        input=given,
    )


def end_leftovers(folder: Path) -> None:
    """End what a killed kraj started for this lab; the caller holds the lab's lock."""
    found = []
    # psutil keeps what it saw; an id that was given again since would stand for a dead process.
    psutil.process_iter.cache_clear()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == str(folder) and process.pid != os.getpid():
                found.append(process)
    end(found, LAST_WORDS_SECONDS)

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

from kraj.errors import KrajError
from kraj.lab.errors import MIGRATION_FAILED
from kraj.lab.processes import end
from kraj.lab.settings import LabSettings
from kraj.lab.supervision import last_lines

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


def run_logged(
    settings: LabSettings,
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    given: str = "",
) -> str:
    """Run a program of the venv (or an absolute one) and return what it printed.

    Its output goes to `log/<name>.out` as well. Raises KRJ504 where it fails.
    """
    program = command[0] if command[0].startswith("/") else str(settings.venv / "bin" / command[0])
    done = run(
        settings.folder,
        [program, *command[1:]],
        {
            "PATH": f"{settings.venv / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
            # barbican reads ~/.barbican/barbican.conf, so that no password is on a command line.
            "HOME": str(settings.data / "barbican"),
            "PYTHONWARNINGS": "ignore",
            **(environment or {}),
        },
        given,
    )
    log = settings.log / f"{name}.out"
    with log.open("a", encoding="utf-8") as stream:
        stream.write(done.stdout + done.stderr)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise KrajError(
            MIGRATION_FAILED,
            f"{Path(program).name} ended with {done.returncode} (log: {log})",
            causes=(*lines[-6:], *_logged_errors(settings, name)),
        )
    return done.stdout


def _logged_errors(settings: LabSettings, name: str) -> list[str]:
    """The last errors in the log of the service that a program prepares.

    OpenStack's programs often write there alone why they end.
    """
    log = settings.log / f"{name.removeprefix('migrate-')}.log"
    lines = last_lines(log, 50) if log.is_file() else []
    errors = [line.partition(" ERROR ")[2] for line in lines]
    return [line for line in errors if len(line.split()) > 1][-3:]


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

"""Commands on servers over SSH, by a file of settings that has the way to each server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from kraj.engine.inherited import inherited_for_ssh


def run_over_ssh(
    server: str, command: str, settings: Path, given: str = "", seconds: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a shell command as the user who signs in, with `given` as its input; asks nobody.

    Raises subprocess.TimeoutExpired where it does not end within so many seconds. The exit code is
    255 where SSH itself failed.
    """
    return subprocess.run(
        ["ssh", "-F", str(settings), "-o", "BatchMode=yes", server, command],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env=ssh_environment(),
    )


def ssh_environment() -> dict[str, str]:
    """What SSH, and Python programs that start it, get of the environment."""
    return {
        **inherited_for_ssh(os.environ),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """Why a command failed: the last line that it wrote."""
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"SSH ended with {done.returncode}"

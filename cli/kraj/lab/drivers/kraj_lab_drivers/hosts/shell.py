"""Runs the machine's own tools: ip, nft, podman, losetup."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection
from typing import Any

SECONDS = 120.0


class ToolError(RuntimeError):
    """A tool that failed, with its own words."""


def run(
    *words: str,
    given: str | None = None,
    seconds: float = SECONDS,
    good: Collection[int] = (0,),
) -> str:
    """Standard output of a command. Raises ToolError where it fails or takes too long."""
    try:
        done = subprocess.run(
            words, input=given, capture_output=True, text=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{words[0]}: {error}") from error
    if done.returncode not in good:
        told = done.stderr.strip() or f"exit code {done.returncode}"
        raise ToolError(f"{' '.join(words)}: {told}")
    return done.stdout


def read(*words: str) -> Any:
    """Standard output of a command that prints JSON; an empty list where it prints nothing."""
    return json.loads(run(*words) or "[]")

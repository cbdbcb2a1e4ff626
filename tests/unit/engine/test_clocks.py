"""A machine whose clock is set while a run has its lock: the lock counts, not the times in it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kraj.engine.local.lock import _start_of
from kraj.errors import KrajError

from .conftest import Lab


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Another process, which does nothing."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def lock(lab: Lab, pid: int, hours: float, **changes: Any) -> None:
    """A lock that a process of this machine took so many hours after it began, by the clock."""
    lab.up('Note("a")')
    folder = lab.root / "state/.pulumi/locks/organization/notes/test.one"
    moment = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    content = {"pid": pid, "username": "x", "hostname": socket.gethostname(), "timestamp": moment}
    (folder / "one.json").write_text(json.dumps(content | {"started": _start_of(pid)} | changes))


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_living_process_keeps_its_lock_when_the_clock_is_set(
    lab: Lab, other: subprocess.Popen[bytes], hours: float
) -> None:
    lock(lab, other.pid, hours)
    with pytest.raises(KrajError, match=rf"KRJ306.*process {other.pid}"):
        lab.up()


@pytest.mark.parametrize("hours", [-5, 5])
def test_another_process_with_the_number_of_a_dead_one_has_no_lock(lab: Lab, hours: float) -> None:
    lock(lab, os.getpid(), hours, started=_start_of(1) + "0")
    result = lab.up()
    assert [note for note in result.diagnostics if "that process is dead" in note]

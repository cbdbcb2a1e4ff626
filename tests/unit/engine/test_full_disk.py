"""A disk that is really full, where the state is kept: a small file system in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kraj.errors import KrajError

from .conftest import Lab, operations

_IS_ROOT = sys.platform == "linux" and os.geteuid() == 0

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not _IS_ROOT, reason="mounting a small file system needs root on Linux"),
]

#: Pages of 4 KiB that the file system has; a state of the programs below takes one or two.
BYTES = 256 * 1024
CHAIN = 'a = Note("a")\nb = Note("b", text=a.path)\nNote("c", text=b.path)'


@pytest.fixture
def small_disk(lab: Lab) -> Iterator[Path]:
    """The lab's state folder on a file system of its own."""
    folder = lab.root / "state"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "kraj-test", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(b"\0" * 4096)
            except OSError:
                return filler


def test_nothing_is_made_where_the_state_has_no_room(lab: Lab, small_disk: Path) -> None:
    lab.up('Note("a")')
    stored = lab.checkpoint.read_bytes()
    filler = fill(small_disk)
    with pytest.raises(KrajError, match="No space left on device") as caught:
        lab.up(CHAIN)
    # Already the lock finds no room: no step has begun.
    assert caught.value.code.code in ("KRJ306", "KRJ308")
    assert caught.value.hint
    assert lab.checkpoint.read_bytes() == stored
    assert set(lab.notes()) == {"a"}
    filler.unlink()
    assert operations(lab.up()) == {"a": "same", "b": "create", "c": "create"}


def test_a_disk_that_fills_up_half_way_loses_nothing(lab: Lab, small_disk: Path) -> None:
    lab.up('Note("a")')
    fillers: list[Path] = []

    def fill_up(event: object) -> None:
        if not fillers and lab.notes().keys() >= {"a", "b"}:
            fillers.append(fill(small_disk))

    with pytest.raises(KrajError, match="No space left on device") as caught:
        lab.engine.up(lab.spec(CHAIN), fill_up)
    assert caught.value.code.code == "KRJ308"
    assert fillers
    known = json.loads(lab.checkpoint.read_bytes())["checkpoint"]["latest"]
    assert [path for path in small_disk.rglob(".*.json.*") if path.is_file()] == []
    done = {item["urn"].rsplit("::", 1)[-1] for item in known["resources"]}
    pending = {
        item["resource"]["urn"].rsplit("::", 1)[-1] for item in known.get("pending_operations", ())
    }
    # What exists is in the state, for which room was kept; nothing more was begun.
    assert set(lab.notes()) <= done
    assert pending == set()
    assert list(small_disk.rglob("*.spare")) == []
    assert "c" not in lab.notes()
    fillers[0].unlink()
    lab.up(CHAIN)
    assert set(lab.notes()) == {"a", "b", "c"}

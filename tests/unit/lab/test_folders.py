"""A full disk, or a folder that is not ours, is told with what to do and never as a defect."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kraj.errors import ErrorCode, KrajError
from kraj.events import ignore
from kraj.lab import Lab, LabSettings, startup
from kraj.lab.errors import NO_ROOM, UNSUPPORTED
from kraj.lab.folders import check_room, told_plainly


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, NO_ROOM),
        (errno.EDQUOT, NO_ROOM),
        (errno.EACCES, UNSUPPORTED),
        (errno.EROFS, UNSUPPORTED),
    ],
)
def test_what_the_file_system_refuses_names_the_file(
    tmp_path: Path, number: int, code: ErrorCode
) -> None:
    with pytest.raises(KrajError) as caught, told_plainly(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "lab.json"))
    assert caught.value.code is code
    assert str(tmp_path / "lab.json") in caught.value.message
    assert os.strerror(number) in caught.value.causes[0]
    assert "--state FOLDER" in caught.value.hint


def test_other_failures_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError), told_plainly(tmp_path):
        raise ConnectionResetError(errno.ECONNRESET, "reset")


def test_a_lab_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(KrajError) as caught:
        Lab(LabSettings(tmp_path / "letter.txt" / "lab")).up(ignore)
    assert caught.value.code is UNSUPPORTED
    assert str(tmp_path / "letter.txt") in caught.value.message


def test_a_lab_is_deleted_where_not_a_byte_can_be_written(tmp_path: Path) -> None:
    LabSettings(tmp_path / "lab").claim()
    code = """
import resource, sys
from pathlib import Path
from kraj.events import ignore
from kraj.lab import Lab, LabSettings
lab = Lab(LabSettings(Path(sys.argv[1])))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
lab.destroy(ignore)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "lab")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_room_is_asked_for_before_anything_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_room(tmp_path, 1)
    monkeypatch.setattr(startup, "NEW_LAB_BYTES", 2**60)
    with pytest.raises(KrajError) as caught:
        Lab(LabSettings(tmp_path / "lab", (), 17521)).up(ignore)
    assert caught.value.code is NO_ROOM
    assert caught.value.message.endswith("the lab needs 1.1e+09 GiB")
    assert [path.name for path in (tmp_path / "lab").iterdir()] == ["lab.json"]

"""Programs that prepare a lab: what they print, and what is told when they fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.lab.errors import MIGRATION_FAILED
from kraj.lab.programs import run_logged
from kraj.lab.settings import LabSettings

LOG = """\
2026-11-23 11:13:11.152 22210 INFO keystone starts
2026-11-23 11:13:11.152 22210 ERROR keystone   File "core.py", line 39, in __init__
2026-11-23 11:13:11.152 22210 ERROR keystone PermissionError: denied: '/etc/keystone'
2026-11-23 11:13:11.152 22210 ERROR keystone
"""


@pytest.fixture
def settings(tmp_path: Path) -> LabSettings:
    made = LabSettings(tmp_path / "lab")
    made.claim()
    made.log.mkdir()
    return made


def test_what_a_program_prints_is_returned_and_kept(settings: LabSettings) -> None:
    code = "import sys; print(sys.stdin.read())"
    assert run_logged(settings, "accounts", [sys.executable, "-c", code], given="1") == "1\n"
    assert (settings.log / "accounts.out").read_text() == "1\n"


def test_a_failure_shows_what_the_program_and_its_service_wrote_last(settings: LabSettings) -> None:
    (settings.log / "keystone.log").write_text(LOG)
    code = "import sys; sys.exit('no configuration')"
    with pytest.raises(KrajError) as caught:
        run_logged(settings, "migrate-keystone", [sys.executable, "-c", code])
    assert caught.value.code is MIGRATION_FAILED
    assert str(settings.log / "migrate-keystone.out") in caught.value.message
    assert caught.value.causes == (
        "no configuration",
        'keystone   File "core.py", line 39, in __init__',
        "keystone PermissionError: denied: '/etc/keystone'",
    )

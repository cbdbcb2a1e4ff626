"""What a booted machine tells on its serial port, and what is made of it."""

from __future__ import annotations

import pytest

from kraj.images.virtual import Booted, report_on

CONSOLE = """\
[   12.3] some line of the kernel\r
kraj-boot login: \r
KRAJ-BEGIN\r
state=running\r
failed=\r
root_mib=7890\r
firmware=BIOS\r
hostname=kraj-boot\r
KRAJ-END\r
[   14.0] reboot: Power down\r
"""


def booted(console: str) -> Booted:
    return Booted(30, report_on(console), "last line")


def test_a_machine_that_is_well_has_no_fault() -> None:
    assert booted(CONSOLE).faults("BIOS") == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("state=running", "state=degraded", "the system is degraded: no unit failed"),
        ("failed=", "failed=nginx.service", ""),
        ("root_mib=7890", "root_mib=900", "the root file system has 900 MiB: it did not grow"),
        ("firmware=BIOS", "firmware=EFI", "it was started by EFI"),
        ("=kraj-boot", "=localhost", "its name is 'localhost': no metadata were read"),
        ("KRAJ-END", "KRAJ-", "it did not come up within 30 s:\nlast line"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, fault: str) -> None:
    assert booted(CONSOLE.replace(old, new)).faults("BIOS") == ([fault] if fault else [])


def test_failed_units_are_named() -> None:
    console = CONSOLE.replace("running", "degraded").replace("failed=", "failed=a.service b.mount")
    assert booted(console).faults("BIOS") == ["the system is degraded: a.service b.mount failed"]

"""Which state of the package archive an image is made from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.images.archive import Mirror, read_snapshot, snapshot_of_lists
from kraj.images.errors import ARCHIVE_UNUSABLE
from kraj.images.recipe import BOOKWORM

RELEASE = "Origin: Debian\nCodename: {}\nDate: Sun, 29 Nov 2026 00:53:1{} UTC\n"


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    """A mirror in a folder."""
    for number, suite in enumerate(BOOKWORM.suites):
        part = "debian-security" if suite.endswith("security") else "debian"
        path = tmp_path / part / "dists" / suite / "InRelease"
        path.parent.mkdir(parents=True)
        path.write_text(RELEASE.format(suite, number))
    return Mirror.of_environment({"KRAJ_DEBIAN_MIRROR": f"file://{tmp_path}/debian/"})


def test_the_snapshot_has_the_date_of_every_suite(mirror: Mirror) -> None:
    found = read_snapshot(mirror, BOOKWORM)
    assert list(found.suites) == list(BOOKWORM.suites)
    assert found.date == datetime(2026, 11, 29, 0, 53, 12, tzinfo=UTC)


def test_a_mirror_without_the_release_is_named(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "debian/dists/bookworm-updates/InRelease").unlink()
    with pytest.raises(KrajError, match="debian/dists/bookworm-updates/InRelease") as caught:
        read_snapshot(mirror, BOOKWORM)
    assert caught.value.code is ARCHIVE_UNUSABLE


def test_apts_lists_tell_the_same_as_the_mirror(mirror: Mirror, tmp_path: Path) -> None:
    lists = tmp_path / "tree/var/lib/apt/lists"
    lists.mkdir(parents=True)
    for suite in BOOKWORM.suites:
        where = mirror.address(suite).removeprefix("file://")
        text = Path(f"{where}/dists/{suite}/InRelease").read_text()
        (lists / f"mirror.example_debian_dists_{suite}_InRelease").write_text(text)
    assert snapshot_of_lists(tmp_path / "tree", BOOKWORM) == read_snapshot(mirror, BOOKWORM)


def test_security_updates_come_from_beside_the_mirror_unless_told_otherwise() -> None:
    beside = Mirror.of_environment({"KRAJ_DEBIAN_MIRROR": "https://mirror.example/debian"})
    assert beside.security == "https://mirror.example/debian-security"
    told = Mirror.of_environment(
        {
            "KRAJ_DEBIAN_MIRROR": "https://mirror.example/debian",
            "KRAJ_DEBIAN_SECURITY_MIRROR": "https://security.example/",
        }
    )
    assert told.security == "https://security.example"


def test_only_a_mirror_of_the_past_may_have_signatures_that_are_out_of_date() -> None:
    now = Mirror("https://mirror.example/debian", "https://mirror.example/debian-security")
    past = Mirror("https://snapshot.example/debian/20261101T000000Z", "https://snapshot.example/s")
    assert not any("check-valid-until" in line for line in now.sources(BOOKWORM))
    assert all("[check-valid-until=no]" in line for line in past.sources(BOOKWORM))

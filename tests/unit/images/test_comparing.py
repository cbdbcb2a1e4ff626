"""What changed from one image to another, and which weaknesses came and went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from kraj.errors import KrajError
from kraj.images.comparing import Change, Weakness, compare, read_tracker
from kraj.images.contents import Package
from kraj.images.errors import BAD_TRACKER
from kraj.images.manifest import Manifest


def package(
    name: str, version: str, source: str = "", kind: Literal["deb", "pypi"] = "deb", place: str = ""
) -> Package:
    return Package(
        kind=kind,
        name=name,
        version=version,
        architecture="amd64" if kind == "deb" else "",
        source=source or name,
        source_version=version,
        place=place,
    )


def image(*packages: Package) -> Manifest:
    return Manifest(
        image="records",
        version="20261129-12345678",
        digest="",
        release="bookworm",
        os_version="12",
        snapshot={},
        roles=(),
        made="2026-11-29T10:00:00+00:00",
        seconds=1,
        seconds_by_layer={},
        cached=(),
        tree_digest="",
        file_count=1,
        tree_mib=1,
        outputs={},
        packages=packages,
    )


OLD = image(
    package("libssl3", "3.0.17-1~deb12u1", "openssl"),
    package("openssl", "3.0.17-1~deb12u1"),
    package("nginx", "1.22.1-9"),
    package("curl", "7.88.1-10"),
    package("django", "4.2.9", kind="pypi", place="opt/mayan/lib"),
)
NEW = image(
    package("libssl3", "3.0.18-1~deb12u2", "openssl"),
    package("openssl", "3.0.18-1~deb12u2"),
    package("nginx", "1.22.1-8"),
    package("redis", "5:7.0.15-1"),
    package("django", "4.2.10", kind="pypi", place="opt/mayan/lib"),
)


def test_packages_are_added_removed_upgraded_and_downgraded() -> None:
    words = {change.name: change.word for change in compare(OLD, NEW).changes}
    assert words == {
        "curl": "removed",
        "django": "upgraded",
        "libssl3": "upgraded",
        "nginx": "downgraded",
        "openssl": "upgraded",
        "redis": "added",
    }
    assert Change("deb", "curl", "7.88.1-10", "") in compare(OLD, NEW).changes


def test_an_image_does_not_differ_from_itself() -> None:
    assert compare(OLD, OLD).changes == ()


TRACKER = {
    "openssl": {
        "CVE-2026-1": {
            "releases": {"bookworm": {"status": "resolved", "fixed_version": "3.0.18-1~deb12u1"}}
        },
        "CVE-2026-2": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "0"}}},
        "CVE-2026-3": {"releases": {"bookworm": {"status": "open"}}},
        "CVE-2026-4": {"releases": {"trixie": {"status": "open"}}},
        "TEMP-0000000-AB12": {"releases": {"bookworm": {"status": "open"}}},
    },
    "redis": {"CVE-2026-5": {"releases": {"bookworm": {"status": "open"}}}},
    "nginx": {
        "CVE-2026-6": {
            "releases": {"bookworm": {"status": "resolved", "fixed_version": "1.22.1-9"}}
        }
    },
}


def test_weaknesses_are_told_by_what_happened_to_them() -> None:
    found = compare(OLD, NEW, TRACKER)
    assert found.fixed == (Weakness("CVE-2026-1", "openssl"),)
    assert found.introduced == (Weakness("CVE-2026-6", "nginx"), Weakness("CVE-2026-5", "redis"))
    assert found.open == (Weakness("CVE-2026-3", "openssl"),)


def test_without_tracker_data_none_are_named() -> None:
    found = compare(OLD, NEW)
    assert (found.fixed, found.introduced, found.open) == ((), (), ())


@pytest.mark.parametrize("content", ["not json", "[]", '{"openssl": []}'])
def test_a_file_that_is_not_the_trackers_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tracker.json"
    path.write_text(content)
    with pytest.raises(KrajError) as caught:
        read_tracker(path)
    assert caught.value.code is BAD_TRACKER


def test_the_trackers_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tracker.json"
    path.write_text(json.dumps(TRACKER))
    assert read_tracker(path) == TRACKER

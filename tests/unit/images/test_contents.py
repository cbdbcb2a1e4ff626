"""Which software is in a tree, and the bill that is made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kraj.images.bill import bill_of_materials
from kraj.images.contents import Package, packages_of

STATUS = """\
Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.18-1~deb12u2
Description: library
 of two lines

Package: dash
Status: install ok installed
Architecture: amd64
Version: 0.5.12-2

Package: linux-image-cloud-amd64
Status: install ok installed
Architecture: amd64
Source: linux-signed-amd64 (6.1.1+1)
Version: 6.1.1-1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: BSD-3-Clause

Files: src/mksignames.c
License: GPL-2+
 the text
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("var/lib/dpkg/status", STATUS)
    write("usr/share/doc/dash/copyright", COPYRIGHT)
    write("usr/share/doc/libssl3/copyright", "This is OpenSSL. License: see there\n")
    write(
        "opt/mayan/lib/python3.11/site-packages/Django-4.2.10.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: Django\nVersion: 4.2.10\n"
        "Classifier: License :: OSI Approved :: BSD License\n",
    )
    write(
        "opt/mayan/lib/python3.11/site-packages/attrs-25.1.0.dist-info/METADATA",
        "Metadata-Version: 2.4\nName: attrs\nVersion: 25.1.0\nLicense-Expression: MIT\n",
    )
    write(
        "usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n",
    )
    return tmp_path


def test_packages_of_debian_and_of_python_are_found_once(tree: Path) -> None:
    found = {package.name: package for package in packages_of(tree)}
    assert set(found) == {"libssl3", "dash", "linux-image-cloud-amd64", "django", "attrs"}
    assert found["django"].version == "4.2.10"
    assert found["django"].place == "opt/mayan/lib/python3.11/site-packages"


def test_source_packages_have_their_own_versions(tree: Path) -> None:
    found = {package.name: package for package in packages_of(tree)}
    sources = {name: (found[name].source, found[name].source_version) for name in found}
    assert sources["libssl3"] == ("openssl", "3.0.18-1~deb12u2")
    assert sources["dash"] == ("dash", "0.5.12-2")
    assert sources["linux-image-cloud-amd64"] == ("linux-signed-amd64", "6.1.1+1")


def test_licences_come_from_what_is_written_for_machines(tree: Path) -> None:
    found = {package.name: package.licences for package in packages_of(tree)}
    assert found["dash"] == ("BSD-3-Clause", "GPL-2+")
    assert found["libssl3"] == ()
    assert found["django"] == ("BSD License",)
    assert found["attrs"] == ("MIT",)


def bill(found: tuple[Package, ...]) -> str:
    date = datetime(2026, 11, 29, tzinfo=UTC)
    return bill_of_materials("records", "20261129-12345678", "ab" * 32, date, "12", found)


def test_the_bill_names_every_package_by_its_address(tree: Path) -> None:
    document = json.loads(bill(packages_of(tree)))
    addresses = {part["purl"] for part in document["components"]}
    assert "pkg:deb/debian/dash@0.5.12-2?arch=amd64&distro=debian-12" in addresses
    assert "pkg:pypi/django@4.2.10" in addresses
    assert len(addresses) == 5
    assert document["metadata"]["component"]["version"] == "20261129-12345678"


def test_the_same_tree_has_the_same_bill(tree: Path) -> None:
    assert bill(packages_of(tree)) == bill(packages_of(tree))

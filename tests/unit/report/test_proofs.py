"""Proofs as JUnit: what a pipeline reads."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from kraj.report.proofs import write_junit
from kraj.verify.checks import Check, Proof, Status, equal


def test_junit_counts_and_names_every_check(tmp_path: Path) -> None:
    proof = Proof(
        "tenant:liberec",
        (
            equal("server.active", "records-1", "ACTIVE", "ACTIVE"),
            equal("server.active", "records-2", "ACTIVE", "ERROR"),
            Check("scs", "standards", Status.SKIPPED, message="no credential"),
        ),
        1.5,
    )
    write_junit([proof], tmp_path / "proof.xml")
    root = ET.parse(tmp_path / "proof.xml").getroot()  # noqa: S314 - our own file
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("3", "1", "1")
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "expected ACTIVE, found ERROR"

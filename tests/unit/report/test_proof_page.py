"""The page of a proof, read as a browser reads it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

from kraj.report.proof_page import write_page
from kraj.verify.checks import Check, Proof, Status, equal

MOMENT = datetime(2026, 12, 1, 5, 30, tzinfo=UTC)
GOOD = Proof("centre", (equal("quota.compute", "cores", 64, 64),), 0.5)
BAD = Proof(
    "tenant:liberec",
    (
        equal("server.active", "records-1", "ACTIVE", "ACTIVE"),
        equal("server.active", "records-2", "ACTIVE", "ERROR"),
        equal("quota.compute", "cores", 8, 8),
        Check("inside.base.hardening[a]", "records-1", Status.SKIPPED, message="it's a container"),
        Check(
            "inside.map.health", "<b>map</b>", Status.FAILED, [1, "two"], {"a": None}, "no & yes"
        ),
    ),
    1.5,
)


def page(tmp_path: Path, *proofs: Proof) -> ET.Element:
    """The page's elements: it is written so that a reader of XML takes it too."""
    write_page("liberecky", proofs, tmp_path / "new" / "proof.html", MOMENT)
    text = (tmp_path / "new" / "proof.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    for void in ('<meta charset="utf-8">', 'initial-scale=1">', "<br>"):
        text = text.replace(void, void[:-1] + "/>")
    text = text.replace("<details open>", '<details open="open">')
    return ET.fromstring(text.removeprefix("<!doctype html>"))  # noqa: S314 - our own file


def words(element: ET.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def test_the_verdict_comes_first(tmp_path: Path) -> None:
    good, bad = page(tmp_path, GOOD), page(tmp_path, GOOD, BAD)
    assert words(good.find(".//h1")) == "Region liberecky: as planned"
    assert words(bad.find(".//h1")) == "Region liberecky: not as planned"
    facts = words(bad.find(".//p[@class='facts']"))
    assert "3 passed , 2 failed , 1 skipped" in facts
    assert "2026-12-01 05:30:00+00:00" in facts


def test_failures_are_open_and_before_all_else(tmp_path: Path) -> None:
    root = page(tmp_path, BAD)
    groups = root.findall(".//details")
    names = [words(group.find("./summary/strong")) for group in groups]
    assert names == ["inside.map", "server", "inside.base", "quota"]
    assert [group.get("open") for group in groups] == ["open", "open", None, None]
    first = groups[1].find(".//tbody/tr")
    assert (
        words(first) == "failed server.active records-2 ACTIVE ERROR expected ACTIVE, found ERROR"
    )


def test_what_was_found_is_shown_as_text(tmp_path: Path) -> None:
    root = page(tmp_path, BAD)
    (row,) = [row for row in root.findall(".//tbody/tr") if "inside.map.health" in words(row)]
    assert "<b>map</b>" in words(row)
    assert "1 two" in words(row)
    assert '{ "a": null } no & yes' in words(row)


def test_each_stack_is_led_to_from_the_table(tmp_path: Path) -> None:
    root = page(tmp_path, GOOD, BAD)
    links = [link.get("href") for link in root.findall(".//table//a")]
    assert links == ["#centre", "#tenant:liberec"]
    assert [heading.get("id") for heading in root.findall(".//h2")] == ["centre", "tenant:liberec"]


def test_the_page_asks_nobody_for_anything(tmp_path: Path) -> None:
    write_page("liberecky", [BAD], tmp_path / "proof.html", MOMENT)
    text = (tmp_path / "proof.html").read_text(encoding="utf-8")
    assert not any(word in text for word in ("http:", "https:", "src=", "<script", "@import"))

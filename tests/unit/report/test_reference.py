"""Committed pages say what the code says."""

from __future__ import annotations

from pathlib import Path

from kraj.report.reference import errors_page

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_errors_is_current() -> None:
    assert (DOCS / "errors.md").read_text(encoding="utf-8") == errors_page()

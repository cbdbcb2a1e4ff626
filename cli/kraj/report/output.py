"""The two consoles, results on standard output and progress on standard error, and JSON.

Progress never mixes with results: `kraj plan --json | jq` works with a progress bar on screen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from kraj.report.documents.base import Document

_MINUTE = len("2026-11-23T10:48")


def results() -> Console:
    """Standard output."""
    return Console(highlight=False)


def progress() -> Console:
    """Standard error."""
    return Console(stderr=True, highlight=False)


def print_document(document: Document) -> None:
    """The one document of a command on standard output."""
    print_json(document.as_dict())


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on standard output, readable by people and programs."""
    print(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def plain_table(*columns: str) -> Table:
    """A table without lines, whose columns fold long words."""
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def minute_of(moment: str | None) -> str:
    """An ISO 8601 moment down to the minute, so that tables fit into 80 columns; empty for None."""
    return (moment or "")[:_MINUTE].replace("T", " ")

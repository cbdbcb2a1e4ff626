"""Prints errors: one line that says what failed, its place, the chain of causes, and what to do."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from kraj.errors import KrajError
from kraj.report.documents.failures import ErrorDocument


def print_errors(errors: Sequence[KrajError], console: Console) -> None:
    """Print all errors in their order, then how many there were."""
    for error in errors:
        console.print(
            f"[bold red]error[/][red]\\[{error.code}][/]: [bold]{escape(error.message)}[/]",
            highlight=False,
            soft_wrap=True,
        )
        if error.location:
            console.print(
                f"  [blue]-->[/] {escape(str(error.location))}", soft_wrap=True, highlight=False
            )
        for cause in error.causes:
            console.print(f"  [dim]caused by:[/] {escape(cause)}", soft_wrap=True, highlight=False)
        if error.hint:
            console.print(f"  [cyan]hint:[/] {escape(error.hint)}", soft_wrap=True, highlight=False)
    if len(errors) > 1:
        console.print(f"[bold red]{len(errors)} errors[/]", highlight=False)


def errors_as_json(errors: Sequence[KrajError]) -> str:
    """The errors as one JSON document (schema `docs/schema/output/error.json`)."""
    return json.dumps(ErrorDocument.of(errors).as_dict(), ensure_ascii=False, indent=2)

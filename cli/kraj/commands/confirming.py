"""Asks before something is deleted; where nobody is there to answer, the answer is no."""

from __future__ import annotations

import sys

import typer

from kraj.errors import KrajError
from kraj.operations.errors import NOT_CONFIRMED


def confirm(question: str, kept: str, hint: str) -> None:
    """Go on only after a yes. Raises KRJ704 with what was kept, and typer.Abort on Ctrl-C."""
    try:
        confirmed = typer.confirm(question, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        # Not Ctrl-C: there is nobody to answer.
        confirmed = False
    if not confirmed:
        raise KrajError(NOT_CONFIRMED, kept, hint=hint)

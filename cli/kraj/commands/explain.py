"""`kraj explain`: what an error code means and what to do."""

from __future__ import annotations

from typing import Annotated

import typer

from kraj.commands.options import Json
from kraj.errors import KrajError
from kraj.operations.codes import all_codes
from kraj.operations.errors import UNKNOWN_CODE
from kraj.report.documents.machine import ExplainDocument
from kraj.report.output import print_document, results


def explain(
    code: Annotated[
        str | None, typer.Argument(help="An error code, for example KRJ302; all where none.")
    ] = None,
    json_: Json = False,
) -> None:
    """Explain an error code, or list them all.

    Example: kraj explain KRJ302
    """
    codes = all_codes()
    if code is not None:
        codes = tuple(item for item in codes if item.code == code.upper())
        if not codes:
            raise KrajError(UNKNOWN_CODE, f"no error has the code {code!r}")
    if json_:
        print_document(ExplainDocument.of(codes))
        return
    console = results()
    if code is None:
        for item in codes:
            console.print(f"[bold]{item.code}[/]  {item.title}")
        return
    for item in codes:
        console.print(f"[bold]{item.code} {item.title}[/]\n{item.meaning}\n[cyan]{item.remedy}[/]")

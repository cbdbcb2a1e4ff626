"""`kraj schema`: the JSON Schemas of what commands print with `--json`."""

from __future__ import annotations

from typing import Annotated

import typer

from kraj.commands.options import Json
from kraj.errors import ExitCode
from kraj.report.documents.catalogue import DOCUMENTS, known_documents, schema_of_document
from kraj.report.output import print_document, print_json, results


def _complete_name(incomplete: str) -> list[str]:
    return [name for name in DOCUMENTS if name.startswith(incomplete)]


def schema(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A kind of document: `plan`, or as documents say it, `kraj.plan/1`; "
            "a list of all where none.",
            autocompletion=_complete_name,
        ),
    ] = None,
    json_: Json = False,
) -> int:
    """Print the JSON Schema of what a command prints with --json, or list all.

    The schemas of a region's files are those of `kraj region schema`.

    Example: kraj schema plan > plan.json
    """
    if name is not None:
        print_json(schema_of_document(name))
    elif json_:
        print_document(known_documents())
    else:
        console = results()
        for item in known_documents().documents:
            console.print(f"[bold]{item.name}[/]  {item.meaning}", soft_wrap=True)
    return ExitCode.OK

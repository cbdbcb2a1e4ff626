"""`kraj tenant`: what one municipality or organisation orders."""

from __future__ import annotations

from typing import Annotated

import typer

from kraj.commands.options import Json, Region, complete_target
from kraj.errors import ExitCode
from kraj.operations.catalogue import quote as quote_orders
from kraj.report.documents.services import QuoteDocument
from kraj.report.output import print_document, results
from kraj.report.services import print_quote

app = typer.Typer(help="What one municipality or organisation orders.", no_args_is_help=True)
_PREFIX = "tenant:"


def _complete_slug(incomplete: str) -> list[str]:
    names = complete_target(_PREFIX + incomplete)
    return [name.removeprefix(_PREFIX) for name in names]


@app.callback()
def tenant() -> None:
    """Keep `quote` a command of its own while it is the only one."""


@app.command()
def quote(
    slug: Annotated[
        str,
        typer.Argument(
            metavar="TENANT",
            help="Name of its file without .yaml.",
            autocompletion=_complete_slug,
        ),
    ],
    region: Region = None,
    json_: Json = False,
) -> int:
    """Say what a tenant's orders cost: once, monthly, yearly, by the region's price book.

    Needs no cloud, and the tenant need not stand yet.

    Example: kraj tenant quote zelezny-brod
    """
    made = quote_orders(region, slug)
    if json_:
        print_document(QuoteDocument.of(made))
    else:
        print_quote(made, results())
    return ExitCode.OK

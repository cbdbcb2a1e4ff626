"""`kraj tenant`: what one municipality or organisation orders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kraj.commands.options import Json, Region, complete_target
from kraj.errors import ExitCode
from kraj.files import write_atomically
from kraj.operations.catalogue import check as check_orders
from kraj.operations.catalogue import quote as quote_orders
from kraj.report.documents.services import QuoteDocument
from kraj.report.documents.tenants import TenantCheckDocument
from kraj.report.errors import print_errors
from kraj.report.output import print_document, progress, results
from kraj.report.services import print_quote
from kraj.report.tenants import markdown_of, print_tenant_check

app = typer.Typer(help="What one municipality or organisation orders.", no_args_is_help=True)
_PREFIX = "tenant:"


def _complete_slug(incomplete: str) -> list[str]:
    names = complete_target(_PREFIX + incomplete)
    return [name.removeprefix(_PREFIX) for name in names]


Slug = Annotated[
    str,
    typer.Argument(
        metavar="TENANT",
        help="Name of its file without .yaml.",
        autocompletion=_complete_slug,
    ),
]


@app.command()
def check(
    slug: Slug,
    region: Region = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown", dir_okay=False, help="Also write a comment for a merge request."
        ),
    ] = None,
    json_: Json = False,
) -> int:
    """Say what a tenant's file means: does it fit, what is made, what does it cost.

    Needs no cloud, and the tenant need not stand yet. Exit code 1 where an order does not fit.

    Example: kraj tenant check zelezny-brod --markdown comment.md
    """
    made = check_orders(region, slug)
    if markdown is not None:
        write_atomically(markdown, markdown_of(made))
    if json_:
        print_document(TenantCheckDocument.of(made))
    else:
        print_tenant_check(made, results())
        print_errors(made.refusals, progress())
    return ExitCode.OK if made.passed else ExitCode.ERROR


@app.command()
def quote(
    slug: Slug,
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

"""`kraj tenant`: what one municipality or organisation orders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kraj.commands.confirming import confirm
from kraj.commands.options import Json, Region, complete_target
from kraj.commands.tenant_wizard import Wizard, ask_in_terminal, parse_contact, parse_order
from kraj.errors import ExitCode
from kraj.files import write_atomically
from kraj.model.sources import display
from kraj.model.tenant import TenantKind
from kraj.operations.catalogue import check as check_orders
from kraj.operations.catalogue import quote as quote_orders
from kraj.operations.catalogue import services_of
from kraj.operations.new_tenant import compose_tenant, read_content, write_tenant
from kraj.report.documents.services import QuoteDocument
from kraj.report.documents.tenants import TenantCheckDocument, TenantNewDocument
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
def new(
    slug: Annotated[
        str, typer.Argument(metavar="[TENANT]", help="Its slug; made from the name if left out.")
    ] = "",
    region: Region = None,
    from_: Annotated[
        Path | None, typer.Option("--from", help="Take all from this file; - for standard input.")
    ] = None,
    name: Annotated[str, typer.Option(help="Official name, with diacritics.")] = "",
    kind: Annotated[TenantKind | None, typer.Option(help="What it is.")] = None,
    lau: Annotated[str, typer.Option(help="LAU code of a municipality.")] = "",
    company_id: Annotated[str, typer.Option(help="Identification number.")] = "",
    population: Annotated[int, typer.Option(min=0, help="Inhabitants.")] = 0,
    contact: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE,NAME,E-MAIL[,TELEPHONE]", help="Whom to ask; can be repeated."),
    ] = None,
    order: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERVICE[:size=SIZE,storage=AMOUNT]", help="What it orders; can be repeated."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    json_: Json = False,
) -> int:
    """Write a new tenant's file; in a terminal what is not given is asked for.

    The file is checked with the whole region first: whether it is right and
    fits beside all others. Nothing is built; `kraj plan` and `up` do that.

    Example: kraj tenant new --from request.yaml
    """
    given: dict[str, Any] = {
        "name": name,
        "kind": kind.value if kind else "",
        "lau": lau,
        "company_id": company_id,
        "population": population,
        "contacts": [parse_contact(text) for text in contact or ()],
        "services": [parse_order(text) for text in order or ()],
    }
    given = {key: value for key, value in given.items() if value}
    if from_ is not None:
        given = read_content(from_) | given
    elif sys.stdin.isatty() and not (yes or json_):
        files, _cards = services_of(region)
        wizard = Wizard(ask_in_terminal, progress())
        given = wizard.named(given)
        slug = wizard.slug(files, str(given.get("name", "")), slug)
        given = wizard.content(files, given)
    made = compose_tenant(region, given, slug)
    if not json_:
        results().print(made.text, markup=False, highlight=False, soft_wrap=True)
        print_tenant_check(made.check, results())
    if not dry_run:
        if sys.stdin.isatty() and not (yes or json_):
            confirm(f"Write {display(made.path)}?", "nothing was written", "Run it again.")
        write_tenant(made)
    if json_:
        print_document(TenantNewDocument.of(made, written=not dry_run))
    elif not dry_run:
        progress().print(f"Written: {display(made.path)}. Next: kraj plan", markup=False)
    return ExitCode.OK


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

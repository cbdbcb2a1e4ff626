"""`kraj service`: what towns can order."""

from __future__ import annotations

from typing import Annotated

import typer

from kraj.commands.options import Json, Region
from kraj.errors import ExitCode, KrajError
from kraj.operations.catalogue import find_service, services_of
from kraj.report.documents.services import ServiceEntry, ServiceListDocument, ServiceShowDocument
from kraj.report.output import print_document, results
from kraj.report.services import print_service, print_services

app = typer.Typer(help="What towns can order: the catalogue of services.", no_args_is_help=True)


def _complete_service(incomplete: str) -> list[str]:
    try:
        _files, cards = services_of(None)
    except (KrajError, OSError):
        return []
    return [card.name for card in cards if card.name.startswith(incomplete)]


@app.command("list")
def list_(region: Region = None, json_: Json = False) -> int:
    """List the services, with the price of each where the region has a price book.

    Example: kraj service list
    """
    files, cards = services_of(region)
    prices = files.region.prices
    if json_:
        entries = tuple(ServiceEntry.of(card, prices) for card in cards)
        currency = prices.currency if prices else None
        print_document(
            ServiceListDocument(region=files.region.name, currency=currency, services=entries)
        )
    else:
        print_services(cards, prices, results())
    return ExitCode.OK


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="SERVICE", help="Name of the service.", autocompletion=_complete_service
        ),
    ],
    region: Region = None,
    json_: Json = False,
) -> int:
    """Show one service: sizes, storage, who may reach it, backup, availability, price.

    Example: kraj service show records
    """
    files, card = find_service(region, name)
    prices = files.region.prices
    if json_:
        entry = ServiceEntry.of(card, prices)
        currency = prices.currency if prices else None
        print_document(
            ServiceShowDocument(region=files.region.name, currency=currency, service=entry)
        )
    else:
        print_service(card, prices, results())
    return ExitCode.OK

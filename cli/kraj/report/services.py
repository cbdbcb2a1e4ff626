"""The catalogue and quotes as text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kraj.model.prices import PriceBook
from kraj.model.service import DataVolume, ServiceCard, ServiceMode
from kraj.planning.quote import Line, Quote
from kraj.report.output import plain_table

_LANGUAGES = ("en",)


def print_services(
    cards: Sequence[ServiceCard], prices: PriceBook | None, console: Console
) -> None:
    """A row per service; narrow enough for 80 columns."""
    table = plain_table("service", "title", "runs on", "storage", "backup")
    if prices is not None:
        table.add_column(f"{prices.currency}/month", justify="right")
    for card in cards:
        orderable = card.orderable_volume
        cells = [
            card.name,
            escape(card.text(card.title, _LANGUAGES)),
            _place(card),
            _range(orderable) if orderable else "·",
            card.backup.value,
        ]
        if prices is not None:
            price = prices.services.get(card.name)
            cells.append(money(price.monthly) if price else "·")
        table.add_row(*cells)
    console.print(table)
    if prices is not None:
        console.print("Beside these prices the capacity that a service takes is paid.")
    console.print("`kraj service show NAME` says more; a tenant's file orders it.")


def print_service(card: ServiceCard, prices: PriceBook | None, console: Console) -> None:
    """Everything that somebody who orders it may want to know."""
    rpo = card.backup.rpo_minutes
    price = prices.services.get(card.name) if prices else None
    rows = [
        ("service", card.name),
        ("title", card.text(card.title, _LANGUAGES)),
        ("", card.text(card.description, _LANGUAGES)),
        ("owner", card.owner),
        ("runs on", _place(card)),
        ("sizes", f"{', '.join(card.sizes)} (without a wish: {card.default_size})"),
        *((f"volume {volume.name}", _volume(volume)) for volume in card.data_volumes),
        ("ports", ", ".join(f"{p.port}/{p.protocol} from {p.source.value}" for p in card.ports)),
        ("availability", card.availability.value),
        ("backup", card.backup.value + (f", at most {rpo // 60} hours are lost" if rpo else "")),
    ]
    if prices is not None and price is not None:
        currency = prices.currency
        once, monthly = money(price.once), money(price.monthly)
        rows.append(
            ("price", f"{once} {currency} once, {monthly} {currency} a month, and capacity")
        )
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, escape(value))
    console.print(table)


def print_quote(quote: Quote, console: Console) -> None:
    """The lines by service, and what they come to."""
    table = plain_table(quote.tenant)
    for heading in ("amount", "price", "once", "monthly"):
        table.add_column(heading, justify="right")
    for service, lines in groupby(quote.lines, lambda line: line.service):
        table.add_row(f"[bold]{escape(service)}[/]")
        for line in lines:
            table.add_row(
                f"  {escape(line.what)}",
                _amount(line),
                money(line.unit_price),
                money(line.once) if line.once else "·",
                money(line.monthly),
            )
    table.add_section()
    table.add_row("[bold]net[/]", "", "", money(quote.once), money(quote.monthly))
    if quote.vat_percent:
        once, monthly = quote.with_vat(quote.once), quote.with_vat(quote.monthly)
        label = f"with {quote.vat_percent.normalize():f} % VAT"
        table.add_row(f"[bold]{label}[/]", "", "", money(once), money(monthly))
    console.print(table)
    yearly = quote.with_vat(quote.yearly)
    console.print(f"A year: {money(yearly)} {quote.currency}. Prices in {quote.currency}.")


def money(amount: Decimal) -> str:
    """With thousands apart and two places."""
    return f"{amount:,.2f}"


def _amount(line: Line) -> str:
    """How many, with the unit where the line's name does not say it."""
    if line.what == "service":
        return ""
    number = f"{line.amount.normalize():,f}"
    return f"{number} {line.unit}" if line.unit == "GiB" else number


def _place(card: ServiceCard) -> str:
    if card.mode is ServiceMode.SHARED:
        return "the centre"
    return f"{card.servers} own server{'s' if card.servers > 1 else ''}"


def _range(volume: DataVolume) -> str:
    return f"{volume.minimum} to {volume.maximum}"


def _volume(volume: DataVolume) -> str:
    size = f"{_range(volume)}, without a wish {volume.default}" if volume.orderable else ""
    return f"pool {volume.pool}, {size or volume.default}"

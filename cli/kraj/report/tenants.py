"""What a tenant's file would mean, as text for a terminal and as a comment for a merge request."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape

from kraj.planning.capacity import POOL_PREFIX
from kraj.planning.quote import Quote
from kraj.planning.tenant_check import Fit, ServersMade, TenantCheck
from kraj.report.output import plain_table
from kraj.report.services import money


def print_tenant_check(check: TenantCheck, console: Console) -> None:
    """The verdict, what it takes, what is made, what it costs; refusals are printed as errors."""
    verdict = "[green]fits[/]" if check.passed else "[red]does not fit[/]"
    known = "planned before" if check.known else "new"
    console.print(f"[bold]{escape(check.title)}[/] ({check.tenant}, {known}) {verdict}.")
    table = plain_table("takes of the region")
    for heading in ("ordered", "free for it", "of"):
        table.add_column(heading, justify="right")
    for fit in check.fits:
        style = "" if fit.fits else "red"
        table.add_row(_resource(fit), *_amounts(fit), style=style)
    console.print(table)
    for name, value in _made(check):
        console.print(f"[bold]{name}[/] {escape(value)}", soft_wrap=True)
    for warning in check.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)


def markdown_of(check: TenantCheck) -> str:
    """A comment; by its first line a bot finds its last one and replaces it."""
    lines = [
        f"<!-- kraj tenant check {check.region} {check.tenant} -->",
        f"### {check.title}: {'fits' if check.passed else 'does not fit'}",
        "",
    ]
    lines += [f"- **{error.code.code}** {error.message}" for error in check.refusals]
    lines += [f"- warning: {warning}" for warning in check.warnings]
    if check.refusals or check.warnings:
        lines.append("")
    lines += [
        "| takes of the region | ordered | free for it | of |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [f"| {' | '.join((_resource(fit), *_amounts(fit)))} |" for fit in check.fits]
    lines += ["", *(f"- {name} {value}" for name, value in _made(check)), ""]
    return "\n".join(lines)


def _made(check: TenantCheck) -> Iterator[tuple[str, str]]:
    """What is made, and its price, each with its name."""
    for pool in check.servers:
        yield f"{pool.service}:", _servers(pool)
    if check.shared:
        yield "in the centre:", ", ".join(check.shared)
    if check.networks:
        yield "networks:", ", ".join(check.networks)
    if check.addresses:
        yield "public addresses of services:", str(check.addresses)
    if check.quote is not None:
        yield "costs:", _price(check.quote)


def _servers(pool: ServersMade) -> str:
    zones = sorted(set(pool.zones))
    where = f" in {', '.join(zones)}" if zones else ""
    noun = "server" if pool.count == 1 else "servers"
    return f"{pool.count} {noun} {pool.flavor}{where}, {pool.storage_gib:,} GiB of volumes"


def _price(quote: Quote) -> str:
    monthly, once = quote.with_vat(quote.monthly), quote.with_vat(quote.once)
    tax = " with VAT" if quote.vat_percent else ""
    return f"{money(monthly)} {quote.currency} a month and {money(once)} once{tax}"


def _amounts(fit: Fit) -> tuple[str, str, str]:
    """Ordered, free and limit; memory in GiB, as towns know it."""
    if fit.unit == "MiB":
        ordered, free, limit = (
            f"{amount / 1024:,.0f}" for amount in (fit.ordered, fit.free, fit.limit)
        )
        return ordered, free, f"{limit} GiB"
    unit = "" if fit.unit in ("vCPU", "addresses") else f" {fit.unit}"
    return f"{fit.ordered:,}", f"{fit.free:,}", f"{fit.limit:,}{unit}"


def _resource(fit: Fit) -> str:
    if fit.resource.startswith(POOL_PREFIX):
        return f"storage {fit.resource.removeprefix(POOL_PREFIX)}"
    return {"vcpus": "vCPU", "ram": "memory"}.get(fit.resource, "public addresses")

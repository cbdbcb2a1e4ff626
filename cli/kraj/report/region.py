"""A region's files as text."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kraj.model.loader import RegionFiles

#: Tenants that order more than the shared basics come first; of the rest only so many are listed.
LISTED_TENANTS = 20


def print_region(files: RegionFiles, console: Console) -> None:
    """Sites, pools, catalogue and tenants."""
    region = files.region
    console.print(f"[bold]{escape(region.title)}[/] ({region.nuts}), {region.time_zone}")
    for cloud in region.clouds:
        sites = ", ".join(
            f"{site.name} ({', '.join(site.availability_zones)})" for site in cloud.sites
        )
        console.print(f"cloud {escape(cloud.name)} in {cloud.jurisdiction}: sites {escape(sites)}")
    console.print(_pools(files))
    console.print(_services(files))
    console.print(_tenants(files))
    hidden = len(files.tenants) - LISTED_TENANTS
    if hidden > 0:
        console.print(f"[dim]… and {hidden} more tenants (--json shows all)[/]")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.pad_edge = False
    for column in columns:
        table.add_column(column)
    return table


def _pools(files: RegionFiles) -> Table:
    table = _table("Storage", "pool", "capacity", "overcommit", "headroom")
    for pool in files.region.storage.pools:
        table.add_row(
            pool.name, str(pool.capacity), f"{pool.overcommit:g}", f"{pool.headroom_percent} %"
        )
    return table


def _services(files: RegionFiles) -> Table:
    orders = Counter(
        order.service for tenant in files.tenants.values() for order in tenant.services
    )
    table = _table("Services", "service", "title", "mode", "availability", "ordered by")
    for name, card in files.services.items():
        title = card.text(card.title, files.region.languages)
        table.add_row(name, title, card.mode.value, card.availability.value, str(orders[name]))
    return table


def _tenants(files: RegionFiles) -> Table:
    table = _table("Tenants", "slug", "name", "code", "inhabitants", "orders")
    for column in table.columns:
        column.overflow = "fold"
    for column in (table.columns[0], table.columns[2], table.columns[3]):
        column.no_wrap = True  # slugs and codes are copied from here
    most = sorted(files.tenants.items(), key=lambda item: (-len(item[1].services), item[0]))
    for slug, tenant in most[:LISTED_TENANTS]:
        orders = ", ".join(order.service for order in tenant.services)
        people = f"{tenant.population:,}" if tenant.population else ""
        table.add_row(slug, tenant.name, tenant.code, people, orders)
    return table

"""The region's storage as a table and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from kraj.capacity.forecast import ALERT_PERCENT, CRITICAL_PERCENT, WARNING_PERCENT, Level
from kraj.files import write_atomically
from kraj.operations.capacity import PoolState, StorageState
from kraj.report.templating import template_environment

_STYLES: Final = {
    Level.FINE: "green",
    Level.WARNING: "yellow",
    Level.ALERT: "red",
    Level.CRITICAL: "bold red",
}
_TEMPLATE: Final = "storage.svg.j2"
_YEAR_MONTHS: Final = 12


def print_storage(state: StorageState, console: Console) -> None:
    """A row per pool, in GiB, and a line for what lies beside the pools."""
    table = Table(title="Storage", title_justify="left", title_style="bold", box=None)
    table.pad_edge = False
    table.add_column("pool (GiB)")
    for heading in ("limit", "promised", "allocated", "written", "free", "taken", "full"):
        table.add_column(heading, justify="right")
    for pool in state.pools:
        style = _STYLES[pool.level]
        share = "–" if pool.percent is None else f"{pool.percent:.0f} %"
        table.add_row(
            pool.name,
            f"{pool.limit:,}",
            f"{pool.promised:,}",
            f"{pool.allocated:,}",
            _written(pool),
            f"{pool.free:,}",
            f"[{style}]{share}[/]",
            when_full(pool.months_until_full),
        )
    console.print(table)
    beside = f"Beside them: {state.image_count} images with {state.images_gib:,.1f} GiB"
    if state.objects_gib is not None:
        beside += f", object storage with {state.objects_gib:,.1f} GiB"
    console.print(f"{beside}.", soft_wrap=True)
    for pool in state.pools:
        if pool.level is not Level.FINE:
            console.print(f"[{_STYLES[pool.level]}]{pool.level}[/] {advice(pool)}", soft_wrap=True)


def when_full(months: float | None) -> str:
    """`now`, `7 months`, `3 years`; `·` where it is not in sight."""
    if months is None:
        return "·"
    if months < 1:
        return "now" if months == 0 else "< 1 month"
    if months < 2 * _YEAR_MONTHS:
        return f"{months:.0f} months"
    return f"{months / _YEAR_MONTHS:.0f} years"


def advice(pool: PoolState) -> str:
    """What a pool's level asks for."""
    taken = f"{pool.name}: {pool.percent:.0f} % taken" if pool.percent is not None else pool.name
    if pool.level is Level.WARNING:
        return f"{taken}; plan how it grows"
    if pool.level is Level.ALERT:
        return f"{taken}; let it grow now: orders beyond {max(0, pool.free):,} GiB are refused"
    return f"{taken}; nearly every order is refused now ({max(0, pool.free):,} GiB are left)"


def write_plot(region: str, state: StorageState, path: Path) -> None:
    """Write the picture: per pool a bar of what is promised, allocated and written.

    Raises OSError where the file cannot be written.
    """
    picture = (
        template_environment()
        .get_template(_TEMPLATE)
        .render(
            region=region,
            pools=state.pools,
            moment=state.at.isoformat(sep=" ", timespec="minutes"),
            marks=(WARNING_PERCENT, ALERT_PERCENT, CRITICAL_PERCENT),
            when_full=when_full,
        )
    )
    write_atomically(path, picture)


def _written(pool: PoolState) -> str:
    if pool.written is None:
        return "·"
    ratio = f" (1:{pool.thin_ratio:.1f})" if pool.thin_ratio else ""
    return f"{pool.written:,.0f}{ratio}"

"""The capacity ledger as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from kraj.capacity.forecast import ALERT_PERCENT, WARNING_PERCENT
from kraj.planning.capacity import POOL_PREFIX, CapacityReport, Row


def print_capacity(before: CapacityReport, after: CapacityReport, console: Console) -> None:
    """What is promised before and after, and what then is free."""
    table = Table(title="Capacity", title_justify="left", title_style="bold", box=None)
    table.pad_edge = False
    table.add_column("resource")
    for heading in ("limit", "before", "after", "free", "used"):
        table.add_column(heading, justify="right")
    for old, new in zip(before.rows, after.rows, strict=True):
        table.add_row(*_cells(old, new))
    console.print(table)


def _cells(old: Row, new: Row) -> Sequence[str]:
    scale, unit = (1024, "GiB") if new.unit == "MiB" else (1, new.unit)
    name = new.resource.removeprefix(POOL_PREFIX).replace("_", " ")
    was, will = old.reserved + old.allocated, new.reserved + new.allocated
    percent = new.used_percent
    style = "green"
    if percent is None or percent >= ALERT_PERCENT:
        style = "red"
    elif percent >= WARNING_PERCENT:
        style = "yellow"
    shown = "–" if percent is None else f"{percent:.0f} %"
    return (
        f"{name} ({unit})" if unit != "addresses" else name,
        f"{new.limit // scale:,}",
        f"{was // scale:,}",
        f"{will // scale:,}",
        f"{new.free // scale:,}",
        f"[{style}]{shown}[/]",
    )

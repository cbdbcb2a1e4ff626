"""The status of stacks and their outputs as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kraj.operations.status import StackStatus
from kraj.report.output import minute_of


def print_status(
    region: str, rows: Sequence[StackStatus], console: Console, *, everything: bool
) -> None:
    """A row per stack; stacks that do not exist are only counted unless `everything`."""
    table = Table(title=region, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("stack", overflow="fold")
    table.add_column("last update", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("servers", justify="right", no_wrap=True)
    table.add_column("floating", justify="right", no_wrap=True)
    shown = [row for row in rows if row.exists or everything]
    for row in shown:
        if not row.exists:
            table.add_row(row.stack, "[dim]not provisioned[/]")
            continue
        good = row.last_result == "succeeded"
        table.add_row(
            row.stack,
            f"{row.last_operation} {minute_of(row.updated_at)}",
            f"[{'green' if good else 'red'}]{row.last_result}[/]",
            str(row.servers),
            str(row.floating_addresses),
        )
    console.print(table)
    missing = len(rows) - len(shown)
    if missing:
        console.print(f"[dim]{missing} more stacks are not provisioned.[/]")


def print_outputs(values: Mapping[str, Mapping[str, Any]], console: Console) -> None:
    """Every server with its addresses, then the other outputs."""
    if not values:
        console.print("Nothing is provisioned yet: `kraj up`.")
    for label, outputs in values.items():
        console.print(f"[bold]{escape(label)}[/]")
        document = outputs.get("document") or {}
        for server in document.get("servers", ()):
            addresses = ", ".join(server["addresses"])
            floating = server.get("floating_address")
            console.print(
                f"  {escape(server['name'])}  {addresses}"
                + (f"  → {floating}" if floating else ""),
                soft_wrap=True,
            )
        for key, address in document.get("load_balancers", {}).items():
            console.print(f"  load balancer {escape(key)}  {address}")
        for key, address in document.get("floating_addresses", {}).items():
            console.print(f"  floating address {escape(key)}  {address}")
        for name, value in outputs.items():
            if name != "document":
                console.print(f"  {escape(name)}: {escape(_plain(value))}", soft_wrap=True)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

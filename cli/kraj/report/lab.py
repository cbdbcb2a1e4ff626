"""The state of a lab as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from kraj.lab.status import LabStatus


def print_lab_status(status: LabStatus, console: Console, *, brief: bool = False) -> None:
    """One line with the essentials; unless `brief`, first a row per service."""
    if not status.exists:
        console.print(f"No lab in {escape(str(status.folder))}: start one with `kraj lab up`.")
        return
    if not brief:
        table = Table(box=None, pad_edge=False)
        table.add_column("service")
        table.add_column("state")
        table.add_column("port", justify="right")
        table.add_column("MiB", justify="right")
        for item in status.services:
            style = "green" if item.state == "RUNNING" else "red"
            table.add_row(
                item.name,
                f"[{style}]{item.state.lower()}[/]",
                str(item.port or ""),
                str(item.memory_mib or ""),
            )
        console.print(table)
    console.print(_summary(status), soft_wrap=True)


def _summary(status: LabStatus) -> str:
    """The state of the whole in one line, and what to do where something does not run."""
    total = len(status.services)
    missing = [item.name for item in status.services if item.state != "RUNNING"]
    if not missing:
        return (
            f"Lab [green]running[/]: {total} services, {status.memory_mib} MiB, "
            f"cloud `lab` in {escape(str(status.clouds_file))}{_depth(status)}"
        )
    if len(missing) == total:
        return "Lab [yellow]not running[/]: start it with `kraj lab up`."
    return (
        f"Lab [red]incomplete[/], {len(missing)} of {total} services are down: "
        f"{', '.join(missing)}. Why: `kraj lab logs {missing[0]}`; again: `kraj lab up`."
    )


def _depth(status: LabStatus) -> str:
    return {"hosts": "; servers boot", "vm": "; servers are virtual machines"}.get(status.depth, "")

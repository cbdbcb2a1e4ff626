"""States of stacks as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kraj.engine.base import HistoryEntry
from kraj.engine.local.backups import Backup
from kraj.engine.local.inspection import ResourceDifference
from kraj.operations.repair import Repair
from kraj.operations.rotation import RotatedState
from kraj.operations.states import StateCheck, StateSummary
from kraj.report.documents.states import StateShowDocument
from kraj.report.errors import print_errors
from kraj.report.output import minute_of

_MARKS = {"add": "[green]+[/]", "remove": "[red]-[/]", "change": "[yellow]~[/]"}


def print_states(states: Sequence[StateSummary], console: Console) -> None:
    """A row per state, then who works on which, and what cannot be read."""
    if not states:
        console.print("Nothing is provisioned yet: `kraj up`.")
        return
    table = _table("stack", last_update=False, resources=True, open=True, KiB=True)
    for state in states:
        table.add_row(
            escape(state.stack),
            f"{state.last_operation or ''} {minute_of(state.updated_at)}".strip(),
            str(state.resources),
            str(state.pending or "·"),
            f"{state.size / 1024:.0f}",
        )
    console.print(table)
    for state in states:
        for holder in state.locked_by:
            console.print(
                f"[yellow]locked[/] {escape(state.stack)}: {escape(holder)}", soft_wrap=True
            )
        if state.error:
            print_errors([state.error], console)


def print_resources(document: StateShowDocument, console: Console) -> None:
    """A row per resource; what stands under another one is indented."""
    table = _table("resource", id=False)
    depth: dict[str, int] = {}
    for item in document.resources:
        depth[item.urn] = depth.get(item.parent, -1) + 1
        kind = item.type.rsplit(":", 1)[-1]
        flags = f" [yellow]{', '.join(item.flags)}[/]" if item.flags else ""
        indent = "  " * depth[item.urn]
        table.add_row(f"{indent}{escape(kind)} [bold]{escape(item.name)}[/]{flags}", item.id)
    console.print(table)
    for urn in document.pending:
        console.print(f"[yellow]open[/] {escape(urn)}", soft_wrap=True)


def print_history(updates: Sequence[HistoryEntry], console: Console) -> None:
    """A row per update, newest first."""
    table = _table("version", started=False, kind=False, result=False, changes=False)
    for update in updates:
        changes = ", ".join(f"{count} {name}" for name, count in update.changes.items())
        colour = "green" if update.result == "succeeded" else "red"
        table.add_row(
            str(update.version),
            minute_of(update.started_at),
            update.kind,
            f"[{colour}]{update.result}[/]",
            changes,
        )
    console.print(table)


def print_checks(checks: Sequence[StateCheck], console: Console) -> None:
    """A line per state and per fault."""
    for check in checks:
        mark = "[red]✗[/]" if check.faults else "[green]✓[/]"
        console.print(f"{mark} {escape(check.stack)}: {check.resources} resources")
        for fault in check.faults:
            console.print(f"    {escape(fault)}", soft_wrap=True)


def print_backups(backups: Sequence[Backup], console: Console) -> None:
    """A row per copy, newest first."""
    table = _table("backup", taken=False, KiB=True, checksum=False)
    for backup in backups:
        fits = "[green]fits[/]" if backup.whole else "[red]damaged[/]"
        table.add_row(
            escape(backup.name), minute_of(backup.taken_at), f"{backup.size / 1024:.0f}", fits
        )
    console.print(table)


def print_differences(found: Sequence[ResourceDifference], console: Console) -> None:
    """A line per resource."""
    for item in found:
        kind = item.type.rsplit(":", 1)[-1]
        console.print(
            f"  {_MARKS[item.change]} {escape(kind)} [bold]{escape(item.name)}[/] "
            f"[dim]{escape(item.id)}[/]",
            soft_wrap=True,
        )
    if not found:
        console.print("  The two are of the same resources.")


def print_repair(repair: Repair, console: Console) -> None:
    """A line per action, then what changes resource by resource."""
    if not repair.actions:
        console.print("Nothing to repair.")
        return
    for action in repair.actions:
        console.print(f"  {escape(action)}", soft_wrap=True)
    print_differences(repair.differences, console)


def print_rotation(states: Sequence[RotatedState], console: Console) -> None:
    """A line per state."""
    for state in states:
        note = " [dim](has the new passphrase already)[/]" if state.before else ""
        console.print(f"  {escape(state.stack)}: {state.secrets} secrets{note}", soft_wrap=True)


def _table(first: str, **columns: bool) -> Table:
    """Columns by name; true for figures."""
    table = Table(box=None, pad_edge=False)
    table.add_column(first, overflow="fold")
    for name, figures in columns.items():
        table.add_column(
            name.replace("_", " "),
            justify="right" if figures else "left",
            overflow="fold",
        )
    return table

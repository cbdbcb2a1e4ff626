"""Plans and results of stacks as text for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kraj.engine.base import Operation, PropertyChange, Step
from kraj.operations.stacks import StackRun
from kraj.report.documents.stacks import Counts, changing

_STYLES = {
    Operation.CREATE: ("+", "green"),
    Operation.UPDATE: ("~", "yellow"),
    Operation.REPLACE: ("±", "magenta"),
    Operation.DELETE: ("-", "red"),
    Operation.IMPORT: ("=", "cyan"),
}
_VALUE_WIDTH = 48  #: characters of one value in a plan; --json has it whole
#: The columns of the summary, in the order in which they worry an admin least to most.
_COLUMNS = (Operation.SAME, Operation.CREATE, Operation.UPDATE, Operation.REPLACE, Operation.DELETE)


def print_steps(runs: Sequence[StackRun], console: Console, *, limit: int = 60) -> None:
    """The changing steps of each stack: the first `limit`, then how many more there are."""
    for run in runs:
        if run.result is None or not run.result.has_changes:
            continue
        console.print(f"[bold]{escape(run.label)}[/]")
        steps = changing(run.result.steps)
        for step in steps[:limit]:
            mark, style = _STYLES[step.operation]
            kind = step.type.rsplit(":", 1)[-1]
            console.print(
                f"  [{style}]{mark}[/] {escape(kind)} [bold]{escape(step.name)}[/]", soft_wrap=True
            )
            _print_changes(step, console)
        if len(steps) > limit:
            console.print(f"  [dim]… and {len(steps) - limit} more (--json shows all)[/]")
        for note in run.result.diagnostics:
            console.print(f"  [yellow]note:[/] {escape(note)}", soft_wrap=True)


def _print_changes(step: Step, console: Console) -> None:
    """One line per property: its value before and after, and what forces a replacement."""
    for change in step.changes:
        forced = " [magenta](forces replacement)[/]" if change.path in step.replaced_by else ""
        values = escape(words_of_change(change))
        console.print(f"      [dim]{escape(change.path)}:[/] {values}{forced}", soft_wrap=True)
    valued = {change.path for change in step.changes}
    others = [path for path in (*step.replaced_by, *step.changed) if path not in valued]
    if others:
        names = ", ".join(dict.fromkeys(others))
        console.print(f"      [dim]because of {escape(names)}[/]", soft_wrap=True)


def words_of_change(change: PropertyChange) -> str:
    """A change in short: `20 → 30`; of lists and mappings only what differs."""
    before, after = change.before, change.after
    if isinstance(before, list) and isinstance(after, list):
        added = [f"+ {_shortly(item)}" for item in after if item not in before]
        removed = [f"- {_shortly(item)}" for item in before if item not in after]
        if added or removed:
            return ", ".join((*added, *removed))
    if isinstance(before, dict) and isinstance(after, dict):
        return ", ".join(
            f"{key}: {_shortly(before.get(key))} → {_shortly(after.get(key))}"
            for key in dict.fromkeys((*before, *after))
            if before.get(key) != after.get(key)
        )
    return f"{_shortly(before)} → {_shortly(after)}"


def _shortly(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_WIDTH else f"{text[: _VALUE_WIDTH - 1]}…"


def print_summary(runs: Sequence[StackRun], console: Console, *, title: str) -> None:
    """One row per stack and a total."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    # Where the terminal is narrow, a long name goes on in the next line and no number is cut.
    table.add_column("stack", overflow="fold")
    for operation in _COLUMNS:
        table.add_column(operation.value, justify="right", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    for run in runs:
        if run.result is None:
            table.add_row(run.label, "[red]failed[/]")
            continue
        counts = Counts.of(run.result).model_dump()
        table.add_row(
            run.label,
            *(_cell(operation, counts[operation.value]) for operation in _COLUMNS),
            f"{run.result.seconds:.1f}",
        )
    if len(runs) > 1:
        sums = Counts.total(runs).model_dump()
        table.add_section()
        table.add_row(
            "in total", *(_cell(item, sums[item.value]) for item in _COLUMNS), style="bold"
        )
    console.print(table)


def _cell(operation: Operation, count: int) -> str:
    if count == 0:
        return "[dim]·[/]"
    style = _STYLES.get(operation, ("", ""))[1]
    return f"[{style}]{count}[/]" if style else str(count)

"""What both engines do, and moves between them, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kraj.report.documents.engines import EngineConformanceDocument
from kraj.report.errors import print_errors

if TYPE_CHECKING:
    from kraj.engine.conformance.suite import FeatureResult
    from kraj.operations.conformance import RoundTrip
    from kraj.operations.switching import RegionSwitch

_WORDS = {
    "switched": "[green]✓[/] switched: the plan of {engine} is empty",
    "checked": "[green]✓[/] can be switched: the plan of {engine} is empty",
    "already": "[green]✓[/] switched before",
    "kept": "[red]✗[/] stays as it was",
}


def print_switch(switch: RegionSwitch, console: Console) -> None:
    """A line per stack with its backup, what differs, and what the region has now."""
    for stack in switch.stacks:
        words = _WORDS[stack.outcome].format(engine=switch.engine)
        console.print(f"[bold]{escape(stack.label)}[/] {words}")
        if stack.backup:
            console.print(f"  backup: {escape(str(stack.backup))}", soft_wrap=True)
        if stack.error:
            print_errors([stack.error], console)
    if switch.rehearsed and switch.chosen == switch.engine:
        console.print(f"The region has the engine [bold]{switch.engine}[/] already.")
    elif switch.rehearsed:
        console.print("Nothing was changed.")
    elif switch.left:
        console.print(
            f"Still to be switched: {escape(', '.join(switch.left))}. "
            "Until then the region keeps its engine."
        )
    else:
        console.print(f"The region has the engine [bold]{switch.engine}[/].")


def print_conformance(
    features: Sequence[FeatureResult],
    trips: Sequence[RoundTrip] | None,
    document: EngineConformanceDocument,
    console: Console,
) -> None:
    """A line per feature, then all that is not explained, the round trips, and a closing line."""
    engines = list(document.engines)
    table = Table(box=None, pad_edge=False)
    table.add_column("feature", overflow="fold")
    for engine in engines:
        table.add_column(engine, no_wrap=True)
    for item in features:
        table.add_row(escape(item.title.replace("`", "")), *(_cell(item, it) for it in engines))
    console.print(table)
    for item in features:
        for engine, lines in item.unexplained.items():
            for line in lines:
                console.print(
                    f"[red]unexplained[/] {item.key} ({engine}): {escape(line)}", soft_wrap=True
                )
    for trip in trips or ():
        if trip.error:
            print_errors([trip.error], console)
        else:
            console.print(f"[green]✓[/] {escape(trip.label)}: there and back, nothing to change")
    console.print(_closing_words(document))


def _cell(item: FeatureResult, engine: str) -> str:
    if item.unexplained[engine]:
        return "[red]unexplained[/]"
    return item.word if engine == "local" else "as recorded"


def _closing_words(document: EngineConformanceDocument) -> str:
    counts = document.counts
    colour = "green" if document.passed else "red"
    words = (
        f"{len(document.features)} features: {counts.same} same, {counts.differs} differ as "
        f"documented, {counts.refused} refused clearly; {counts.unexplained} unexplained"
    )
    if document.round_trips is not None:
        failed = sum(trip.error is not None for trip in document.round_trips)
        words += f"; {len(document.round_trips)} stacks there and back, {failed} with differences"
    return f"[{colour}]{words}[/]"

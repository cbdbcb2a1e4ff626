"""What both engines do, and moves between them, as text."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from kraj.operations.switching import RegionSwitch
from kraj.report.errors import print_errors

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

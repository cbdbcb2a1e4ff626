"""Drift as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from kraj.drift.witness import Witness
from kraj.operations.accept import Acceptance
from kraj.operations.drift import Finding, StackDrift
from kraj.report.plans import words_of_change


def print_drift(stacks: Sequence[StackDrift], console: Console) -> None:
    """Per stack what is gone, what differs (state → cloud) and what nobody planned."""
    for stack in stacks:
        if not stack.found:
            continue
        console.print(f"[bold]{escape(stack.label)}[/]")
        for finding in stack.findings:
            _print_finding(finding, console)
        for item in stack.unplanned:
            made = f" [dim](made {item.created_at})[/]" if item.created_at else ""
            console.print(
                f"  [yellow]?[/] {escape(item.kind)} [bold]{escape(item.name or item.id)}[/] "
                f"is in no plan{made}",
                soft_wrap=True,
            )


def _print_finding(finding: Finding, console: Console) -> None:
    kind, name = finding.step.type.rsplit(":", 1)[-1], finding.step.name
    mark, word = ("[red]-[/]", "is gone") if finding.gone else ("[yellow]~[/]", "differs")
    told = _words(finding.witness)
    console.print(
        f"  {mark} {escape(kind)} [bold]{escape(name)}[/] {word}"
        + (f" [dim]({escape(told)})[/]" if told else ""),
        soft_wrap=True,
    )
    for change in finding.step.changes:
        console.print(
            f"      [dim]{escape(change.path)}:[/] {escape(words_of_change(change))}",
            soft_wrap=True,
        )


def _words(witness: Witness) -> str:
    parts = (
        f"last action: {witness.action}" if witness.action else "",
        witness.at,
        f"by {witness.user}" if witness.user else "",
    )
    return " ".join(part for part in parts if part)


def print_acceptance(acceptance: Acceptance, console: Console) -> None:
    """What would be written: the files' diff, and per difference what else it means."""
    for change in acceptance.changes:
        for line in change.diff.splitlines():
            style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
            console.print(line, style=style or None, markup=False, soft_wrap=True)
    for part in acceptance.accepted:
        note = f" [dim]({escape(part.note)})[/]" if part.note else ""
        console.print(
            f"  [green]✓[/] {escape(part.stack)} {escape(part.label)}: "
            f"{escape(str(part.before))} → {escape(str(part.after))}{note}",
            soft_wrap=True,
        )


def print_refused(acceptance: Acceptance, console: Console) -> None:
    """What no file can express, why, and what to do."""
    for part in acceptance.refused:
        console.print(
            f"  [yellow]✗[/] {escape(part.stack)} {escape(part.label)}: {escape(part.reason)}",
            soft_wrap=True,
        )
    if acceptance.refused:
        console.print(
            "`kraj up --refresh` restores what cannot be accepted; what is in no plan is yours to "
            "delete.",
            soft_wrap=True,
        )

"""Proofs as text and JUnit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kraj.verify.checks import Check, Proof, Status


def write_junit(proofs: Sequence[Proof], path: Path) -> None:
    """One test suite per stack, one test case per check."""
    report = JUnitXml("kraj verify")
    for proof in proofs:
        suite = TestSuite(proof.stack)
        for check in proof.checks:
            case = TestCase(f"{check.id} {check.subject}", classname=f"{proof.stack}.{check.id}")
            if check.status is Status.FAILED:
                case.result = [Failure(check.message, check.id)]
            elif check.status is Status.SKIPPED:
                case.result = [Skipped(check.message)]
            suite.add_testcase(case)
        suite.time = proof.seconds
        report.add_testsuite(suite)
    report.update_statistics()  # type: ignore[no-untyped-call]
    report.write(str(path), pretty=True)


def print_proofs(proofs: Sequence[Proof], console: Console) -> None:
    """Per stack, how many checks of each kind passed; then every failure with both values."""
    table = Table(title="Proof", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("stack", overflow="fold")
    for heading in ("passed", "failed", "skipped", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for proof in proofs:
        mark = "[green]✓[/]" if proof.passed else "[red]✗[/]"
        failed = proof.count(Status.FAILED)
        table.add_row(
            f"{mark} {proof.stack}",
            str(proof.count(Status.PASSED)),
            f"[red]{failed}[/]" if failed else "[dim]·[/]",
            str(proof.count(Status.SKIPPED)) if proof.count(Status.SKIPPED) else "[dim]·[/]",
            f"{proof.seconds:.1f}",
        )
    console.print(table)
    for proof in proofs:
        for check in proof.checks:
            if check.status is not Status.PASSED:
                _print_check(proof.stack, check, console)


def _print_check(stack: str, check: Check, console: Console) -> None:
    word = "[red]failed[/]" if check.status is Status.FAILED else "[yellow]skipped[/]"
    source = f" [dim]({escape(check.source)})[/]" if check.source else ""
    console.print(
        f"{word} {escape(stack)} {escape(check.id)} [bold]{escape(check.subject)}[/]: "
        f"{escape(check.message)}{source}",
        soft_wrap=True,
    )

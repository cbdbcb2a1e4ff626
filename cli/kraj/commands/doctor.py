"""`kraj doctor`: is this machine ready?"""

from __future__ import annotations

import typer

from kraj.commands.options import Json
from kraj.errors import ExitCode
from kraj.operations.doctor import Verdict, examine
from kraj.report.documents.machine import DoctorDocument
from kraj.report.output import print_document, results

_MARKS = {
    Verdict.GOOD: "[green]✓[/]",
    Verdict.NOTE: "[yellow]![/]",
    Verdict.BAD: "[red]✗[/]",
}


def doctor(json_: Json = False) -> int:
    """Look at this machine and say what is there, what is missing and how to get it.

    Exit code 1 where something that kraj cannot do without is missing.

    Example: kraj doctor --json
    """
    findings = examine()
    bad = any(finding.verdict is Verdict.BAD for finding in findings)
    if json_:
        print_document(DoctorDocument.of(findings))
    else:
        console = results()
        for finding in findings:
            console.print(
                f"{_MARKS[finding.verdict]} {finding.subject}: {finding.found}", soft_wrap=True
            )
            if finding.advice:
                console.print(f"    [cyan]{finding.advice}[/]", soft_wrap=True)
    if bad:
        raise typer.Exit(ExitCode.ERROR)
    return ExitCode.OK

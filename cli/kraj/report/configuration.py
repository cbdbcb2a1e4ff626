"""What Ansible did on servers, as text and JUnit."""

from __future__ import annotations

from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kraj.configure.results import Configuration, HostResult, HostStatus, Outcome, TaskResult

_MARKS = {
    HostStatus.OK: "[green]✓[/]",
    HostStatus.CHANGED: "[yellow]~[/]",
    HostStatus.FAILED: "[red]✗[/]",
    HostStatus.UNREACHABLE: "[red]✗[/]",
    HostStatus.NOT_RUN: "[yellow]-[/]",
}
_COLUMNS = ("ok", "changed", "failed", "skipped")
_NONE = "[dim]·[/]"


def write_junit(done: Configuration, path: Path) -> None:
    """One test suite per server, one test case per task."""
    report = JUnitXml("kraj configure")
    for result in done.hosts:
        suite = TestSuite(result.host.name)
        for task in result.tasks:
            suite.add_testcase(_case(result, task))
        suite.time = result.seconds
        report.add_testsuite(suite)
    report.update_statistics()  # type: ignore[no-untyped-call]
    report.write(str(path), pretty=True)


def _case(result: HostResult, task: TaskResult) -> TestCase:
    case = TestCase(
        task.task.title,
        classname=f"{result.host.stack}.{result.host.name}",
        time=task.seconds,
    )
    words = str(task.task.place or "") + (f": {task.message}" if task.message else "")
    if task.outcome is Outcome.FAILED:
        case.result = [Failure(words, result.error.code.code if result.error else "failed")]
    elif task.outcome is Outcome.UNREACHABLE:
        case.result = [Error(task.message, result.error.code.code if result.error else "lost")]
    elif task.outcome in (Outcome.SKIPPED, Outcome.IGNORED):
        case.result = [Skipped(task.message)]
    return case


def print_configuration(done: Configuration, console: Console, *, diff: bool = False) -> None:
    """Per server how many tasks of each kind; what has no role yet; what took longest."""
    if diff:
        _print_differences(done, console)
    console.print(_hosts_table(done))
    for service, number in done.without_role.items():
        servers = "1 server" if number == 1 else f"{number} servers"
        console.print(f"[yellow]no role yet[/] {escape(service)} ({servers})")
    if done.slowest:
        console.print(_slowest_table(done))


def _hosts_table(done: Configuration) -> Table:
    title = "Servers (only looked: nothing was changed)" if done.check else "Servers"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("server", overflow="fold")
    for heading in (*_COLUMNS, "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in done.hosts:
        name = f"{_MARKS[result.status]} {escape(result.host.name)}"
        if result.status is HostStatus.UNREACHABLE:
            name += " [red]unreachable[/]"
        elif result.status is HostStatus.NOT_RUN:
            name += " [yellow]not run[/]"
        counts = (str(result.counts[column] or _NONE) for column in _COLUMNS)
        table.add_row(name, *counts, f"{result.seconds:.1f}")
    return table


def _slowest_table(done: Configuration) -> Table:
    table = Table(
        title="Slowest tasks", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("servers", justify="right", no_wrap=True)
    table.add_column("task", overflow="fold")
    for time in done.slowest:
        table.add_row(f"{time.seconds:.1f}", str(time.hosts), escape(time.task.title))
    return table


def _print_differences(done: Configuration, console: Console) -> None:
    for result in done.hosts:
        for task in result.changes:
            if task.diff:
                console.print(f"[bold]{escape(result.host.name)}[/] {escape(task.task.title)}")
                console.print(escape(task.diff), soft_wrap=True)

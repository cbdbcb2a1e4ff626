"""`kraj plan`, `up`, `status`, `outputs`, `refresh`, `down`: the life of a region's stacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from kraj.commands.options import (
    CloudName,
    EngineName,
    EventsFile,
    Jobs,
    Json,
    Locked,
    Only,
    Refresh,
    Region,
    Yes,
)
from kraj.engine.base import Engine
from kraj.errors import ExitCode, KrajError, KrajErrors
from kraj.operations import stacks
from kraj.operations.applied import capacity_before_and_after, remember
from kraj.operations.errors import NOT_CONFIRMED, SOME_STACKS_FAILED
from kraj.operations.region import PlannedRegion, pick_engine, plan_region_files
from kraj.operations.stacks import DEFAULT_JOBS, StackRun
from kraj.operations.status import region_status
from kraj.report.capacity import print_capacity
from kraj.report.documents.stacks import (
    Capacity,
    DownDocument,
    OutputsDocument,
    PlanDocument,
    RefreshDocument,
    RunDocument,
    StatusDocument,
    UpDocument,
)
from kraj.report.errors import print_errors
from kraj.report.output import print_document, progress, results
from kraj.report.plans import print_steps, print_summary
from kraj.report.progress import ConsoleProgress
from kraj.report.status import print_outputs, print_status


def plan(
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    engine: EngineName = None,
    cloud: CloudName = None,
    refresh: Refresh = False,
    locked: Locked = False,
    jobs: Jobs = DEFAULT_JOBS,
    events: EventsFile = None,
) -> int:
    """Show what `kraj up` would create, change, replace and delete.

    Exit code 0: nothing to change, 2: changes, 1: error. New address allocations are written to the
    region's addresses.yaml, to be reviewed and committed with the change (not with --locked).

    Example: kraj plan --region liberecky --only tenant:liberec
    """
    work = _open(region, only, engine, cloud, locked=locked)
    with work.progress(events) as view:
        runs = stacks.preview(*work.on, view.report, refresh=refresh, jobs=jobs)
    before, after = capacity_before_and_after(work.planned, work.labels)
    if json_:
        capacity = Capacity.of(before, after)
        print_document(PlanDocument.of(*work.names, runs, capacity=capacity))
    else:
        out = results()
        print_steps(runs, out)
        print_summary(runs, out, title="Plan")
        print_capacity(before, after, out)
        _closing_line(runs, out, "No changes.", "Run `kraj up` to apply.")
    _raise_failures(runs, work.console, quiet=json_)
    changed = any(run.result is not None and run.result.has_changes for run in runs)
    return ExitCode.CHANGES if changed else ExitCode.OK


def up(
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    engine: EngineName = None,
    cloud: CloudName = None,
    yes: Yes = False,
    refresh: Refresh = False,
    locked: Locked = False,
    jobs: Jobs = DEFAULT_JOBS,
    events: EventsFile = None,
) -> int:
    """Create and change what the region's files say: the centre first, then the tenants.

    Asks before anything is deleted or replaced. A stack that fails stops no other; run the command
    again and it goes on where it stopped.

    Example: kraj up --region liberecky --only centre --only tenant:liberec
    """
    work = _open(region, only, engine, cloud, locked=locked)
    if not yes:
        with work.progress(events) as view:
            previews = stacks.preview(*work.on, view.report, refresh=refresh, jobs=jobs)
        _raise_interruption(previews)
        print_steps(previews, work.console)
        _confirm(stacks.destructive_steps(previews), work.console)
    with work.progress(events) as view:
        runs = stacks.up(*work.on, view.report, refresh=refresh, jobs=jobs)
    remember(work.planned, _done(runs))
    return _end(UpDocument, work, runs, json_, "Applied", "No changes.")


def refresh(
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    engine: EngineName = None,
    cloud: CloudName = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show what differs; keep the state as it is.")
    ] = False,
    jobs: Jobs = DEFAULT_JOBS,
    events: EventsFile = None,
) -> int:
    """Read the cloud back into the state, so that the next plan shows what was changed by hand.

    Example: kraj refresh --only tenant:liberec --preview
    """
    work = _open(region, only, engine, cloud)
    with work.progress(events) as view:
        runs = stacks.refresh(*work.on, view.report, preview_only=preview, jobs=jobs)
    return _end(RefreshDocument, work, runs, json_, "Refreshed", "No drift.")


def down(
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    engine: EngineName = None,
    cloud: CloudName = None,
    yes: Yes = False,
    jobs: Jobs = DEFAULT_JOBS,
    events: EventsFile = None,
) -> int:
    """Delete the stacks: tenants first, the centre last. Asks for the region's name.

    Example: kraj down --region liberecky --only tenant:liberec
    """
    work = _open(region, only, engine, cloud)
    present = stacks.existing(*work.on)
    if present and not yes:
        _confirm_deletion(present, work)
    with work.progress(events) as view:
        runs = stacks.destroy(*work.on, view.report, jobs=jobs)
    remember(work.planned, applied=(), removed=_done(runs))
    return _end(DownDocument, work, runs, json_, "Deleted", "Nothing to delete.")


def status(
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    engine: EngineName = None,
    cloud: CloudName = None,
) -> int:
    """Show each stack's last update, its resources and its servers.

    Example: kraj status --json
    """
    work = _open(region, only, engine, cloud, quiet=True)
    rows = region_status(*work.on)
    if json_:
        print_document(StatusDocument.of(work.planned.name, work.engine.name, rows))
    else:
        print_status(work.planned.name, rows, results(), everything=bool(only))
    return ExitCode.OK


def outputs(
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    engine: EngineName = None,
    cloud: CloudName = None,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Print secret values in clear.")
    ] = False,
) -> int:
    """Print what the stacks export: servers, addresses, networks, credentials.

    Example: kraj outputs --only tenant:liberec --json
    """
    work = _open(region, only, engine, cloud, quiet=True)
    values = {
        label: work.engine.outputs(
            stacks.stack_spec(work.planned, label), show_secrets=show_secrets
        )
        for label in stacks.existing(*work.on)
    }
    if json_:
        print_document(OutputsDocument.of(work.planned.name, values))
    else:
        print_outputs(values, results())
    return ExitCode.OK


@dataclass(frozen=True, slots=True)
class _Work:
    """What a command works on, and where it says how it goes."""

    planned: PlannedRegion
    engine: Engine
    labels: tuple[str, ...]
    console: Console

    @property
    def on(self) -> tuple[Engine, PlannedRegion, tuple[str, ...]]:
        """The leading arguments of the operations on stacks."""
        return self.engine, self.planned, self.labels

    @property
    def names(self) -> tuple[str, str, str]:
        """Region, cloud and engine, as documents name them."""
        return self.planned.name, self.planned.access.cloud.name, self.engine.name

    def progress(self, events: Path | None) -> ConsoleProgress:
        return ConsoleProgress(self.console, events)


def _open(
    region: str | None,
    only: Sequence[str] | None,
    engine: str | None,
    cloud: str | None,
    *,
    locked: bool | None = None,
    quiet: bool = False,
) -> _Work:
    """Read and plan the region, choose the engine and say so.

    `locked` is None for commands that allocate no addresses: they write no ledger and do not mind
    that it is behind.
    """
    planned = plan_region_files(
        region, cloud, locked=locked is not False, check_ledger=locked is not None
    )
    chosen, why = pick_engine(planned, engine)
    work = _Work(planned, chosen, stacks.select_targets(planned, only or []), progress())
    if not quiet:
        _say_engine(work, why)
    return work


def _done(runs: Sequence[StackRun]) -> list[str]:
    return [run.label for run in runs if run.error is None]


def _say_engine(work: _Work, why: str) -> None:
    planned, console = work.planned, work.console
    cloud, engine = planned.access.cloud.name, work.engine.name
    console.print(
        f"[dim]region {planned.name} · cloud {cloud} · engine {engine} ({why})[/]", soft_wrap=True
    )
    if planned.ledger_file_written is not None:
        console.print(
            f"[yellow]addresses allocated:[/] review and commit {planned.ledger_file_written}",
            soft_wrap=True,
        )
    for warning in planned.plan.warnings:
        console.print(f"[yellow]warning:[/] {warning}", soft_wrap=True)


def _confirm(steps: Sequence[tuple[str, str, Any]], console: Console) -> None:
    if not steps:
        return
    console.print(f"[bold red]{len(steps)} resources would be deleted or replaced:[/]")
    for stack, name, operation in steps:
        console.print(f"  {operation.value} {name} ({stack})")
    if not typer.confirm("Go on?", err=True):
        raise KrajError(NOT_CONFIRMED, "nothing was changed")


def _confirm_deletion(present: Sequence[str], work: _Work) -> None:
    work.console.print(f"This deletes {', '.join(present)} with all servers and volumes.")
    answer = typer.prompt("Type the region's name to go on", err=True)
    if answer != work.planned.name:
        raise KrajError(
            NOT_CONFIRMED, f"{answer!r} is not {work.planned.name!r}; nothing was deleted"
        )


def _end(
    document: type[RunDocument],
    work: _Work,
    runs: Sequence[StackRun],
    json_: bool,
    title: str,
    nothing: str,
) -> int:
    """Print what came of the stacks; raises what failed."""
    if json_:
        print_document(document.of(*work.names, runs))
    else:
        out = results()
        if runs:
            print_summary(runs, out, title=title)
        _closing_line(runs, out, nothing, "")
    _raise_failures(runs, work.console, quiet=json_)
    return ExitCode.OK


def _closing_line(runs: Sequence[StackRun], out: Console, nothing: str, next_step: str) -> None:
    if any(run.error is not None for run in runs):
        return
    if not any(run.result is not None and run.result.has_changes for run in runs):
        out.print(f"[green]{nothing}[/]")
    elif next_step:
        out.print(next_step)


def _raise_interruption(runs: Sequence[StackRun]) -> None:
    """Raises the errors of all stacks where Ctrl-C stopped one."""
    errors = [run.error for run in runs if run.error is not None]
    if any(error.details.get("exit_code") == ExitCode.INTERRUPTED for error in errors):
        raise KrajErrors(errors)


def _raise_failures(runs: Sequence[StackRun], console: Console, *, quiet: bool) -> None:
    failed = [run for run in runs if run.error is not None]
    if not failed:
        return
    if quiet:
        interrupted = any(
            run.error and run.error.details.get("exit_code") == ExitCode.INTERRUPTED
            for run in failed
        )
        raise typer.Exit(ExitCode.INTERRUPTED if interrupted else ExitCode.ERROR)
    _raise_interruption(runs)
    for run in failed:
        console.print(f"[bold]{run.label}[/]")
        print_errors([run.error] if run.error else [], console)
    done = len(runs) - len(failed)
    raise KrajError(SOME_STACKS_FAILED, f"{len(failed)} of {len(runs)} stacks failed, {done} done")

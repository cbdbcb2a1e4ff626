"""`kraj plan`, `up`, `status`, `outputs`, `refresh`, `down`: the life of a region's stacks."""

from __future__ import annotations

from collections.abc import Sequence
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
from kraj.errors import ExitCode, KrajError, KrajErrors
from kraj.operations import stacks
from kraj.operations.applied import capacity_before_and_after, remember
from kraj.operations.errors import NOT_CONFIRMED, SOME_STACKS_FAILED
from kraj.operations.region import PlannedRegion, pick_engine, plan_region_files
from kraj.operations.stacks import DEFAULT_JOBS, StackRun
from kraj.operations.status import region_status
from kraj.report.capacity import capacity_as_dict, print_capacity
from kraj.report.errors import print_errors
from kraj.report.output import print_json, progress, results
from kraj.report.plans import print_steps, print_summary, runs_as_dict, totals
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
    planned = plan_region_files(region, cloud, locked=locked)
    chosen, why = pick_engine(planned, engine)
    labels = stacks.select_targets(planned, only or [])
    console = progress()
    _say_engine(console, planned, chosen.name, why)
    with ConsoleProgress(console, events) as view:
        runs = stacks.preview(chosen, planned, labels, view.report, refresh=refresh, jobs=jobs)
    before, after = capacity_before_and_after(planned, labels)
    if json_:
        document = _document("kraj.plan/1", planned, chosen.name, runs)
        print_json({**document, "capacity": capacity_as_dict(before, after)})
    else:
        out = results()
        print_steps(runs, out)
        print_summary(runs, out, title="Plan")
        print_capacity(before, after, out)
        _closing_line(runs, out, "No changes.", "Run `kraj up` to apply.")
    _raise_failures(runs, console, quiet=json_)
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
    planned = plan_region_files(region, cloud, locked=locked)
    chosen, why = pick_engine(planned, engine)
    labels = stacks.select_targets(planned, only or [])
    console = progress()
    _say_engine(console, planned, chosen.name, why)
    if not yes:
        with ConsoleProgress(console, events) as view:
            previews = stacks.preview(
                chosen, planned, labels, view.report, refresh=refresh, jobs=jobs
            )
        print_steps(previews, console)
        _confirm(stacks.destructive_steps(previews), console)
    with ConsoleProgress(console, events) as view:
        runs = stacks.up(chosen, planned, labels, view.report, refresh=refresh, jobs=jobs)
    remember(planned, _done(runs))
    _print_runs("kraj.up/1", planned, chosen.name, runs, json_, "Applied", "No changes.")
    _raise_failures(runs, console, quiet=json_)
    return ExitCode.OK


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
    planned = plan_region_files(region, cloud, locked=True, check_ledger=False)
    chosen, why = pick_engine(planned, engine)
    labels = stacks.select_targets(planned, only or [])
    console = progress()
    _say_engine(console, planned, chosen.name, why)
    with ConsoleProgress(console, events) as view:
        runs = stacks.refresh(chosen, planned, labels, view.report, preview_only=preview, jobs=jobs)
    _print_runs("kraj.refresh/1", planned, chosen.name, runs, json_, "Refreshed", "No drift.")
    _raise_failures(runs, console, quiet=json_)
    return ExitCode.OK


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
    planned = plan_region_files(region, cloud, locked=True, check_ledger=False)
    chosen, why = pick_engine(planned, engine)
    labels = stacks.select_targets(planned, only or [])
    console = progress()
    _say_engine(console, planned, chosen.name, why)
    present = stacks.existing(chosen, planned, labels)
    if present and not yes:
        console.print(f"This deletes {', '.join(present)} with all servers and volumes.")
        answer = typer.prompt("Type the region's name to go on", err=True)
        if answer != planned.name:
            raise KrajError(
                NOT_CONFIRMED, f"{answer!r} is not {planned.name!r}; nothing was deleted"
            )
    with ConsoleProgress(console, events) as view:
        runs = stacks.destroy(chosen, planned, labels, view.report, jobs=jobs)
    remember(planned, applied=(), removed=_done(runs))
    _print_runs("kraj.down/1", planned, chosen.name, runs, json_, "Deleted", "Nothing to delete.")
    _raise_failures(runs, console, quiet=json_)
    return ExitCode.OK


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
    planned = plan_region_files(region, cloud, locked=True, check_ledger=False)
    chosen, _why = pick_engine(planned, engine)
    rows = region_status(chosen, planned, stacks.select_targets(planned, only or []))
    if json_:
        print_json(
            {
                "schema": "kraj.status/1",
                "region": planned.name,
                "engine": chosen.name,
                "stacks": [row.as_dict() for row in rows],
            }
        )
    else:
        print_status(planned.name, rows, results(), everything=bool(only))
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
    planned = plan_region_files(region, cloud, locked=True, check_ledger=False)
    chosen, _why = pick_engine(planned, engine)
    labels = stacks.select_targets(planned, only or [])
    values = {
        label: chosen.outputs(stacks.stack_spec(planned, label), show_secrets=show_secrets)
        for label in stacks.existing(chosen, planned, labels)
    }
    document: dict[str, Any] = {
        "schema": "kraj.outputs/1",
        "region": planned.name,
        "stacks": values,
    }
    if json_:
        print_json(document)
    else:
        print_outputs(values, results())
    return ExitCode.OK


def _done(runs: Sequence[StackRun]) -> list[str]:
    return [run.label for run in runs if run.error is None]


def _say_engine(console: Console, planned: PlannedRegion, engine: str, why: str) -> None:
    cloud = planned.access.cloud.name
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


def _document(
    schema: str,
    planned: PlannedRegion,
    engine: str,
    runs: Sequence[StackRun],
) -> dict[str, Any]:
    return {
        "schema": schema,
        "region": planned.name,
        "cloud": planned.access.cloud.name,
        "engine": engine,
        "totals": totals(runs),
        "stacks": runs_as_dict(runs),
    }


def _print_runs(
    schema: str,
    planned: PlannedRegion,
    engine: str,
    runs: Sequence[StackRun],
    json_: bool,
    title: str,
    nothing: str,
) -> None:
    if json_:
        print_json(_document(schema, planned, engine, runs))
        return
    out = results()
    if runs:
        print_summary(runs, out, title=title)
    _closing_line(runs, out, nothing, "")


def _closing_line(runs: Sequence[StackRun], out: Console, nothing: str, next_step: str) -> None:
    if any(run.error is not None for run in runs):
        return
    if not any(run.result is not None and run.result.has_changes for run in runs):
        out.print(f"[green]{nothing}[/]")
    elif next_step:
        out.print(next_step)


def _raise_failures(runs: Sequence[StackRun], console: Console, *, quiet: bool) -> None:
    errors = [run.error for run in runs if run.error is not None]
    if not errors:
        return
    if any(error.details.get("exit_code") == ExitCode.INTERRUPTED for error in errors):
        raise KrajErrors(errors)
    if not quiet:
        for run in runs:
            if run.error is not None:
                console.print(f"[bold]{run.label}[/]")
                print_errors([run.error], console)
        done = sum(run.error is None for run in runs)
        raise KrajError(
            SOME_STACKS_FAILED, f"{len(errors)} of {len(runs)} stacks failed, {done} done"
        )
    raise typer.Exit(ExitCode.ERROR)

"""`kraj engine`: what applies the stacks, and installing the Pulumi CLI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from kraj.commands.options import (
    CloudName,
    EngineName,
    EventsFile,
    Jobs,
    Json,
    Only,
    Region,
    complete_engine,
)
from kraj.engine.select import check_name
from kraj.errors import ExitCode, KrajError
from kraj.operations.engine import describe_engines, install_pulumi
from kraj.operations.errors import NOT_CONFIRMED
from kraj.operations.region import pick_engine, plan_region_files
from kraj.operations.stacks import DEFAULT_JOBS, select_targets
from kraj.report.documents.engines import EngineConformanceDocument, EngineSwitchDocument
from kraj.report.documents.machine import (
    EngineDocument,
    EngineInstallDocument,
)
from kraj.report.engines import print_conformance, print_switch
from kraj.report.output import print_document, progress, results
from kraj.report.progress import ConsoleProgress

app = typer.Typer(help="What applies the stacks: Pulumi's CLI or kraj's own.", no_args_is_help=True)


@app.command()
def status(region: Region = None, engine: EngineName = None, json_: Json = False) -> int:
    """Show which engine would be used and why, with versions and the state's place.

    Example: kraj engine status
    """
    facts = describe_engines(engine, region)
    if json_:
        print_document(EngineDocument(**facts))
        return ExitCode.OK
    console = results()
    console.print(f"engine [bold]{facts['engine']}[/] ({facts['reason']})")
    for name, value in facts["details"].items():
        console.print(f"  {name}: {value}", soft_wrap=True)
    return ExitCode.OK


@app.command()
def install(
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to install; default ~/.pulumi.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option("--mirror", help="Address of a mirror for the provider plugin (no internet)."),
    ] = None,
    json_: Json = False,
) -> int:
    """Download the pinned Pulumi CLI and its OpenStack plugin with Pulumi's own installer.

    Example: kraj engine install --mirror https://mirror.kraj.example/pulumi
    """
    with ConsoleProgress(progress()) as view:
        installed = install_pulumi(folder, server, view.report)
    if json_:
        print_document(EngineInstallDocument(**installed))
    else:
        results().print(f"[green]✓[/] Pulumi {installed['version']} in {installed['path']}")
    return ExitCode.OK


@app.command()
def switch(
    engine: Annotated[
        str, typer.Argument(help="`local` or `pulumi`.", autocompletion=complete_engine)
    ],
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    cloud: CloudName = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, change and record nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    jobs: Jobs = DEFAULT_JOBS,
    events: EventsFile = None,
) -> int:
    """Move a region to the other engine: keep a backup, move the states, check, and record it.

    The check is a plan of that engine after reading everything from the cloud: it has to be empty.
    A stack for which it is not stays as it was. Run the command again after it was stopped.

    Example: kraj engine switch pulumi --region liberecky --dry-run
    """
    from kraj.operations.switching import Switch  # noqa: PLC0415 - slow to load

    check_name(engine)
    planned = plan_region_files(region, cloud, locked=True, check_ledger=False)
    work = Switch(planned, engine, only or ())
    if not dry_run and not yes and not work.is_done and not typer.confirm(work.question, err=True):
        raise KrajError(NOT_CONFIRMED, "the region keeps its engine")
    with ConsoleProgress(progress(), events, resources=False) as view:
        act = work.rehearse if dry_run or work.is_done else work.carry_out
        done = act(view.report, jobs=jobs)
    if json_:
        print_document(EngineSwitchDocument.of(planned.name, done))
    else:
        print_switch(done, results())
    return _exit_code([stack.error for stack in done.stacks if stack.error])


@app.command()
def conformance(
    feature: Annotated[
        list[str] | None, typer.Argument(help="Only these features; all where none is named.")
    ] = None,
    round_trip: Annotated[
        bool,
        typer.Option(
            "--round-trip", help="Also carry the region's states to the other engine, in copies."
        ),
    ] = False,
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    engine: EngineName = None,
    cloud: CloudName = None,
    jobs: Jobs = DEFAULT_JOBS,
    events: EventsFile = None,
) -> int:
    """Run small Pulumi programs on the engines of this machine: do they do what is documented?

    With --round-trip, copies of the region's states go to the other engine and back; plans there
    have to be empty. Changes nothing. Exit code 0: all as documented, 1: something is not.

    Example: kraj engine conformance --round-trip --region liberecky
    """
    from kraj.engine.conformance.suite import chosen_features, run_suite  # noqa: PLC0415 - as above
    from kraj.operations.conformance import engines_here, round_trips  # noqa: PLC0415

    chosen, engines = chosen_features(feature or ()), engines_here(engine)
    trips = None
    with ConsoleProgress(progress(), events, resources=False) as view:
        if round_trip:
            planned = plan_region_files(region, cloud, locked=True, check_ledger=False)
            holder, _why = pick_engine(planned, engine)
            labels = select_targets(planned, only or ())
            trips = round_trips(holder, planned, labels, view.report, jobs=jobs)
        found = run_suite(chosen, list(engines), view.report, jobs=jobs)
    document = EngineConformanceDocument.of(engines, found, trips)
    if json_:
        print_document(document)
    else:
        print_conformance(found, trips, document, results())
    errors = [trip.error for trip in trips or () if trip.error]
    return ExitCode.ERROR if not document.passed and not errors else _exit_code(errors)


def _exit_code(errors: Sequence[KrajError]) -> int:
    """Of stacks whose errors have been shown."""
    if any(error.details.get("exit_code") == ExitCode.INTERRUPTED for error in errors):
        return ExitCode.INTERRUPTED
    return ExitCode.ERROR if errors else ExitCode.OK

"""`kraj drift`: what was changed by hand, and `kraj drift accept`: let the files say so."""

from __future__ import annotations

from typing import Annotated

import typer

from kraj.commands.options import CloudName, EngineName, EventsFile, Jobs, Json, Only, Region
from kraj.errors import ExitCode, KrajError, KrajErrors
from kraj.operations.accept import plan_acceptance, write_acceptance
from kraj.operations.drift import find_drift
from kraj.operations.errors import NOT_CONFIRMED
from kraj.operations.region import pick_engine, plan_region_files
from kraj.operations.stacks import DEFAULT_JOBS, select_targets
from kraj.report.documents.drift import DriftAcceptDocument
from kraj.report.documents.proofs import DriftDocument
from kraj.report.drift import print_acceptance, print_drift, print_refused
from kraj.report.output import print_document, progress, results
from kraj.report.progress import ConsoleProgress

app = typer.Typer(invoke_without_command=True)


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@app.callback()
def drift(
    context: typer.Context,
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    engine: EngineName = None,
    cloud: CloudName = None,
    jobs: Jobs = DEFAULT_JOBS,
    events: EventsFile = None,
) -> int:
    """Show what differs between the stacks and the cloud, property by property.

    Also shows what no stack has made: a rule, a server, a volume that somebody added. Changes
    nothing. Exit code 0: no drift, 2: drift, 1: error. `accept` writes it into the files.

    Example: kraj drift --only tenant:liberec
    """
    if context.invoked_subcommand is not None:
        given = [name for name in context.params if _was_given(context, name)]
        if given:
            name = context.invoked_subcommand
            context.fail(f"options stand after the command: kraj drift {name} [OPTIONS]")
        return ExitCode.OK
    planned = plan_region_files(region, cloud, locked=True, check_ledger=False)
    chosen, _why = pick_engine(planned, engine)
    labels = select_targets(planned, only or [])
    with ConsoleProgress(progress(), events, resources=False) as view:
        stacks = find_drift(chosen, planned, labels, view.report, jobs=jobs)
    errors = [stack.error for stack in stacks if stack.error is not None]
    if json_:
        print_document(DriftDocument.of(planned.name, stacks))
    else:
        print_drift(stacks, results())
    if errors and json_:
        raise typer.Exit(ExitCode.ERROR)
    if errors:
        raise KrajErrors(errors)
    if any(stack.found for stack in stacks):
        if not json_:
            results().print(
                "`kraj up --refresh` restores what differs, `kraj drift accept` writes it into the "
                "files; what is in no plan is yours to delete.",
                soft_wrap=True,
            )
        return ExitCode.CHANGES
    if not json_:
        results().print("[green]No drift.[/]")
    return ExitCode.OK


@app.command()
def accept(
    selected: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RESOURCE[/PROPERTY]]...",
            help="What to accept, as `kraj drift` names it: `tenant/cores`, `map/1/tiles`. "
            "Everything where nothing is named.",
        ),
    ] = None,
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    engine: EngineName = None,
    cloud: CloudName = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before writing.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, write nothing.")
    ] = False,
    jobs: Jobs = DEFAULT_JOBS,
    events: EventsFile = None,
) -> int:
    """Write what was changed by hand into the region's files, where they can say it.

    Limits of tenants, sizes of ordered volumes and of servers: shows the change of the files, asks,
    and checks the whole region before it writes. The cloud is not touched. Exit code 0: nothing is
    left, 2: something cannot be accepted (or --dry-run found something), 1: error.

    Example: kraj drift accept --only tenant:liberec tenant/cores
    """
    planned = plan_region_files(region, cloud, locked=True, check_ledger=False)
    chosen, _why = pick_engine(planned, engine)
    labels = select_targets(planned, only or [])
    with ConsoleProgress(progress(), events, resources=False) as view:
        stacks = find_drift(chosen, planned, labels, view.report, jobs=jobs)
    errors = [stack.error for stack in stacks if stack.error is not None]
    if errors:
        raise KrajErrors(errors)
    acceptance = plan_acceptance(planned, stacks, selected or [])
    if not json_:
        print_acceptance(acceptance, results())
    writing = bool(acceptance.accepted) and not dry_run
    if writing:
        if not yes:
            if json_:
                print_acceptance(acceptance, progress())
            if not typer.confirm("Write this?", err=True):
                raise KrajError(NOT_CONFIRMED, "nothing was written")
        write_acceptance(chosen, planned, acceptance)
    if json_:
        print_document(DriftAcceptDocument.of(planned, acceptance, written=writing))
    else:
        print_refused(acceptance, results())
        if writing:
            results().print("[green]Accepted.[/] `kraj plan` shows what else follows from it.")
        elif not acceptance.accepted and not acceptance.refused:
            results().print("[green]No drift.[/]")
    left = acceptance.refused or (acceptance.accepted and not writing)
    return ExitCode.CHANGES if left else ExitCode.OK

"""`kraj drift`: what was changed by hand."""

from __future__ import annotations

import typer

from kraj.commands.options import CloudName, EngineName, EventsFile, Jobs, Json, Only, Region
from kraj.errors import ExitCode, KrajErrors
from kraj.operations.drift import find_drift
from kraj.operations.region import pick_engine, plan_region_files
from kraj.operations.stacks import DEFAULT_JOBS, select_targets
from kraj.report.documents.proofs import DriftDocument
from kraj.report.drift import print_drift
from kraj.report.output import print_document, progress, results
from kraj.report.progress import ConsoleProgress


def drift(
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
    nothing. Exit code 0: no drift, 2: drift, 1: error.

    Example: kraj drift --only tenant:liberec
    """
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
                "`kraj up --refresh` restores what differs; what is in no plan is yours to delete."
            )
        return ExitCode.CHANGES
    if not json_:
        results().print("[green]No drift.[/]")
    return ExitCode.OK

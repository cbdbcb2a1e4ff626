"""`kraj verify`: the proof that what was planned runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kraj.commands.options import (
    CloudName,
    EngineName,
    EventsFile,
    Identity,
    Jobs,
    Json,
    Only,
    Region,
)
from kraj.errors import ExitCode, KrajError
from kraj.operations.inside import prove_inside
from kraj.operations.proof import prove
from kraj.operations.region import pick_engine, plan_region_files
from kraj.operations.services import prove_services
from kraj.operations.stacks import DEFAULT_JOBS, existing, select_targets
from kraj.report.documents.proofs import VerifyDocument
from kraj.report.output import print_document, progress, results
from kraj.report.progress import ConsoleProgress
from kraj.report.proof_page import write_page
from kraj.report.proofs import print_proofs, write_junit
from kraj.verify.errors import NOT_PROVED, NOTHING_TO_PROVE


def verify(
    region: Region = None,
    only: Only = None,
    json_: Json = False,
    engine: EngineName = None,
    cloud: CloudName = None,
    junit: Annotated[
        Path | None,
        typer.Option(
            "--junit", dir_okay=False, help="Also write the proofs as JUnit XML to this file."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            dir_okay=False,
            help="Also write the proofs as one HTML page to this file, with what was found.",
        ),
    ] = None,
    standards: Annotated[
        bool,
        typer.Option(
            "--standards/--no-standards",
            help="Check the Sovereign Cloud Stack standards with each tenant's own credential.",
        ),
    ] = True,
    inside: Annotated[
        bool,
        typer.Option("--inside", help="Also look into the servers, and ask the services."),
    ] = False,
    identity: Identity = None,
    jobs: Jobs = DEFAULT_JOBS,
    events: EventsFile = None,
) -> int:
    """Read the cloud back through its API and compare it with the plan; never trusts the state.

    With --inside it also signs in to the servers, as `kraj configure` does, runs the tests of their
    roles there, tries to connect from each tenant's servers to those of other tenants, and asks
    each public service for its health, as people come to it. Without --only, all stacks that were
    provisioned. Exit code 1 where a check fails.

    Example: kraj verify --only tenant:liberec --inside --html proof.html
    """
    planned = plan_region_files(region, cloud, locked=True, check_ledger=False)
    chosen, _why = pick_engine(planned, engine)
    labels = select_targets(planned, only or [])
    if not only:
        labels = tuple(existing(chosen, planned, labels))
    if not labels:
        raise KrajError(NOTHING_TO_PROVE, f"region {planned.name} has no provisioned stack")
    with ConsoleProgress(progress(), events) as view:
        proofs = prove(chosen, planned, labels, view.report, standards=standards, jobs=jobs)
        if inside:
            proofs = prove_inside(
                planned.name, proofs, view.report, identity=identity, cloud=cloud, jobs=jobs
            )
            proofs = prove_services(planned.name, proofs, view.report, jobs=jobs)
    if junit is not None:
        write_junit(proofs, junit)
    if html is not None:
        write_page(planned.name, proofs, html, datetime.now(UTC))
    if json_:
        print_document(VerifyDocument.of(planned.name, proofs))
    else:
        print_proofs(proofs, results())
    failures = sum(len(proof.failures) for proof in proofs)
    if failures and json_:
        raise typer.Exit(ExitCode.ERROR)
    if failures:
        raise KrajError(NOT_PROVED, f"{failures} checks failed in region {planned.name}")
    return ExitCode.OK

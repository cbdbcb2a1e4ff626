"""`kraj configure`: the software of servers, by Ansible."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kraj.commands.options import CloudName, EventsFile, Identity, Json, Only, Region
from kraj.errors import ExitCode, KrajErrors
from kraj.operations.configure import DEFAULT_FORKS, Wish
from kraj.operations.configure import configure as configure_servers
from kraj.report.configuration import print_configuration, write_junit
from kraj.report.documents.configuration import ConfigureDocument
from kraj.report.output import print_document, progress, results
from kraj.report.progress import ConsoleProgress


def configure(
    region: Region = None,
    only: Only = None,
    service: Annotated[
        list[str] | None,
        typer.Option(
            "--service",
            metavar="NAME",
            help="Only servers of this service or pool of the centre. May be given several times.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Change nothing, tell what would be: exit code 2 if anything."
        ),
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what changes in files, but for secrets.")
    ] = False,
    forks: Annotated[
        int,
        typer.Option("--forks", min=1, max=200, help="Servers that are worked on side by side."),
    ] = DEFAULT_FORKS,
    identity: Identity = None,
    json_: Json = False,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", help="Also write all tasks as JUnit XML to this file."),
    ] = None,
    events: EventsFile = None,
    cloud: CloudName = None,
) -> int:
    """Configure the servers with Ansible: role `base`, then the role of their service.

    Works on what stands (`kraj up`). Host keys are read from the consoles that the cloud shows.
    Exit code 0 where all servers are as they should be now, 1 where one failed or was not reached;
    with --check 2 where something would change.

    Example: kraj configure --only tenant:liberec --check --diff
    """
    wish = Wish(
        only=only or (),
        services=service or (),
        check=check,
        diff=diff,
        forks=forks,
        identity=identity,
        cloud=cloud,
    )
    with ConsoleProgress(progress(), events) as view:
        done = configure_servers(region, wish, view.report)
    if junit is not None:
        write_junit(done, junit)
    if json_:
        print_document(ConfigureDocument.of(done))
    else:
        print_configuration(done, results(), diff=diff)
    if done.errors and json_:
        raise typer.Exit(ExitCode.ERROR)
    if done.errors:
        raise KrajErrors(done.errors)
    return ExitCode.CHANGES if check and done.changed else ExitCode.OK

"""`kraj lab`: a real OpenStack on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kraj.commands.confirming import confirm
from kraj.commands.options import EventsFile, Json
from kraj.errors import ExitCode
from kraj.operations.lab import choose_depth, open_lab
from kraj.report.documents.lab import LabDestroyDocument, LabLogsDocument, LabStatusDocument
from kraj.report.lab import print_lab_status
from kraj.report.output import print_document, progress, results
from kraj.report.progress import ConsoleProgress

app = typer.Typer(
    help="A real OpenStack on this machine: for trying, for tests, for the demo.",
    no_args_is_help=True,
)

StateDir = Annotated[
    Path | None,
    typer.Option("--state", envvar="KRAJ_LAB_DIR", help="The lab's folder; default .kraj/lab."),
]
Depth = Annotated[
    str,
    typer.Option(
        "--depth",
        envvar="KRAJ_LAB_DEPTH",
        help="api: nothing boots. hosts: every server is a container with systemd (root). "
        "vm: every server is a virtual machine (root). auto: hosts where this machine can do that.",
    ),
]
PortOffset = Annotated[
    int,
    typer.Option(
        "--port-offset",
        min=0,
        # kraj.lab.settings.LARGEST_OFFSET, which would load the whole lab into every command.
        max=54224,
        help="Added to every standard port of OpenStack.",
    ),
]
Memcached = Annotated[
    str,
    typer.Option(
        "--memcached",
        envvar="KRAJ_LAB_MEMCACHED",
        metavar="HOST:PORT",
        help="A memcached of yours in place of the lab's own.",
    ),
]


@app.command()
def up(
    with_: Annotated[
        str, typer.Option("--with", help="More services, by comma: designate,swift.")
    ] = "",
    depth: Depth = "",
    state: StateDir = None,
    port_offset: PortOffset = 0,
    memcached: Memcached = "",
    json_: Json = False,
    events: EventsFile = None,
) -> int:
    """Install what is missing, start every service, write clouds.yaml. Can be run again.

    It can use a database and a message queue of yours. Their addresses hold
    passwords, and every user of a machine can read its command lines. So name
    them by environment:
    KRAJ_LAB_DATABASE_URL=mysql+pymysql://user:password@host:3306/prefix_
    KRAJ_LAB_TRANSPORT_URL=rabbit://user:password@host:5672/vhost

    Example: kraj lab up --with designate
    """
    if depth == "auto":
        depth, why = choose_depth(state)
        if why:
            progress().print(f"Servers will not boot: {why}.", markup=False)
    lab = open_lab(
        state,
        with_services=_words(with_),
        depth=depth,
        port_offset=port_offset,
        database_url=os.environ.get("KRAJ_LAB_DATABASE_URL", ""),
        transport_url=os.environ.get("KRAJ_LAB_TRANSPORT_URL", ""),
        memcached=memcached,
    )
    with ConsoleProgress(progress(), events) as view:
        lab.up(view.report)
    status = lab.status()
    if json_:
        print_document(LabStatusDocument.of(status))
    else:
        print_lab_status(status, results(), brief=True)
    return ExitCode.OK


@app.command()
def status(state: StateDir = None, json_: Json = False) -> int:
    """Show the services, their ports and memory. Exit code 1 where one is not running.

    Example: kraj lab status --json
    """
    lab = open_lab(state)
    found = lab.status()
    if json_:
        print_document(LabStatusDocument.of(found))
    else:
        print_lab_status(found, results())
    return ExitCode.OK if found.running else ExitCode.ERROR


@app.command()
def logs(
    service: Annotated[str, typer.Argument(help="A service, as `kraj lab status` names it.")],
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many.")] = 50,
    state: StateDir = None,
    json_: Json = False,
) -> int:
    """Show the last log lines of a service.

    Example: kraj lab logs nova-api -n 100
    """
    found = open_lab(state).logs(service, lines)
    if json_:
        print_document(LabLogsDocument(service=service, lines=tuple(found)))
    else:
        for line in found:
            typer.echo(line)
    return ExitCode.OK


@app.command()
def down(state: StateDir = None, json_: Json = False, events: EventsFile = None) -> int:
    """Stop the services; everything in them is kept.

    Example: kraj lab down
    """
    lab = open_lab(state)
    with ConsoleProgress(progress(), events) as view:
        lab.down(view.report)
    if json_:
        print_document(LabStatusDocument.of(lab.status()))
    return ExitCode.OK


@app.command()
def destroy(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    state: StateDir = None,
    json_: Json = False,
    events: EventsFile = None,
) -> int:
    """Stop the services and delete the lab with everything in it: no process, no file is left.

    Example: kraj lab destroy --yes
    """
    lab = open_lab(state)
    if lab.exists and not yes:
        confirm(
            f"Delete the lab in {lab.settings.folder} and all that was provisioned in it?",
            "the lab was kept",
            "Answer y, or run: kraj lab destroy --yes",
        )
    with ConsoleProgress(progress(), events) as view:
        lab.destroy(view.report)
    if json_:
        print_document(LabDestroyDocument())
    return ExitCode.OK


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())

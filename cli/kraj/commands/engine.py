"""`kraj engine`: what applies the stacks, and installing the Pulumi CLI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kraj.commands.options import EngineName, Json
from kraj.errors import ExitCode
from kraj.operations.engine import describe_engines, install_pulumi
from kraj.report.output import print_json, progress, results
from kraj.report.progress import ConsoleProgress

app = typer.Typer(help="What applies the stacks: Pulumi's CLI or kraj's own.", no_args_is_help=True)


@app.command()
def status(engine: EngineName = None, json_: Json = False) -> int:
    """Show which engine would be used and why, with versions and the state's place.

    Example: kraj engine status
    """
    facts = describe_engines(engine)
    if json_:
        print_json(facts)
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
        print_json(installed)
    else:
        results().print(f"[green]✓[/] Pulumi {installed['version']} in {installed['path']}")
    return ExitCode.OK

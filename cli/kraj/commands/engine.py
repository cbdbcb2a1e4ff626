"""`kraj engine`: what applies the stacks, and installing the Pulumi CLI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kraj.commands.options import CloudName, EngineName, Json, Region
from kraj.errors import ExitCode, KrajError
from kraj.operations.engine import describe_engines, install_pulumi
from kraj.operations.errors import NOT_CONFIRMED
from kraj.operations.region import pick_engine, plan_region_files
from kraj.operations.stacks import select_targets, stack_spec
from kraj.report.documents.machine import (
    EngineDocument,
    EngineInstallDocument,
    EngineUnlockDocument,
)
from kraj.report.output import print_document, progress, results
from kraj.report.progress import ConsoleProgress

app = typer.Typer(help="What applies the stacks: Pulumi's CLI or kraj's own.", no_args_is_help=True)


@app.command()
def status(engine: EngineName = None, json_: Json = False) -> int:
    """Show which engine would be used and why, with versions and the state's place.

    Example: kraj engine status
    """
    facts = describe_engines(engine)
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
def unlock(
    stack: Annotated[str, typer.Argument(help="`centre` or `tenant:<slug>`.")],
    region: Region = None,
    engine: EngineName = None,
    cloud: CloudName = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json_: Json = False,
) -> int:
    """Break the lock of a stack whose holder is gone; the refusal names the holder.

    Example: kraj engine unlock tenant:liberec
    """
    planned = plan_region_files(region, cloud, locked=True, check_ledger=False)
    chosen, _why = pick_engine(planned, engine)
    (label,) = select_targets(planned, [stack])
    if not yes and not typer.confirm(f"Is really nobody working on {label}?", err=True):
        raise KrajError(NOT_CONFIRMED, f"the lock of {label} was kept")
    chosen.cancel(stack_spec(planned, label))
    if json_:
        print_document(EngineUnlockDocument(stack=label))
    else:
        results().print(f"[green]✓[/] {label} is unlocked")
    return ExitCode.OK

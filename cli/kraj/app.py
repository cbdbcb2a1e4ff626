"""The `kraj` command: its root, the exit codes and the printing of errors.

Everything else lives in `kraj.commands`: one thin module per group that parses, calls one function
of `kraj.operations` and prints.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kraj import __version__
from kraj.commands import (
    capacity,
    configure,
    doctor,
    drift,
    engine,
    explain,
    image,
    inventory,
    lab,
    region,
    schema,
    secret,
    service,
    stacks,
    state,
    tenant,
    verify,
)
from kraj.errors import ExitCode, KrajError, KrajErrors
from kraj.operations.errors import INTERNAL, INTERRUPTED, USAGE
from kraj.report.errors import errors_as_json, print_errors
from kraj.secrecy import without_secrets

app = typer.Typer(
    name="kraj",
    help="Plan, provision and prove a region's technology centre and its municipalities.",
    epilog="Start with: kraj doctor · kraj lab up · kraj plan · kraj up · kraj verify",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("doctor")(doctor.doctor)
app.command("plan")(stacks.plan)
app.command("up")(stacks.up)
app.command("status")(stacks.status)
app.command("outputs")(stacks.outputs)
app.command("inventory")(inventory.inventory)
app.command("configure")(configure.configure)
app.command("verify")(verify.verify)
app.command("capacity")(capacity.capacity)
app.command("refresh")(stacks.refresh)
app.command("down")(stacks.down)
app.command("explain")(explain.explain)
app.command("schema")(schema.schema)
app.add_typer(drift.app, name="drift")
app.add_typer(region.app, name="region")
app.add_typer(state.app, name="state")
app.add_typer(secret.app, name="secret")
app.add_typer(service.app, name="service")
app.add_typer(tenant.app, name="tenant")
app.add_typer(engine.app, name="engine")
app.add_typer(lab.app, name="lab")
app.add_typer(image.app, name="image")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kraj {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Plan, provision and prove a region's technology centre."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with a documented exit code; never with a traceback."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=args, prog_name="kraj", standalone_mode=False)
    except KrajErrors as failure:
        sys.exit(_show(failure.errors, args))
    except KrajError as error:
        sys.exit(_show([error], args))
    except typer.TyperException as wrong:
        sys.exit(_show_usage(wrong, args))
    except (typer.Abort, KeyboardInterrupt):
        _show([KrajError(INTERRUPTED, "stopped before the end")], args)
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone (`kraj plan | head`): say nothing, also not at interpreter exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.OK)
    except Exception as bug:
        sys.exit(_show([_internal(bug)], args))
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _show(errors: Sequence[KrajError], args: Sequence[str]) -> ExitCode:
    if "--json" in args:
        typer.echo(errors_as_json(errors))
    else:
        print_errors(errors, Console(stderr=True))
    interrupted = any(error.details.get("exit_code") == 130 for error in errors)
    return ExitCode.INTERRUPTED if interrupted else ExitCode.ERROR


def _show_usage(wrong: typer.TyperException, args: Sequence[str]) -> ExitCode:
    context = getattr(wrong, "ctx", None)
    if not args or type(wrong).__name__ == "NoArgsIsHelpError":
        # The help has been asked for by saying nothing; Typer prints it as the exception's text.
        typer.echo(wrong.format_message())
        return ExitCode.USAGE
    where = context.command_path if context else "kraj"
    _show([KrajError(USAGE, wrong.format_message(), hint=f"See: {where} --help")], args)
    return ExitCode.USAGE


def _internal(bug: Exception) -> KrajError:
    """A defect of kraj: its traceback, without secrets, goes to a file that the user can send."""
    told = without_secrets("".join(traceback.format_exception(bug)))
    if os.environ.get("KRAJ_DEBUG"):
        typer.echo(told, err=True)
    # For its owner alone (0600): names and addresses of a region are nobody else's business.
    with tempfile.NamedTemporaryFile(
        "w", prefix="kraj-", suffix=".log", delete=False, encoding="utf-8", errors="replace"
    ) as report:
        report.write(told)
        report.write(json.dumps({"version": __version__, "python": sys.version}) + "\n")
    return KrajError(
        INTERNAL,
        f"{type(bug).__name__}: {bug}",
        hint=f"This is a defect of kraj. Please report it with {Path(report.name)}.",
    )

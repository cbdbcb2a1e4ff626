"""`kraj state`: the states of stacks: look at them, check, copy, take back, unlock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kraj.commands.options import Json, Only, Region, complete_target
from kraj.errors import ExitCode, KrajError
from kraj.operations.errors import NOT_CONFIRMED, USAGE
from kraj.report.documents.states import (
    StateBackupsDocument,
    StateHistoryDocument,
    StateListDocument,
    StateRepairDocument,
    StateReplaceDocument,
    StateSecretsDocument,
    StateShowDocument,
    StateUnlockDocument,
    StateVerifyDocument,
)
from kraj.report.output import print_document, print_json, progress, results

if TYPE_CHECKING:
    from kraj.operations.states import RegionStates

app = typer.Typer(
    help="What kraj knows of the stacks: look at it, check it, copy it, take it back.",
    no_args_is_help=True,
)

Stack = Annotated[
    str, typer.Argument(help="`centre` or `tenant:<slug>`.", autocompletion=complete_target)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def _states(region: str | None) -> RegionStates:
    from kraj.operations.states import RegionStates  # noqa: PLC0415 - slow to load

    return RegionStates(region)


@app.command("list")
def list_(region: Region = None, json_: Json = False) -> int:
    """Show every state with its size, last update, open steps, and who works on it.

    Example: kraj state list
    """
    from kraj.report.states import print_states  # noqa: PLC0415 - as above

    states = _states(region)
    found = states.summaries()
    if json_:
        print_document(StateListDocument.of(states.region, found))
    else:
        print_states(found, results())
    return ExitCode.OK


@app.command()
def show(stack: Stack, region: Region = None, json_: Json = False) -> int:
    """Show the resources of a state, each under its parent, with their ids in the cloud.

    Example: kraj state show tenant:liberec
    """
    from kraj.report.states import print_resources  # noqa: PLC0415 - as above

    document = StateShowDocument.of(stack, _states(region).deployment(stack))
    if json_:
        print_document(document)
    else:
        print_resources(document, results())
    return ExitCode.OK


@app.command()
def export(
    stack: Stack,
    region: Region = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Write it there, for your eyes only.")
    ] = None,
) -> int:
    """Print a state as `pulumi stack export` does; secrets stay encrypted.

    Example: kraj state export centre --file centre.json
    """
    states = _states(region)
    if file is None:
        print_json(states.export(stack))
        return ExitCode.OK
    states.write_export(stack, file)
    results().print(f"[green]✓[/] {stack} is in {file}", soft_wrap=True)
    return ExitCode.OK


@app.command("import")
def import_(
    stack: Stack,
    file: Annotated[Path, typer.Argument(help="An export of this stack, by kraj or Pulumi.")],
    region: Region = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json_: Json = False,
) -> int:
    """Replace a state by an export of it, after a copy of the one that is there.

    Example: kraj state import centre centre.json --dry-run
    """
    from kraj.operations.states import read_export  # noqa: PLC0415 - as above

    exported = read_export(file)
    return _replace(_states(region), stack, exported, dry_run=dry_run, yes=yes, json_=json_)


@app.command()
def history(stack: Stack, region: Region = None, json_: Json = False) -> int:
    """Show the past updates of a stack, newest first.

    Example: kraj state history tenant:liberec
    """
    from kraj.report.states import print_history  # noqa: PLC0415 - as above

    updates = _states(region).history(stack)
    if json_:
        print_document(StateHistoryDocument.of(stack, updates))
    else:
        print_history(updates, results())
    return ExitCode.OK


@app.command()
def verify(region: Region = None, only: Only = None, json_: Json = False) -> int:
    """Check states and their copies: readable, sound, secrets decryptable, checksums fit.

    Asks no cloud; that is `kraj refresh` and `kraj verify`. Exit code 0: no fault, 1: faults.

    Example: kraj state verify
    """
    from kraj.report.states import print_checks  # noqa: PLC0415 - as above

    states = _states(region)
    checks = states.check(only or [])
    document = StateVerifyDocument.of(states.region, checks)
    if json_:
        print_document(document)
    else:
        print_checks(checks, results())
    return ExitCode.OK if document.passed else ExitCode.ERROR


@app.command()
def backups(stack: Stack, region: Region = None, json_: Json = False) -> int:
    """Show the copies of a state from before each change, newest first.

    Example: kraj state backups centre
    """
    from kraj.report.states import print_backups  # noqa: PLC0415 - as above

    found = _states(region).backups(stack)
    if json_:
        print_document(StateBackupsDocument.of(stack, found))
    else:
        print_backups(found, results())
    return ExitCode.OK


@app.command()
def restore(
    stack: Stack,
    copy: Annotated[
        str,
        typer.Argument(
            help="A name of `kraj state backups`, or a number of `kraj state history`: the state "
            "after that update."
        ),
    ],
    region: Region = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json_: Json = False,
) -> int:
    """Replace a state by an earlier one; what is replaced becomes a copy itself.

    The cloud is not asked and not changed: run `kraj refresh` and `kraj plan` afterwards.

    Example: kraj state restore centre 7 --dry-run
    """
    states = _states(region)
    exported = states.copy_as_export(stack, copy)
    return _replace(states, stack, exported, dry_run=dry_run, yes=yes, json_=json_)


@app.command()
def repair(
    stack: Stack,
    region: Region = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json_: Json = False,
) -> int:
    """Mend a state that cannot be read or is out of order, after a copy of what is there.

    Forgets references to what is not there, removes entries that stand twice, and puts resources in
    order; where the state cannot be read, the newest good copy takes its place. The cloud is not
    asked: run `kraj refresh` and `kraj plan` afterwards.

    Example: kraj state repair centre --dry-run
    """
    from kraj.operations.repair import plan_repair  # noqa: PLC0415 - as above
    from kraj.report.states import print_repair  # noqa: PLC0415

    states = _states(region)
    found = plan_repair(states, stack)
    doing = bool(found.actions) and not dry_run
    if not json_ or (doing and not yes):
        print_repair(found, progress() if json_ else results())
    if doing:
        if not yes and not typer.confirm(f"Repair the state of {stack}?", err=True):
            raise KrajError(NOT_CONFIRMED, f"the state of {stack} is as it was")
        states.import_state(stack, found.exported)
    if json_:
        print_document(StateRepairDocument.of(stack, found, done=doing))
    elif doing:
        results().print(f"[green]✓[/] {stack} is repaired; `kraj refresh` compares it.")
    return ExitCode.OK


@app.command("change-secrets-provider")
def change_secrets_provider(
    region: Region = None,
    new: Annotated[
        Path | None,
        typer.Option("--new-passphrase-file", help="The new passphrase; else it is asked for."),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json_: Json = False,
) -> int:
    """Encrypt the secrets in all states of a region with another passphrase.

    All stacks are locked meanwhile. Run it again with the same new passphrase if it was stopped:
    it goes on. Copies from before need the old passphrase.

    Example: kraj state change-secrets-provider --new-passphrase-file new.txt
    """
    from kraj.operations.rotation import Rotation, new_passphrase  # noqa: PLC0415 - as above
    from kraj.report.states import print_rotation  # noqa: PLC0415

    states = _states(region)
    typed = "" if new else typer.prompt("New passphrase", hide_input=True, err=True)
    if typed and typer.prompt("Once more", hide_input=True, err=True) != typed:
        raise KrajError(USAGE, "the two passphrases differ", hint="Run the command again.")
    rotation = Rotation(states, new_passphrase(new, typed))
    found = rotation.plan()
    if not json_:
        print_rotation(found, results())
    question = f"Encrypt the secrets of {states.region} with the new passphrase?"
    if not dry_run and not yes and not typer.confirm(question, err=True):
        raise KrajError(NOT_CONFIRMED, "the secrets are as they were")
    old = None if dry_run else rotation.carry_out()
    if json_:
        print_document(
            StateSecretsDocument(
                region=states.region, done=not dry_run, states=found, old_passphrase=old
            )
        )
    elif not dry_run:
        where = "set it from now on where the old one was"
        if old:
            where = f"the old one is in {old}: delete it once no copy from before is needed"
        results().print(
            f"[green]✓[/] {states.region} has the new passphrase; {where}", soft_wrap=True
        )
    return ExitCode.OK


@app.command()
def unlock(stack: Stack, region: Region = None, yes: Yes = False, json_: Json = False) -> int:
    """Remove the lock of a stack whose holder is gone. Refused while it runs on this machine.

    Example: kraj state unlock tenant:liberec
    """
    states = _states(region)
    holders = states.holders(stack)
    for holder in holders:
        progress().print(f"locked by {holder.words}", markup=False, soft_wrap=True)
    question = f"Is really nobody working on {stack}?"
    if holders and not yes and not typer.confirm(question, err=True):
        raise KrajError(NOT_CONFIRMED, f"the lock of {stack} was kept")
    removed = states.unlock(stack)
    if json_:
        print_document(StateUnlockDocument(stack=stack, locks=removed))
    else:
        words = "is unlocked" if removed else "was not locked"
        results().print(f"[green]✓[/] {stack} {words}")
    return ExitCode.OK


def _replace(
    states: RegionStates,
    stack: str,
    exported: dict[str, Any],
    *,
    dry_run: bool,
    yes: bool,
    json_: bool,
) -> int:
    """Show what differs, ask, do it."""
    from kraj.report.states import print_differences  # noqa: PLC0415 - as above

    found = states.plan_import(stack, exported)
    if not json_:
        results().print(f"The state of [bold]{stack}[/] would change:")
        print_differences(found, results())
    if not dry_run:
        if not yes and not typer.confirm(f"Replace the state of {stack}?", err=True):
            raise KrajError(NOT_CONFIRMED, f"the state of {stack} is as it was")
        states.import_state(stack, exported)
    if json_:
        print_document(StateReplaceDocument.of(stack, found, done=not dry_run))
    elif dry_run:
        results().print("Nothing was changed.")
    else:
        results().print(f"[green]✓[/] {stack} has this state; `kraj refresh` compares it.")
    return ExitCode.OK

"""`kraj secret`: the passwords that roles get."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from kraj.commands.options import Json, Only, Region, complete_target
from kraj.errors import ExitCode
from kraj.operations.role_secrets import list_secrets, reveal_secret
from kraj.operations.states import RegionStates
from kraj.report.documents.secrets import SecretEntry, SecretListDocument, SecretShowDocument
from kraj.report.output import print_document, results

app = typer.Typer(
    help="The passwords that roles get: derived per municipality, kept nowhere.",
    no_args_is_help=True,
)


@app.command("list")
def list_(region: Region = None, only: Only = None, json_: Json = False) -> int:
    """List which secrets the roles of the servers that stand ask for; no value is shown.

    Example: kraj secret list --only tenant:liberec
    """
    states = RegionStates(region)
    document = SecretListDocument(
        region=states.region,
        secrets=tuple(SecretEntry.model_validate(one) for one in list_secrets(states, only or [])),
    )
    if json_:
        print_document(document)
        return ExitCode.OK
    console = results()
    if not document.secrets:
        console.print("No server that stands has a role with secrets.")
        return ExitCode.OK
    table = Table(box=None, pad_edge=False)
    table.add_column("stack", overflow="fold")
    table.add_column("secret", overflow="fold")
    table.add_column("what it is", overflow="fold")
    for secret in document.secrets:
        table.add_row(secret.stack, secret.name, escape(secret.meaning))
    console.print(table)
    return ExitCode.OK


@app.command()
def show(
    stack: Annotated[
        str,
        typer.Argument(
            metavar="STACK",
            help="`centre` or `tenant:<slug>`.",
            autocompletion=complete_target,
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `kraj secret list` has it.")],
    region: Region = None,
    json_: Json = False,
) -> int:
    """Print one secret in the clear, for a first sign-in or by hand on a server.

    Example: kraj secret show tenant:liberec records__admin_password
    """
    states = RegionStates(region)
    secret, value = reveal_secret(states, stack, name)
    if json_:
        entry = SecretEntry.model_validate(secret)
        print_document(SecretShowDocument(region=states.region, secret=entry, value=value))
    else:
        typer.echo(value)
    return ExitCode.OK

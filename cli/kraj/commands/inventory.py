"""`kraj inventory`: the region's servers for Ansible."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from kraj.commands.options import Only, Region
from kraj.configure.inventory import PLUGINS
from kraj.errors import ExitCode
from kraj.operations.inventory import read_inventory, variables_of


def inventory(
    list_: Annotated[
        bool, typer.Option("--list", help="All servers, groups and variables (the default).")
    ] = False,
    host: Annotated[
        str | None, typer.Option("--host", metavar="NAME", help="One server's variables.")
    ] = None,
    plugins: Annotated[
        bool, typer.Option("--plugins", help="Print the folder of Ansible's inventory plugin.")
    ] = False,
    region: Region = None,
    only: Only = None,
) -> int:
    """Print the servers as an Ansible inventory, from what the stacks export.

    The form is that of dynamic inventory scripts. Groups are the region, the centre or the tenant,
    service, site and availability class. The cloud is not asked.

    Example: kraj inventory --list --only tenant:liberec
    """
    if sum((list_, host is not None, plugins)) > 1:
        raise typer.BadParameter("--list, --host and --plugins are three questions")
    if plugins:
        typer.echo(PLUGINS)
        return ExitCode.OK
    found = read_inventory(region, only or [])
    shown = found if host is None else variables_of(found, host)
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    return ExitCode.OK

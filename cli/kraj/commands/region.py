"""`kraj region`: make, check and show the files of a region."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kraj.commands.options import Json, Region
from kraj.errors import ExitCode
from kraj.model.schema import schema_of
from kraj.operations.region import read_region
from kraj.report.documents.regions import (
    RegionInitDocument,
    RegionShowDocument,
    RegionValidateDocument,
)
from kraj.report.output import print_document, print_json, results
from kraj.report.region import print_region

app = typer.Typer(help="Make, check and show the files of a region.", no_args_is_help=True)


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="Short name: lower-case letters, digits, hyphens.")],
    title: Annotated[str, typer.Option(prompt=True, help="Official name.")],
    nuts: Annotated[str, typer.Option(prompt="NUTS code (for example CZ051)", help="NUTS code.")],
    country: Annotated[
        str, typer.Option(prompt="Country (ISO 3166, for example CZ)", help="ISO 3166-1 alpha-2.")
    ],
    time_zone: Annotated[str, typer.Option(help="IANA name of the time zone.")] = "Europe/Prague",
    folder: Annotated[Path, typer.Option(help="Where the region's folder is made.")] = Path(
        "inventories"
    ),
    json_: Json = False,
) -> int:
    """Write the commented starter files of a new region; never overwrites one.

    Example: kraj region init vysocina --title "Kraj Vysočina" --nuts CZ063 --country CZ
    """
    from kraj.model.render import init_region  # noqa: PLC0415 - loads the template engine

    made = init_region(
        folder / name, name=name, title=title, nuts=nuts, country=country, time_zone=time_zone
    )
    if json_:
        print_document(RegionInitDocument(files=tuple(str(path) for path in made)))
    else:
        console = results()
        for path in made:
            console.print(f"[green]+[/] {path}")
        console.print("Next: edit region.yaml, then `kraj region validate`.")
    return ExitCode.OK


@app.command()
def validate(region: Region = None, json_: Json = False) -> int:
    """Check all files of a region and report every error with its file, line and column.

    Example: kraj region validate --region liberecky
    """
    _project, folder, files = read_region(region)
    if json_:
        print_document(RegionValidateDocument.of(files))
    else:
        services = ", ".join(files.services)
        results().print(
            f"[green]✓[/] {folder}: {len(files.tenants)} tenants, services {services}",
            soft_wrap=True,
        )
    return ExitCode.OK


@app.command()
def show(region: Region = None, json_: Json = False) -> int:
    """Show a region: sites, pools, sizes, tenants and what they order.

    Example: kraj region show --json
    """
    _project, _folder, files = read_region(region)
    if json_:
        print_document(RegionShowDocument.of(files))
    else:
        print_region(files, results())
    return ExitCode.OK


@app.command()
def schema(
    kind: Annotated[
        str, typer.Argument(help="region, tenant or service.", metavar="KIND")
    ] = "region",
) -> int:
    """Print the JSON Schema of a file, for editors that complete and check while typing.

    Example: kraj region schema tenant > tenant.json
    """
    print_json(schema_of(kind))
    return ExitCode.OK

"""Options that several commands share, declared once, with completion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kraj.errors import KrajError
from kraj.operations.project import find_project, find_region


def _complete_region(incomplete: str) -> list[str]:
    try:
        folders = find_project().inventories.glob("*/region.yaml")
        return sorted(
            path.parent.name for path in folders if path.parent.name.startswith(incomplete)
        )
    except (KrajError, OSError):
        return []


def complete_target(incomplete: str) -> list[str]:
    try:
        folder = find_region(find_project(), None)
    except (KrajError, OSError):
        return []
    names = ["centre", *(f"tenant:{path.stem}" for path in sorted(folder.glob("tenants/*.yaml")))]
    return [name for name in names if name.startswith(incomplete)]


def complete_engine(incomplete: str) -> list[str]:
    return [name for name in ("local", "pulumi") if name.startswith(incomplete)]


Region = Annotated[
    str | None,
    typer.Option(
        "--region",
        "-r",
        envvar="KRAJ_REGION",
        help="Region: a folder of inventories/, or its path.",
        autocompletion=_complete_region,
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Only this stack: `centre` or `tenant:<slug>`. May be given several times.",
        autocompletion=complete_target,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document on standard output."),
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        envvar="KRAJ_ENGINE",
        help="What applies the stacks: `pulumi` or `local`. Chosen by itself where not given.",
        autocompletion=complete_engine,
    ),
]
Jobs = Annotated[
    int,
    typer.Option("--jobs", "-j", min=1, max=64, help="Tenant stacks that run side by side."),
]
Identity = Annotated[
    Path | None,
    typer.Option(
        "--identity",
        "-i",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        resolve_path=True,
        help="Private key to sign in with; SSH's own choice and its agent where not given.",
    ),
]
CloudName = Annotated[
    str | None,
    typer.Option("--cloud", help="Entry of clouds.yaml; the region's first cloud where not given."),
]
Locked = Annotated[
    bool,
    typer.Option(
        "--locked", help="Fail where the address ledger would change (for CI), write nothing."
    ),
]
Refresh = Annotated[
    bool,
    typer.Option("--refresh", help="Read all resources from the cloud first."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting or replacing.")]
EventsFile = Annotated[
    Path | None,
    typer.Option("--events", help="Also append every event to this file, as JSON lines."),
]

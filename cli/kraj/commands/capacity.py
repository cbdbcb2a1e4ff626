"""`kraj capacity`: what the region's storage has, has promised and holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kraj.capacity.forecast import Level
from kraj.commands.options import CloudName, Json, Region
from kraj.errors import ExitCode
from kraj.operations.capacity import storage_state
from kraj.operations.region import plan_region_files
from kraj.report.documents.capacity import CapacityDocument
from kraj.report.errors import print_errors
from kraj.report.output import print_document, progress, results
from kraj.report.storage import print_storage, write_plot

#: Worst last.
_LEVELS = list(Level)


def capacity(
    region: Region = None,
    cloud: CloudName = None,
    json_: Json = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", dir_okay=False, help="Also write a picture (SVG) to this file."),
    ] = None,
    fail_at: Annotated[
        Level | None,
        typer.Option("--fail-at", help="Exit code 2 where a pool is at this level or beyond."),
    ] = None,
) -> int:
    """Show, pool by pool, what the files promise, what volumes take, and when it is full.

    What is ordered and does not fit is shown too, and refused by `kraj plan`.
    Levels: warning from 70 % of what may be promised on, alert from 85 %, critical from 95 %.

    Example: kraj capacity --fail-at alert
    """
    planned = plan_region_files(region, cloud, locked=True, check_ledger=False, may_exceed=True)
    state = storage_state(planned)
    if plot is not None:
        write_plot(planned.name, state, plot)
    if json_:
        print_document(CapacityDocument.of(planned.name, state))
    else:
        print_storage(state, results())
    print_errors(planned.plan.refusals, progress())
    worst = max((_LEVELS.index(pool.level) for pool in state.pools), default=0)
    if fail_at is not None and worst >= _LEVELS.index(fail_at):
        return ExitCode.CHANGES
    return ExitCode.OK

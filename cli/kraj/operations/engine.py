"""Describes the engines of this machine and installs Pulumi's CLI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.buckets.places import STATE_URL, open_bucket
from kraj.engine.select import choose_engine
from kraj.errors import KrajError, KrajErrors
from kraj.events import Reporter
from kraj.operations.project import find_project
from kraj.operations.region import read_region, state_bucket


def describe_engines(requested: str | None, region: str | None = None) -> dict[str, Any]:
    """Which engine would be used, why, and what is known of each.

    What is recorded for a region counts where it is named, or is the only one. Raises what reading
    a named region raises.
    """
    # Pulumi's automation library is slow to load.
    from kraj.engine.pulumi import engine_status  # noqa: PLC0415

    state, bucket = _place_of_states(region)
    engine, reason = choose_engine(requested, state, bucket)
    return {
        "engine": engine.name,
        "version": engine.version,
        "reason": reason,
        "details": {"state": bucket.url if bucket else str(state), **engine_status()},
    }


def _place_of_states(region: str | None) -> tuple[Path, Bucket | None]:
    """The folder of a region's states, or of all where there is none; and their bucket, if any."""
    try:
        project, folder, files = read_region(region)
    except (KrajError, KrajErrors):
        if region is not None:
            raise
        named = os.environ.get(STATE_URL)
        return find_project().state, open_bucket(named) if named else None
    return project.region_state(files.region.name), state_bucket(folder, files.region)


def install_pulumi(folder: Path | None, mirror: str | None, report: Reporter) -> dict[str, Any]:
    """Install the pinned CLI and provider plugin."""
    from kraj.engine.pulumi import install_cli  # noqa: PLC0415 - as above

    info = install_cli(folder, mirror, report)
    return {"version": info.version, "path": str(info.path)}

"""Describes the engines of this machine and installs Pulumi's CLI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kraj.engine.local.buckets.places import STATE_URL, open_bucket
from kraj.engine.select import choose_engine
from kraj.events import Reporter
from kraj.operations.project import find_project


def describe_engines(requested: str | None) -> dict[str, Any]:
    """Which engine would be used, why, and what is known of each."""
    # Pulumi's automation library is slow to load.
    from kraj.engine.pulumi import engine_status  # noqa: PLC0415

    state = find_project().state
    engine, reason = choose_engine(requested, state)
    named = os.environ.get(STATE_URL)
    place = open_bucket(named).url if named else str(state)
    return {
        "engine": engine.name,
        "version": engine.version,
        "reason": reason,
        "details": {"state": place, **engine_status()},
    }


def install_pulumi(folder: Path | None, mirror: str | None, report: Reporter) -> dict[str, Any]:
    """Install the pinned CLI and provider plugin."""
    from kraj.engine.pulumi import install_cli  # noqa: PLC0415 - as above

    info = install_cli(folder, mirror, report)
    return {"version": info.version, "path": str(info.path)}

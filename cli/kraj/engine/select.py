"""Which engine applies a stack: the choice, with its reason for people to read.

`--engine` counts first, then what `kraj engine switch` has recorded for the region; else Pulumi's
own command line is taken wherever it is installed, and the local engine works without it. Both run
the same programs and keep the same state. Nothing is installed here (`kraj engine install`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kraj.engine.base import Engine
from kraj.engine.choice import Choice, read_choice
from kraj.engine.errors import NO_PULUMI, UNKNOWN_ENGINE
from kraj.engine.local.backups import KEPT
from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.buckets.files import FileBucket
from kraj.engine.switching_errors import STATE_ELSEWHERE, SWITCH_UNFINISHED
from kraj.errors import KrajError

ENGINES = ("local", "pulumi")


def choose_engine(
    requested: str | None, state_dir: Path, bucket: Bucket | None = None, *, backups: int = KEPT
) -> tuple[Engine, str]:
    """The engine and why it was chosen.

    `requested` is the value of `--engine`: `local`, `pulumi`, or None for what is recorded for the
    region, else an automatic choice. States are in `bucket`; None takes the files below
    `state_dir`. Of each, the local engine keeps `backups` copies from before changes. Raises
    KRJ312 where Pulumi is to be used and not installed, KRJ313 for any other name, KRJ343 and
    KRJ344 where the engine would not see the region's states.
    """
    check_name(requested)
    bucket = bucket or FileBucket(state_dir)
    choice = read_choice(bucket)
    if choice.unfinished and choice.unfinished.place:
        raise KrajError(
            SWITCH_UNFINISHED, f"run `kraj engine switch {choice.unfinished.to}` to its end"
        )
    name, reason = _name_and_reason(requested, choice)
    engine = make_engine(name, state_dir, bucket=bucket, backups=backups)
    place = choice.place or bucket.url
    if choice.engine and engine.place != place:
        raise KrajError(
            STATE_ELSEWHERE, f"the states are at {place}; the engine {name} has {engine.place}"
        )
    return engine, reason


def make_engine(
    name: str,
    state_dir: Path,
    *,
    bucket: Bucket | None = None,
    environ: Mapping[str, str] = os.environ,
    backups: int = KEPT,
) -> Engine:
    """An engine by its name, whatever is recorded. Raises KRJ312, KRJ350."""
    # Imported late: the automation library is slow to load and not needed by the local engine.
    if name == "local":
        from kraj.engine.local.engine import LocalEngine  # noqa: PLC0415

        return LocalEngine(state_dir, environ=environ, bucket=bucket, backups=backups)
    from kraj.engine.pulumi import PulumiEngine  # noqa: PLC0415

    return PulumiEngine(state_dir, environ=environ, bucket=bucket)


def check_name(name: str | None) -> None:
    """Raises KRJ313 for what is no engine's name."""
    if name is not None and name not in ENGINES:
        raise KrajError(
            UNKNOWN_ENGINE, f"there is no engine {name!r}; known are {', '.join(ENGINES)}"
        )


def _name_and_reason(requested: str | None, choice: Choice) -> tuple[str, str]:
    recorded = f"chosen for the region by `kraj engine switch` on {choice.since[:10]}"
    if requested == "local":
        return "local", "asked for with --engine local"
    if requested is None and choice.engine == "local":
        return "local", recorded
    from kraj.engine.pulumi_cli import find_cli  # noqa: PLC0415 - not needed by the local engine

    cli = find_cli()
    if cli is None and requested == "pulumi":
        raise KrajError(NO_PULUMI, "--engine pulumi: no `pulumi` command was found on PATH")
    if cli is None and choice.engine == "pulumi":
        raise KrajError(
            NO_PULUMI,
            f"the engine pulumi was {recorded}, but no `pulumi` command was found on PATH",
            hint="Install it with `kraj engine install`, take the region back with "
            "`kraj engine switch local`, or use `--engine local` this once.",
        )
    if cli is None:
        return "local", "no pulumi command on PATH"
    why = "asked for with --engine pulumi" if requested else recorded if choice.engine else ""
    return "pulumi", f"pulumi {cli.version} at {cli.path}" + (f", {why}" if why else "")

"""Which engine applies a stack: the choice, with its reason for people to read.

Pulumi's own command line is taken wherever it is installed; the local engine works without it. Both
run the same programs and keep the same state. Nothing is installed here (`kraj engine install`).
"""

from __future__ import annotations

from pathlib import Path

from kraj.engine.base import Engine
from kraj.engine.errors import NO_PULUMI, UNKNOWN_ENGINE
from kraj.errors import KrajError

ENGINES = ("local", "pulumi")


def choose_engine(requested: str | None, state_dir: Path) -> tuple[Engine, str]:
    """The engine and why it was chosen.

    `requested` is the value of `--engine`: `local`, `pulumi`, or None for an automatic choice.
    Raises KRJ312 where Pulumi is asked for and not installed, KRJ313 for any other name.
    """
    if requested is not None and requested not in ENGINES:
        raise KrajError(
            UNKNOWN_ENGINE, f"there is no engine {requested!r}; known are {', '.join(ENGINES)}"
        )
    if requested == "local":
        return _local(state_dir), "asked for with --engine local"
    # Imported late: the automation library is slow to load and not needed by the local engine.
    from kraj.engine.pulumi import PulumiEngine, find_cli  # noqa: PLC0415

    cli = find_cli()
    if cli is None:
        if requested == "pulumi":
            raise KrajError(NO_PULUMI, "--engine pulumi: no `pulumi` command was found on PATH")
        return _local(state_dir), "no pulumi command on PATH"
    engine: Engine = PulumiEngine(state_dir)
    found = f"pulumi {cli.version} at {cli.path}"
    return engine, f"{found}, asked for with --engine pulumi" if requested else found


def _local(state_dir: Path) -> Engine:
    from kraj.engine.local.engine import LocalEngine  # noqa: PLC0415

    return LocalEngine(state_dir)

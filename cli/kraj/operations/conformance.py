"""Puts the engines of this machine to the test: the suite, and a region's states there and back.

Nothing of the region is changed: states are exported, and imported into folders that are gone
afterwards; the cloud is only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import kraj
from kraj.engine.base import Engine, Operation, Result, StackSpec
from kraj.engine.errors import NO_PULUMI
from kraj.engine.passphrase import resolve_passphrase
from kraj.engine.pulumi_cli import find_cli
from kraj.engine.select import check_name
from kraj.engine.switching import differing, refuse_open_steps, rehearse
from kraj.engine.switching_errors import STATE_CAME_BACK_OTHERWISE
from kraj.errors import KrajError
from kraj.events import Reporter
from kraj.operations.region import PlannedRegion
from kraj.operations.stacks import DEFAULT_JOBS, existing, on_each

_OTHER = {"local": "pulumi", "pulumi": "local"}
_NOTHING = (Operation.SAME, Operation.READ, Operation.REFRESH)
_SHOWN = 5  #: places in an error's message; all of them are among its causes


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What came of one stack's state on its way to the other engine and back."""

    label: str
    error: KrajError | None = None


def engines_here(requested: str | None) -> dict[str, str]:
    """The engines to test with their versions: all there are, or the one that was asked for.

    Raises KRJ312, KRJ313.
    """
    check_name(requested)
    cli = find_cli()
    if requested == "pulumi" and cli is None:
        raise KrajError(NO_PULUMI, "--engine pulumi: no `pulumi` command was found on PATH")
    found = {"local": kraj.__version__, **({"pulumi": cli.version} if cli else {})}
    return {name: found[name] for name in found if requested in (None, name)}


def round_trips(
    engine: Engine,
    planned: PlannedRegion,
    labels: Sequence[str],
    report: Reporter,
    *,
    jobs: int = DEFAULT_JOBS,
) -> list[RoundTrip]:
    """Each state that exists goes from `engine` to the other one and back, in copies.

    On both ends a plan after reading everything from the cloud has to be empty, and what comes back
    has to be what went. Raises KRJ312 without Pulumi's command.
    """
    if find_cli() is None:
        raise KrajError(NO_PULUMI, "--round-trip: no `pulumi` command was found on PATH")

    def there_and_back(spec: StackSpec, reporter: Reporter) -> Result:
        return _round_trip(engine, planned, spec, reporter)

    present = existing(engine, planned, labels)
    runs = on_each(engine, planned, present, report, there_and_back, jobs=jobs)
    return [RoundTrip(run.label, run.error) for run in runs]


def _round_trip(
    engine: Engine, planned: PlannedRegion, spec: StackSpec, report: Reporter
) -> Result:
    # Loaded late: cryptography takes its time, and few commands need this.
    from kraj.engine.conformance.states import comparable, places_that_differ  # noqa: PLC0415
    from kraj.engine.local.crypto import KeyRing  # noqa: PLC0415

    went = engine.export_state(spec)
    refuse_open_steps(spec, went)
    state = went
    for name in (_OTHER[engine.name], engine.name):
        result, state = rehearse(name, planned.state_dir, spec, state, report)
        steps = [step for step in result.steps if step.operation not in _NOTHING]
        if steps:
            raise differing(spec, name, steps)
    keys = KeyRing(lambda: resolve_passphrase(planned.state_dir))
    before, after = (comparable(part["deployment"], keys) for part in (went, state))
    places = list(places_that_differ(before, after))
    if places:
        more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        raise KrajError(
            STATE_CAME_BACK_OTHERWISE,
            f"the state of {spec.label} came back otherwise: {', '.join(places[:_SHOWN])}{more}",
            causes=places,
        )
    return Result(spec.label, "round trip", ())

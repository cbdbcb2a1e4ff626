"""Remembers what each stack took when it was last applied, for the capacity before a change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from kraj.files import write_atomically
from kraj.operations.region import PlannedRegion
from kraj.planning.build import report_of
from kraj.planning.capacity import CapacityReport, Demand

FILE = "applied.json"


def applied_demands(planned: PlannedRegion) -> dict[str, Demand]:
    """By stack label; empty before the first `kraj up`."""
    path = planned.state_dir / FILE
    if not path.is_file():
        return {}
    content: Mapping[str, Mapping[str, int]] = json.loads(path.read_text(encoding="utf-8"))
    return {label: Demand(dict(amounts)) for label, amounts in content.items()}


def remember(planned: PlannedRegion, applied: Iterable[str], removed: Iterable[str] = ()) -> None:
    """Note that these stacks were applied as planned, and those deleted."""
    demands = applied_demands(planned)
    for label in applied:
        demands[label] = planned.plan.demands[label]
    for label in removed:
        demands.pop(label, None)
    content = {label: dict(demand.amounts) for label, demand in sorted(demands.items())}
    write_atomically(planned.state_dir / FILE, json.dumps(content, indent=2) + "\n")


def capacity_before_and_after(
    planned: PlannedRegion, labels: Iterable[str]
) -> tuple[CapacityReport, CapacityReport]:
    """The ledger now, and as it would be with these stacks applied."""
    before = applied_demands(planned)
    after = {**before, **{label: planned.plan.demands[label] for label in labels}}
    return report_of(planned.files, before), report_of(planned.files, after)

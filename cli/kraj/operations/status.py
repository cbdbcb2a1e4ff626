"""What is known of each stack without asking the cloud: last update, resources, servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kraj.engine.base import Engine
from kraj.operations.region import PlannedRegion
from kraj.operations.stacks import stack_spec


@dataclass(frozen=True, slots=True)
class StackStatus:
    """One stack."""

    stack: str
    exists: bool
    updated_at: str | None = None  #: ISO 8601, UTC
    last_operation: str | None = None
    last_result: str | None = None
    servers: int = 0
    floating_addresses: int = 0


def region_status(
    engine: Engine, planned: PlannedRegion, labels: Sequence[str]
) -> list[StackStatus]:
    """One row per label, in their order."""
    return [_stack_status(engine, planned, label) for label in labels]


def _stack_status(engine: Engine, planned: PlannedRegion, label: str) -> StackStatus:
    spec = stack_spec(planned, label)
    if not engine.exists(spec):
        return StackStatus(label, exists=False)
    history = engine.history(spec)
    last = history[0] if history else None
    document = engine.outputs(spec).get("document") or {}
    return StackStatus(
        label,
        exists=True,
        updated_at=last.ended_at or last.started_at if last else None,
        last_operation=last.kind if last else None,
        last_result=last.result if last else None,
        servers=len(document.get("servers", ())),
        floating_addresses=len(document.get("floating_addresses", ())),
    )

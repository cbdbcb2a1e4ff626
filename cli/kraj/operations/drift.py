"""Finds drift: what the cloud has otherwise than the stacks made it, and what no stack made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kraj.drift.inventory import CloudObject, objects_of, unplanned
from kraj.drift.witness import Witness, Witnesses
from kraj.engine.base import Engine, Operation, Step
from kraj.engine.local.paths import parse_path
from kraj.errors import KrajError
from kraj.events import Reporter
from kraj.openstack.semantics import left_to_programs
from kraj.operations.clouds import connect
from kraj.operations.region import PlannedRegion
from kraj.operations.stacks import DEFAULT_JOBS, StackRun, refresh, stack_spec

_PROJECT = "openstack:identity/project:Project"
_SERVER = "openstack:compute/instance:Instance"


@dataclass(frozen=True, slots=True)
class Finding:
    """A resource of a stack that is gone, or whose properties differ."""

    step: Step
    witness: Witness

    @property
    def gone(self) -> bool:
        return self.step.operation is Operation.DELETE


@dataclass(frozen=True, slots=True)
class StackDrift:
    """The drift of one stack, or why it could not be found."""

    label: str
    findings: tuple[Finding, ...] = ()
    unplanned: tuple[CloudObject, ...] = ()
    error: KrajError | None = None
    exported: Mapping[str, Any] = field(default_factory=dict)  #: the state that was compared

    @property
    def found(self) -> bool:
        return bool(self.findings or self.unplanned)


def find_drift(
    engine: Engine,
    planned: PlannedRegion,
    labels: Sequence[str],
    report: Reporter,
    *,
    jobs: int = DEFAULT_JOBS,
) -> list[StackDrift]:
    """One entry per stack that exists. Changes neither the cloud nor the state."""
    # Before the cloud is read: what somebody does meanwhile then shows in the state.
    states = {label: _export(engine, planned, label) for label in labels}
    runs = refresh(engine, planned, labels, report, preview_only=True, jobs=jobs)
    connection = connect(planned.access)
    witnesses = Witnesses(connection)
    return [_drift_of(run, states[run.label], connection, witnesses) for run in runs]


def _drift_of(
    run: StackRun, exported: dict[str, Any] | KrajError, connection: Any, witnesses: Witnesses
) -> StackDrift:
    if isinstance(exported, KrajError):
        return StackDrift(run.label, error=run.error or exported)
    if run.result is None:
        return StackDrift(run.label, error=run.error)
    resources = exported["deployment"].get("resources") or []
    given = {item["urn"]: item.get("inputs") or {} for item in resources}
    steps = [found for step in run.result.steps if (found := _drifted(step, given))]
    known = frozenset(part for item in resources for part in _ids(item))
    objects = [
        item
        for resource in resources
        if resource["type"] == _PROJECT
        for item in objects_of(connection, resource["id"])
    ]
    updated = {item.id: item.updated_at for item in objects}
    return StackDrift(
        run.label,
        tuple(Finding(step, _witness(step, witnesses, updated)) for step in steps),
        tuple(unplanned(objects, known)),
        exported=exported,
    )


def _drifted(step: Step, given: Mapping[str, Mapping[str, Any]]) -> Step | None:
    """The step with what a program has said, or could have said, alone.

    The cloud's own values change all the time: a volume's attachments, an object's revision.
    """
    if step.operation is Operation.DELETE:
        return step
    told = {*given.get(step.urn, {}), *left_to_programs(step.type)}
    kept = tuple(change for change in step.changes if parse_path(change.path)[0] in told)
    if step.operation is not Operation.UPDATE or not kept:
        return None
    return replace(step, changes=kept, changed=tuple(change.path for change in kept))


def _witness(step: Step, witnesses: Witnesses, updated: dict[str, str]) -> Witness:
    if step.type == _SERVER:
        return witnesses.last_action_on_server(step.id)
    return Witness(at=updated.get(step.id, ""))


def _export(engine: Engine, planned: PlannedRegion, label: str) -> dict[str, Any] | KrajError:
    """A stack's state, or why it cannot be had: another stack's drift is still of interest."""
    try:
        return engine.export_state(stack_spec(planned, label))
    except KrajError as error:
        return error


def _ids(resource: dict[str, Any]) -> list[str]:
    """A resource's id, and the parts of one that is made of several (`pool/member`)."""
    whole = str(resource.get("id") or "")
    return [whole, *whole.split("/")]

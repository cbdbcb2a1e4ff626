"""Repairs a state: mends what is out of order, from a copy where it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kraj.engine.errors import STATE_UNREADABLE
from kraj.engine.local.inspection import ResourceDifference
from kraj.engine.local.mending import Mended, mend
from kraj.engine.local.state import crypter_of, load_deployment
from kraj.engine.local.store import deployment_in
from kraj.errors import KrajError
from kraj.operations.states import RegionStates


@dataclass(frozen=True, slots=True)
class Repair:
    """What would be done to a state."""

    exported: dict[str, Any]  #: what it would be, as an export
    source: str  #: the copy that this is; empty: the state itself
    actions: tuple[str, ...]
    differences: tuple[ResourceDifference, ...]


def plan_repair(states: RegionStates, label: str) -> Repair:
    """What would mend a state; changes nothing.

    Raises KRJ309 where nothing can, KRJ310, KRJ703.
    """
    source, why = "", tuple[str, ...]()
    try:
        mended = _mended(states, states.deployment(label))
    except KrajError as error:
        if error.code is not STATE_UNREADABLE or not states.store(label).exists():
            raise
        mended, source = _good_copy(states, label, error)
        why = (f"take {source}: {error.message}",)
    exported = {"version": 3, "deployment": mended.deployment}
    differences = tuple(states.plan_import(label, exported))
    return Repair(exported, source, (*why, *mended.actions), differences)


def _mended(states: RegionStates, deployment: dict[str, Any]) -> Mended:
    """Raises KRJ309 where faults are left that nobody can mend from the state alone, KRJ310."""
    try:
        mended = mend(deployment)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise KrajError(
            STATE_UNREADABLE, f"the state has no form that is known: {type(error).__name__}"
        ) from error
    load_deployment(mended.deployment, crypter_of(mended.deployment, states.keys))
    return mended


def _good_copy(states: RegionStates, label: str, why: KrajError) -> tuple[Mended, str]:
    """The newest copy that can be read, and its name. Raises `why` where there is none."""
    for name, checkpoint in _copies(states, label):
        try:
            deployment = deployment_in(checkpoint, name)
            if deployment is not None:
                return _mended(states, deployment), name
        except KrajError as error:
            if error.code is not STATE_UNREADABLE:
                raise
    raise why


def _copies(states: RegionStates, label: str) -> Iterator[tuple[str, bytes]]:
    """Names and checkpoints of a state's whole copies, newest first.

    A checkpoint that could not be read when it was replaced is among them.
    """
    store = states.store(label)
    for backup in store.backups.all():
        if backup.whole:
            yield backup.name, store.backups.read(backup.name)
    blob = store.bucket.read(store.backup)  # of Pulumi's command line, which keeps one copy
    if blob is not None:
        yield store.place(store.backup), blob.data

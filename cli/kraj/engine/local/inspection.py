"""Looks at states as documents: what is wrong in one, and what differs between two. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kraj.engine.local.state import StackState, integrity_faults
from kraj.engine.local.urns import name_of, type_of

#: What a run writes anew although nothing has changed.
_CIRCUMSTANCES: Final = ("created", "modified", "sourcePosition", "stackTrace")


@dataclass(frozen=True, slots=True)
class ResourceDifference:
    """A resource that one of two states has alone, or has otherwise."""

    change: str  #: `add`, `remove`, `change`: what the first state needs to become the second
    type: str
    name: str
    id: str


def faults_in(state: StackState) -> Iterator[str]:
    """What is wrong in a state that could be read, one sentence each."""
    yield from integrity_faults(state.resources)
    for resource in state.resources:
        gone = resource.pending_replacement
        if resource.custom and not resource.id and not gone:
            yield f"{resource.urn} has no id"
    for item in state.pending:
        yield (
            f"{item.resource.urn}: nobody has seen the end of {item.type!r}; "
            "the next run looks what came of it"
        )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ResourceDifference]:
    """What tells two deployments apart, resource by resource, in the order of the second."""
    old, new = _by_identity(before), _by_identity(after)
    removed = [_difference("remove", item) for key, item in old.items() if key not in new]
    changed = [
        _difference("change" if key in old else "add", item)
        for key, item in new.items()
        if key not in old or _content(old[key]) != _content(item)
    ]
    return [*removed, *changed]


def _by_identity(deployment: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    resources: Sequence[Mapping[str, Any]] = deployment.get("resources") or ()
    return {(str(item.get("urn")), str(item.get("id") or "")): item for item in resources}


def _content(resource: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in resource.items() if key not in _CIRCUMSTANCES}
    return json.dumps(kept, sort_keys=True, default=str)


def _difference(change: str, resource: Mapping[str, Any]) -> ResourceDifference:
    urn = str(resource.get("urn"))
    return ResourceDifference(change, type_of(urn), name_of(urn), str(resource.get("id") or ""))

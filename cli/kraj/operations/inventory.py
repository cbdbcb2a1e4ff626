"""Reads a region's inventory out of its states: no cloud is asked, and no secret is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kraj.configure.inventory import inventory
from kraj.engine.local.urns import STACK_TYPE
from kraj.errors import KrajError
from kraj.model.problems import did_you_mean
from kraj.operations.errors import NO_SUCH_SERVER
from kraj.operations.states import RegionStates
from kraj.planning.documents import StackOutputs


def read_inventory(region: str | None, only: Sequence[str] = ()) -> dict[str, Any]:
    """The servers of all stacks that were applied, or of those named.

    Raises KRJ1xx, KRJ309, KRJ319, KRJ343, KRJ703.
    """
    states = RegionStates(region)
    for label in only:
        states.store(label)  # one that does not exist is an error
    return inventory(states.region, _exports(states, only))


def variables_of(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One server's variables. Raises KRJ714 where there is no such server."""
    hosts = found["_meta"]["hostvars"]
    if name not in hosts:
        raise KrajError(NO_SUCH_SERVER, f"no server {name!r}{did_you_mean(name, list(hosts))}")
    return dict(hosts[name])


def _exports(states: RegionStates, only: Sequence[str]) -> Iterator[StackOutputs]:
    for label, store in states.stores():
        if only and label not in only:
            continue
        resources = (store.load() or {}).get("resources") or ()
        stack: Mapping[str, Any] = next(
            (item for item in resources if item["type"] == STACK_TYPE), {}
        )
        document = (stack.get("outputs") or {}).get("document")
        if document is not None:  # else the first run has not come to its end
            yield StackOutputs.model_validate(document)

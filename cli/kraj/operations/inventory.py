"""Reads a region's inventory out of its states and its roles: no cloud is asked, no secret read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kraj.configure.inventory import inventory, transit_routes
from kraj.engine.local.urns import STACK_TYPE
from kraj.errors import KrajError
from kraj.model.problems import did_you_mean
from kraj.model.roles import roles_with_tasks
from kraj.operations.errors import NO_SUCH_SERVER
from kraj.operations.project import find_project
from kraj.operations.states import RegionStates
from kraj.planning.documents import StackOutputs


def read_inventory(region: str | None, only: Sequence[str] = ()) -> dict[str, Any]:
    """The servers of all stacks that were applied, or of those named.

    Raises KRJ1xx, KRJ309, KRJ319, KRJ343, KRJ703.
    """
    states = RegionStates(region)
    for label in only:
        states.store(label)  # one that does not exist is an error
    roles = roles_with_tasks(find_project().roles)
    exports = list(read_exports(states))
    chosen = [one for one in exports if not only or one.stack in only]
    return inventory(states.region, chosen, roles, transit_routes(exports))


def variables_of(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One server's variables. Raises KRJ714 where there is no such server."""
    hosts = found["_meta"]["hostvars"]
    if name not in hosts:
        raise KrajError(NO_SUCH_SERVER, f"no server {name!r}{did_you_mean(name, list(hosts))}")
    return dict(hosts[name])


def read_exports(states: RegionStates) -> Iterator[StackOutputs]:
    """What all stacks export that were applied."""
    for _label, store in states.stores():
        resources = (store.load() or {}).get("resources") or ()
        stack: Mapping[str, Any] = next(
            (item for item in resources if item["type"] == STACK_TYPE), {}
        )
        document = (stack.get("outputs") or {}).get("document")
        if document is not None:  # else the first run has not come to its end
            yield StackOutputs.model_validate(document)

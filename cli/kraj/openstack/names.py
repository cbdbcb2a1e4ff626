"""From the name of an object to its id, where a program may give either."""

from __future__ import annotations

from kraj.errors import KrajError
from kraj.openstack.cloud import Cloud
from kraj.openstack.errors import NOT_UNIQUE


def id_of(cloud: Cloud, service: str, plural: str, name: str | None, **criteria: str) -> str:
    """The id of the one object with that name; `plural` is path and key of the list.

    Raises KRJ414 where there is none, or several.
    """
    answer = cloud.get(service, plural, parameters={**criteria, "name": name or ""})
    found = [item for item in answer[plural] if item["name"] == name]
    if len(found) != 1:
        raise KrajError(NOT_UNIQUE, f"{len(found) or 'no'} {plural} are named {name!r}")
    return str(found[0]["id"])

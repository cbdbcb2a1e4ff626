"""Looking for what a creation may have left behind whose end nobody saw.

The process may have died between the request and the answer. Then the object is looked for by what
tells it from others (`Resource.told_by`, tags, metadata, parents), by its project, and by its age:
what was there before the creation began is somebody else's. What fits has to be proven to be the
creation's (`Resource.is_proven`), or the user is asked. Repeating a request that was refused or
whose answer was lost is not done here, but in `creating`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kraj.errors import KrajError
from kraj.openstack.cloud import Call, Cloud
from kraj.openstack.creating import Wanted, items_of, made_at
from kraj.openstack.errors import UNPROVEN

if TYPE_CHECKING:
    from kraj.openstack.resource import Resource

Object = dict[str, Any]
#: By how much the clocks of a cloud's hosts may differ, and ours change from run to run.
_SLACK_SECONDS: Final = 120.0
#: What the user says of objects of which nothing proves who made them: ids.
ADOPT: Final = "KRAJ_ADOPT"
DISOWN: Final = "KRAJ_DISOWN"
_NOT_FOUND: Final = frozenset({404})
#: States, whatever a service calls the field, in which nothing can be done with a new object.
_FAILED: Final = frozenset({"ERROR", "KILLED"})
_STATES: Final = ("status", "provisioning_status")


@dataclass(frozen=True, slots=True)
class Traces:
    """What is known of a creation whose end nobody saw."""

    since: float | None = None  #: when it began, in seconds by our clock; None: not known
    known: frozenset[str] = frozenset()  #: ids that others have
    owned: frozenset[str] = frozenset()  #: ids of all that the stack has made
    adopted: frozenset[str] = frozenset()  #: ids that the user says to be the stack's


@dataclass(frozen=True, slots=True)
class Orphan:
    """An object that no state knows, as the API shows it."""

    identity: str
    found: Object


def traces_of(request: Any, environment: Mapping[str, str]) -> Traces:
    """The traces that an engine's request names, and what the user says of single objects."""
    adopted, disowned = (
        frozenset(environment.get(name, "").replace(",", " ").split()) for name in (ADOPT, DISOWN)
    )
    return Traces(request.since, request.known | disowned, request.owned, adopted)


def orphans(resource: Resource, inputs: Mapping[str, Any], traces: Traces) -> list[Orphan]:
    """What a creation with these inputs has made. Raises KRJ415 where nothing proves it, KRJ4xx."""
    result = []
    for identity in resource.find_existing(dict(inputs), traces.since):
        found = None if identity in traces.known else resource.fetch(identity)
        if found is not None:
            result.append(Orphan(identity, found))
    adopted = [orphan for orphan in result if orphan.identity in traces.adopted]
    proven = adopted or [one for one in result if resource.is_proven(one.found, inputs, traces)]
    if result and not proven:
        raise _doubt(resource, inputs, [orphan.identity for orphan in result])
    return proven


def _doubt(resource: Resource, inputs: Mapping[str, Any], ids: list[str]) -> KrajError:
    return KrajError(
        UNPROVEN,
        f"{resource.action('create', inputs)}: the cloud has {', '.join(ids)}, and nothing proves "
        "that the run that was cut off has made it",
        details={"ids": ids},
    )


def is_younger(cloud: Cloud, found: Mapping[str, Any], since: float | None) -> bool:
    """Whether an object was made after a moment by our clock, as its API tells."""
    moment = made_at(found)
    begun = None if since is None else cloud.service_time(since)
    return begun is not None and moment is not None and moment >= begun - _SLACK_SECONDS


def listed(resource: Resource, body: Object, since: float | None) -> list[Object]:
    """Objects of a collection that fit a creation's body; none where the parent is gone."""
    keys = resource.told_by
    criteria = {key: body[key] for key in keys if _is_given(body.get(key))}
    answer = resource.cloud.call(
        Call(
            resource.service,
            "GET",
            f"{resource.collection_path()}{resource.listing}",
            parameters={**criteria, **resource.listing_parameters},
            microversion=resource.microversion,
            accepted=_NOT_FOUND,
        )
    )
    if answer.status_code in _NOT_FOUND:
        return []
    found = [
        item
        for item in items_of(answer.json())
        if not is_older(resource.cloud, item, since)
        and _is_told_by(item, body, keys)
        and _marked(item, body)
    ]
    wanted = Wanted(body, (), lambda: resource.cloud.project_id)
    own = [item for item in found if Wanted(_owner(body), (), wanted.project).fits(item)]
    # Texts may be spelled in other ways than they were sent, so they decide only where they must.
    if len(own) > 1 or not _is_named(body, keys):
        return [item for item in own if wanted.fits(item)]
    return own


def _is_named(body: Object, keys: tuple[str, ...]) -> bool:
    """Whether the program gave the most important of the keys."""
    return _is_given(body.get(keys[0]))


def is_older(cloud: Cloud, found: Mapping[str, Any], since: float | None) -> bool:
    """Whether an object was there before a moment by our clock, as far as its API tells."""
    moment = made_at(found)
    begun = None if since is None else cloud.service_time(since)
    return begun is not None and moment is not None and moment < begun - _SLACK_SECONDS


def _is_told_by(item: Object, body: Object, keys: tuple[str, ...]) -> bool:
    # Nothing given comes back as null or as an empty text.
    return all((item.get(key) or None) == (body.get(key) or None) for key in keys)


def _marked(item: Object, body: Object) -> bool:
    """Whether the object bears the metadata that it was made with."""
    wanted, found = body.get("metadata"), item.get("metadata")
    if not isinstance(wanted, dict) or not isinstance(found, dict):
        return True
    return wanted.items() <= found.items()


def _owner(body: Object) -> Object:
    """The part of a body that says to whom, and below what, an object belongs."""
    return {key: value for key, value in body.items() if key.endswith("_id")}


def _is_given(value: Any) -> bool:
    return value is not None and value != ""


def has_failed(found: Mapping[str, Any]) -> bool:
    """Whether an object can never be used."""
    return any(str(found.get(state, "")).upper() in _FAILED for state in _STATES)

"""Diff: which properties of an object differ from what the program says, and what that means.

Pure, and aware of values that a preview does not know yet. The rules are those of Pulumi's
bridge: what the program leaves out and the cloud decides is never a change; an unknown value in a
property that forces a replacement forces it.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from kraj.openstack.checking import DEFAULTS
from kraj.openstack.fields import Field, equal, is_empty
from kraj.openstack.resource import Resource
from kraj.openstack.unfinished import UNFINISHED, Remedy, remedy_for
from kraj.openstack.values import has_unknown


class Change(enum.Enum):
    """How one property differs."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes of one object."""

    changes: dict[str, Change] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()
    delete_before_replace: bool = False


def diff(
    resource: type[Resource],
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    ignored: Collection[str] = (),
) -> Difference:
    """Compare outputs of the state with new inputs; `ignored` are property paths left alone."""
    left_alone = {path.partition(".")[0].partition("[")[0] for path in ignored}
    changes = {}
    for name, declared in resource.fields.items():
        if declared.output_only or name in left_alone:
            continue
        change = _change(declared, olds.get(name), news.get(name))
        if change is not None:
            changes[name] = change
    replacing = {name: resource.fields[name].replaces for name in changes}
    replacing = resource.refine_changes(olds, news, replacing)
    replaces = frozenset(name for name, forced in replacing.items() if forced)
    kept = {name: changes.get(name, Change.UPDATE) for name in replacing}
    first = bool(replaces) and _name_is_taken(resource, olds, news)
    remedy = remedy_for(olds)
    if remedy is None:
        return Difference(kept, replaces, first)
    kept[UNFINISHED] = Change.UPDATE
    if remedy is Remedy.FINISH:
        return Difference(kept, replaces, first)
    return Difference(kept, replaces | {UNFINISHED}, delete_before_replace=True)


def _change(declared: Field, old: Any, new: Any) -> Change | None:
    if new is None:
        return None if declared.computed or is_empty(old) else Change.DELETE
    if has_unknown(new):
        return Change.ADD if is_empty(old) else Change.UPDATE
    if equal(declared, old, new):
        return None
    return Change.ADD if is_empty(old) else Change.UPDATE


def _name_is_taken(
    resource: type[Resource], olds: Mapping[str, Any], news: Mapping[str, Any]
) -> bool:
    """Whether the replacement would bear the very name of the old object, given by the program.

    Names are freed before they are used again, as Pulumi's bridge does.
    """
    automatic = news.get(DEFAULTS)
    if not resource.autonamed() or automatic is None or "name" in automatic:
        return False
    return bool(olds.get("name") == news.get("name"))

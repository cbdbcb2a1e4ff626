"""Mends what breaks the order in a state, as a document: nothing is decrypted, nothing is written.

Mended is only what loses nothing of the cloud: entries that stand twice for one object, references
to what is not there, and the order. Everything else is left for people, or for the next run.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mended:
    """A deployment without the faults that can be mended, and what was done to it."""

    deployment: dict[str, Any]
    actions: tuple[str, ...]  #: one sentence each; empty where nothing was wrong


def mend(deployment: Mapping[str, Any]) -> Mended:
    """Remove copies of entries and dangling references, and put everything after what it needs.

    What belongs to a missing provider stays as it is: without one nobody could delete it.
    """
    mended = copy.deepcopy(dict(deployment))
    actions: list[str] = []
    resources = _without_copies(mended.get("resources") or [], actions)
    there = {item["urn"] for item in resources}
    pending = [item["resource"] for item in mended.get("pending_operations") or ()]
    for item in (*resources, *pending):
        actions += [
            f"{item['urn']}: forget {gone}, which is not there" for gone in _drop(item, there)
        ]
    ordered = _in_order(resources)
    moved = [
        item["urn"] for item, before in zip(ordered, resources, strict=True) if item is not before
    ]
    if moved:
        actions.append(f"put {len(moved)} resources in order, each after what it needs")
    if ordered:
        mended["resources"] = ordered
    return Mended(mended, tuple(actions))


def _without_copies(resources: list[dict[str, Any]], actions: list[str]) -> list[dict[str, Any]]:
    """Of the entries for one object only the last, which was written last."""
    last = {_object(item): item for item in resources}
    kept = [item for item in resources if last[_object(item)] is item]
    if len(kept) < len(resources):
        gone = [item for item in resources if last[_object(item)] is not item]
        actions += [f"{item['urn']}: remove an entry that stands twice" for item in gone]
    return kept


def _object(item: Mapping[str, Any]) -> tuple[str, str, bool]:
    return item["urn"], item.get("id") or "", bool(item.get("delete"))


def _drop(item: dict[str, Any], there: set[str]) -> Iterator[str]:
    """Drop an entry's references to what is not there; yields their URNs, each once."""
    gone: set[str] = set()

    def kept(urns: list[str] | None) -> list[str]:
        gone.update(urn for urn in urns or () if urn not in there)
        return [urn for urn in urns or () if urn in there]

    if "dependencies" in item:
        item["dependencies"] = kept(item["dependencies"])
    if "propertyDependencies" in item:
        found = item["propertyDependencies"] or {}
        item["propertyDependencies"] = {key: kept(urns) for key, urns in found.items()}
    for name in ("parent", "deletedWith"):
        if item.get(name) and not kept([item[name]]):
            del item[name]
    yield from sorted(gone)


def _in_order(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Everything after what it needs, otherwise as it was; what needs itself in a circle, too."""
    by_urn: dict[str, list[dict[str, Any]]] = {}
    for item in resources:
        by_urn.setdefault(item["urn"], []).append(item)
    placed: dict[int, dict[str, Any]] = {}
    begun: set[int] = set()
    for start in resources:
        stack = [(start, _needed(start, by_urn))]
        begun.add(id(start))
        while stack:
            item, needed = stack[-1]
            following = next((it for it in needed if id(it) not in begun), None)
            if following is None:
                placed.setdefault(id(item), item)
                stack.pop()
            else:
                begun.add(id(following))
                stack.append((following, _needed(following, by_urn)))
    return list(placed.values())


def _needed(
    item: Mapping[str, Any], by_urn: Mapping[str, list[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    urns = [item.get("parent") or "", item.get("deletedWith") or ""]
    urns.append(str(item.get("provider") or "").rpartition("::")[0])
    urns += item.get("dependencies") or ()
    urns += [urn for found in (item.get("propertyDependencies") or {}).values() for urn in found]
    # What was replaced keeps its URN: only what stands alone or first counts.
    return iter([by_urn[urn][0] for urn in urns if urn in by_urn and urn != item["urn"]])

"""What the local engine does differently from Pulumi's, as places in the two observations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kraj.engine.conformance.features import Feature

Observation = dict[str, Any]
_ABSENT = "(absent)"
_REFUSAL = "the local engine does not support"


def differences(pulumi: list[Observation], local: list[Observation]) -> dict[str, dict[str, Any]]:
    """Place → both values. Texts of errors are the engine's own: they are no difference."""
    found: dict[str, dict[str, Any]] = {}
    for number, (theirs, ours) in enumerate(zip(pulumi, local, strict=True), 1):
        for place, one, other in _leaves(theirs, ours, f"stage {number}"):
            if not place.endswith(" › message"):
                found[place] = {"pulumi": one, "local": other}
    return found


def _leaves(one: Any, other: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _leaves(one.get(key, _ABSENT), other.get(key, _ABSENT), f"{place} › {key}")
    elif one != other or isinstance(one, bool) != isinstance(other, bool):
        yield place, one, other


def refusal(local: list[Observation]) -> str:
    """The words by which the local engine refuses the feature; empty where it does not.

    Without the resource's name: which of several is refused first is chance.
    """
    for part in (local[0].get("plan", {}), local[0]["run"]):
        if part.get("error") == "KRJ301":
            return str(part["message"]).splitlines()[0][part["message"].index(_REFUSAL) :]
    return ""


def explained(feature: Feature, found: Mapping[str, Any]) -> tuple[dict[str, list[str]], list[str]]:
    """Explanation → the places it is for, and the places that none is for."""
    by_explanation: dict[str, list[str]] = {text: [] for text in feature.differs}
    unexplained = []
    for place in found:
        texts = [
            text
            for text, patterns in feature.differs.items()
            if any(re.search(pattern, place) for pattern in patterns)
        ]
        for text in texts[:1]:
            by_explanation[text].append(place)
        if not texts:
            unexplained.append(place)
    return by_explanation, unexplained

"""How the local engine stands to Pulumi's, feature by feature, by what is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from kraj.engine.conformance.comparing import explained
from kraj.engine.conformance.features import Feature
from kraj.engine.conformance.records import read_record


@dataclass(frozen=True, slots=True)
class Standing:
    """What the local engine does with a feature."""

    word: str  #: `same`, `differs` or `refused`
    texts: tuple[str, ...] = ()  #: the explanations, or the words of the refusal


def standing(feature: Feature) -> Standing:
    """As recorded."""
    record = read_record(feature)
    if record["refused"]:
        return Standing("refused", (record["refused"],))
    if record["differs"]:
        by_explanation, _unexplained = explained(feature, record["differs"])
        return Standing("differs", tuple(by_explanation))
    return Standing("same")

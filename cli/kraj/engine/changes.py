"""What a step changes, property by property, in values that may be shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kraj.engine.base import PropertyChange
from kraj.engine.local.paths import value_at
from kraj.engine.local.values import Properties, redact


def property_changes(
    paths: Iterable[str], olds: Sequence[Properties], news: Properties
) -> tuple[PropertyChange, ...]:
    """The values at the paths before and after; None where there is none.

    `olds` are looked at in turn: a property that is an output is compared as the cloud has it, any
    other as the program gave it. Secrets and unknown values are told as `[secret]`, `[unknown]`.
    """
    changes = []
    for path in paths:
        befores = (value_at(old, path) for old in olds)
        before = next((value for value in befores if value is not None), None)
        changes.append(PropertyChange(path, redact(before), redact(value_at(news, path))))
    return tuple(changes)

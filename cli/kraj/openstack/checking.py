"""Check: from what a program wrote to complete inputs, with every mistake named.

Pure: defaults, automatic names and validation follow from the declarations alone. Automatic names
and the list `__defaults` follow Pulumi's bridge, so that its own provider can go on with the same
state.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kraj.openstack.fields import WrongKindError, coerce
from kraj.openstack.resource import Resource
from kraj.openstack.values import UNKNOWN

#: Names of the inputs that Check filled in; Pulumi's bridge keeps the same list.
DEFAULTS: Final = "__defaults"
_SUFFIX_DIGITS: Final = 7


@dataclass(frozen=True, slots=True)
class Checked:
    """Complete inputs, and what is wrong with them by property."""

    inputs: dict[str, Any]
    failures: dict[str, str]


def check(
    resource: type[Resource],
    news: Mapping[str, Any],
    olds: Mapping[str, Any],
    logical_name: str,
    seed: bytes = b"",
) -> Checked:
    """Complete and validate: `olds` are the last run's inputs, `seed` makes names repeatable."""
    inputs, failures = _coerced(resource, news)
    filled = _fill_defaults(resource, inputs, olds, logical_name, seed)
    failures |= _missing_and_conflicting(resource, inputs)
    if not failures:
        failures = resource.problems(inputs)
    return Checked({**inputs, DEFAULTS: sorted(filled)}, failures)


def _coerced(
    resource: type[Resource], news: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    inputs: dict[str, Any] = {}
    failures: dict[str, str] = {}
    for name, value in news.items():
        if name.startswith("__") or value is None:
            continue
        declared = resource.fields.get(name)
        if declared is None or declared.output_only:
            failures[name] = "the type has no such input"
            continue
        try:
            inputs[name] = coerce(declared, value, name)
        except WrongKindError as error:
            failures[name] = str(error)
    return inputs, failures


def _fill_defaults(
    resource: type[Resource],
    inputs: dict[str, Any],
    olds: Mapping[str, Any],
    logical_name: str,
    seed: bytes,
) -> list[str]:
    """Add defaults and the automatic name to the inputs; returns the names of what was added."""
    filled = []
    for name, declared in resource.fields.items():
        if name in inputs or declared.default is None:
            continue
        if any(other in inputs for other in declared.conflicts):
            continue
        inputs[name] = declared.default
        filled.append(name)
    if resource.autonamed() and "name" not in inputs:
        inputs["name"] = _kept_name(olds) or _automatic_name(logical_name, seed)
        filled.append("name")
    return filled


def _kept_name(olds: Mapping[str, Any]) -> str:
    """The automatic name that the object has already."""
    automatic = olds.get(DEFAULTS)
    if automatic is not None and "name" not in automatic:
        return ""
    name = olds.get("name")
    return name if isinstance(name, str) else ""


def _automatic_name(logical_name: str, seed: bytes) -> str:
    digits = (
        f"{random.Random(seed).getrandbits(4 * _SUFFIX_DIGITS):0{_SUFFIX_DIGITS}x}"  # noqa: S311
        if seed
        else secrets.token_hex(_SUFFIX_DIGITS)[:_SUFFIX_DIGITS]
    )
    return f"{logical_name}-{digits}"


def _missing_and_conflicting(resource: type[Resource], inputs: Mapping[str, Any]) -> dict[str, str]:
    failures: dict[str, str] = {}
    for name, declared in resource.fields.items():
        if declared.required and inputs.get(name) is None:
            failures[name] = f"{name} is required"
        value = inputs.get(name)
        if value is None:
            continue
        if declared.choices and value is not UNKNOWN and value not in declared.choices:
            failures[name] = f"{name} is {value!r}; allowed are {', '.join(declared.choices)}"
        clash = [other for other in declared.conflicts if inputs.get(other) not in (None, False)]
        if clash and value is not False:
            failures[name] = f"{name} cannot be given together with {clash[0]}"
    return failures

"""Two states of a stack, compared by what they mean: secrets opened, order and times left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kraj.engine.local.crypto import Crypter, KeyRing, decode
from kraj.engine.local.state import crypter_of
from kraj.engine.local.values import Secret

#: Fields of a state that say when and where, not what.
_CIRCUMSTANCES = ("created", "modified", "sourcePosition", "stackTrace")

State = dict[str, Any]


def comparable(deployment: Mapping[str, Any] | None, keys: KeyRing) -> State:
    """The resources of a deployment by URN without stack and project. Raises KRJ309, KRJ310."""
    deployment = deployment or {}
    crypter = crypter_of(deployment or None, keys)
    resources: State = {}
    for item in deployment.get("resources") or ():
        told = {key: value for key, value in item.items() if key not in _CIRCUMSTANCES}
        name = told.pop("urn").split("::", 2)[2] + (
            " (to be deleted)" if item.get("delete") else ""
        )
        for part in ("inputs", "outputs"):
            if part in told:
                told[part] = _open(told[part], crypter)
        if "dependencies" in told:
            told["dependencies"] = sorted(told["dependencies"])
        if "propertyDependencies" in told:
            told["propertyDependencies"] = {
                key: sorted(urns or ()) for key, urns in told["propertyDependencies"].items()
            }
        resources[name] = told
    pending = [item["type"] for item in deployment.get("pending_operations") or ()]
    return {**resources, **({"pending operations": pending} if pending else {})}


def places_that_differ(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Where two comparable states differ, as `type::name › inputs › key`; never a value."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            if key not in one or key not in other:
                yield f"{place}{key}"
            else:
                yield from places_that_differ(one[key], other[key], f"{place}{key} › ")
    elif one != other or isinstance(one, bool) != isinstance(other, bool):
        yield place.removesuffix(" › ")


def _open(value: Any, crypter: Crypter) -> Any:
    if isinstance(value, list):
        return [_open(item, crypter) for item in value]
    if not isinstance(value, dict):
        return value
    if "ciphertext" in value:
        return {"[secret]": _plain(decode(value, crypter, ""))}
    return {key: _open(item, crypter) for key, item in value.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return _plain(value.value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value

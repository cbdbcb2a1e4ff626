"""Property values: what resources have as inputs and outputs, and how they go over the wire.

A value is JSON (None, bool, int, float, str, list, dict) and may hold two more things: `UNKNOWN`,
a value that only applying will tell, and `Secret`, a value that is encrypted wherever it is kept.
The signatures are those of Pulumi's wire format (sdk/go/common/resource/sig and the unknown
sentinels of sdk/go/common/resource/plugin/rpc.go). Paths and ignored changes:
`kraj.engine.local.paths`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from google.protobuf import struct_pb2

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public marker
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNSUPPORTED_SIGNATURES: Final = {
    "5cf8f73096256a8f31e491e813e4eb8e": "resource references as values",
    "c44067f5952c0a294b673a41bacd8c17": "assets as values",
    "0def7320c3a5731c473e5ecbe6d01bc7": "archives as values",
    "803fd3297a5875dc03ca845dda5d2a98": "strings that are not UTF-8",
}
UNKNOWN_SENTINEL: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_SENTINELS: Final = frozenset(
    {
        UNKNOWN_SENTINEL,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class Unknown:
    """The type of `UNKNOWN`, of which there is one."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret value; it never holds another `Secret` at its top."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


Properties: TypeAlias = dict[str, Any]


class UnsupportedValueError(Exception):
    """A kind of value that the local engine does not carry; the text names it."""


# --- wire ---------------------------------------------------------------------------------------


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Properties from their wire form. Raises UnsupportedValueError."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _UNKNOWN_SENTINELS else text
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _from_object(value.struct_value)
    return None


def _from_object(struct: struct_pb2.Struct) -> Any:
    fields = struct.fields
    if SIGNATURE_KEY not in fields:
        return from_struct(struct)
    signature = fields[SIGNATURE_KEY].string_value
    if signature == SECRET_SIGNATURE:
        return secret(_from_value(fields["value"]))
    if signature == OUTPUT_SIGNATURE:
        value = _from_value(fields["value"]) if "value" in fields else UNKNOWN
        return secret(value) if "secret" in fields and fields["secret"].bool_value else value
    raise UnsupportedValueError(UNSUPPORTED_SIGNATURES.get(signature, f"signature {signature}"))


def to_struct(properties: Mapping[str, Any], *, keep_secrets: bool) -> struct_pb2.Struct:
    """The wire form; without `keep_secrets`, secrets go as plain values."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _fill(struct.fields[key], value, keep_secrets)
    return struct


def _fill(target: struct_pb2.Value, value: Any, keep_secrets: bool) -> None:
    if isinstance(value, Secret):
        if not keep_secrets:
            _fill(target, value.value, keep_secrets)
            return
        wrapped = target.struct_value.fields
        wrapped[SIGNATURE_KEY].string_value = SECRET_SIGNATURE
        _fill(wrapped["value"], value.value, keep_secrets)
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Unknown):
        target.string_value = UNKNOWN_SENTINEL
    elif isinstance(value, list):
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item, keep_secrets)
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[key], item, keep_secrets)
    else:
        raise TypeError(f"not a property value: {type(value).__name__}")


# --- secrets and unknowns -----------------------------------------------------------------------


def secret(value: Any) -> Secret:
    """`value` as a secret, once."""
    return value if isinstance(value, Secret) else Secret(value)


def reveal(value: Any) -> Any:
    """The value with every `Secret` replaced by what it holds."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def redact(value: Any) -> Any:
    """The value as it may be shown: `[secret]` and `[unknown]` in place of such parts."""
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, Unknown):
        return "[unknown]"
    if isinstance(value, dict):
        return {key: redact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item) for item in value]
    return value


def has_unknown(value: Any) -> bool:
    """Whether any part is unknown."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return isinstance(value, Unknown)


def has_secret(value: Any) -> bool:
    """Whether any part is secret."""
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret)


def mark_secrets(outputs: Properties, inputs: Properties, names: tuple[str, ...]) -> Properties:
    """`outputs` with the secretness of same-named `inputs`, and with `names` as secrets.

    A provider that does not know secrets returns a secret input as a plain output: it stays secret.
    """
    marked = _mark(outputs, inputs)
    return {key: secret(value) if key in names else value for key, value in marked.items()}


def _mark(value: Any, like: Any) -> Any:
    if isinstance(value, Secret):
        return value
    if isinstance(like, Secret):
        return Secret(value)
    if isinstance(value, dict) and isinstance(like, dict):
        return {key: _mark(item, like.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(like, list):
        padded = like + [None] * (len(value) - len(like))
        return [_mark(item, other) for item, other in zip(value, padded, strict=False)]
    return value


# --- comparison ---------------------------------------------------------------------------------


def same_value(one: Any, other: Any) -> bool:
    """Equality of JSON values, secrets by what they hold; true is not 1."""
    one = one.value if isinstance(one, Secret) else one
    other = other.value if isinstance(other, Secret) else other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return False
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def changed_paths(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Paths of the differing leaves, in Pulumi's notation (`a.b[0]`), in order."""
    old = old.value if isinstance(old, Secret) else old
    new = new.value if isinstance(new, Secret) else new
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        return [
            path
            for key in keys
            for path in changed_paths(old.get(key), new.get(key), _join(prefix, key))
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            path
            for at, pair in enumerate(zip(old, new, strict=True))
            for path in changed_paths(*pair, f"{prefix}[{at}]")
        ]
    return [] if same_value(old, new) else [prefix]


def _join(prefix: str, key: str) -> str:
    name = key if key.replace("_", "a").isalnum() else f'["{key}"]'
    if not prefix or name.startswith("["):
        return prefix + name
    return f"{prefix}.{name}"

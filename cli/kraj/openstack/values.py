"""Pulumi's wire format of property values, to and from Python values.

Numbers that are whole become int; secrets become `Secret`, values not yet known become `UNKNOWN`.
Assets and archives stay the mappings they are: no type of this package takes one.
The signatures are Pulumi's (pulumi/pulumi: sdk/go/common/resource/properties.go and plugin/rpc.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the format
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_TEXTS: Final = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class _Unknown:
    """The type of `UNKNOWN`; copying keeps it the one object."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __copy__(self) -> _Unknown:
        return self

    def __deepcopy__(self, _memo: object) -> _Unknown:
        return self


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must be stored encrypted and never shown."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


def decode(value: struct_pb2.Value) -> Any:
    """One value of the wire."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWN_TEXTS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [decode(item) for item in value.list_value.values]
    return _decode_object(value.struct_value) if kind == "struct_value" else None


def _decode_object(struct: struct_pb2.Struct) -> Any:
    fields = struct.fields
    signature = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
    if signature == SECRET_SIGNATURE:
        return Secret(decode(fields["value"]))
    if signature == OUTPUT_SIGNATURE:
        content = decode(fields["value"]) if "value" in fields else UNKNOWN
        secret = "secret" in fields and fields["secret"].bool_value
        return Secret(content) if secret else content
    if signature == RESOURCE_SIGNATURE:
        return decode(fields["id"]) if "id" in fields else None
    return {key: decode(item) for key, item in fields.items()}


def decode_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """All properties of a request."""
    return {key: decode(value) for key, value in struct.fields.items()}


def encode(value: Any) -> struct_pb2.Value:  # noqa: PLR0911 - one return for each kind
    """One value for the wire. Raises TypeError for what the format cannot hold."""
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=UNKNOWN_TEXT)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Secret):
        wrapped = {SIGNATURE: SECRET_SIGNATURE, "value": value.value}
        return struct_pb2.Value(struct_value=encode_struct(wrapped))
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=encode_struct(value))
    if isinstance(value, Iterable):
        items = [encode(item) for item in value]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    raise TypeError(f"{type(value).__name__} is no Pulumi property value")


def encode_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """All properties of an answer."""
    return struct_pb2.Struct(fields={key: encode(value) for key, value in properties.items()})


def reveal(value: Any) -> Any:
    """The value without any secret wrapping."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def has_secret(value: Any) -> bool:
    """Whether a secret is anywhere in the value."""
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret)


def has_unknown(value: Any) -> bool:
    """Whether an unknown is anywhere in the value."""
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return has_unknown(value.value) if isinstance(value, Secret) else value is UNKNOWN


def secret_keys(properties: Mapping[str, Any]) -> frozenset[str]:
    """The top-level properties that hold a secret anywhere inside."""
    return frozenset(key for key, value in properties.items() if has_secret(value))


def conceal(properties: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The properties with those named wrapped as secrets, where they have a value."""
    wanted = frozenset(keys)
    return {
        key: Secret(value) if key in wanted and value is not None else value
        for key, value in properties.items()
    }

"""Properties of a resource type, declared as data.

A field says once how a Pulumi property and a field of an OpenStack API belong together: kind,
name in the API, whether a change replaces the object, who decides when it is left out. Checking,
comparing and converting read these declarations; no type has code of its own for them. Nothing
here talks to a cloud.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict, Unpack

from kraj.openstack.values import UNKNOWN


class Kind(enum.Enum):
    """What a property holds; the value is what the absence of a value looks like in outputs."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    LIST = "list"
    SET = "set"  #: a list whose order means nothing
    MAP = "map"  #: keys are the user's own
    RECORD = "record"  #: an object with declared members; none is null, as in Pulumi's provider


#: As the name in the API: the members of the record are fields of the object itself.
WHOLE: Final = "."

_EMPTY: Final[dict[Kind, Any]] = {
    Kind.TEXT: "",
    Kind.INTEGER: 0,
    Kind.NUMBER: 0,
    Kind.FLAG: False,
    Kind.LIST: [],
    Kind.SET: [],
    Kind.MAP: {},
    Kind.RECORD: None,
}


class _Empty(enum.Enum):
    EMPTY = "the empty value of the kind"


#: For `Field.cleared`: the empty value of the field's kind.
EMPTY: Final = _Empty.EMPTY


class Options(TypedDict, total=False):
    """What a declaration may say beside its kind; see `Field` for the meanings."""

    api: str
    required: bool
    replaces: bool
    computed: bool
    output_only: bool
    sent: bool
    read: bool
    secret: bool
    default: Any
    cleared: Any
    conflicts: tuple[str, ...]
    choices: tuple[str, ...]
    same: Callable[[Any, Any], bool]
    to_api: Callable[[Any], Any]
    from_api: Callable[[Any], Any]


@dataclass(slots=True, kw_only=True)
class Field:
    """One property; `name` (Pulumi, camelCase) and `api` follow from the attribute's name."""

    kind: Kind
    name: str = ""
    api: str = ""  #: key in the API's object; dots lead into nested objects; see `WHOLE`
    required: bool = False
    replaces: bool = False  #: a change needs a new object
    computed: bool = False  #: the cloud decides where the program says nothing
    output_only: bool = False  #: programs cannot set it
    sent: bool = True  #: part of the bodies of create and update requests
    read: bool = True  #: taken from the API's answer; else the program's value is kept
    secret: bool = False
    default: Any = None  #: filled in by Check where the program says nothing
    cleared: Any = EMPTY  #: sent when the program's value is taken away
    conflicts: tuple[str, ...] = ()  #: properties that cannot be given together with this one
    choices: tuple[str, ...] = ()
    same: Callable[[Any, Any], bool] | None = None  #: equality where spelling may differ
    to_api: Callable[[Any], Any] | None = None
    from_api: Callable[[Any], Any] | None = None
    item: Field | None = None  #: of LIST and SET
    members: dict[str, Field] = field(default_factory=dict)  #: of RECORD, by property name

    def __set_name__(self, _owner: type, attribute: str) -> None:
        self.bind(attribute)

    def bind(self, attribute: str) -> Field:
        """Take both names from the snake_case attribute; a final `_` avoids a method's name."""
        self.name = camel_case(attribute)
        self.api = self.api or attribute.rstrip("_")
        return self

    @property
    def empty(self) -> Any:
        """What outputs show where the cloud has no value."""
        value = _EMPTY[self.kind]
        return value.copy() if isinstance(value, list | dict) else value


def camel_case(snake: str) -> str:
    """`ip_version` → `ipVersion`, as Pulumi derives its names."""
    head, *rest = snake.rstrip("_").split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def text(**options: Unpack[Options]) -> Field:
    """A string property."""
    return Field(kind=Kind.TEXT, **options)


def reference(**options: Unpack[Options]) -> Field:
    """The id of another object; none is null in the API and empty in Pulumi."""
    options.setdefault("cleared", None)
    options.setdefault("to_api", lambda value: value or None)
    return Field(kind=Kind.TEXT, **options)


def integer(**options: Unpack[Options]) -> Field:
    """A whole number."""
    return Field(kind=Kind.INTEGER, **options)


def number(**options: Unpack[Options]) -> Field:
    """A number that may have a fraction."""
    return Field(kind=Kind.NUMBER, **options)


def flag(**options: Unpack[Options]) -> Field:
    """A boolean."""
    return Field(kind=Kind.FLAG, **options)


def text_list(**options: Unpack[Options]) -> Field:
    """Strings in an order that matters."""
    return Field(kind=Kind.LIST, item=text(), **options)


def text_set(**options: Unpack[Options]) -> Field:
    """Strings whose order means nothing."""
    return Field(kind=Kind.SET, item=text(), **options)


def text_map(**options: Unpack[Options]) -> Field:
    """Strings under keys of the user's own."""
    return Field(kind=Kind.MAP, item=text(), **options)


def record(members: Mapping[str, Field], **options: Unpack[Options]) -> Field:
    """One object; member names are written snake_case."""
    return Field(kind=Kind.RECORD, members=_bound(members), **options)


def record_list(members: Mapping[str, Field], **options: Unpack[Options]) -> Field:
    """Objects in an order that matters."""
    return Field(kind=Kind.LIST, item=record(members), **options)


def record_set(members: Mapping[str, Field], **options: Unpack[Options]) -> Field:
    """Objects whose order means nothing."""
    return Field(kind=Kind.SET, item=record(members), **options)


def _bound(members: Mapping[str, Field]) -> dict[str, Field]:
    bound = (member.bind(attribute) for attribute, member in members.items())
    return {member.name: member for member in bound}


# --- conversion -----------------------------------------------------------------------------------


class WrongKindError(ValueError):
    """A value does not fit its field; the text says where and why."""


def coerce(declared: Field, value: Any, place: str) -> Any:
    """The program's value in the field's kind: programs may write `"80"` for 80, `"true"` for true.

    Raises WrongKindError.
    """
    if value is None or value is UNKNOWN:
        return value
    scalar = _SCALARS.get(declared.kind)
    if scalar is not None:
        return scalar(value, place)
    if declared.kind in (Kind.LIST, Kind.SET):
        if not isinstance(value, list):
            raise WrongKindError(f"{place} must be a list, not {value!r}")
        item = declared.item or text()
        return [coerce(item, entry, f"{place}[{at}]") for at, entry in enumerate(value)]
    if not isinstance(value, dict):
        raise WrongKindError(f"{place} must be an object, not {value!r}")
    if declared.kind is Kind.MAP:
        return {key: coerce(text(), entry, f"{place}.{key}") for key, entry in value.items()}
    return _coerce_record(declared, value, place)


def _coerce_record(declared: Field, value: dict[str, Any], place: str) -> dict[str, Any]:
    known = {key: entry for key, entry in value.items() if not key.startswith("__")}
    unknown = sorted(set(known) - set(declared.members))
    if unknown:
        raise WrongKindError(f"{place} has no member {unknown[0]!r}")
    result = {}
    for name, member in declared.members.items():
        entry = coerce(member, known.get(name, member.default), f"{place}.{name}")
        if entry is None and member.required:
            raise WrongKindError(f"{place}.{name} is missing")
        if entry is not None:
            result[name] = entry
    return result


def _as_text(value: Any, place: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise WrongKindError(f"{place} must be text, not {value!r}")


def _as_integer(value: Any, place: str) -> int:
    number = _as_number(value, place)
    if number != int(number):
        raise WrongKindError(f"{place} must be a whole number, not {value!r}")
    return int(number)


def _as_number(value: Any, place: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return float(str(value))
    except ValueError:
        raise WrongKindError(f"{place} must be a number, not {value!r}") from None


def _as_flag(value: Any, place: str) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "false": False, "0": False}
    if str(value).lower() not in words:
        raise WrongKindError(f"{place} must be true or false, not {value!r}")
    return words[str(value).lower()]


_SCALARS: Final[dict[Kind, Callable[[Any, str], Any]]] = {
    Kind.TEXT: _as_text,
    Kind.INTEGER: _as_integer,
    Kind.NUMBER: _as_number,
    Kind.FLAG: _as_flag,
}


def to_api(declared: Field, value: Any) -> Any:
    """A property's value as the API wants it."""
    if value is None:
        return None
    if declared.to_api is not None:
        return declared.to_api(value)
    if declared.kind in (Kind.LIST, Kind.SET) and declared.item is not None:
        return [to_api(declared.item, entry) for entry in value]
    if declared.kind is Kind.RECORD:
        body: dict[str, Any] = {}
        for name, member in declared.members.items():
            if member.sent and not member.output_only and value.get(name) is not None:
                put(body, member.api, to_api(member, value[name]))
        return body
    return value


def from_api(declared: Field, value: Any) -> Any:
    """An API's value as outputs show it; absence becomes the kind's empty value."""
    if declared.from_api is not None:
        return declared.from_api(value)
    if value is None:
        return declared.empty
    if declared.kind in (Kind.LIST, Kind.SET) and declared.item is not None:
        return [from_api(declared.item, entry) for entry in value]
    if declared.kind is Kind.MAP:
        return {key: _as_text("" if entry is None else entry, key) for key, entry in value.items()}
    if declared.kind is Kind.RECORD:
        return {
            name: from_api(member, dig(value, member.api))
            for name, member in declared.members.items()
        }
    return value


def dig(value: Any, path: str) -> Any:
    """What stands at a dotted path; None where a step is missing. A key with dots in it wins."""
    if not isinstance(value, dict) or path == WHOLE:
        return value if path == WHOLE else None
    if path in value:
        return value[path]
    head, _, rest = path.partition(".")
    return dig(value.get(head), rest) if rest else None


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set what stands at a dotted path, making the objects on the way."""
    if path == WHOLE:
        body |= value
        return
    *heads, last = path.split(".")
    for head in heads:
        body = body.setdefault(head, {})
    body[last] = value


# --- comparison -----------------------------------------------------------------------------------


def is_empty(value: Any) -> bool:
    """Whether Pulumi's provider treats the value like one not given."""
    return value is None or value is False or value in ("", [], {}) or value == 0


def equal(declared: Field, old: Any, new: Any) -> bool:
    """Whether two known values of a field mean the same."""
    if is_empty(old) and is_empty(new):
        return True
    if declared.same is not None and old is not None and new is not None:
        return declared.same(old, new)
    if declared.kind in (Kind.LIST, Kind.SET):
        return _equal_items(declared, old or [], new or [])
    if declared.kind is Kind.RECORD:
        return _equal_records(declared, old or {}, new or {})
    return bool(old == new)


def _equal_items(declared: Field, old: list[Any], new: list[Any]) -> bool:
    item = declared.item or text()
    if declared.kind is Kind.LIST:
        pairs = zip(old, new, strict=False)
        return len(old) == len(new) and all(equal(item, left, right) for left, right in pairs)
    return _within(item, old, new) and all(
        any(equal(item, left, right) for right in new) for left in old
    )


def _within(item: Field, old: list[Any], new: list[Any]) -> bool:
    """Whether each new item is among the old ones; one that is given twice counts once."""
    return all(any(equal(item, left, right) for left in old) for right in new)


def _equal_records(declared: Field, old: dict[str, Any], new: dict[str, Any]) -> bool:
    for name, member in declared.members.items():
        if member.output_only or (member.computed and name not in new):
            continue
        if not equal(member, old.get(name), new.get(name)):
            return False
    return True

"""From pydantic's findings to errors for people: code, place, offending value, suggestion.

Pydantic says where in a value something is wrong; this module finds the place in the file and
says it in plain words. It decides nothing about regions.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from kraj.errors import ErrorCode, KrajError, Location
from kraj.model.base import PHRASES
from kraj.model.errors import (
    IDENTITY_FORMAT,
    MISSING_KEY,
    UNKNOWN_KEY,
    WRONG_UNIT,
    WRONG_VALUE,
)
from kraj.model.yaml_files import Document, PathPart, find

_MAX_SHOWN = 80
#: The command that explains keys, as the codes' remedies name it, and the kinds of files it knows.
_SCHEMA = "kraj region schema"
_KINDS = {"Region": "region", "Tenant": "tenant", "ServiceCard": "service"}
_IDENTITY_KEYS = ("lau", "company_id", "nuts")


def problems_of(
    error: ValidationError,
    document: Document,
    model: type[BaseModel],
    renamed: Mapping[tuple[Any, ...], tuple[Any, ...]] = MappingProxyType({}),
) -> list[KrajError]:
    """One KrajError for each wrong place in the document, of the kind of file that `model` is."""
    found: dict[tuple[ErrorCode, Location | None], KrajError] = {}
    lines: list[dict[str, Any]] = [
        {**line, "loc": _written(line["loc"], renamed)} for line in error.errors(include_url=False)
    ]
    mistyped = {
        (*path[:-1], _meant(path, model))
        for path in (line["loc"] for line in lines if line["type"] == "extra_forbidden")
    }
    for line in lines:
        if line["type"] == "too_short" and line["input"]:
            continue  # pydantic counts only the entries without errors, which are told themselves
        if line["type"] == "missing" and line["loc"] in mistyped:
            continue  # the key is there under a similar name, which is told with a suggestion
        problem = _problem(line, document, model)
        problem.hint = problem.hint.replace(_SCHEMA, f"{_SCHEMA} {_KINDS[model.__name__]}")
        key = (problem.code, problem.location)
        if key not in found:
            found[key] = problem
        elif problem.message != found[key].message:
            found[key] = _either(found[key], problem)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Mended:
    """A value without unknown keys, to look for further errors in."""

    value: Any
    renamed: dict[tuple[Any, ...], tuple[Any, ...]]  #: path in the value → path in the file


def without_unknown_keys(
    value: Any, error: ValidationError, model: type[BaseModel]
) -> Mended | None:
    """A copy in which unknown keys hide no other error; None where no key is unknown.

    They are left out. One that was probably meant to be a required key carries that name.
    """
    lines = error.errors(include_url=False)
    unknown = [line["loc"] for line in lines if line["type"] == "extra_forbidden"]
    if not unknown:
        return None
    missing = {line["loc"] for line in lines if line["type"] == "missing"}
    result = copy.deepcopy(value)
    renamed = {}
    for path in unknown:
        parent = result
        for part in path[:-1]:
            parent = parent[part]
        meant = (*path[:-1], _meant(path, model))
        taken = parent.pop(path[-1])
        if meant in missing:
            parent[meant[-1]] = taken
            renamed[meant] = path
    return Mended(result, renamed)


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the most similar known name, else nothing."""
    close = closest(given, known)
    return f" (did you mean '{close}'?)" if close else ""


def closest(given: str, known: Iterable[str]) -> str | None:
    """The most similar known name, whatever its case; None where none is similar."""
    by_folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(given.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def listed(names: Iterable[str], last: str = "and") -> str:
    """The names for a sentence: `a, b and c`; `none` where there is none."""
    ordered = list(names)
    if len(ordered) > 1:
        return f"{', '.join(ordered[:-1])} {last} {ordered[-1]}"
    return ordered[0] if ordered else "none"


def path_text(path: Sequence[PathPart]) -> str:
    """`services[0].size` for a path of keys and indices."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shown(value: object) -> str:
    """A value as a message shows it: quoted, cut where long, only its kind where nested."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _problem(line: dict[str, Any], document: Document, model: type[BaseModel]) -> KrajError:
    kind: str = line["type"]
    full = tuple(part for part in line["loc"] if part != "[key]")
    _, _, depth = find(document.root, full)
    path = full[:depth]
    if kind == "missing":
        return _missing(full, document, model)
    if kind == "extra_forbidden":
        return _unknown_key(path, document, model)
    place = document.locate(path, key="[key]" in line["loc"])
    context = line.get("ctx", {})
    if kind == "fault":
        return KrajError(context.get("code", WRONG_VALUE), line["msg"], place)
    name = f"{path_text(path)}: " if path else ""
    if kind == "size_unit":
        return KrajError(WRONG_UNIT, f"{name}{line['msg']}", place)
    written = document.text(path)
    value = written if written is not None else line["input"]
    malformed = kind == "string_pattern_mismatch" and path and path[-1] in _IDENTITY_KEYS
    code = IDENTITY_FORMAT if malformed else WRONG_VALUE
    return KrajError(code, f"{name}{_sentence(kind, line['msg'], context, value)}", place)


def _written(
    path: tuple[Any, ...], renamed: Mapping[tuple[Any, ...], tuple[Any, ...]]
) -> tuple[Any, ...]:
    """The path as the file has it, where a key was taken for another one."""
    for meant, written in renamed.items():
        if path[: len(meant)] == meant:
            return (*written, *path[len(meant) :])
    return path


def _missing(path: tuple[Any, ...], document: Document, model: type[BaseModel]) -> KrajError:
    parent = path[:-1]
    fields = _fields(model, parent)
    field = next((f for n, f in fields.items() if (f.alias or n) == path[-1]), None)
    meaning = f": {field.description}" if field is not None and field.description else ""
    where = f" in {path_text(parent)}" if parent else ""
    message = f"the key '{path[-1]}' is missing{where}{meaning}"
    return KrajError(MISSING_KEY, message.rstrip("."), document.locate(parent))


def _unknown_key(path: tuple[Any, ...], document: Document, model: type[BaseModel]) -> KrajError:
    known = _keys(model, path[:-1])
    where = f" in {path_text(path[:-1])}" if len(path) > 1 else ""
    similar = did_you_mean(str(path[-1]), known)
    return KrajError(
        UNKNOWN_KEY,
        f"unknown key '{path[-1]}'{where}{similar}",
        document.locate(path, key=True),
        hint="" if similar else f"The keys that exist here are {listed(known)}.",
    )


def _meant(path: tuple[Any, ...], model: type[BaseModel]) -> str | None:
    """The key that was probably meant by an unknown one."""
    return closest(str(path[-1]), _keys(model, path[:-1]))


def _keys(model: type[BaseModel], path: Sequence[Any]) -> list[str]:
    return [field.alias or name for name, field in _fields(model, path).items()]


def _either(one: KrajError, other: KrajError) -> KrajError:
    """One error for a value that fits none of several allowed forms."""
    tail = other.message.split(" must be ", 1)
    message = f"{one.message}, or {tail[1]}" if len(tail) == 2 else one.message
    return KrajError(one.code, message, one.location, hint=one.hint)


#: What a value must be, for pydantic's kinds of errors that need no more than that.
_FORMS = {
    "model_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_too_short": "a text that is not empty",
    "date_form": "a date, such as 2028-06-30",
    "date_from_datetime_parsing": "a date, such as 2028-06-30",
    "ip_any_address": "an IP address",
}


def _sentence(kind: str, message: str, context: dict[str, Any], value: object) -> str:
    """What is wrong with a value, in one sentence that begins with the value."""
    if kind == "string_type" and isinstance(value, str):
        return f'{value} must be a text: put it in quotes, "{value}"'
    if kind == "string_pattern_mismatch":
        form = PHRASES[context["pattern"]]
    elif kind in ("enum", "literal_error"):
        names = context["expected"].replace(" or ", ", ").split(", ")
        expected = [name.strip("'") for name in names]
        form = f"one of {listed(expected, 'or')}{did_you_mean(str(value), expected)}"
    elif kind in ("ip_v4_network", "ip_v6_network"):
        form = _network_form(kind, value)
    elif kind == "too_short":
        return "at least one entry is needed"
    elif kind == "string_too_long":
        form = f"a text of at most {context['max_length']} characters"
    elif kind in _FORMS:
        form = _FORMS[kind]
    else:
        verb = "Input should be "
        if not message.startswith(verb):
            return f"{shown(value)}: {message}"
        form = message[len(verb) :]
    return f"{shown(value)} must be {form}"


def _network_form(kind: str, value: object) -> str:
    version = kind[4]
    try:
        network = ip_network(str(value), strict=False)
    except ValueError:
        return (
            f"an IPv{version} network, such as {'10.64.0.0/12' if version == '4' else 'fd00::/44'}"
        )
    if str(network.version) != version:
        return f"an IPv{version} network, not an IPv{network.version} one"
    return f"the network's first address (did you mean '{network}'?)"


def _fields(model: type[BaseModel], path: Sequence[Any]) -> dict[str, Any]:
    """The fields of the model at `path` inside `model`; empty where there is none."""
    annotation: Any = model
    for part in path:
        models = list(_models(annotation))
        if isinstance(part, int) or not models:
            annotation = get_args(annotation)
            continue
        fields = models[0].model_fields
        field = fields.get(part) or next((f for f in fields.values() if f.alias == part), None)
        if field is None:
            continue  # a key of a mapping such as `sizes`
        annotation = field.annotation
    found = next(iter(_models(annotation)), None)
    return dict(found.model_fields) if found else {}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation such as `tuple[Order, ...]` or `dict[Slug, ServerSize]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    inner = annotation if isinstance(annotation, tuple) else get_args(annotation)
    for part in inner:
        yield from _models(part)

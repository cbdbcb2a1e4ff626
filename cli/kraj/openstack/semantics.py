"""What Pulumi's own OpenStack provider does with each property: the table `semantics.csv`.

The table is a record, made by `kraj.openstack.semantics_source` from the schema of the plugin and
from the answers of its Diff. This module reads it and builds the pairs of old and new values that
were put to the plugin, so that the same pairs can be put to any provider. It decides nothing:
`kraj.openstack.diffing` works from the declarations of the types.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any, Final

#: File of this package with one line for each property.
TABLE: Final = "semantics.csv"


@dataclass(frozen=True, slots=True)
class Rule:
    """One property of one type, as Pulumi's provider has it; flags are `yes` or empty."""

    token: str
    path: str  #: members of objects after a dot, for example `allocationPools.start`
    kind: str  #: text, integer, number, flag, list, set, map, record; items after `of`
    settable: str
    required: str
    computed: str  #: the cloud decides where the program says nothing
    replaces: str  #: the schema says that a change needs a new object
    secret: str
    default: str  #: filled in where the program says nothing
    deprecated: str
    change: str = ""  #: what Diff answers where the value changes: none, update or replace
    add: str = ""  #: the same where the program gives a value that was not there
    remove: str = ""  #: the same where the program takes the value away
    reorder: str = ""  #: the same where the items change places
    duplicate: str = ""  #: the same where the first item comes a second time

    @property
    def base(self) -> str:
        """What it holds, without its items."""
        return self.kind.partition(" of ")[0]


@dataclass(frozen=True, slots=True)
class Case:
    """One pair to compare."""

    name: str  #: change, add, remove, reorder or duplicate
    property: str  #: the one that differs
    olds: dict[str, Any]  #: outputs of the state
    news: dict[str, Any]  #: inputs of the program


def table() -> tuple[str, dict[str, list[Rule]]]:
    """The line that says from what the table was made, and the rules by type token."""
    text = (resources.files("kraj.openstack") / TABLE).read_text("utf-8")
    origin, _, rest = text.partition("\n")
    rules: dict[str, list[Rule]] = {}
    for row in csv.DictReader(rest.splitlines()):
        rules.setdefault(row["token"], []).append(Rule(**row))
    return origin.removeprefix("# "), rules


@cache
def left_to_programs(token: str) -> frozenset[str]:
    """Properties that are empty until somebody sets them: the cloud never decides them."""
    _, rules = table()
    return frozenset(
        rule.path
        for rule in rules.get(token, ())
        if rule.settable and not rule.computed and not rule.default and "." not in rule.path
    )


def columns() -> list[str]:
    """Names of the table's columns."""
    return [column.name for column in fields(Rule)]


def cases(rules: list[Rule], rule: Rule) -> Iterator[Case]:
    """The pairs for one property: beside it stand only what the type requires, and a name."""
    common = {
        other.path: sample(rules, other, 0)
        for other in rules
        if "." not in other.path and other.settable and (other.required or other.path == "name")
    }
    top, _, member = rule.path.partition(".")
    owner = next(other for other in rules if other.path == top)
    old, new = sample(rules, owner, 0, member), sample(rules, owner, 0, member)
    _change(rules, rule, member, new)
    if not member:
        new = sample(rules, rule, 1)
    yield _case("change", common, top, old, new)
    if member:
        return
    # A real object's state always has its flags: what is added to one that is not there is `true`.
    yield _case("add", common, top, None, True if rule.kind == "flag" else new)
    if not rule.required:
        yield _case("remove", common, top, old, None)
    if rule.base in ("list", "set") and not owner.kind.endswith("flag"):
        other = sample(rules, rule, 1)
        yield _case("reorder", common, top, old + other, other + old)
        yield _case("duplicate", common, top, old, old + old)


def _change(rules: list[Rule], rule: Rule, member: str, value: Any) -> None:
    """Give one member, however deep, its second value."""
    *heads, last = member.split(".")
    for head in heads:
        value = value[0] if isinstance(value, list) else value
        value = value[head]
    value = value[0] if isinstance(value, list) else value
    if member and isinstance(value, dict):
        value[last] = sample(rules, rule, 1)


def _case(name: str, common: dict[str, Any], top: str, old: Any, new: Any) -> Case:
    olds = {**common, top: old}
    news = {**common, top: new}
    return Case(
        name,
        top,
        {"id": "one", **{key: value for key, value in olds.items() if value is not None}},
        {**{key: value for key, value in news.items() if value is not None}, "__defaults": []},
    )


def sample(rules: list[Rule], rule: Rule, turn: int, member: str = "") -> Any:
    """The first (0) or second (1) value of a property; objects have the members they need.

    `member` is the path below it that an object must have too.
    """
    base, _, item = rule.kind.partition(" of ")
    if base in ("list", "set"):
        return [_single(rules, rule, item, turn, member)]
    if base == "map":
        return {"key": _single(rules, rule, "text", turn, "")}
    return _single(rules, rule, base, turn, member)


def _single(rules: list[Rule], rule: Rule, kind: str, turn: int, member: str) -> Any:
    if kind == "record":
        wanted = f"{rule.path}.{member.partition('.')[0]}"
        inner = member.partition(".")[2]
        members = [
            other
            for other in rules
            if other.path.rpartition(".")[0] == rule.path
            and other.settable
            and (other.required or other.path == wanted or not _has_required(rules, rule))
        ]
        return {
            other.path.rpartition(".")[2]: sample(
                rules, other, turn, inner if other.path == wanted else ""
            )
            for other in members
        }
    if kind in ("integer", "number"):
        return turn + 4
    return turn == 0 if kind == "flag" else _words(rule.path.rpartition(".")[2], turn)


def _has_required(rules: list[Rule], rule: Rule) -> bool:
    return any(other.required for other in rules if other.path.rpartition(".")[0] == rule.path)


def _words(name: str, turn: int) -> str:
    """Text that a property of that name can hold."""
    lower = name.lower()
    if "cidr" in lower or "prefix" in lower:
        return f"10.{turn}.0.0/24"
    if any(part in lower for part in ("ip", "address", "nexthop", "gateway", "start", "end")):
        return f"10.0.0.{turn + 5}"
    if "expir" in lower or lower.endswith("at"):
        return f"20{turn + 31}-01-02T03:04:05Z"
    return ("first", "second")[turn]

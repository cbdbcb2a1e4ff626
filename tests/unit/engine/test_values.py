"""Property values on the wire, compared, and by path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraj.engine.local.goals import parse_duration
from kraj.engine.local.paths import keep_ignored, matches, parse_path
from kraj.engine.local.values import (
    UNKNOWN,
    Secret,
    changed_paths,
    from_struct,
    has_unknown,
    mark_secrets,
    redact,
    reveal,
    same_value,
    to_struct,
)
from kraj.errors import KrajError

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.just(UNKNOWN),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=4), inner, max_size=3),
        inner.map(lambda value: value if isinstance(value, Secret) else Secret(value)),
    ),
    max_leaves=8,
)
properties = st.dictionaries(st.text(min_size=1, max_size=4), values, max_size=4)


@given(properties)
def test_values_survive_the_wire(value: dict[str, Any]) -> None:
    assert repr_of(from_struct(to_struct(value, keep_secrets=True))) == repr_of(value)
    plain = from_struct(to_struct(value, keep_secrets=False))
    assert repr_of(plain) == repr_of(reveal(value))


def repr_of(value: Any) -> Any:
    """Comparable by ==, with secrets and the unknown told apart; 1.0 on the wire is 1."""
    if isinstance(value, Secret):
        return ("secret", repr_of(value.value))
    if isinstance(value, dict):
        return {key: repr_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [repr_of(item) for item in value]
    return value


@given(properties)
def test_what_may_be_shown_holds_no_secret_and_nothing_unknown(value: dict[str, Any]) -> None:
    shown = redact(value)
    assert not has_unknown(shown)
    assert "Secret(" not in repr(shown)


@given(properties, properties)
def test_values_differ_where_paths_are_found(one: dict[str, Any], other: dict[str, Any]) -> None:
    if not has_unknown(one) and not has_unknown(other):
        absent_is_none = {k: v for k, v in one.items() if v is not None}
        others = {k: v for k, v in other.items() if v is not None}
        if same_value(absent_is_none, others):
            assert changed_paths(one, other) == []
    assert (changed_paths(one, one) == []) == (not has_unknown(one))


def test_changed_paths_are_in_pulumis_notation() -> None:
    old = {"a": {"b": [1, {"c": 2}], "d.e": 1}, "s": Secret("x"), "gone": 1}
    new = {"a": {"b": [1, {"c": 3}], "d.e": 2}, "s": Secret("y"), "came": True}
    assert changed_paths(old, new) == ["a.b[1].c", 'a["d.e"]', "s", "gone", "came"]
    assert changed_paths({"a": 1}, {"a": True}) == ["a"]


def test_secretness_goes_from_inputs_to_outputs() -> None:
    inputs = {"a": Secret("x"), "b": {"c": Secret(1)}, "l": [Secret(1), 2]}
    outputs = {"a": "x", "b": {"c": 1, "d": 2}, "l": [1, 2], "made": "y"}
    assert mark_secrets(outputs, inputs, ("made",)) == {
        "a": Secret("x"),
        "b": {"c": Secret(1), "d": 2},
        "l": [Secret(1), 2],
        "made": Secret("y"),
    }


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ('a["b.c"].d', ("a", "b.c", "d")),
        ('["x"][*]', ("x", "*")),
        ("*", ("*",)),
    ],
)
def test_paths_are_read_as_pulumi_writes_them(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_path(text) == path


def test_ignored_paths_keep_the_old_values() -> None:
    olds = {"a": 1, "m": {"x": 1, "y": 1}, "l": [{"p": 1}, {"p": 1}], "s": Secret({"k": 1})}
    news = {"a": 2, "m": {"x": 2, "y": 2}, "l": [{"p": 2}, {"p": 2}], "s": Secret({"k": 2}), "n": 2}
    kept = keep_ignored(news, olds, ["a", "m.x", "l[*].p", "s.k", "n"])
    assert kept == {
        "a": 1,
        "m": {"x": 1, "y": 2},
        "l": [{"p": 1}, {"p": 1}],
        "s": Secret({"k": 1}),
    }
    assert keep_ignored(news, olds, ["*"]) == olds


def test_selectors_meet_what_lies_below_and_above_them() -> None:
    assert matches("a.b", ["a"])
    assert not matches("a", ["a.b"])
    assert matches("x", ["*"])
    assert not matches("a.c", ["a.b"])


def test_durations_are_read_as_go_writes_them() -> None:
    assert parse_duration("1h2m3.5s", "x") == 3723.5
    assert parse_duration("250ms", "x") == 0.25
    with pytest.raises(KrajError):
        parse_duration("5 minutes", "x")

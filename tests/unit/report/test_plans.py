"""Plans as people read them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from kraj.engine.base import Operation, PropertyChange, Result, Step
from kraj.operations.stacks import StackRun
from kraj.report.documents.stacks import stack_entry
from kraj.report.plans import print_steps, words_of_change


def step(operation: Operation, changes: Sequence[PropertyChange] = (), **more: object) -> Step:
    paths = tuple(change.path for change in changes)
    given = {"changed": paths, **more}
    return Step(
        operation, "urn", "openstack:networking/subnet:Subnet", "net", "1", **given, changes=changes
    )  # type: ignore[arg-type]


def printed(*steps: Step) -> list[str]:
    out = io.StringIO()
    run = StackRun("tenant:liberec", Result("tenant:liberec", "preview", steps))
    print_steps([run], Console(file=out, width=80))
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("a", "b", "a → b"),
        (20, 30, "20 → 30"),
        (None, "b", "none → b"),
        (True, None, "true → none"),
        ({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 1}, "a: 1 → 2, c: 1 → none"),
        (["town", "old"], ["town", "new"], "+ new, - old"),
        ([1, 2], [2, 1], "[1, 2] → [2, 1]"),
        ("[secret]", "[secret]", "[secret] → [secret]"),
        ("x" * 60, "y", "x" * 47 + "… → y"),
    ],
)
def test_a_change_is_told_in_short(before: object, after: object, words: str) -> None:
    assert words_of_change(PropertyChange("property", before, after)) == words


def test_an_update_shows_each_value_before_and_after() -> None:
    lines = printed(step(Operation.UPDATE, [PropertyChange("name", "one", "two")]))
    assert lines == ["tenant:liberec", "  ~ Subnet net", "      name: one → two"]


def test_a_replacement_names_what_forces_it() -> None:
    changes = [PropertyChange("cidr", "10.0.0.0/24", "10.0.1.0/24")]
    lines = printed(step(Operation.REPLACE, changes, replaced_by=("cidr",)))
    assert lines[-1] == "      cidr: 10.0.0.0/24 → 10.0.1.0/24 (forces replacement)"


def test_a_reason_without_values_is_still_named() -> None:
    lines = printed(step(Operation.REPLACE, replaced_by=("provider",)))
    assert lines[-1] == "      because of provider"


def test_square_brackets_of_values_are_no_markup() -> None:
    lines = printed(step(Operation.UPDATE, [PropertyChange("password", "[secret]", "[bold]")]))
    assert lines[-1] == "      password: [secret] → [bold]"


def test_json_has_the_values_whole() -> None:
    change = PropertyChange("name", "x" * 60, "y")
    result = Result("tenant:liberec", "preview", [step(Operation.UPDATE, [change])])
    entry = stack_entry(StackRun("tenant:liberec", result)).model_dump(mode="json")
    assert entry["steps"][0]["changes"] == [{"path": "name", "before": "x" * 60, "after": "y"}]

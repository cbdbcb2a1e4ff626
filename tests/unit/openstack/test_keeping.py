"""Reading an object whose state Pulumi's own provider has written changes nothing by itself."""

from __future__ import annotations

import pytest

from kraj.openstack.keeping import as_kept
from kraj.openstack.values import Secret

META, DELTA = "__meta", "__pulumi_raw_state_delta"


def test_an_object_that_has_not_changed_keeps_the_state_as_it_is() -> None:
    state = {"id": "1", "name": "n", "persistence": None, "tags": [], META: "{}", DELTA: {"obj": 1}}
    outputs = {"id": "1", "name": "n", "persistence": {}, "tags": [], "description": "", "port": 0}
    assert as_kept(outputs, state) == state


@pytest.mark.parametrize("changed", [{"name": "m"}, {"description": "new"}, {"tags": ["a"]}])
def test_a_change_is_found_and_ends_what_was_true_of_the_old_outputs_alone(
    changed: dict[str, object],
) -> None:
    state = {"id": "1", "name": "n", "tags": None, META: "{}", DELTA: {"obj": 1}}
    outputs = {"id": "1", "name": "n", "tags": [], "description": "", **changed}
    assert as_kept(outputs, state) == {"id": "1", "name": "n", "tags": None, META: "{}", **changed}


def test_a_value_that_was_emptied_is_a_change() -> None:
    assert as_kept({"id": "1", "tags": []}, {"id": "1", "tags": ["a"]}) == {"id": "1", "tags": []}


def test_secrets_are_compared_by_what_they_hold() -> None:
    state = {"id": "1", "secret": Secret(""), DELTA: {}}
    assert as_kept({"id": "1", "secret": ""}, state) == state


def test_without_a_state_everything_is_news() -> None:
    outputs = {"id": "1", "name": "n", "tags": []}
    assert as_kept(outputs, {}) == as_kept(outputs, {"name": "n"}) == outputs

"""Reading an object whose state Pulumi's own provider has written changes nothing by itself."""

from __future__ import annotations

from typing import Any

import pytest

from kraj.openstack.keeping import as_kept, refreshed_inputs
from kraj.openstack.loadbalancer import Pool
from kraj.openstack.values import Secret


def kept(outputs: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    return as_kept(Pool, outputs, state)


META, DELTA = "__meta", "__pulumi_raw_state_delta"


def test_an_object_that_has_not_changed_keeps_the_state_as_it_is() -> None:
    state = {"id": "1", "name": "n", "persistence": None, "tags": [], META: "{}", DELTA: {"obj": 1}}
    outputs = {"id": "1", "name": "n", "persistence": {}, "tags": [], "description": "", "port": 0}
    assert kept(outputs, state) == state


@pytest.mark.parametrize("changed", [{"name": "m"}, {"description": "new"}, {"tags": ["a"]}])
def test_a_change_is_found_and_ends_what_was_true_of_the_old_outputs_alone(
    changed: dict[str, object],
) -> None:
    state = {"id": "1", "name": "n", "tags": None, META: "{}", DELTA: {"obj": 1}}
    outputs = {"id": "1", "name": "n", "tags": [], "description": "", **changed}
    assert kept(outputs, state) == {"id": "1", "name": "n", "tags": None, META: "{}", **changed}


def test_what_only_pulumis_provider_tells_stays() -> None:
    state = {"id": "1", "name": "n", "sdnStatus": "up", DELTA: {}}
    assert kept({"id": "1", "name": "n"}, state) == state


def test_a_value_that_was_emptied_is_a_change() -> None:
    assert kept({"id": "1", "tags": []}, {"id": "1", "tags": ["a"]}) == {"id": "1", "tags": []}


def test_secrets_are_compared_by_what_they_hold() -> None:
    state = {"id": "1", "secret": Secret(""), DELTA: {}}
    assert kept({"id": "1", "secret": ""}, state) == state


def test_without_a_state_everything_is_news() -> None:
    outputs = {"id": "1", "name": "n", "tags": []}
    assert kept(outputs, {}) == kept(outputs, {"name": "n"}) == outputs


def test_the_order_of_a_set_is_no_change() -> None:
    state = {"id": "1", "tags": ["b", "a"], DELTA: {}}
    assert kept({"id": "1", "tags": ["a", "b"]}, state) == state
    assert kept({"id": "1", "tags": ["a", "c"]}, state) == {"id": "1", "tags": ["a", "c"]}


def test_inputs_change_only_where_the_cloud_means_something_else() -> None:
    inputs = {"tags": ["b", "a"], "name": "n", "adminStateUp": True, "__defaults": ["adminStateUp"]}
    outputs = {"id": "1", "tags": ["a", "b"], "name": "m", "adminStateUp": True, "protocol": "TCP"}
    assert refreshed_inputs(Pool, inputs, outputs) == {**inputs, "name": "m"}


def test_an_import_learns_all_inputs() -> None:
    outputs = {"id": "1", "name": "m", "tags": [], "protocol": "TCP"}
    assert refreshed_inputs(Pool, {}, outputs) == {"name": "m", "protocol": "TCP", "__defaults": []}

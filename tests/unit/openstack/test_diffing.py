"""Diff: what is a change, what forces a replacement. With a type made for the purpose."""

from __future__ import annotations

import pytest

from kraj.errors import KrajError
from kraj.openstack import fields
from kraj.openstack.diffing import Change, Difference, diff
from kraj.openstack.errors import (
    CLOUD_UNREACHABLE,
    FAILED_STATE,
    REFUSED,
    TIMEOUT,
    PartialFailure,
)
from kraj.openstack.resource import Resource
from kraj.openstack.unfinished import UNFINISHED, Remedy, mark, remedy_for
from kraj.openstack.values import UNKNOWN


class Lamp(Resource):
    """A type that has every kind of rule."""

    name = fields.text()
    colour = fields.text(replaces=True)
    level = fields.integer(computed=True)
    note = fields.text()
    bulbs = fields.text_set()
    serial = fields.text(output_only=True)


OLDS = {
    "id": "1",
    "name": "l",
    "colour": "red",
    "level": 3,
    "note": "",
    "bulbs": ["a", "b"],
    "serial": "9",
    "region": "one",
}
NEWS = {"name": "l", "colour": "red", "bulbs": ["b", "a"], "__defaults": []}


def changes(**news):
    found = diff(Lamp, OLDS, {**NEWS, **news})
    return found.changes, set(found.replaces)


def test_what_the_cloud_decides_is_no_change():
    assert diff(Lamp, OLDS, NEWS) == Difference()


@pytest.mark.parametrize("value", ["", None])
def test_nothing_and_empty_are_the_same(value):
    assert changes(note=value) == ({}, set())


def test_a_changed_value_is_updated():
    assert changes(level=4) == ({"level": Change.UPDATE}, set())
    assert changes(note="x") == ({"note": Change.ADD}, set())


def test_a_value_that_the_program_takes_away_is_deleted():
    olds = {**OLDS, "note": "x"}
    assert diff(Lamp, olds, NEWS).changes == {"note": Change.DELETE}


def test_a_value_that_forces_it_replaces():
    assert changes(colour="green") == ({"colour": Change.UPDATE}, {"colour"})


def test_an_unknown_value_is_a_change_and_replaces_where_a_change_would():
    assert changes(level=UNKNOWN) == ({"level": Change.UPDATE}, set())
    assert changes(colour=UNKNOWN) == ({"colour": Change.UPDATE}, {"colour"})
    assert changes(bulbs=["a", UNKNOWN]) == ({"bulbs": Change.UPDATE}, set())


def test_what_the_engine_ignores_is_left_alone():
    news = {**NEWS, "colour": "green", "bulbs": []}
    assert diff(Lamp, OLDS, news, ("colour", "bulbs[0]")) == Difference()


def test_an_object_whose_name_the_program_keeps_is_deleted_before_its_successor_is_made():
    assert diff(Lamp, OLDS, {**NEWS, "colour": "green"}).delete_before_replace
    automatic = {**NEWS, "colour": "green", "__defaults": ["name"]}
    assert not diff(Lamp, OLDS, automatic).delete_before_replace
    renamed = {**NEWS, "colour": "green", "name": "m"}
    assert not diff(Lamp, OLDS, renamed).delete_before_replace


def test_an_object_that_was_late_is_finished_and_one_that_failed_is_replaced():
    late = diff(Lamp, {**OLDS, UNFINISHED: "finish"}, NEWS)
    assert late == Difference({UNFINISHED: Change.UPDATE})
    failed = diff(Lamp, {**OLDS, UNFINISHED: "replace"}, NEWS)
    assert failed.replaces == {UNFINISHED}
    assert failed.delete_before_replace


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (TIMEOUT, Remedy.FINISH),
        (CLOUD_UNREACHABLE, Remedy.FINISH),
        (FAILED_STATE, Remedy.REPLACE),
        (REFUSED, Remedy.REPLACE),
    ],
)
def test_what_failed_says_whether_the_object_is_at_fault(code, remedy):
    failure = PartialFailure("1", {"name": "l"}, KrajError(code, "words"))
    mark(failure)
    assert remedy_for(failure.outputs) is remedy
    assert remedy_for(OLDS) is None

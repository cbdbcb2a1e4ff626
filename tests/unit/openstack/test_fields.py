"""Declared fields: names, conversion, comparison."""

from __future__ import annotations

import pytest

from kraj.openstack import fields
from kraj.openstack.values import UNKNOWN

POOLS = fields.record_set({"start": fields.text(), "end": fields.text()})


def test_an_attribute_gives_both_names():
    declared = fields.integer().bind("segmentation_id")
    assert (declared.name, declared.api) == ("segmentationId", "segmentation_id")


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        (fields.integer(), "80", 80),
        (fields.flag(), "true", True),
        (fields.text(), 4, "4"),
        (fields.text_list(), ["a", 1], ["a", "1"]),
        (fields.integer(), UNKNOWN, UNKNOWN),
    ],
)
def test_values_take_the_kind_of_their_field(declared, given, expected):
    assert fields.coerce(declared, given, "it") == expected


@pytest.mark.parametrize(
    ("declared", "given", "words"),
    [
        (fields.integer(), "eighty", "it must be a number, not 'eighty'"),
        (fields.integer(), 1.5, "it must be a whole number, not 1.5"),
        (fields.flag(), "perhaps", "it must be true or false, not 'perhaps'"),
        (fields.text_list(), "a", "it must be a list, not 'a'"),
        (POOLS, [{"begin": "10.0.0.1"}], r"it\[0\] has no member 'begin'"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_its_place(declared, given, words):
    with pytest.raises(fields.WrongKindError, match=words):
        fields.coerce(declared, given, "it")


def test_sets_are_equal_in_any_order_and_lists_are_not():
    assert fields.equal(fields.text_set(), ["a", "b"], ["b", "a"])
    assert not fields.equal(fields.text_list(), ["a", "b"], ["b", "a"])
    assert not fields.equal(fields.text_set(), ["a", "b"], ["a", "c"])


def test_records_in_a_set_are_compared_by_their_members():
    one, two = {"start": "a", "end": "b"}, {"start": "c", "end": "d"}
    assert fields.equal(POOLS, [one, two], [two, one])
    assert not fields.equal(POOLS, [one], [two])


def test_a_member_that_the_cloud_decides_is_no_difference():
    declared = fields.record_list({"subnet_id": fields.text(), "ip": fields.text(computed=True)})
    assert fields.equal(declared, [{"subnetId": "s", "ip": "10.0.0.4"}], [{"subnetId": "s"}])
    assert not fields.equal(declared, [{"subnetId": "s", "ip": "10.0.0.4"}], [{"subnetId": "t"}])


def test_nested_names_of_the_api_are_followed_both_ways():
    body: dict[str, object] = {}
    fields.put(body, "gateway.network_id", "n")
    assert body == {"gateway": {"network_id": "n"}}
    assert fields.dig(body, "gateway.network_id") == "n"
    assert fields.dig({"router:external": True}, "router:external") is True


def test_what_the_api_leaves_empty_shows_as_the_empty_value_of_its_kind():
    assert fields.from_api(fields.text(), None) == ""
    assert fields.from_api(fields.text_set(), None) == []
    assert fields.from_api(fields.text_map(), {"cpu": 1}) == {"cpu": "1"}


def test_an_item_that_a_set_has_twice_counts_once():
    tags = fields.text_set()
    assert fields.equal(tags, ["a"], ["a", "a"])
    assert fields.equal(tags, ["b", "a", "a"], ["a", "b"])
    assert not fields.equal(tags, ["a", "b"], ["a", "a"])
    assert not fields.equal(tags, ["a", "a"], ["a", "b"])
    assert not fields.equal(fields.text_list(), ["a"], ["a", "a"])

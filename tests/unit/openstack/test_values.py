"""Pulumi's wire format."""

from __future__ import annotations

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from kraj.openstack import values
from kraj.openstack.values import UNKNOWN, Secret

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.just(UNKNOWN)
VALUES = st.recursive(
    SCALARS.filter(lambda v: v not in values._UNKNOWN_TEXTS if isinstance(v, str) else True),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        | inner.map(Secret)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
def test_values_survive_the_wire(properties):
    assert values.decode_struct(values.encode_struct(properties)) == properties


@pytest.mark.parametrize("text", sorted(values._UNKNOWN_TEXTS))
def test_every_spelling_of_unknown_is_known(text):
    assert values.decode(struct_pb2.Value(string_value=text)) is UNKNOWN


def test_an_output_value_is_its_content_or_unknown():
    known = {values.SIGNATURE: values.OUTPUT_SIGNATURE, "value": "x", "secret": True}
    unknown = {values.SIGNATURE: values.OUTPUT_SIGNATURE}
    assert values.decode(values.encode(known)) == Secret("x")
    assert values.decode(values.encode(unknown)) is UNKNOWN


def test_a_reference_to_a_resource_is_its_id():
    reference = {values.SIGNATURE: values.RESOURCE_SIGNATURE, "urn": "u", "id": "i"}
    assert values.decode(values.encode(reference)) == "i"


def test_whole_numbers_are_integers():
    assert values.decode(struct_pb2.Value(number_value=22.0)) == 22
    assert isinstance(values.decode(struct_pb2.Value(number_value=22.0)), int)
    assert values.decode(struct_pb2.Value(number_value=0.5)) == 0.5


def test_a_secret_anywhere_makes_its_property_secret():
    properties = {"a": [{"b": Secret("s")}], "c": 1}
    assert values.secret_keys(properties) == {"a"}
    plain = values.reveal(properties)
    assert plain == {"a": [{"b": "s"}], "c": 1}
    assert values.conceal(plain, {"a", "missing"}) == {"a": Secret([{"b": "s"}]), "c": 1}


def test_a_secret_does_not_show_itself():
    assert "word" not in repr(Secret("word"))

"""Check: defaults, automatic names, validation. With types made for the purpose."""

from __future__ import annotations

import pytest

from kraj.openstack import fields
from kraj.openstack.checking import check
from kraj.openstack.resource import Resource
from kraj.openstack.values import UNKNOWN


class Lamp(Resource):
    """A type that has every kind of rule."""

    name = fields.text()
    colour = fields.text(required=True, choices=("red", "green"))
    bright = fields.flag(default=True)
    level = fields.integer(conflicts=("off",))
    off = fields.flag(conflicts=("level",))
    serial = fields.text(output_only=True)


class Plate(Resource):
    """A type without a name."""

    size = fields.integer()


def test_defaults_are_filled_in_and_named():
    checked = check(Lamp, {"colour": "red", "name": "l"}, {}, "lamp")
    assert checked.inputs == {
        "colour": "red",
        "name": "l",
        "bright": True,
        "__defaults": ["bright"],
    }


def test_a_value_of_the_program_is_no_default():
    checked = check(Lamp, {"colour": "red", "name": "l", "bright": False}, {}, "lamp")
    assert checked.inputs["bright"] is False
    assert checked.inputs["__defaults"] == []


def test_an_automatic_name_has_seven_hexadecimal_digits_and_stays():
    first = check(Lamp, {"colour": "red"}, {}, "lamp").inputs
    assert first["name"].startswith("lamp-")
    assert len(bytes.fromhex("0" + first["name"].removeprefix("lamp-"))) == 4
    assert check(Lamp, {"colour": "green"}, first, "lamp").inputs["name"] == first["name"]


def test_an_automatic_name_follows_the_seed_of_the_engine():
    names = {check(Lamp, {"colour": "red"}, {}, "lamp", b"seed").inputs["name"] for _ in range(3)}
    assert len(names) == 1


def test_a_name_that_the_program_takes_away_is_made_anew():
    olds = check(Lamp, {"colour": "red", "name": "mine"}, {}, "lamp").inputs
    assert check(Lamp, {"colour": "red"}, olds, "lamp").inputs["name"] != "mine"


def test_a_type_without_a_name_gets_none():
    assert check(Plate, {}, {}, "plate").inputs == {"__defaults": []}


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({}, "colour", "colour is required"),
        ({"colour": "blue"}, "colour", "colour is 'blue'; allowed are red, green"),
        ({"colour": "red", "hue": 1}, "hue", "the type has no such input"),
        ({"colour": "red", "serial": "1"}, "serial", "the type has no such input"),
        ({"colour": "red", "level": "high"}, "level", "level must be a number, not 'high'"),
        (
            {"colour": "red", "level": 3, "off": True},
            "level",
            "level cannot be given together with off",
        ),
    ],
)
def test_a_mistake_is_named_with_its_property(given, name, words):
    assert check(Lamp, given, {}, "lamp").failures[name] == words


def test_a_flag_that_is_off_conflicts_with_nothing():
    assert not check(Lamp, {"colour": "red", "level": 3, "off": False}, {}, "lamp").failures


def test_all_mistakes_are_found_at_once():
    failures = check(Lamp, {"hue": 1, "level": "high"}, {}, "lamp").failures
    assert set(failures) == {"hue", "level", "colour"}


def test_unknown_values_pass():
    checked = check(Lamp, {"colour": UNKNOWN, "level": UNKNOWN}, {}, "lamp")
    assert not checked.failures
    assert checked.inputs["colour"] is UNKNOWN

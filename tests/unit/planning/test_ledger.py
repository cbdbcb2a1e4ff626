"""The ledger's text: written the same, read back the same, and refused where it was mangled."""

from __future__ import annotations

import ipaddress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kraj.errors import KrajError
from kraj.planning.addresses import Allocation, CentreRecord, Ledger
from kraj.planning.ledger import ledger_from_text, ledger_to_text

#: Slugs with those that YAML 1.1 takes for a truth value, a number or a date.
SLUGS = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})*", fullmatch=True) | st.sampled_from(
    ["no", "on", "y", "null", "0x1f", "1e5", "010", "2026-11-23", "12-30"]
)
NUMBERS = st.dictionaries(SLUGS, st.integers(0, 20), max_size=4)
CODES = st.from_regex(r"[0-9]{6}|org-[0-9]{8}|cz0[0-9]{2}", fullmatch=True)


@st.composite
def allocations(draw: st.DrawFn) -> Allocation:
    ipv6 = ipaddress.IPv6Network((0xFD << 120 | draw(st.integers(0, 999)) << 64, 64))
    return Allocation(
        name=draw(SLUGS),
        ipv4=ipaddress.IPv4Network((10 << 24 | draw(st.integers(0, 60000)) << 8, 24)),
        ipv6=draw(st.sampled_from([None, ipv6])),
        blocks=draw(NUMBERS),
    )


LEDGERS = st.builds(
    Ledger,
    tenants=st.dictionaries(CODES, allocations(), max_size=5),
    released=st.dictionaries(CODES, allocations(), max_size=3),
    centre=st.builds(CentreRecord, blocks=NUMBERS, reserved_gib=NUMBERS),
)


@given(LEDGERS)
def test_a_ledger_survives_being_written_and_read(ledger: Ledger) -> None:
    text = ledger_to_text(ledger)
    again = ledger_from_text(text)
    assert again == ledger
    assert ledger_to_text(again) == text


@given(LEDGERS)
def test_other_readers_of_yaml_see_the_same_names(ledger: Ledger) -> None:
    content = yaml.safe_load(ledger_to_text(ledger))
    names = {code: entry["name"] for code, entry in content["tenants"].items()}
    assert names == {code: item.name for code, item in ledger.tenants.items()}


@pytest.mark.parametrize("text", ["", "# only a comment\n\n"])
def test_a_text_without_entries_is_an_empty_ledger(text: str) -> None:
    assert ledger_from_text(text) == Ledger()


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("version: 2\n", "1:10", "version 2 is not 1"),
        ("tenants: [1]\n", "1:10", "is not a mapping"),
        ('tenants: {"1": {name: a, ipv4: 10.0.0.1/24}}\n', "1:32", "has host bits set"),
        ('tenants: {"1": {name: a}}\n', "1:16", "the key 'ipv4' is missing"),
        ('tenants: {"1": {name: a, ipv4: 10.0.0.0/24, ip: x}}\n', "1:49", "unknown key 'ip'"),
        ("centre: {blocks: {archive: -1}}\n", "1:28", "-1 is not a whole number"),
        ("other: {}\n", "1:8", "unknown key 'other'"),
        ("tenants: {", "2:1", "did not find expected node content"),
        ('tenants:\n  "1": {name: a}\n  "1": {name: b}\n', "3:3", "the key '1' is there twice"),
        ("<<<<<<< ours\nversion: 1\n=======\n", "2:8", "mapping values are not allowed"),
    ],
)
def test_a_mangled_ledger_is_refused_with_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(KrajError) as caught:
        ledger_from_text(text, "addresses.yaml")
    assert caught.value.code.code == "KRJ203"
    assert str(caught.value.location).startswith(f"addresses.yaml:{place}")
    assert message in caught.value.message

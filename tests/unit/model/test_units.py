"""Sizes with units: what is read, what is refused, what OpenStack is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraj.model.units import GIB, UNITS, Size


def test_a_decimal_terabyte_is_not_a_binary_one() -> None:
    assert Size.parse("16 TB").bytes == 16 * 10**12
    assert Size.parse("16 TB").gib == 14_901
    assert Size.parse("16 TiB").gib == 16_384


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("0 B", 0),
        ("512 MiB", 512 * 2**20),
        ("200GiB", 200 * 2**30),
        ("1.5 TiB", 1536 * 2**30),
        ("2 kB", 2000),
        (" 3 PB ", 3 * 10**15),
    ],
)
def test_sizes_are_read_with_or_without_a_space(text: str, bytes_: int) -> None:
    assert Size.parse(text).bytes == bytes_


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("200", "'200' has no unit: did you mean 200 GiB?"),
        ("200 gib", "'200 gib' has the unknown unit 'gib' (did you mean GiB?)"),
        ("200 G", "'200 G' has the unknown unit 'G' (did you mean GB or GiB?)"),
        ("16 tb", "'16 tb' has the unknown unit 'tb' (did you mean TB?)"),
        ("16 furlongs", "'16 furlongs' has the unknown unit 'furlongs'"),
        ("-1 GiB", "'-1 GiB' is not a size: a number and a unit, such as 200 GiB"),
        ("1e3 GiB", "'1e3 GiB' is not a size: a number and a unit, such as 200 GiB"),
        ("", "'' is not a size: a number and a unit, such as 200 GiB"),
        ("1.5 B", "'1.5 B' is not a whole number of bytes"),
    ],
)
def test_a_wrong_size_is_refused_with_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        Size.parse(text)
    assert str(caught.value) == message


@given(st.integers(min_value=0, max_value=10**6), st.sampled_from(sorted(UNITS)))
def test_every_size_survives_being_written_and_read(number: int, unit: str) -> None:
    size = Size.parse(f"{number} {unit}")
    assert size.bytes == number * UNITS[unit]
    assert Size.parse(str(size)) == size
    assert Size.parse(str(Size(size.bytes))) == size


@given(st.integers(min_value=0, max_value=10**18))
def test_capacity_is_rounded_down_and_volumes_up(amount: int) -> None:
    size = Size(amount)
    assert size.gib * GIB <= amount <= size.gib_ceil * GIB
    assert size.gib_ceil - size.gib == (0 if amount % GIB == 0 else 1)
    assert size.mib // 1024 == size.gib


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_sizes_are_ordered_by_bytes(one: int, other: int) -> None:
    assert (Size(one) < Size(other)) == (one < other)
    assert (Size(one) >= Size(other)) == (one >= other)


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_a_refusal_that_shows_it(text: str) -> None:
    try:
        shown = str(Size.parse(text))
    except ValueError as error:
        shown = str(error)
        text = repr(text)
    assert text.strip()[:1] in shown


def test_a_size_compares_by_bytes_and_prints_as_it_was_written() -> None:
    assert Size.parse("1024 MiB") == Size.parse("1 GiB")
    assert hash(Size.parse("1024 MiB")) == hash(Size.parse("1 GiB"))
    assert str(Size.parse("1024 MiB")) == "1024 MiB"
    assert str(Size.from_gib(3)) == "3 GiB"

"""Sizes with an explicit unit: `16 TB` is 16·10¹² bytes, `16 TiB` is 16·2⁴⁰ bytes.

A number without a unit is an error, never a guess. Sizes are whole bytes inside and convert to the
units that OpenStack counts in: GiB for volumes, MiB for memory. This module knows nothing of YAML;
`kraj.model.loader` adds the place to its errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import total_ordering
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

#: Decimal prefixes by the SI, binary prefixes by IEC 80000-13.
UNITS: dict[str, int] = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "PB": 10**15,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "PiB": 2**50,
}
MIB = UNITS["MiB"]
GIB = UNITS["GiB"]

_PATTERN = r"^[0-9]+(\.[0-9]+)? ?(B|kB|MB|GB|TB|PB|KiB|MiB|GiB|TiB|PiB)$"
_SHAPE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)[ \t]*([A-Za-z]*)")
_BINARY = ("PiB", "TiB", "GiB", "MiB", "KiB", "B")


@total_ordering
@dataclass(frozen=True, slots=True)
class Size:
    """Storage or memory in whole bytes; compares by bytes, prints as it was written."""

    bytes: int
    text: str = field(default="", compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read `200 GiB` or `16 TB`. Raises ValueError with a message for people."""
        match = _SHAPE.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a size: a number and a unit, such as 200 GiB")
        number, unit = match.groups()
        if not unit:
            raise ValueError(f"{text!r} has no unit: did you mean {number} GiB?")
        if unit not in UNITS:
            raise ValueError(f"{text!r} has the unknown unit {unit!r}{_similar_unit(unit)}")
        amount = Decimal(number) * UNITS[unit]
        if amount != amount.to_integral_value():
            raise ValueError(f"{text!r} is not a whole number of bytes")
        return cls(int(amount), f"{number} {unit}")

    @classmethod
    def from_gib(cls, gib: int) -> Size:
        """The size of so many GiB."""
        return cls(gib * GIB)

    @property
    def gib(self) -> int:
        """Whole GiB, rounded down: for capacity, of which no part may be promised twice."""
        return self.bytes // GIB

    @property
    def gib_ceil(self) -> int:
        """Whole GiB, rounded up: for a volume, which must hold at least what was ordered."""
        return -(-self.bytes // GIB)

    @property
    def mib(self) -> int:
        """Whole MiB, rounded down."""
        return self.bytes // MIB

    def __lt__(self, other: Size) -> bool:
        return self.bytes < other.bytes

    def __str__(self) -> str:
        return self.text or _exact(self.bytes)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _validate, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": _PATTERN, "examples": ["200 GiB", "16 TB"]}


def _validate(value: object) -> Size:
    if isinstance(value, Size):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise PydanticCustomError("size_unit", "it must be a size with a unit, such as 200 GiB")
    try:
        return Size.parse(value)
    except ValueError as error:
        raise PydanticCustomError("size_unit", "{reason}", {"reason": str(error)}) from error


def _similar_unit(unit: str) -> str:
    """` (did you mean GiB?)` for a unit that differs from a known one by case, or is cut short."""
    lowered = unit.lower()
    similar = [known for known in UNITS if known.lower() == lowered]
    if not similar and len(lowered) <= 2:
        prefix = lowered[0]
        similar = [known for known in UNITS if len(known) > 1 and known.lower().startswith(prefix)]
    return f" (did you mean {' or '.join(similar)}?)" if similar else ""


def _exact(amount: int) -> str:
    """The number of bytes in the largest binary unit that divides it."""
    unit = next(unit for unit in _BINARY if amount % UNITS[unit] == 0)
    return f"{amount // UNITS[unit]} {unit}"

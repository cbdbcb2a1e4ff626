"""The price book of `region.yaml`: what a town pays, for quotes; no invoice is made of it.

Amounts are exact decimals, net of value-added tax, in one currency.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from kraj.model.base import Part, Slug, shaped


def _exact(value: object) -> object:
    """The number as the file writes it: 3.20 is 3.20, and no binary fraction near it."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        try:
            number = Decimal(str(value))
        except InvalidOperation:  # .inf and .nan of YAML
            number = Decimal("NaN")
        if number.is_finite() and number >= 0:
            return number
    raise PydanticCustomError("amount", "it must be an amount of money, such as 180 or 3.20")


Money = Annotated[
    Decimal,
    BeforeValidator(_exact),
    PlainSerializer(float, when_used="json"),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
Currency = Annotated[str, shaped(r"^[A-Z]{3}$", "three capital letters (ISO 4217), such as CZK")]
#: Rates of value-added tax have fractions in some countries.
VatPercent = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(lt=100),
    PlainSerializer(float, when_used="json"),
    WithJsonSchema({"type": "number", "minimum": 0, "exclusiveMaximum": 100}),
]


class ServicePrice(Part):
    """What a service costs beside the capacity that it takes."""

    once: Money = Field(default=Decimal(0), description="When it is set up.")
    monthly: Money = Field(default=Decimal(0), description="Every month.")


class PriceBook(Part):
    """Prices of capacity, per month, and of services."""

    currency: Currency = Field(description="ISO 4217 code.")
    vat_percent: VatPercent = Field(
        default=Decimal(0), description="Value-added tax that is added; 0 where there is none."
    )
    vcpu: Money = Field(description="A virtual processor.")
    ram_gib: Money = Field(description="A GiB of memory.")
    storage_gib: dict[Slug, Money] = Field(description="A GiB of each storage pool.")
    floating_address: Money = Field(
        default=Decimal(0), description="An address of the external network."
    )
    services: dict[Slug, ServicePrice] = Field(
        default={}, description="Services that cost more than their capacity."
    )

"""Documents about the catalogue and about prices."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kraj.model.prices import PriceBook
from kraj.model.service import DataVolume, ServiceCard
from kraj.planning.quote import Line, Quote
from kraj.report.documents.base import REGION, Document, Part, named

_NET = "Without value-added tax."


class StorageEntry(Part):
    """A data volume of a service; sizes in GiB."""

    name: str = Field(description="Name of the volume.")
    pool: str = Field(description="Storage pool.")
    orderable: bool = Field(description="Whether an order's `storage` is its size.")
    default_gib: int = Field(ge=0, description="Size where an order names none.")
    minimum_gib: int = Field(ge=0, description="Smallest size.")
    maximum_gib: int = Field(ge=0, description="Largest size.")

    @classmethod
    def of(cls, volume: DataVolume) -> StorageEntry:
        return cls(
            name=volume.name,
            pool=volume.pool,
            orderable=volume.orderable,
            default_gib=volume.default.gib_ceil,
            minimum_gib=volume.minimum.gib_ceil,
            maximum_gib=volume.maximum.gib_ceil,
        )


class ServiceEntry(Part):
    """A service that can be ordered."""

    name: str = Field(description="What orders call it.")
    title: dict[str, str] = Field(description="Title per language.")
    description: dict[str, str] = Field(description="One or two sentences per language.")
    owner: str = Field(description="Who answers for it.")
    mode: Literal["dedicated", "shared"] = Field(
        description="dedicated: own servers per tenant; shared: one installation in the centre."
    )
    servers: int = Field(ge=1, description="Servers per tenant, or of the shared installation.")
    default_size: str = Field(description="Size of the servers where an order names none.")
    sizes: tuple[str, ...] = Field(description="Sizes that can be ordered.")
    storage: tuple[StorageEntry, ...] = Field(description="Its data volumes.")
    availability: str = Field(description="Failsafe level of scs-0118.")
    backup: str = Field(description="none, hourly, daily or weekly.")
    recovery_point_minutes: int | None = Field(
        description="How much work is lost at most; null without backup."
    )
    once: str | None = Field(description=f"Price of setting it up. {_NET} Null without a price.")
    monthly: str | None = Field(
        description=f"Monthly price beside its capacity. {_NET} Null without a price."
    )

    @classmethod
    def of(cls, card: ServiceCard, prices: PriceBook | None) -> ServiceEntry:
        price = prices.services.get(card.name) if prices else None
        return cls(
            name=card.name,
            title=dict(card.title),
            description=dict(card.description),
            owner=card.owner,
            mode=card.mode.value,
            servers=card.servers,
            default_size=card.default_size,
            sizes=card.sizes,
            storage=tuple(map(StorageEntry.of, card.data_volumes)),
            availability=card.availability.value,
            backup=card.backup.value,
            recovery_point_minutes=card.backup.rpo_minutes,
            once=str(price.once) if price else None,
            monthly=str(price.monthly) if price else None,
        )


class ServiceListDocument(Document):
    """The catalogue."""

    schema_: Literal["kraj.service.list/1"] = named("kraj.service.list/1")
    region: str = Field(description=REGION)
    currency: str | None = Field(description="ISO 4217 code; null without a price book.")
    services: tuple[ServiceEntry, ...] = Field(description="By name.")


class ServiceShowDocument(Document):
    """One service of the catalogue."""

    schema_: Literal["kraj.service.show/1"] = named("kraj.service.show/1")
    region: str = Field(description=REGION)
    currency: str | None = Field(description="ISO 4217 code; null without a price book.")
    service: ServiceEntry = Field(description="The service.")


class QuoteLine(Part):
    """A part of the price. Amounts of money are decimal numbers as text."""

    service: str = Field(description="Name of the service, or `network and limits`.")
    what: str = Field(description="`vCPU`, `memory`, `storage <pool>`, `address`, `service`.")
    amount: str = Field(description="How many.")
    unit: str = Field(description="Of what.")
    unit_price: str = Field(description=f"Of one, per month. {_NET}")
    once: str = Field(description=f"Paid when it is set up. {_NET}")
    monthly: str = Field(description=f"Paid every month. {_NET}")

    @classmethod
    def of(cls, line: Line) -> QuoteLine:
        return cls(
            service=line.service,
            what=line.what,
            amount=f"{line.amount:f}",
            unit=line.unit,
            unit_price=f"{line.unit_price:f}",
            once=f"{line.once:f}",
            monthly=f"{line.monthly:f}",
        )


class QuoteDocument(Document):
    """What a tenant's orders cost. Amounts of money are decimal numbers as text."""

    schema_: Literal["kraj.tenant.quote/1"] = named("kraj.tenant.quote/1")
    region: str = Field(description=REGION)
    tenant: str = Field(description="Slug of the tenant.")
    currency: str = Field(description="ISO 4217 code.")
    vat_percent: str = Field(description="Value-added tax.")
    once: str = Field(description=f"Paid when it is set up. {_NET}")
    monthly: str = Field(description=f"Paid every month. {_NET}")
    yearly: str = Field(description=f"Twelve months, without what is paid once. {_NET}")
    once_with_vat: str = Field(description="With value-added tax.")
    monthly_with_vat: str = Field(description="With value-added tax.")
    yearly_with_vat: str = Field(description="With value-added tax.")
    lines: tuple[QuoteLine, ...] = Field(description="By service, in the order of the file.")

    @classmethod
    def of(cls, quote: Quote) -> QuoteDocument:
        return cls(
            region=quote.region,
            tenant=quote.tenant,
            currency=quote.currency,
            vat_percent=f"{quote.vat_percent:f}",
            once=f"{quote.once:f}",
            monthly=f"{quote.monthly:f}",
            yearly=f"{quote.yearly:f}",
            once_with_vat=f"{quote.with_vat(quote.once):f}",
            monthly_with_vat=f"{quote.with_vat(quote.monthly):f}",
            yearly_with_vat=f"{quote.with_vat(quote.yearly):f}",
            lines=tuple(map(QuoteLine.of, quote.lines)),
        )

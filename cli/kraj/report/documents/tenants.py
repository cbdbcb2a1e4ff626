"""Documents about one tenant's file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kraj.model.sources import display
from kraj.operations.new_tenant import NewTenant
from kraj.planning.tenant_check import Fit, ServersMade, TenantCheck
from kraj.report.documents.base import REGION, Document, Part, named
from kraj.report.documents.failures import ErrorEntry
from kraj.report.documents.services import QuoteDocument


class FitEntry(Part):
    """A resource of the region that the tenant takes something of; amounts in `unit`."""

    resource: str = Field(description="`vcpus`, `ram`, `floating_addresses`, `pool:<name>`.")
    unit: str = Field(description="`vCPU`, `MiB`, `addresses`, `GiB`.")
    ordered: int = Field(ge=0, description="What the orders take.")
    free: int = Field(description="What is free without this tenant; negative: less than nothing.")
    limit: int = Field(description="What may be promised in the whole region.")
    fits: bool = Field(description="Whether it is enough.")

    @classmethod
    def of(cls, fit: Fit) -> FitEntry:
        return cls(
            resource=fit.resource,
            unit=fit.unit,
            ordered=fit.ordered,
            free=fit.free,
            limit=fit.limit,
            fits=fit.fits,
        )


class ServersEntry(Part):
    """Servers of one service."""

    service: str = Field(description="Name of the service.")
    count: int = Field(ge=1, description="How many.")
    flavor: str = Field(description="Flavour of each.")
    zones: tuple[str, ...] = Field(description="Availability zones; empty: the cloud chooses.")
    storage_gib: int = Field(ge=0, description="Boot and data volumes of all of them.")

    @classmethod
    def of(cls, pool: ServersMade) -> ServersEntry:
        return cls(
            service=pool.service,
            count=pool.count,
            flavor=pool.flavor,
            zones=pool.zones,
            storage_gib=pool.storage_gib,
        )


class TenantCheckDocument(Document):
    """What a tenant's file would mean."""

    schema_: Literal["kraj.tenant.check/1"] = named("kraj.tenant.check/1")
    region: str = Field(description=REGION)
    tenant: str = Field(description="Slug of the tenant.")
    title: str = Field(description="Its name.")
    known: bool = Field(description="Whether addresses are recorded for it already.")
    passed: bool = Field(description="Whether it can be built as it is ordered.")
    refusals: tuple[ErrorEntry, ...] = Field(description="Orders that do not fit.")
    takes: tuple[FitEntry, ...] = Field(description="What it takes of the region.")
    servers: tuple[ServersEntry, ...] = Field(description="Its own servers.")
    shared: tuple[str, ...] = Field(description="Services that it uses in the centre.")
    networks: tuple[str, ...] = Field(description="Address ranges (CIDR).")
    floating_addresses: int = Field(ge=0, description="Public addresses.")
    warnings: tuple[str, ...] = Field(description="What works, but not as one may expect.")
    quote: QuoteDocument | None = Field(description="What it costs; null without a price book.")

    @classmethod
    def of(cls, check: TenantCheck) -> TenantCheckDocument:
        return cls(
            region=check.region,
            tenant=check.tenant,
            title=check.title,
            known=check.known,
            passed=check.passed,
            refusals=tuple(map(ErrorEntry.of, check.refusals)),
            takes=tuple(map(FitEntry.of, check.fits)),
            servers=tuple(map(ServersEntry.of, check.servers)),
            shared=check.shared,
            networks=check.networks,
            floating_addresses=check.addresses,
            warnings=check.warnings,
            quote=QuoteDocument.of(check.quote) if check.quote else None,
        )


class TenantNewDocument(Document):
    """A new tenant's file."""

    schema_: Literal["kraj.tenant.new/1"] = named("kraj.tenant.new/1")
    file: str = Field(description="The file, relative to the current folder where it is below it.")
    written: bool = Field(description="Whether it was written; false for --dry-run.")
    text: str = Field(description="Its content.")
    check: TenantCheckDocument = Field(description="What it means.")

    @classmethod
    def of(cls, new: NewTenant, *, written: bool) -> TenantNewDocument:
        return cls(
            file=display(new.path),
            written=written,
            text=new.text,
            check=TenantCheckDocument.of(new.check),
        )

"""What one tenant's file would mean: whether it fits, what is made of it, and what it costs. Pure.

It is for people who decide about an order before anything is signed in to or built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kraj.errors import KrajError
from kraj.model.loader import RegionFiles
from kraj.planning.addresses import Ledger
from kraj.planning.build import TENANT_LABEL, RegionPlan
from kraj.planning.documents import ServerPool, Subnet, TenantDocument
from kraj.planning.quote import Quote, quote_tenant


@dataclass(frozen=True, slots=True)
class Fit:
    """A resource of the region that the tenant takes something of; amounts in `unit`."""

    resource: str
    unit: str
    ordered: int
    free: int  #: without this tenant; negative where others have promised too much
    limit: int  #: what may be promised in the whole region

    @property
    def fits(self) -> bool:
        return self.ordered <= self.free


@dataclass(frozen=True, slots=True)
class ServersMade:
    """Servers of one service."""

    service: str
    count: int
    flavor: str
    zones: tuple[str, ...]  #: of each server; empty where the cloud chooses
    storage_gib: int  #: boot and data volumes of all of them


@dataclass(frozen=True, slots=True)
class TenantCheck:
    """The answer."""

    region: str
    tenant: str  #: slug
    title: str  #: name of the municipality
    known: bool  #: whether addresses are recorded for it already: it was planned before
    refusals: tuple[KrajError, ...]  #: its orders that do not fit (KRJ210)
    fits: tuple[Fit, ...]
    servers: tuple[ServersMade, ...]
    shared: tuple[str, ...]  #: services that it uses in the centre
    networks: tuple[str, ...]  #: address ranges
    addresses: int  #: floating ones
    warnings: tuple[str, ...]  #: about it, from planning
    quote: Quote | None  #: None where the region has no price book

    @property
    def passed(self) -> bool:
        """Whether it can be built as it is ordered."""
        return not self.refusals


def check_tenant(files: RegionFiles, plan: RegionPlan, recorded: Ledger, slug: str) -> TenantCheck:
    """Judge one tenant of a plan that may exceed what the region has."""
    tenant, document = files.tenants[slug], plan.tenants[slug]
    own = {pool.key for pool in document.server_pools}
    return TenantCheck(
        region=files.region.name,
        tenant=slug,
        title=tenant.name,
        known=tenant.code in recorded.tenants,
        refusals=tuple(e for e in plan.refusals if e.details.get("tenant") == slug),
        fits=tuple(_fits(plan, slug)),
        servers=tuple(map(_servers, document.server_pools)),
        shared=tuple(o.service for o in tenant.services if o.service not in own),
        networks=tuple(_ranges(document)),
        addresses=len(document.floating_addresses),
        warnings=tuple(text for text in plan.warnings if f"{slug}'s file" in text),
        quote=quote_tenant(files, plan, slug) if files.region.prices else None,
    )


def _fits(plan: RegionPlan, slug: str) -> Iterator[Fit]:
    demand = plan.demands[TENANT_LABEL + slug]
    for row in plan.capacity.rows:
        ordered = demand[row.resource]
        if ordered:
            yield Fit(row.resource, row.unit, ordered, row.free + ordered, row.limit)


def _servers(pool: ServerPool) -> ServersMade:
    volumes = (v for s in pool.servers for v in (s.boot_volume, *s.data_volumes))
    zones = tuple(server.availability_zone or "" for server in pool.servers)
    return ServersMade(
        pool.key,
        len(pool.servers),
        pool.flavor,
        zones if all(zones) else (),
        sum(volume.size_gib for volume in volumes),
    )


def _ranges(document: TenantDocument) -> Iterator[str]:
    for network in document.networks:
        subnets: tuple[Subnet | None, ...] = (network.ipv4, network.ipv6)
        yield from (subnet.cidr for subnet in subnets if subnet is not None)

"""Plans a whole region: from its files, its ledger and its cloud to the documents of all stacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kraj.errors import KrajError, KrajErrors
from kraj.model.loader import RegionFiles
from kraj.model.service import ServiceMode
from kraj.planning.addresses import Ledger, allocate, record_centre
from kraj.planning.capacity import (
    POOL_PREFIX,
    CapacityReport,
    Demand,
    Request,
    capacity_report,
    refusals,
)
from kraj.planning.centre import build_centre, reserved_total
from kraj.planning.context import Context
from kraj.planning.documents import CentreDocument, Cloud, TenantDocument
from kraj.planning.networks import centre_blocks
from kraj.planning.preconditions import check_preconditions
from kraj.planning.quotas import demand_of, shortfalls
from kraj.planning.tenant import build_tenant, claim_of, demand_of_tenant

#: Up to this failsafe level of scs-0118 one site is enough.
SITE_LEVEL = 2
CENTRE_LABEL = "centre"
TENANT_LABEL = "tenant:"


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """What a region's stacks shall hold."""

    centre: CentreDocument
    tenants: Mapping[str, TenantDocument]  #: by slug
    ledger: Ledger
    capacity: CapacityReport  #: with everything that is ordered
    demands: Mapping[str, Demand]  #: by stack label: `centre`, `tenant:<slug>`
    warnings: tuple[str, ...] = ()
    refusals: tuple[KrajError, ...] = ()  #: what does not fit (KRJ210); only where that is allowed


def plan_region(
    files: RegionFiles, ledger: Ledger, cloud: Cloud, *, may_exceed: bool = False
) -> RegionPlan:
    """Plan everything. Pure: the same inputs give the same bytes.

    Raises KrajErrors with everything that cannot be planned at all (KRJ205, KRJ206, KRJ221), that
    the ledger contradicts (KRJ202), that has no addresses left (KRJ201, KRJ204), or every order
    that does not fit (KRJ210; `may_exceed` is for commands that only look: the plan carries them).
    Those of the ledger name its `entry` in their details.
    """
    empty = Context(files, cloud, ledger)
    check_preconditions(empty)
    context = Context(files, cloud, _recorded(empty))
    centre = build_centre(context)
    tenants = {slug: build_tenant(context, slug, tenant) for slug, tenant in files.tenants.items()}
    demands = {CENTRE_LABEL: _centre_demand(context, centre)}
    for slug, tenant in files.tenants.items():
        demands[TENANT_LABEL + slug] = demand_of_tenant(context, tenant, tenants[slug])
    refused = _refused(context, demands)
    if refused and not may_exceed:
        raise KrajErrors(refused)
    return RegionPlan(
        centre=centre,
        tenants=tenants,
        ledger=context.ledger,
        capacity=report_of(files, demands),
        demands=demands,
        warnings=(*_warnings(context), *_small_quotas(context, tenants)),
        refusals=refused,
    )


def _recorded(context: Context) -> Ledger:
    """The ledger with everything that these files need in it."""
    files = context.files
    claims = [claim_of(context, slug, tenant) for slug, tenant in files.tenants.items()]
    try:
        ledger = allocate(files.region.network, context.ledger, claims)
    except KrajErrors as errors:
        raise KrajErrors(_placed(files, error) for error in errors.errors) from errors
    reserved = {card.name: reserved_total(context, card) for card in context.shared_services()}
    return record_centre(ledger, reserved, centre_blocks(files.region))


def _placed(files: RegionFiles, error: KrajError) -> KrajError:
    """The error with the place in the region's files that it comes from, where it is there."""
    family, slug = error.details.get("family"), error.details.get("tenant")
    if family is not None:
        error.location = files.locate("region", path=("network", family, "supernet"))
    elif slug is not None:
        error.location = files.locate("tenant", slug, ("services",))
    return error


def report_of(files: RegionFiles, demands: Mapping[str, Demand]) -> CapacityReport:
    """The ledger with these demands, by stack label, in it."""
    centre = demands.get(CENTRE_LABEL, Demand())
    tenants = [demand for label, demand in demands.items() if label != CENTRE_LABEL]
    return capacity_report(files.region, centre, tenants)


def _centre_demand(context: Context, centre: CentreDocument) -> Demand:
    """The centre's own demand: without what tenants have reserved in its shared services."""
    whole = demand_of(
        context.region, centre.server_pools, centre.floating_addresses, centre.routers
    )
    reserved = {
        POOL_PREFIX + card.orderable_volume.pool: -reserved_total(context, card)
        for card in context.shared_services()
        if card.orderable_volume is not None
    }
    return Demand.total((whole, Demand(reserved)))


def _refused(context: Context, demands: Mapping[str, Demand]) -> tuple[KrajError, ...]:
    """Every order that does not fit."""
    files = context.files
    # Older tenants first: theirs are the lower prefixes.
    by_age = sorted(
        files.tenants.items(), key=lambda item: context.ledger.tenants[item[1].code].ipv4
    )
    requests = [
        Request(
            slug,
            demands[TENANT_LABEL + slug],
            location=files.locate("tenant", slug, ("services",)),
        )
        for slug, _tenant in by_age
    ]
    return tuple(refusals(files.region, demands[CENTRE_LABEL], requests))


def _warnings(context: Context) -> tuple[str, ...]:
    """What works, but not as the region may expect."""
    found = []
    files = context.files
    dedicated = any(
        context.orders(tenant, ServiceMode.DEDICATED) for tenant in files.tenants.values()
    )
    if dedicated and not context.has_load_balancer:
        found.append(
            "the cloud has no load-balancer service: public services get a floating address on "
            "their first server"
        )
    if not context.has_dns:
        found.append("the cloud has no DNS service: no zones and records are made")
    ordered = {order.service for tenant in files.tenants.values() for order in tenant.services}
    for name in sorted(ordered):
        availability = files.services[name].availability
        if availability.level > SITE_LEVEL and len(context.site.sites) < 2:
            found.append(
                f"{name} promises {availability.value}, and the cloud {context.cloud.name} has one "
                "site: its loss is not survived"
            )
    return tuple(found)


def _small_quotas(context: Context, tenants: Mapping[str, TenantDocument]) -> list[str]:
    """Limits of tenants' files that the cloud will enforce before the tenant's stack stands."""
    found = []
    for slug, document in tenants.items():
        short = shortfalls(context.region, document)
        if short:
            found.append(
                f"the quota in {slug}'s file is less than its orders need: {', '.join(short)}"
            )
    return found

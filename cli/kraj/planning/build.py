"""Plans a whole region: from its files, its ledger and its cloud to the documents of all stacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kraj.errors import KrajErrors
from kraj.model.loader import RegionFiles
from kraj.model.service import ServiceMode
from kraj.planning.addresses import Ledger, allocate
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
from kraj.planning.quotas import demand_of
from kraj.planning.tenant import build_tenant, claim_of, demand_of_tenant

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


def plan_region(files: RegionFiles, ledger: Ledger, cloud: Cloud) -> RegionPlan:
    """Plan everything. Pure: the same inputs give the same bytes.

    Raises KrajErrors with every order that does not fit (KRJ210), KrajError where addresses are
    exhausted (KRJ201) or the ledger contradicts the region (KRJ202).
    """
    empty = Context(files, cloud, ledger)
    claims = [claim_of(empty, slug, tenant) for slug, tenant in files.tenants.items()]
    context = Context(files, cloud, allocate(files.region.network, ledger, claims))
    centre = build_centre(context)
    tenants = {slug: build_tenant(context, slug, tenant) for slug, tenant in files.tenants.items()}
    demands = {CENTRE_LABEL: _centre_demand(context, centre)}
    for slug, tenant in files.tenants.items():
        demands[TENANT_LABEL + slug] = demand_of_tenant(context, tenant, tenants[slug])
    _refuse_what_does_not_fit(context, demands)
    return RegionPlan(
        centre=centre,
        tenants=tenants,
        ledger=context.ledger,
        capacity=report_of(files, demands),
        demands=demands,
        warnings=_warnings(context),
    )


def report_of(files: RegionFiles, demands: Mapping[str, Demand]) -> CapacityReport:
    """The ledger with these demands, by stack label, in it."""
    centre = demands.get(CENTRE_LABEL, Demand())
    tenants = [demand for label, demand in demands.items() if label != CENTRE_LABEL]
    return capacity_report(files.region, centre, tenants)


def _centre_demand(context: Context, centre: CentreDocument) -> Demand:
    """The centre's own demand: without what tenants have reserved in its shared services."""
    whole = demand_of(context.region, centre.server_pools, centre.floating_addresses)
    reserved = {
        POOL_PREFIX + card.orderable_volume.pool: -reserved_total(context, card)
        for card in context.shared_services()
        if card.orderable_volume is not None
    }
    return Demand.total((whole, Demand(reserved)))


def _refuse_what_does_not_fit(context: Context, demands: Mapping[str, Demand]) -> None:
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
    errors = list(refusals(files.region, demands[CENTRE_LABEL], requests))
    if errors:
        raise KrajErrors(errors)


def _warnings(context: Context) -> tuple[str, ...]:
    """What works, but not as the region may expect."""
    found = []
    dedicated = any(
        context.orders(tenant, ServiceMode.DEDICATED) for tenant in context.files.tenants.values()
    )
    if dedicated and not context.has_load_balancer:
        found.append(
            "the cloud has no load-balancer service: public services get a floating address on "
            "their first server"
        )
    if not context.has_dns:
        found.append("the cloud has no DNS service: no zones and records are made")
    return tuple(found)

"""What a tenant's orders cost, line by line, by the region's price book. Pure.

The capacity is the one that planning counts against the region's: what is promised is paid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from kraj.errors import KrajError
from kraj.model.loader import RegionFiles
from kraj.model.prices import PriceBook, ServicePrice
from kraj.model.service import ServiceMode
from kraj.planning.build import TENANT_LABEL, RegionPlan
from kraj.planning.capacity import FLOATING, POOL_PREFIX, RAM, VCPUS, Demand
from kraj.planning.errors import NO_PRICES
from kraj.planning.quotas import demand_of
from kraj.planning.servers import reserved_gib

#: Of lines that belong to no service: the router's address, limits above the orders.
NETWORK: Final = "network and limits"
_MIB: Final = 1024
_CENT: Final = Decimal("0.01")
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the price; amounts of money are net."""

    service: str  #: its name, or `NETWORK`
    what: str  #: `vCPU`, `memory`, `storage <pool>`, `address`, `service`
    amount: Decimal
    unit: str
    unit_price: Decimal
    once: Decimal
    monthly: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """What a tenant's orders cost, net, in `currency`."""

    region: str
    tenant: str  #: slug
    currency: str
    vat_percent: Decimal
    lines: tuple[Line, ...]

    @property
    def once(self) -> Decimal:
        return sum((line.once for line in self.lines), Decimal(0))

    @property
    def monthly(self) -> Decimal:
        return sum((line.monthly for line in self.lines), Decimal(0))

    @property
    def yearly(self) -> Decimal:
        """Twelve months, without what is paid once."""
        return self.monthly * _MONTHS

    def with_vat(self, net: Decimal) -> Decimal:
        return rounded(net * (100 + self.vat_percent) / 100)


def quote_tenant(files: RegionFiles, plan: RegionPlan, slug: str) -> Quote:
    """Price a tenant's orders. Raises KRJ240 where the region has no price book."""
    prices = files.region.prices
    if prices is None:
        raise KrajError(NO_PRICES, f"the region {files.region.name} has no `prices`")
    parts = dict(_parts(files, plan, slug))
    whole = plan.demands[TENANT_LABEL + slug]
    counted = Demand.total(parts.values())
    rest = {name: whole[name] - counted[name] for name in whole.amounts}
    lines = [
        line
        for service, demand in {**parts, NETWORK: Demand(rest)}.items()
        for line in (
            *_capacity(service, demand, prices),
            *_fixed(service, prices.services.get(service)),
        )
    ]
    return Quote(files.region.name, slug, prices.currency, prices.vat_percent, tuple(lines))


def rounded(amount: Decimal) -> Decimal:
    """To hundredths, halves up, as invoices do."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def _parts(files: RegionFiles, plan: RegionPlan, slug: str) -> Iterator[tuple[str, Demand]]:
    """What each ordered service takes: of its own servers, or of a shared installation."""
    document = plan.tenants[slug]
    for order in files.tenants[slug].services:
        card = files.services[order.service]
        if card.mode is ServiceMode.SHARED:
            pool = card.orderable_volume
            amounts = {POOL_PREFIX + pool.pool: reserved_gib(card, order)} if pool else {}
            yield order.service, Demand(amounts)
            continue
        pools = [pool for pool in document.server_pools if pool.key == order.service]
        floating = [one for one in document.floating_addresses if one.key == order.service]
        yield order.service, demand_of(files.region, pools, floating, ())


def _capacity(service: str, demand: Demand, prices: PriceBook) -> Iterator[Line]:
    """A line per resource that is taken."""
    for resource, amount in demand.amounts.items():
        if amount <= 0:
            continue
        what, unit, price, shown = _priced(resource, Decimal(amount), prices)
        yield Line(service, what, shown, unit, price, Decimal(0), rounded(shown * price))


def _priced(resource: str, amount: Decimal, prices: PriceBook) -> tuple[str, str, Decimal, Decimal]:
    """What a resource is called, its unit, the price of one, and how many."""
    fixed: Mapping[str, tuple[str, str, Decimal, Decimal]] = {
        VCPUS: ("vCPU", "vCPU", prices.vcpu, amount),
        RAM: ("memory", "GiB", prices.ram_gib, amount / _MIB),
        FLOATING: ("address", "addresses", prices.floating_address, amount),
    }
    if resource in fixed:
        return fixed[resource]
    pool = resource.removeprefix(POOL_PREFIX)
    return f"storage {pool}", "GiB", prices.storage_gib[pool], amount


def _fixed(service: str, price: ServicePrice | None) -> Iterator[Line]:
    """What the service itself costs."""
    if price is not None and (price.once or price.monthly):
        one = Decimal(1)
        yield Line(service, "service", one, "service", price.monthly, price.once, price.monthly)

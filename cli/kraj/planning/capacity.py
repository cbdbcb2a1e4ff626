"""The capacity ledger: what the region has, what is promised, what is free; refusals in numbers.

After the commitment ledgers of large OpenStack clouds: capacity × overcommit may be promised,
headroom is kept free of it, and the sum over tenants of max(committed, used) never exceeds the
rest. An empty pool divides nothing by zero, and usage that exists already is always counted, even
where nobody committed to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from kraj.errors import KrajError, Location
from kraj.model.region import Region
from kraj.planning.errors import OVER_CAPACITY

VCPUS = "vcpus"
RAM = "ram"
FLOATING = "floating_addresses"
POOL_PREFIX = "pool:"

#: Resource → unit, for people.
UNITS = {VCPUS: "vCPU", RAM: "MiB", FLOATING: "addresses"}


def unit_of(resource: str) -> str:
    """Unit of a resource's numbers."""
    return UNITS.get(resource, "GiB")


@dataclass(frozen=True, slots=True)
class Demand:
    """What one stack needs or uses: resource → amount in the resource's unit."""

    amounts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def total(cls, demands: Iterable[Demand]) -> Demand:
        sums: dict[str, int] = {}
        for demand in demands:
            for resource, amount in demand.amounts.items():
                sums[resource] = sums.get(resource, 0) + amount
        return cls(sums)

    def at_least(self, other: Demand) -> Demand:
        """max(committed, used), resource by resource."""
        names = {**self.amounts, **other.amounts}
        return Demand({name: max(self[name], other[name]) for name in names})

    def __getitem__(self, resource: str) -> int:
        return self.amounts.get(resource, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """One resource of the ledger; all amounts in `unit`."""

    resource: str
    unit: str
    capacity: int  #: what is there
    overcommit: float
    headroom: int  #: kept free of what may be promised
    limit: int  #: capacity × overcommit − headroom: what may be promised
    reserved: int  #: by the centre and the shared services' installations
    allocated: int  #: by tenants

    @property
    def free(self) -> int:
        """What may still be promised; negative where too much was."""
        return self.limit - self.reserved - self.allocated

    @property
    def used_percent(self) -> float | None:
        """Promised share of the limit; None where there is nothing to share."""
        if self.limit <= 0:
            return None
        return round(100 * (self.reserved + self.allocated) / self.limit, 1)


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """The whole ledger."""

    rows: tuple[Row, ...]

    def __getitem__(self, resource: str) -> Row:
        return next(row for row in self.rows if row.resource == resource)


def limits_of(region: Region) -> tuple[Row, ...]:
    """The empty ledger: capacities, overcommit and headroom as region.yaml says."""
    compute = region.compute
    share = compute.headroom_percent
    rows = [
        _row(POOL_PREFIX + pool.name, pool.capacity.gib, pool.overcommit, pool.headroom_percent)
        for pool in region.storage.pools
    ]
    rows.append(_row(VCPUS, compute.vcpus, compute.vcpu_overcommit, share))
    rows.append(_row(RAM, compute.ram.mib, compute.ram_overcommit, share))
    rows.append(_row(FLOATING, region.network.floating.usable, 1.0, 0))
    return tuple(rows)


def _row(resource: str, capacity: int, overcommit: float, headroom_percent: float) -> Row:
    # As the file writes it: 100 × 1.15 is 115, and binary floats would make it 114.
    promised = int(capacity * Fraction(str(overcommit)))
    headroom = -int(-promised * headroom_percent // 100)
    return Row(
        resource,
        unit_of(resource),
        capacity,
        overcommit,
        headroom,
        promised - headroom,
        reserved=0,
        allocated=0,
    )


def capacity_report(region: Region, centre: Demand, tenants: Iterable[Demand]) -> CapacityReport:
    """The ledger with the centre's and the tenants' demands in it."""
    total = Demand.total(tenants)
    return CapacityReport(
        tuple(
            Row(
                row.resource,
                row.unit,
                row.capacity,
                row.overcommit,
                row.headroom,
                row.limit,
                reserved=centre[row.resource],
                allocated=total[row.resource],
            )
            for row in limits_of(region)
        )
    )


@dataclass(frozen=True, slots=True)
class Request:
    """One tenant's demand with the place of its order."""

    label: str  #: slug
    committed: Demand
    used: Demand = field(default_factory=Demand)  #: what it uses already, where that is known
    location: Location | None = None

    @property
    def counted(self) -> Demand:
        return self.committed.at_least(self.used)


def refusals(region: Region, centre: Demand, requests: Iterable[Request]) -> Iterator[KrajError]:
    """An error for each order that does not fit, with the numbers and the largest that would.

    Requests are served in their order (older tenants first), so that a newcomer's large order is
    refused and not the existing towns'. What is used already counts even where it does not fit.
    """
    limits = {row.resource: row.limit for row in limits_of(region)}
    free = {resource: limit - centre[resource] for resource, limit in limits.items()}
    for resource, left in free.items():
        if left < 0:
            yield _refusal("the centre itself", resource, centre[resource], limits[resource])
    for request in requests:
        wanted = request.counted
        short = [
            resource
            for resource in free
            if wanted[resource] > max(0, free[resource]) and wanted[resource] > 0
        ]
        for resource in short:
            yield _refusal(
                request.label,
                resource,
                wanted[resource],
                max(0, free[resource]),
                request,
            )
        taken = request.used if short else wanted
        for resource in free:
            free[resource] -= taken[resource]


def _refusal(
    label: str, resource: str, wanted: int, fits: int, request: Request | None = None
) -> KrajError:
    name = resource.removeprefix(POOL_PREFIX)
    what = f"storage pool {name}" if resource.startswith(POOL_PREFIX) else name.replace("_", " ")
    unit = unit_of(resource)
    return KrajError(
        OVER_CAPACITY,
        f"{label} needs {wanted:,} {unit} of {what}; the largest that fits is {fits:,} {unit}",
        request.location if request else None,
        details={
            "resource": resource,
            "wanted": wanted,
            "largest_fit": fits,
            "unit": unit,
            **({"tenant": request.label} if request else {}),
        },
    )

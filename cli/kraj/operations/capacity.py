"""What a region's storage has, has promised and holds, pool by pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from kraj.capacity.forecast import Level, growth_per_month, level_of, months_until
from kraj.capacity.usage import StorageUsage, TypeUsage, read_storage
from kraj.model.region import StoragePool
from kraj.operations.clouds import connect
from kraj.operations.region import PlannedRegion
from kraj.planning.capacity import POOL_PREFIX, CapacityReport, Row


@dataclass(frozen=True, slots=True)
class PoolState:
    """One pool; all amounts in GiB."""

    name: str
    volume_type: str
    capacity: int  #: what is there
    limit: int  #: that may be promised: with overcommit, without headroom
    promised: int  #: to the centre and the tenants, by the region's files
    allocated: int  #: sum of the sizes of the volumes that there are
    volumes: int  #: how many there are
    written: float | None  #: by the back end; None where it does not tell
    thin_ratio: float | None  #: allocated over written
    percent: float | None  #: of the limit, of what is promised or allocated, whichever is more
    level: Level
    growth_per_month: float | None  #: of what is allocated
    months_until_full: float | None

    @property
    def free(self) -> int:
        """What may still be promised; negative where too much was."""
        return self.limit - max(self.promised, self.allocated)


@dataclass(frozen=True, slots=True)
class StorageState:
    """The region's storage, and what other services hold beside its pools."""

    pools: tuple[PoolState, ...]
    images_gib: float
    image_count: int
    objects_gib: float | None
    at: datetime


def storage_state(planned: PlannedRegion, now: datetime | None = None) -> StorageState:
    """Compare the region's files with what the cloud holds. Raises KRJ4xx."""
    moment = now or datetime.now(UTC)
    pools = planned.files.region.storage.pools
    types = {pool.name: pool.volume_type for pool in pools}
    usage = read_storage(connect(planned.access), list(types.values()))
    return judge(pools, planned.plan.capacity, usage, moment)


def judge(
    pools: tuple[StoragePool, ...], ledger: CapacityReport, usage: StorageUsage, now: datetime
) -> StorageState:
    """The state of each pool. Pure."""
    return StorageState(
        pools=tuple(
            _pool(pool, ledger[POOL_PREFIX + pool.name], usage.types, now) for pool in pools
        ),
        images_gib=sum(image.size_gib for image in usage.images),
        image_count=len(usage.images),
        objects_gib=usage.objects_gib,
        at=now,
    )


def _pool(pool: StoragePool, row: Row, types: Mapping[str, TypeUsage], now: datetime) -> PoolState:
    used = types[pool.volume_type]
    promised, allocated = row.reserved + row.allocated, used.allocated_gib
    taken = max(promised, allocated)
    percent = round(100 * taken / row.limit, 1) if row.limit > 0 else None
    written = used.backend.written if used.backend else None
    growth = growth_per_month(used.volumes, now)
    return PoolState(
        name=pool.name,
        volume_type=pool.volume_type,
        capacity=row.capacity,
        limit=row.limit,
        promised=promised,
        allocated=allocated,
        volumes=len(used.volumes),
        written=written,
        thin_ratio=round(allocated / written, 2) if written else None,
        percent=percent,
        level=level_of(percent),
        growth_per_month=growth,
        months_until_full=months_until(row.limit, allocated, growth),
    )

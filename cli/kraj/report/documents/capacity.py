"""The document of `kraj capacity`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kraj.operations.capacity import StorageState
from kraj.report.documents.base import MOMENT, REGION, Document, Part, named


class PoolEntry(Part):
    """A pool of the storage; all amounts are in GiB."""

    name: str = Field(description="Name of the pool.")
    volume_type: str = Field(description="Its volume type in Cinder.")
    capacity: int = Field(ge=0, description="What is there.")
    limit: int = Field(description="What may be promised: with overcommit, without headroom.")
    promised: int = Field(ge=0, description="To the centre and the tenants, by the files.")
    allocated: int = Field(ge=0, description="Sum of the sizes of the volumes that there are.")
    volumes: int = Field(ge=0, description="How many volumes there are.")
    written: float | None = Field(description="By the back end; null where it does not tell.")
    thin_ratio: float | None = Field(description="Allocated over written; null without `written`.")
    free: int = Field(description="What may still be promised; negative where too much was.")
    percent: float | None = Field(
        description="Promised or allocated share of the limit, the larger; null where that is 0."
    )
    level: Literal["fine", "warning", "alert", "critical"] = Field(
        description="Below 70 %, from 70 %, from 85 %, from 95 % on."
    )
    growth_per_month: float | None = Field(
        description="GiB, of the last 180 days; null where volumes are too young to tell."
    )
    months_until_full: float | None = Field(
        description="At that rate, until the volumes fill the limit; null where not in sight."
    )


class CapacityDocument(Document):
    """What the storage has, has promised and holds."""

    schema_: Literal["kraj.capacity/1"] = named("kraj.capacity/1")
    region: str = Field(description=REGION)
    at: str = Field(description=f"When it was looked at: {MOMENT}.")
    pools: tuple[PoolEntry, ...] = Field(description="In the order of region.yaml.")
    images_gib: float = Field(ge=0, description="Size of all images, beside the pools.")
    image_count: int = Field(ge=0, description="How many images there are.")
    objects_gib: float | None = Field(
        description="In the administrator's object storage; null where the cloud has none."
    )

    @classmethod
    def of(cls, region: str, state: StorageState) -> CapacityDocument:
        return cls(
            region=region,
            at=state.at.isoformat(timespec="seconds"),
            pools=tuple(PoolEntry.model_validate(pool) for pool in state.pools),
            images_gib=round(state.images_gib, 3),
            image_count=state.image_count,
            objects_gib=None if state.objects_gib is None else round(state.objects_gib, 3),
        )

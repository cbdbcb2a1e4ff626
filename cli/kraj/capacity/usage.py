"""Reads what storage holds: Cinder's volumes and back ends, Glance's images, object storage.

Needs an administrator's connection, because volumes of all projects are theirs to see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

_BACKEND: Final = "volume_backend_name"
_GIB: Final = 1 << 30

Connection = Any  # openstack.connection.Connection; openstacksdk ships no types


@dataclass(frozen=True, slots=True)
class Made:
    """A volume or an image, as far as capacity goes."""

    size_gib: float
    created: datetime


@dataclass(frozen=True, slots=True)
class Backend:
    """What storage back ends say of themselves, in GiB."""

    total: float
    free: float

    @property
    def written(self) -> float:
        return self.total - self.free


@dataclass(frozen=True, slots=True)
class TypeUsage:
    """The volumes of one type, of all projects."""

    volumes: tuple[Made, ...]
    backend: Backend | None  #: None where the cloud does not tell what lies on which back end

    @property
    def allocated_gib(self) -> int:
        """Sum of the sizes that the volumes show."""
        return int(sum(volume.size_gib for volume in self.volumes))


@dataclass(frozen=True, slots=True)
class StorageUsage:
    """What the cloud's storage services hold."""

    types: Mapping[str, TypeUsage]  #: volume type → its volumes
    images: tuple[Made, ...]
    objects_gib: float | None  #: of the administrator's project; None without object storage


def read_storage(connection: Connection, volume_types: Sequence[str]) -> StorageUsage:
    """Look at all volumes of these types, all images, and the object storage."""
    volumes: dict[str, list[Made]] = {name: [] for name in volume_types}
    for volume in connection.block_storage.volumes(all_projects=True):
        if volume.volume_type in volumes:
            volumes[volume.volume_type].append(Made(volume.size, _moment(volume.created_at)))
    backends = _backends(connection, volume_types)
    return StorageUsage(
        types={name: TypeUsage(tuple(made), backends.get(name)) for name, made in volumes.items()},
        images=tuple(
            Made((image.size or 0) / _GIB, _moment(image.created_at))
            for hidden in (False, True)
            for image in connection.image.images(is_hidden=hidden)
        ),
        objects_gib=_objects(connection),
    )


def _backends(connection: Connection, volume_types: Sequence[str]) -> dict[str, Backend]:
    """By volume type, where one alone uses a back end; thin provisioning shows there."""
    named: dict[str, str] = {}
    for item in connection.block_storage.types():
        backend = (item.extra_specs or {}).get(_BACKEND)
        if backend:
            named[item.name] = backend
    found: dict[str, list[Backend]] = {}
    for pool in connection.block_storage.backend_pools():
        told = pool.capabilities or {}
        total, free = told.get("total_capacity_gb"), told.get("free_capacity_gb")
        # Drivers that do not know say `infinite` or `unknown`.
        if isinstance(total, (int, float)) and isinstance(free, (int, float)):
            backend = str(told.get(_BACKEND) or "")
            found.setdefault(backend, []).append(Backend(float(total), float(free)))
    return {
        name: _sum(found[backend])
        for name, backend in named.items()
        if name in volume_types and backend in found and list(named.values()).count(backend) == 1
    }


def _sum(backends: Iterable[Backend]) -> Backend:
    every = list(backends)
    return Backend(sum(one.total for one in every), sum(one.free for one in every))


def _objects(connection: Connection) -> float | None:
    if not connection.has_service("object-store"):
        return None
    account = connection.object_store.get_account_metadata()
    return int(account.account_bytes_used or 0) / _GIB


def _moment(text: str) -> datetime:
    """OpenStack's times are in UTC, with or without saying so."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

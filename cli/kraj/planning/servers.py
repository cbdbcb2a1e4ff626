"""Server pools with their volumes, addresses and first configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kraj.model.region import Bastion, CentreServers, Region
from kraj.model.service import DataVolume, ServiceCard
from kraj.model.tenant import Order
from kraj.planning import addresses, transit
from kraj.planning.boot_images import BootImage
from kraj.planning.documents import Server, ServerPool, ServerPort, Volume
from kraj.planning.naming import Names
from kraj.planning.networks import Prefixes
from kraj.planning.placement import policy_for, zones_for


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """A data volume of a server."""

    name: str
    gib: int
    pool: str  #: storage pool of the region
    path: str = ""  #: where its server mounts it; empty: nowhere


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """What a pool of servers is made from."""

    key: str
    count: int
    size: str  #: key of the region's sizes
    image: str
    boot_gib: int
    boot_pool: str
    data: tuple[tuple[VolumePlan, ...], ...]  #: of each server, by its number from 0
    network: str  #: key of the network
    block: int  #: number of its block of addresses
    shares_virtual_address: bool = False
    in_transit: bool = False  #: whether each has a second port, in the network to the tenants
    availability: str = ""  #: class of the service's card


def dedicated_pool(card: ServiceCard, order: Order, block: int) -> PoolPlan:
    """A tenant's own servers of a service."""
    volumes = [(volume, _volume_gib(volume, order)) for volume in card.data_volumes]
    data = tuple(
        tuple(
            _data_volume(volume, gib)
            for volume, gib in volumes
            if volume.attach == "each-server" or number == 0
        )
        for number in range(card.servers)
    )
    return PoolPlan(
        key=card.name,
        count=card.servers,
        size=order.size or card.default_size,
        image=card.image,
        boot_gib=card.boot_volume.gib_ceil,
        boot_pool=card.boot_pool,
        data=data,
        network="services",
        block=block,
        availability=card.availability,
    )


def _volume_gib(volume: DataVolume, order: Order) -> int:
    size = order.storage if volume.orderable and order.storage is not None else volume.default
    return size.gib_ceil


def _data_volume(volume: DataVolume, gib: int) -> VolumePlan:
    return VolumePlan(volume.name, gib, volume.pool, volume.path or "")


def reserved_gib(card: ServiceCard, order: Order) -> int:
    """A tenant's reserved part of a shared service's storage, GiB."""
    volume = card.orderable_volume
    return _volume_gib(volume, order) if volume else 0


def shared_pool(card: ServiceCard, volume_gib: int, block: int) -> PoolPlan:
    """The one installation of a shared service in the centre.

    The tenants' reserved parts are one volume of `volume_gib` on the first server: they are
    promised once.
    """
    own = [volume for volume in card.data_volumes if not volume.orderable]
    data = []
    for number in range(card.servers):
        volumes = [
            _data_volume(volume, volume.default.gib_ceil)
            for volume in own
            if volume.attach == "each-server" or number == 0
        ]
        if number == 0 and card.orderable_volume is not None and volume_gib:
            volumes.append(_data_volume(card.orderable_volume, volume_gib))
        data.append(tuple(volumes))
    return PoolPlan(
        key=card.name,
        count=card.servers,
        size=card.default_size,
        image=card.image,
        boot_gib=card.boot_volume.gib_ceil,
        boot_pool=card.boot_pool,
        data=tuple(data),
        network="service",
        block=block,
        availability=card.availability,
    )


def bastion_pool(key: str, part: Bastion, image: str) -> PoolPlan:
    """The bastions: each by itself, with a port in the network that leads to the tenants."""
    plan = centre_pool(key, part, image, "management", transit.BLOCK)
    return replace(plan, shares_virtual_address=False, in_transit=True)


def centre_pool(key: str, part: CentreServers, image: str, network: str, block: int) -> PoolPlan:
    """A group of the centre's own servers."""
    size = part.data_volume
    volumes = (VolumePlan("data", size.gib_ceil, part.pool),) if size else ()
    return PoolPlan(
        key=key,
        count=part.servers,
        size=part.size,
        image=image,
        boot_gib=part.boot_volume.gib_ceil,
        boot_pool=part.pool,
        data=(volumes,) * part.servers,
        network=network,
        block=block,
        shares_virtual_address=True,
    )


def server_pool(
    plan: PoolPlan,
    names: Names,
    region: Region,
    prefixes: Prefixes,
    zones: Sequence[str],
    tags: Mapping[str, str],
    key_pair: str,
    image: BootImage,
) -> ServerPool:
    """The document's part for a pool."""
    zone_of = zones_for(f"{names.code}/{plan.key}", plan.count, zones)
    virtual = addresses.virtual_address(prefixes.ipv4, plan.block)
    metadata = {**tags, "kraj_service": plan.key}
    servers = []
    for number in range(plan.count):
        name = names.server(plan.key, number + 1)
        servers.append(
            Server(
                key=str(number + 1),
                name=name,
                availability_zone=zone_of[number],
                ports=(
                    ServerPort(
                        network=plan.network,
                        fixed_ipv4=addresses.server_address(prefixes.ipv4, plan.block, number),
                        fixed_ipv6=(
                            addresses.server_address(prefixes.ipv6, plan.block, number)
                            if prefixes.ipv6
                            else None
                        ),
                        security_groups=(plan.key,),
                        allowed_addresses=(virtual,) if plan.shares_virtual_address else (),
                    ),
                    *(_transit_port(plan, region, number) if plan.in_transit else ()),
                ),
                boot_volume=_volume(
                    region, name, VolumePlan("boot", plan.boot_gib, plan.boot_pool), metadata
                ),
                data_volumes=tuple(
                    _volume(region, name, volume, metadata) for volume in plan.data[number]
                ),
            )
        )
    return ServerPool(
        key=plan.key,
        server_group=names.of(plan.key),
        policy=policy_for(plan.count),
        flavor=region.sizes[plan.size].flavor,
        image=image.name,
        shared_image=image.shared,
        key_pair=key_pair,
        user_data=USER_DATA,
        metadata=metadata,
        login=image.login,
        availability=plan.availability,
        servers=tuple(servers),
    )


def _transit_port(plan: PoolPlan, region: Region, number: int) -> tuple[ServerPort]:
    prefix = transit.transit_prefix(region)
    address = addresses.server_address(prefix, plan.block, number)
    return (ServerPort(network=transit.NETWORK, fixed_ipv4=address, security_groups=(plan.key,)),)


def _volume(region: Region, server: str, plan: VolumePlan, metadata: Mapping[str, str]) -> Volume:
    return Volume(
        key=plan.name,
        name=f"{server}-{plan.name}",
        size_gib=plan.gib,
        volume_type=region.pool(plan.pool).volume_type,
        pool=plan.pool,
        metadata={**metadata, "kraj_pool": plan.pool},
        path=plan.path,
    )


#: cloud-init's first configuration; the rest is Ansible's. The host name comes from the metadata.
USER_DATA = """\
#cloud-config
manage_etc_hosts: true
ssh_pwauth: false
disable_root: true
package_update: false
growpart: {mode: auto, devices: ['/']}
"""

"""Quotas: exactly what the orders add up to in what costs money, some room in what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kraj.model.region import Region
from kraj.model.tenant import QuotaOverrides
from kraj.planning.capacity import FLOATING, POOL_PREFIX, RAM, VCPUS, Demand
from kraj.planning.documents import (
    FloatingAddress,
    LoadBalancer,
    Network,
    Quota,
    Router,
    SecurityGroup,
    ServerPool,
    TenantDocument,
)

#: Room for ports of DHCP, routers and load balancers, and for a replacement beside the old server.
SPARE_PORTS = 16
SPARE_RULES = 20
#: Server groups, and servers in one, at least: Nova's own defaults.
DEFAULT_GROUPS = 10


def demand_of(
    region: Region,
    pools: Sequence[ServerPool],
    floating: Sequence[FloatingAddress],
    routers: Sequence[Router],
) -> Demand:
    """What the servers, volumes, floating addresses and routers of a stack take from the region.

    A router with a way outside takes an address of the external network for itself.
    """
    sizes = {size.flavor: size for size in region.sizes.values()}
    outside = len(floating) + sum(router.external_network is not None for router in routers)
    amounts = {VCPUS: 0, RAM: 0, FLOATING: outside}
    for pool in pools:
        size = sizes[pool.flavor]
        amounts[VCPUS] += size.vcpu_count * len(pool.servers)
        amounts[RAM] += size.ram_mib * len(pool.servers)
        for server in pool.servers:
            for volume in (server.boot_volume, *server.data_volumes):
                key = POOL_PREFIX + volume.pool
                amounts[key] = amounts.get(key, 0) + volume.size_gib
    return Demand(amounts)


def override_demand(overrides: QuotaOverrides, routers: int) -> Demand:
    """What the tenant could take by the limits that its file sets, whatever it orders.

    A quota is a commitment: whoever holds it may use it up at any time.
    """
    amounts: dict[str, int] = {}
    if overrides.cores is not None:
        amounts[VCPUS] = overrides.cores
    if overrides.ram is not None:
        amounts[RAM] = overrides.ram.mib
    if overrides.floating_ips is not None:
        amounts[FLOATING] = overrides.floating_ips + routers
    for name, size in overrides.pools.items():
        amounts[POOL_PREFIX + name] = size.gib_ceil
    return Demand(amounts)


def quota_for(
    region: Region,
    pools: Sequence[ServerPool],
    groups: Sequence[SecurityGroup],
    networks: Sequence[Network],
    routers: Sequence[Router],
    floating: Sequence[FloatingAddress],
    balancers: Sequence[LoadBalancer] = (),
    overrides: QuotaOverrides | None = None,
) -> Quota:
    """The project's limits. Overrides of the tenant's file win over what was calculated."""
    needed, storage = _needed(region, pools, groups, networks, routers, floating, balancers)
    volumes = needed["volumes"]
    calculated = {
        **needed,
        "ports": needed["ports"] + SPARE_PORTS,
        "security_group_rules": needed["security_group_rules"] + SPARE_RULES,
        "server_groups": max(needed["server_groups"], DEFAULT_GROUPS),
        "server_group_members": max(needed["server_group_members"], DEFAULT_GROUPS),
        "snapshots": 2 * volumes,
        "gigabytes": sum(storage.values()),
    }
    replaced, per_type = _overrides(region, overrides)
    return Quota.model_validate(
        {**calculated, **replaced, "volume_types_gib": {**storage, **per_type}}
    )


def shortfalls(region: Region, document: TenantDocument) -> list[str]:
    """Limits below what the document itself needs, such as `cores 1 of 8`: overrides may be."""
    needed, storage = _needed(
        region,
        document.server_pools,
        document.security_groups,
        document.networks,
        document.routers,
        document.floating_addresses,
        document.load_balancers,
    )
    given = document.quota.model_dump()
    needed["gigabytes"] = sum(storage.values())
    found = [f"{key} {given[key]} of {need}" for key, need in needed.items() if given[key] < need]
    found += [
        f"{name} {document.quota.volume_types_gib[name]} of {need} GiB"
        for name, need in storage.items()
        if document.quota.volume_types_gib[name] < need
    ]
    return found


def _needed(
    region: Region,
    pools: Sequence[ServerPool],
    groups: Sequence[SecurityGroup],
    networks: Sequence[Network],
    routers: Sequence[Router],
    floating: Sequence[FloatingAddress],
    balancers: Sequence[LoadBalancer],
) -> tuple[dict[str, int], dict[str, int]]:
    """What these parts take: by field of the quota, and GiB by volume type."""
    servers = [server for pool in pools for server in pool.servers]
    demand = demand_of(region, pools, floating, routers)
    storage = {pool.volume_type: demand[POOL_PREFIX + pool.name] for pool in region.storage.pools}
    needed = {
        "instances": len(servers),
        "cores": demand[VCPUS],
        "ram_mib": demand[RAM],
        "server_groups": len(pools),
        "server_group_members": max((len(pool.servers) for pool in pools), default=0),
        "networks": len(networks),
        "subnets": sum(
            (network.ipv4 is not None) + (network.ipv6 is not None) for network in networks
        ),
        "routers": len(routers),
        "ports": sum(len(server.ports) for server in servers) + len(balancers),
        "floating_ips": len(floating),
        # The cloud makes one group of its own, `default`; Octavia may add one per load balancer.
        "security_groups": len(groups) + 1 + len(balancers),
        "security_group_rules": sum(len(group.rules) for group in groups),
        "volumes": sum(1 + len(server.data_volumes) for server in servers),
    }
    return needed, storage


def _overrides(
    region: Region, overrides: QuotaOverrides | None
) -> tuple[dict[str, int], dict[str, int]]:
    """Limits that the tenant's file names: of the project, and per volume type."""
    if overrides is None:
        return {}, {}
    given: Mapping[str, object] = overrides.model_dump(exclude_none=True)
    plain = {
        name: value
        for name, value in given.items()
        if isinstance(value, int) and name in Quota.model_fields
    }
    if overrides.ram is not None:
        plain["ram_mib"] = overrides.ram.mib
    if overrides.storage is not None:
        plain["gigabytes"] = overrides.storage.gib_ceil
    per_type = {
        region.pool(name).volume_type: size.gib_ceil for name, size in overrides.pools.items()
    }
    return plain, per_type

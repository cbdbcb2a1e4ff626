"""Quotas: exactly what the orders add up to in what costs money, some room in what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kraj.model.region import Region
from kraj.model.tenant import QuotaOverrides
from kraj.planning.capacity import FLOATING, POOL_PREFIX, RAM, VCPUS, Demand
from kraj.planning.documents import FloatingAddress, LoadBalancer, Quota, SecurityGroup, ServerPool

#: Room for ports of DHCP, routers and load balancers, and for a replacement beside the old server.
SPARE_PORTS = 16
SPARE_RULES = 20


def demand_of(
    region: Region, pools: Sequence[ServerPool], floating: Sequence[FloatingAddress]
) -> Demand:
    """What the servers, volumes and floating addresses of a stack take from the region."""
    sizes = {size.flavor: size for size in region.sizes.values()}
    amounts = {VCPUS: 0, RAM: 0, FLOATING: len(floating)}
    for pool in pools:
        size = sizes[pool.flavor]
        amounts[VCPUS] += size.vcpu_count * len(pool.servers)
        amounts[RAM] += size.ram_mib * len(pool.servers)
        for server in pool.servers:
            for volume in (server.boot_volume, *server.data_volumes):
                key = POOL_PREFIX + volume.pool
                amounts[key] = amounts.get(key, 0) + volume.size_gib
    return Demand(amounts)


def quota_for(
    region: Region,
    demand: Demand,
    pools: Sequence[ServerPool],
    groups: Sequence[SecurityGroup],
    networks: int,
    balancers: Sequence[LoadBalancer] = (),
    overrides: QuotaOverrides | None = None,
) -> Quota:
    """The project's limits. Overrides of the tenant's file win over what was calculated."""
    servers = [server for pool in pools for server in pool.servers]
    volumes = sum(1 + len(server.data_volumes) for server in servers)
    storage = {pool.volume_type: demand[POOL_PREFIX + pool.name] for pool in region.storage.pools}
    rules = sum(len(group.rules) for group in groups)
    calculated = {
        "instances": len(servers),
        "cores": demand[VCPUS],
        "ram_mib": demand[RAM],
        "networks": networks,
        "subnets": 2 * networks,
        "routers": 1,
        "ports": len(servers) + len(balancers) + SPARE_PORTS,
        "floating_ips": demand[FLOATING],
        # The cloud makes one group of its own, `default`; Octavia may add one per load balancer.
        "security_groups": len(groups) + 1 + len(balancers),
        "security_group_rules": rules + SPARE_RULES,
        "volumes": volumes,
        "snapshots": 2 * volumes,
        "gigabytes": sum(storage.values()),
    }
    replaced, per_type = _overrides(region, overrides)
    return Quota.model_validate(
        {**calculated, **replaced, "volume_types_gib": {**storage, **per_type}}
    )


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

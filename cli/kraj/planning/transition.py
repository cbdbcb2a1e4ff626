"""Limits for the time of a change: what a stack no longer has counts until it is deleted.

Engines change and create first and delete last, so that a project holds the old and the new at the
same time; and services refuse a limit below what is there. Where a change takes something away, its
limits therefore stay, or are raised, until the deletions are done, and are set afterwards. What
runs the two passes is `kraj.operations.passes`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kraj.model.region import Region
from kraj.planning.documents import CentreDocument, Quota, Server, TenantDocument
from kraj.planning.limits import limits_of, quota_of, recorded_limits, type_limit
from kraj.planning.quotas import SPARE_PORTS, SPARE_RULES

INSTANCE: Final = "openstack:compute/instance:Instance"
VOLUME: Final = "openstack:blockstorage/volume:Volume"
PORT: Final = "openstack:networking/port:Port"
NETWORK: Final = "openstack:networking/network:Network"
SUBNET: Final = "openstack:networking/subnet:Subnet"
ROUTER: Final = "openstack:networking/router:Router"
GROUP: Final = "openstack:networking/secGroup:SecGroup"
RULE: Final = "openstack:networking/secGroupRule:SecGroupRule"
FLOATING: Final = "openstack:networking/floatingIp:FloatingIp"
SERVER_GROUP: Final = "openstack:compute/serverGroup:ServerGroup"
BALANCER: Final = "openstack:loadbalancer/loadBalancer:LoadBalancer"

#: What one resource of a type takes, whatever its properties.
_EACH: Final[Mapping[str, Mapping[str, int]]] = {
    INSTANCE: {"instances": 1},
    VOLUME: {"volumes": 1},
    PORT: {"ports": 1},
    NETWORK: {"networks": 1},
    SUBNET: {"subnets": 1},
    ROUTER: {"routers": 1},
    GROUP: {"security_groups": 1},
    RULE: {"security_group_rules": 1},
    FLOATING: {"floating_ips": 1},
    SERVER_GROUP: {"server_groups": 1},
    # Octavia makes its port in the project, and may make a group for it.
    BALANCER: {"ports": 1, "security_groups": 1},
}
#: What quotas have beyond what the resources of a stack take; see `kraj.planning.quotas`.
_SPARE: Final = Counter(
    {"ports": SPARE_PORTS, "security_group_rules": SPARE_RULES, "security_groups": 1}
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A resource in a stack's state."""

    type: str  #: Pulumi type token
    name: str  #: logical name
    inputs: Mapping[str, Any] = field(default_factory=dict)  #: as Pulumi spells them
    leaving: bool = False  #: replaced already, and not deleted yet


Document = CentreDocument | TenantDocument
_Key = tuple[str, str]  # type and logical name


def counted(pulumi_type: str) -> bool:
    """Whether resources of this type take from a quota."""
    return pulumi_type in _EACH


def quota_meanwhile(region: Region, document: Document, standing: Iterable[Standing]) -> Quota:
    """The limits until the change from what stands to the document is done.

    They are the document's own where the change takes nothing away. A server whose size is no
    longer in the region counts as one, with no processors and memory of its own.
    """
    there = list(standing)
    flavors = {
        size.flavor: {"cores": size.vcpu_count, "ram_mib": size.ram_mib}
        for size in region.sizes.values()
    }
    wanted = {
        key: _taken_by(key[0], inputs, flavors)
        for key, inputs in wanted_resources(document).items()
    }
    need = sum(wanted.values(), Counter())
    excess = _most(wanted, there, flavors) - need
    if not excess:
        return document.quota
    recorded: dict[str, int] = {}
    for resource in there:
        recorded |= recorded_limits(resource.type, resource.inputs)
    return quota_of(
        {
            name: _limit(limit, need[name] + _SPARE[name], excess[name], recorded.get(name, limit))
            for name, limit in limits_of(document.quota).items()
        }
    )


def differences(meanwhile: Quota, final: Quota) -> dict[str, tuple[int, int]]:
    """By name of the limit: its value for the time of the change and afterwards."""
    before, after = limits_of(meanwhile), limits_of(final)
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


def _limit(final: int, need: int, excess: int, recorded: int) -> int:
    """One limit for the time of the change; a negative one is none.

    The file's own limits may be above or below the need: what is above is room already, and what
    is below has been asked for.
    """
    if final < 0:
        return final
    return max(final, recorded, min(final, need) + excess)


def _most(
    wanted: Mapping[_Key, Counter[str]],
    there: Iterable[Standing],
    flavors: Mapping[str, Mapping[str, int]],
) -> Counter[str]:
    """What the project holds at most: of what stays, the larger one of before and after."""
    kept = dict(wanted)
    leaving: Counter[str] = Counter()
    for resource in there:
        key = (resource.type, resource.name)
        taken = _taken_by(resource.type, resource.inputs, flavors)
        if key in wanted and not resource.leaving:
            kept[key] = wanted[key] | taken
        else:
            leaving += taken
    return sum(kept.values(), leaving)


def _taken_by(
    type_: str, inputs: Mapping[str, Any], flavors: Mapping[str, Mapping[str, int]]
) -> Counter[str]:
    taken = Counter(_EACH.get(type_, {}))
    if type_ == INSTANCE:
        taken.update(flavors.get(inputs.get("flavorName", ""), {}))
    if type_ == VOLUME:
        size = int(inputs.get("size") or 0)
        taken.update({"gigabytes": size, type_limit(inputs.get("volumeType") or ""): size})
    return taken


def wanted_resources(document: Document) -> dict[_Key, Mapping[str, Any]]:
    """What of a document's stack counts: type and logical name → the properties that matter.

    The names are those that the programs in `stacks/` give.
    """
    found: dict[_Key, Mapping[str, Any]] = {}
    for pool in document.server_pools:
        found[SERVER_GROUP, pool.key] = {}
        for server in pool.servers:
            name = f"{pool.key}/{server.key}"
            found[INSTANCE, name] = {"flavorName": pool.flavor}
            found |= _around(name, server)
    for network in document.networks:
        found[NETWORK, network.key] = {}
        for version, subnet in (("ipv4", network.ipv4), ("ipv6", network.ipv6)):
            if subnet is not None:
                found[SUBNET, f"{network.key}/{version}"] = {}
    for group in document.security_groups:
        found[GROUP, group.key] = {}
        found |= {(RULE, f"{group.key}/{rule.key}"): {} for rule in group.rules}
    found |= {(ROUTER, router.name): {} for router in document.routers}
    found |= {(FLOATING, address.key): {} for address in document.floating_addresses}
    found |= {(BALANCER, balancer.key): {} for balancer in document.load_balancers}
    if isinstance(document, TenantDocument) and document.transit is not None:
        found[PORT, "transit"] = {}
    return found


def _around(name: str, server: Server) -> dict[_Key, Mapping[str, Any]]:
    """A server's ports and volumes."""
    volumes = {f"{name}/boot": server.boot_volume}
    volumes |= {f"{name}/{volume.key}": volume for volume in server.data_volumes}
    found: dict[_Key, Mapping[str, Any]] = {
        (VOLUME, key): {"size": volume.size_gib, "volumeType": volume.volume_type}
        for key, volume in volumes.items()
    }
    return found | {(PORT, f"{name}/{port.network}"): {} for port in server.ports}

"""Reads a project back from the cloud into plain values, one listing per kind of resource.

Needs an administrator's connection, because quotas and hosts of servers are theirs to see. Judges
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FoundServer:
    id: str
    name: str
    status: str
    host: str
    availability_zone: str
    flavor: str
    addresses: tuple[str, ...]  #: fixed addresses
    volumes: tuple[str, ...]  #: ids of attached volumes
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class FoundVolume:
    id: str
    name: str
    size_gib: int
    volume_type: str
    status: str
    server_ids: tuple[str, ...]
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class FoundRule:
    """One security-group rule in comparable form; `remote_group` is the other group's name."""

    direction: str
    ethertype: str
    protocol: str | None
    port_min: int | None
    port_max: int | None
    remote_cidr: str | None
    remote_group: str | None


@dataclass(frozen=True, slots=True)
class FoundNetwork:
    id: str
    name: str
    status: str
    cidrs: frozenset[str]
    shared: bool
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class FoundPort:
    id: str
    network_id: str
    status: str
    device_id: str
    addresses: frozenset[str]
    security_groups: frozenset[str]  #: names
    port_security: bool  #: whether rules and its own address hold on it at all
    allowed_addresses: frozenset[str] = frozenset()  #: that it may use beside its own


@dataclass(frozen=True, slots=True)
class ProjectFound:
    """Everything that one project holds."""

    id: str
    name: str
    enabled: bool
    tags: frozenset[str]
    servers: tuple[FoundServer, ...]
    server_groups: dict[str, str]  #: name → policy
    volumes: tuple[FoundVolume, ...]
    networks: tuple[FoundNetwork, ...]
    ports: tuple[FoundPort, ...]
    routers: dict[str, frozenset[str]]  #: name → ids of networks that it serves
    security_groups: dict[str, tuple[FoundRule, ...]]
    floating_addresses: dict[str, str | None]  #: address → fixed address that it leads to
    load_balancers: dict[str, dict[str, Any]] = field(default_factory=dict)
    zones: dict[str, frozenset[tuple[str, str, tuple[str, ...]]]] = field(default_factory=dict)
    compute_quota: dict[str, int] = field(default_factory=dict)
    network_quota: dict[str, int] = field(default_factory=dict)
    volume_quota: dict[str, int] = field(default_factory=dict)
    roles: dict[str, frozenset[str]] = field(default_factory=dict)  #: user name → role names
    #: Router → names of networks of other projects that it serves.
    foreign_networks: dict[str, frozenset[str]] = field(default_factory=dict)


_INTERFACES = (
    "network:router_interface",
    "network:ha_router_replicated_interface",
    "network:router_interface_distributed",
)

Connection = Any  # openstack.connection.Connection; openstacksdk ships no types


def read_project(connection: Connection, name: str) -> ProjectFound | None:
    """The project of that name with all that it holds; None where there is none."""
    project = next(iter(connection.identity.projects(name=name)), None)
    if project is None:
        return None
    catalogue = {
        service["type"]
        for service in connection.session.auth.get_access(
            connection.session
        ).service_catalog.catalog
    }
    networks, ports, groups = _networking(connection, project.id)
    routers = _routers(connection, project.id)
    own = {network.id for network in networks}
    return ProjectFound(
        id=project.id,
        name=project.name,
        enabled=project.is_enabled,
        tags=frozenset(project.tags or ()),
        servers=_servers(connection, project.id, ports),
        server_groups={
            group.name: group.policy or (group.policies or [""])[0]
            for group in connection.compute.server_groups(all_projects=True)
            if group.project_id == project.id
        },
        volumes=_volumes(connection, project.id),
        networks=networks,
        ports=ports,
        routers=routers,
        foreign_networks={
            name: _names(connection, served - own) for name, served in routers.items()
        },
        security_groups=groups,
        floating_addresses={
            address.floating_ip_address: address.fixed_ip_address
            for address in connection.network.ips(project_id=project.id)
        },
        load_balancers=(
            _load_balancers(connection, project.id) if "load-balancer" in catalogue else {}
        ),
        zones=_zones(connection, project.id) if "dns" in catalogue else {},
        compute_quota=_quota(connection.compute, f"/os-quota-sets/{project.id}", "quota_set"),
        network_quota=_quota(connection.network, f"/quotas/{project.id}", "quota"),
        volume_quota=_quota(connection.block_storage, f"/os-quota-sets/{project.id}", "quota_set"),
        roles=_roles(connection, project.id),
    )


def _quota(service: Any, path: str, key: str) -> dict[str, int]:
    """A quota as the API writes it: the SDK's types drop limits of single volume types."""
    values = service.get(path).json()[key]
    return {name: value for name, value in values.items() if isinstance(value, int)}


def _servers(
    connection: Connection, project_id: str, ports: Iterable[FoundPort]
) -> tuple[FoundServer, ...]:
    addresses: dict[str, list[str]] = {}
    for port in ports:
        addresses.setdefault(port.device_id, []).extend(sorted(port.addresses))
    return tuple(
        FoundServer(
            id=server.id,
            name=server.name,
            status=server.status,
            host=server.hypervisor_hostname or server.compute_host or "",
            availability_zone=server.availability_zone or "",
            flavor=(server.flavor or {}).get("original_name", ""),
            addresses=tuple(addresses.get(server.id, ())),
            volumes=tuple(volume["id"] for volume in server.attached_volumes or ()),
            metadata=dict(server.metadata or {}),
        )
        for server in connection.compute.servers(all_projects=True, project_id=project_id)
    )


def _volumes(connection: Connection, project_id: str) -> tuple[FoundVolume, ...]:
    return tuple(
        FoundVolume(
            id=volume.id,
            name=volume.name or "",
            size_gib=volume.size,
            volume_type=volume.volume_type or "",
            status=volume.status,
            server_ids=tuple(item["server_id"] for item in volume.attachments or ()),
            metadata=dict(volume.metadata or {}),
        )
        for volume in connection.block_storage.volumes(all_projects=True, project_id=project_id)
    )


def _networking(
    connection: Connection, project_id: str
) -> tuple[tuple[FoundNetwork, ...], tuple[FoundPort, ...], dict[str, tuple[FoundRule, ...]]]:
    cidrs: dict[str, set[str]] = {}
    for subnet in connection.network.subnets(project_id=project_id):
        cidrs.setdefault(subnet.network_id, set()).add(subnet.cidr)
    networks = tuple(
        FoundNetwork(
            id=network.id,
            name=network.name,
            status=network.status,
            cidrs=frozenset(cidrs.get(network.id, ())),
            shared=bool(network.is_shared),
            tags=frozenset(network.tags or ()),
        )
        for network in connection.network.networks(project_id=project_id)
    )
    groups = list(connection.network.security_groups(project_id=project_id))
    names = {group.id: group.name for group in groups}
    ports = tuple(
        FoundPort(
            id=port.id,
            network_id=port.network_id,
            status=port.status,
            device_id=port.device_id or "",
            addresses=frozenset(item["ip_address"] for item in port.fixed_ips or ()),
            security_groups=frozenset(
                names.get(item, item) for item in port.security_group_ids or ()
            ),
            port_security=bool(port.is_port_security_enabled),
            allowed_addresses=frozenset(
                pair["ip_address"] for pair in port.allowed_address_pairs or ()
            ),
        )
        for port in connection.network.ports(project_id=project_id)
    )
    rules = {
        group.name: tuple(_rule(rule, names) for rule in group.security_group_rules)
        for group in groups
    }
    return networks, ports, rules


def _rule(rule: dict[str, Any], names: dict[str, str]) -> FoundRule:
    group = rule.get("remote_group_id")
    return FoundRule(
        direction=rule["direction"],
        ethertype=rule["ethertype"],
        protocol=rule.get("protocol"),
        port_min=rule.get("port_range_min"),
        port_max=rule.get("port_range_max"),
        remote_cidr=rule.get("remote_ip_prefix"),
        remote_group=names.get(group, group) if group else None,
    )


def _routers(connection: Connection, project_id: str) -> dict[str, frozenset[str]]:
    """The networks of each router: whoever owns the port, it leads there."""
    return {
        router.name: frozenset(
            port.network_id
            for port in connection.network.ports(device_id=router.id)
            if port.device_owner in _INTERFACES
        )
        for router in connection.network.routers(project_id=project_id)
    }


def _names(connection: Connection, network_ids: Iterable[str]) -> frozenset[str]:
    return frozenset(connection.network.get_network(item).name for item in network_ids)


def _load_balancers(connection: Connection, project_id: str) -> dict[str, dict[str, Any]]:
    listeners: dict[str, list[int]] = {}
    for listener in connection.load_balancer.listeners(project_id=project_id):
        for parent in listener.load_balancers:
            listeners.setdefault(parent["id"], []).append(listener.protocol_port)
    members: dict[str, list[str]] = {}
    for pool in connection.load_balancer.pools(project_id=project_id):
        found = [member.address for member in connection.load_balancer.members(pool.id)]
        for parent in pool.loadbalancers:
            members.setdefault(parent["id"], []).extend(found)
    return {
        balancer.name: {
            "id": balancer.id,
            "status": balancer.provisioning_status,
            "operating": balancer.operating_status,
            "address": balancer.vip_address,
            "ports": sorted(listeners.get(balancer.id, ())),
            "members": sorted(set(members.get(balancer.id, ()))),
        }
        for balancer in connection.load_balancer.load_balancers(project_id=project_id)
    }


def _zones(
    connection: Connection, project_id: str
) -> dict[str, frozenset[tuple[str, str, tuple[str, ...]]]]:
    headers = {"X-Auth-Sudo-Project-ID": project_id}
    answer = connection.dns.get("/zones", headers=headers).json()
    zones: dict[str, frozenset[tuple[str, str, tuple[str, ...]]]] = {}
    for zone in answer.get("zones", ()):
        records = connection.dns.get(f"/zones/{zone['id']}/recordsets", headers=headers).json()
        zones[zone["name"]] = frozenset(
            (record["name"], record["type"], tuple(sorted(record["records"])))
            for record in records.get("recordsets", ())
        )
    return zones


def _roles(connection: Connection, project_id: str) -> dict[str, frozenset[str]]:
    assigned: dict[str, set[str]] = {}
    query = {"scope_project_id": project_id, "include_names": True}
    for item in connection.identity.role_assignments(**query):
        if item.user:
            assigned.setdefault(item.user["name"], set()).add(item.role["name"])
    return {user: frozenset(roles) for user, roles in assigned.items()}

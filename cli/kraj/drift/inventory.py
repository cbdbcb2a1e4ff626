"""Lists what a project holds, so that what no stack has made can be told.

Looked at are the kinds that stacks make for servers, storage and networks. Left out is what
the services make by themselves: ports of routers, DHCP and load balancers, a security group's first
rules, a server's boot volume. Needs an administrator's connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Connection = Any  # openstack.connection.Connection; openstacksdk ships no types

#: Owners of ports that services make; users' ports have no owner or one that begins `compute:`.
_SERVICE_OWNERS = ("network:", "octavia", "neutron:")
#: The group that Neutron makes in every project.
_DEFAULT_GROUP = "default"


@dataclass(frozen=True, slots=True)
class CloudObject:
    """One object in a project."""

    kind: str  #: in OpenStack's words: `server`, `security group rule`
    id: str
    name: str
    created_at: str = ""  #: ISO 8601, UTC; empty where the service does not tell
    updated_at: str = ""


def objects_of(connection: Connection, project_id: str) -> list[CloudObject]:
    """All objects of the kinds that stacks make."""
    return [
        *_servers(connection, project_id),
        *_volumes(connection, project_id),
        *_networking(connection, project_id),
        *_load_balancing(connection, project_id),
        *_roles(connection, project_id),
    ]


def unplanned(objects: Iterable[CloudObject], known_ids: frozenset[str]) -> list[CloudObject]:
    """Those whose id is in no state, by kind and name."""
    strangers = [item for item in objects if item.id not in known_ids]
    return sorted(strangers, key=lambda item: (item.kind, item.name, item.id))


def _object(kind: str, item: Any, name: str | None = None) -> CloudObject:
    return CloudObject(
        kind,
        item.id,
        item.name or "" if name is None else name,
        _moment(getattr(item, "created_at", None)),
        _moment(getattr(item, "updated_at", None)),
    )


def _moment(text: str | None) -> str:
    """The services write UTC with and without its letter, and with fractions of seconds."""
    return f"{text.partition('.')[0].removesuffix('Z')}Z" if text else ""


def _servers(connection: Connection, project_id: str) -> Iterator[CloudObject]:
    for server in connection.compute.servers(all_projects=True, project_id=project_id):
        yield _object("server", server)
    for group in connection.compute.server_groups(all_projects=True):
        if group.project_id == project_id:
            yield _object("server group", group)


def _volumes(connection: Connection, project_id: str) -> Iterator[CloudObject]:
    for volume in connection.block_storage.volumes(all_projects=True, project_id=project_id):
        made_for_boot = volume.attachments and volume.is_bootable and not volume.name
        if not made_for_boot:
            yield _object("volume", volume)
    for snapshot in connection.block_storage.snapshots(all_projects=True, project_id=project_id):
        yield _object("volume snapshot", snapshot)


def _networking(connection: Connection, project_id: str) -> Iterator[CloudObject]:
    network = connection.network
    networks = list(network.networks(project_id=project_id))
    subnets = list(network.subnets(project_id=project_id))
    routers = list(network.routers(project_id=project_id))
    groups = list(network.security_groups(project_id=project_id))
    for item in networks:
        yield _object("network", item)
    for item in subnets:
        yield _object("subnet", item, item.name or item.cidr)
    for item in routers:
        yield _object("router", item)
    for item in network.ports(project_id=project_id):
        if not (item.device_owner or "").lower().startswith(_SERVICE_OWNERS):
            addresses = ", ".join(fixed["ip_address"] for fixed in item.fixed_ips or ())
            yield _object("port", item, item.name or addresses)
    for item in network.ips(project_id=project_id):
        yield _object("floating IP", item, item.floating_ip_address)
    yield from _routes("route", routers, "routes")
    yield from _routes("route of subnet", subnets, "host_routes")
    yield from _shares(network.rbac_policies(), {item.id: item.name for item in networks + groups})
    yield from _rules(groups)


def _routes(kind: str, owners: Iterable[Any], attribute: str) -> Iterator[CloudObject]:
    """Routes on routers, or in what DHCP tells; no stack makes any, and they have no id."""
    for owner in owners:
        for route in getattr(owner, attribute) or ():
            words = f"{route['destination']} via {route['nexthop']}"
            yield CloudObject(kind, f"{owner.id}/{words}", f"{owner.name}: {words}")


def _shares(policies: Iterable[Any], names: Mapping[str, str]) -> Iterator[CloudObject]:
    """Rights of other projects in the networks and groups of these ids, whoever gave them."""
    for policy in policies:
        if policy.object_id in names:
            target = policy.target_project_id
            who = "all projects" if target == "*" else f"project {target}"
            yield CloudObject(
                "shared access", policy.id, f"{names[policy.object_id]}: {policy.action} by {who}"
            )


def _rules(groups: Iterable[Any]) -> Iterator[CloudObject]:
    for group in groups:
        if group.name != _DEFAULT_GROUP:
            yield _object("security group", group)
        for rule in group.security_group_rules:
            if not _is_first_rule(rule):
                yield CloudObject(
                    "security group rule",
                    rule["id"],
                    f"{group.name}: {rule_words(rule)}",
                    _moment(rule.get("created_at")),
                    _moment(rule.get("updated_at")),
                )


def _is_first_rule(rule: dict[str, Any]) -> bool:
    """Whether Neutron makes such a rule with every group: out to anywhere, in from the group."""
    if rule.get("protocol") or rule.get("remote_ip_prefix"):
        return False
    remote = rule.get("remote_group_id")
    if rule["direction"] == "egress":
        return not remote
    return bool(remote == rule.get("security_group_id"))


def rule_words(rule: dict[str, Any]) -> str:
    """A rule in short: `ingress IPv4 tcp 22 from 0.0.0.0/0`."""
    first, last = rule.get("port_range_min"), rule.get("port_range_max")
    ports = str(first) if first == last else f"{first}-{last}"
    remote = rule.get("remote_ip_prefix") or rule.get("remote_group_id") or "anywhere"
    towards = "from" if rule["direction"] == "ingress" else "to"
    words = (
        rule["direction"],
        rule["ethertype"],
        rule.get("protocol") or "any protocol",
        ports if first is not None else "",
        f"{towards} {remote}",
    )
    return " ".join(word for word in words if word)


def _load_balancing(connection: Connection, project_id: str) -> Iterator[CloudObject]:
    if not connection.has_service("load-balancer"):
        return
    service = connection.load_balancer
    for item in service.load_balancers(project_id=project_id):
        yield _object("load balancer", item)
    for item in service.listeners(project_id=project_id):
        yield _object("listener", item, item.name or f"port {item.protocol_port}")
    # A pool's members are one resource of the stack: a stranger among them is a changed property.
    for item in service.pools(project_id=project_id):
        yield _object("pool", item)


def _roles(connection: Connection, project_id: str) -> Iterator[CloudObject]:
    """Roles that users and groups have in the project itself, with ids as states have them."""
    found = connection.identity.role_assignments(scope_project_id=project_id, include_names=True)
    for item in found:
        user, group = item.user or {}, item.group or {}
        identity = "/".join(
            ("", project_id, group.get("id") or "", user.get("id") or "", item.role["id"])
        )
        actor = f"group {group.get('name')}" if group else f"user {user.get('name')}"
        yield CloudObject("role assignment", identity, f"{item.role.get('name')} of {actor}")

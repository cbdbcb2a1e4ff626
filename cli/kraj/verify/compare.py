"""Judges one project against its document: quotas, networks, rules, servers, volumes, addresses.

Pure: takes what the plan says and what `reader` found, returns checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kraj.planning.documents import (
    CentreDocument,
    Quota,
    SecurityGroup,
    Server,
    ServerPool,
    ServerPort,
    TenantDocument,
    Volume,
)
from kraj.verify.checks import Check, Status, equal, flatten, present
from kraj.verify.reader import FoundRule, FoundServer, FoundVolume, ProjectFound

Document = CentreDocument | TenantDocument

#: Name of each limit in the API → field of `Quota`.
_COMPUTE = {
    "instances": "instances",
    "cores": "cores",
    "ram": "ram_mib",
    "key_pairs": "key_pairs",
    "server_groups": "server_groups",
    "server_group_members": "server_group_members",
}
_NETWORK = {
    "network": "networks",
    "subnet": "subnets",
    "router": "routers",
    "port": "ports",
    "floatingip": "floating_ips",
    "security_group": "security_groups",
    "security_group_rule": "security_group_rules",
}
_VOLUME = {"volumes": "volumes", "snapshots": "snapshots", "gigabytes": "gigabytes"}


def compare_project(document: Document, found: ProjectFound | None) -> tuple[Check, ...]:
    """All checks that centre and tenants have in common."""
    project = present("project.exists", document.project, found)
    if found is None:
        return (project,)
    return flatten(
        (
            (project, equal("project.enabled", document.project, True, found.enabled)),
            _identity(document, found),
            _quotas(document.quota, found),
            _networks(document, found),
            _rules(document, found),
            _pools(document, found),
            _ports(document, found),
            _floating(document, found),
            _load_balancers(document, found),
            _zone(document, found),
        )
    )


def _identity(document: Document, found: ProjectFound) -> Iterator[Check]:
    roles = found.roles.get(document.service_user, frozenset())
    yield equal("identity.roles", document.service_user, sorted(document.roles), sorted(roles))
    # Role `admin` on a tenant's project would let its own credential change its own quota.
    privileged = sorted(
        user
        for user, held in found.roles.items()
        if "admin" in held and user == document.service_user
    )
    yield equal("identity.unprivileged", document.service_user, [], privileged)


def _quotas(quota: Quota, found: ProjectFound) -> Iterator[Check]:
    for service, names, values in (
        ("compute", _COMPUTE, found.compute_quota),
        ("network", _NETWORK, found.network_quota),
        ("volume", _VOLUME, found.volume_quota),
    ):
        for theirs, ours in names.items():
            yield equal(f"quota.{service}", ours, getattr(quota, ours), values.get(theirs))
    for volume_type, size in quota.volume_types_gib.items():
        yield equal(
            "quota.volume",
            f"gigabytes_{volume_type}",
            size,
            found.volume_quota.get(f"gigabytes_{volume_type}"),
        )


def _networks(document: Document, found: ProjectFound) -> Iterator[Check]:
    by_name = {network.name: network for network in found.networks}
    for network in document.networks:
        actual = by_name.get(network.name)
        yield present("network.exists", network.name, actual)
        if actual is None:
            continue
        yield equal("network.active", network.name, "ACTIVE", actual.status)
        yield equal("network.not_shared", network.name, False, actual.shared)
        wanted = sorted(part.cidr for part in (network.ipv4, network.ipv6) if part is not None)
        yield equal("network.prefixes", network.name, wanted, sorted(actual.cidrs))
        if network.router is not None:
            served = found.routers.get(network.router, frozenset())
            yield equal("network.routed", network.name, True, actual.id in served)
    transit = document.transit if isinstance(document, TenantDocument) else None
    for router in document.routers:
        # A router that somebody joined to another's network lets traffic through to it.
        leads = [transit.network] if transit and transit.router == router.name else []
        there = sorted(found.foreign_networks.get(router.name, ()))
        yield equal("router.other_networks", router.name, leads, there)
    planned = {network.name for network in document.networks}
    unplanned = sorted(set(by_name) - planned)
    yield equal("network.nothing_unplanned", document.project, [], unplanned)


def _rules(document: Document, found: ProjectFound) -> Iterator[Check]:
    names = {group.key: group.name for group in document.security_groups}
    for group in document.security_groups:
        actual = found.security_groups.get(group.name)
        yield present("rules.group_exists", group.name, actual)
        if actual is not None:
            yield _same_rules(group, names, actual)


def _same_rules(group: SecurityGroup, names: dict[str, str], actual: Iterable[FoundRule]) -> Check:
    wanted = {
        _rule_text(
            FoundRule(
                rule.direction,
                rule.ethertype,
                rule.protocol,
                rule.port_min,
                rule.port_max,
                rule.remote_cidr,
                names[rule.remote_group] if rule.remote_group else None,
            )
        )
        for rule in group.rules
    }
    found = {_rule_text(rule) for rule in actual}
    missing, extra = sorted(wanted - found), sorted(found - wanted)
    parts = []
    if missing:
        parts.append("missing: " + "; ".join(missing))
    if extra:
        parts.append("not planned: " + "; ".join(extra))
    status = Status.FAILED if parts else Status.PASSED
    return Check("rules.same", group.name, status, sorted(wanted), sorted(found), "; ".join(parts))


_ANYWHERE = {"0.0.0.0/0": None, "::/0": None}


def _rule_text(rule: FoundRule) -> str:
    """A rule as people read it, with what the API treats as equal written alike."""
    cidr = _ANYWHERE.get(rule.remote_cidr, rule.remote_cidr) if rule.remote_cidr else None
    remote = cidr or (f"group {rule.remote_group}" if rule.remote_group else "anyone")
    ports = ""
    if rule.port_min is not None:
        span = (
            rule.port_min if rule.port_min == rule.port_max else f"{rule.port_min}-{rule.port_max}"
        )
        ports = f" {span}"
    word = "from" if rule.direction == "ingress" else "to"
    protocol = {"icmpv6": "ipv6-icmp"}.get(rule.protocol or "any", rule.protocol or "any")
    return f"{rule.direction} {rule.ethertype} {protocol}{ports} {word} {remote}"


def _pools(document: Document, found: ProjectFound) -> Iterator[Check]:
    servers = {server.name: server for server in found.servers}
    volumes = {volume.id: volume for volume in found.volumes}
    by_name = {volume.name: volume for volume in found.volumes}
    for pool in document.server_pools:
        policy = found.server_groups.get(pool.server_group)
        yield equal("servers.group_policy", pool.server_group, pool.policy, policy)
        for server in pool.servers:
            yield from _server(pool, server, servers.get(server.name), volumes, by_name)
        if pool.policy == "anti-affinity":
            hosts = [servers[server.name].host for server in pool.servers if server.name in servers]
            yield equal("servers.spread_over_hosts", pool.server_group, len(hosts), len(set(hosts)))
    planned = {server.name for pool in document.server_pools for server in pool.servers}
    yield equal("servers.nothing_unplanned", document.project, [], sorted(set(servers) - planned))


def _server(
    pool: ServerPool,
    server: Server,
    actual: FoundServer | None,
    volumes: dict[str, FoundVolume],
    by_name: dict[str, FoundVolume],
) -> Iterator[Check]:
    yield present("server.exists", server.name, actual)
    if actual is None:
        return
    yield equal("server.active", server.name, "ACTIVE", actual.status)
    yield equal("server.flavor", server.name, pool.flavor, actual.flavor)
    if server.availability_zone is not None:
        yield equal(
            "server.availability_zone",
            server.name,
            server.availability_zone,
            actual.availability_zone,
        )
    wanted = sorted(
        address
        for port in server.ports
        for address in (port.fixed_ipv4, port.fixed_ipv6)
        if address is not None
    )
    missing = sorted(set(wanted) - set(actual.addresses))
    yield equal("server.addresses", server.name, [], missing)
    attached = [volumes[item] for item in actual.volumes if item in volumes]
    boot = next(
        (
            item
            for item in attached
            if item.name != ""
            and item.id
            not in {
                by_name[volume.name].id for volume in server.data_volumes if volume.name in by_name
            }
        ),
        None,
    ) or next((item for item in attached if item.name == ""), None)
    yield present("volume.boot", server.boot_volume.name, boot)
    if boot is not None:
        yield equal(
            "volume.size_gib", server.boot_volume.name, server.boot_volume.size_gib, boot.size_gib
        )
        yield equal(
            "volume.pool", server.boot_volume.name, server.boot_volume.volume_type, boot.volume_type
        )
    for volume in server.data_volumes:
        yield from _data_volume(volume, by_name.get(volume.name), actual.id)


def _ports(document: Document, found: ProjectFound) -> Iterator[Check]:
    """Rules are worth what the ports make of them: groups, filter, addresses."""
    names = {group.key: group.name for group in document.security_groups}
    by_address = {address: port for port in found.ports for address in port.addresses}
    for server, planned in _planned_ports(document):
        addresses = (planned.fixed_ipv4, planned.fixed_ipv6)
        actual = next((by_address[item] for item in addresses if item in by_address), None)
        if actual is None:  # `server.addresses` says so
            continue
        subject = f"{server.name} {planned.network}"
        groups = sorted(names[key] for key in planned.security_groups)
        yield equal("port.security_groups", subject, groups, sorted(actual.security_groups))
        yield equal("port.security", subject, True, actual.port_security)
        allowed = sorted(planned.allowed_addresses)
        yield equal("port.allowed_addresses", subject, allowed, sorted(actual.allowed_addresses))


def _planned_ports(document: Document) -> Iterator[tuple[Server, ServerPort]]:
    for pool in document.server_pools:
        for server in pool.servers:
            yield from ((server, port) for port in server.ports)


def _data_volume(volume: Volume, actual: FoundVolume | None, server_id: str) -> Iterator[Check]:
    yield present("volume.exists", volume.name, actual)
    if actual is None:
        return
    yield equal("volume.size_gib", volume.name, volume.size_gib, actual.size_gib)
    yield equal("volume.pool", volume.name, volume.volume_type, actual.volume_type)
    yield equal("volume.attached", volume.name, True, server_id in actual.server_ids)


def _floating(document: Document, found: ProjectFound) -> Iterator[Check]:
    targets: dict[tuple[str, str], tuple[str, ...]] = {
        (pool.key, server.key): tuple(
            port.fixed_ipv4 for port in server.ports if port.fixed_ipv4 is not None
        )
        for pool in document.server_pools
        for server in pool.servers
    }
    balancers = {item.key: item.name for item in document.load_balancers}
    leading = {fixed for fixed in found.floating_addresses.values() if fixed is not None}
    for address in document.floating_addresses:
        if address.target_load_balancer is not None:
            name = balancers[address.target_load_balancer]
            virtual = found.load_balancers.get(name, {}).get("address")
            good = virtual in leading
        elif address.target_pool is not None and address.target_server is not None:
            wanted = targets[(address.target_pool, address.target_server)]
            good = bool(set(wanted) & leading)
        else:
            good = len(found.floating_addresses) >= len(document.floating_addresses)
        yield equal("floating_address.leads_to_target", address.description, True, good)


def _load_balancers(document: Document, found: ProjectFound) -> Iterator[Check]:
    for balancer in document.load_balancers:
        actual = found.load_balancers.get(balancer.name)
        yield present("load_balancer.exists", balancer.name, actual)
        if actual is None:
            continue
        yield equal("load_balancer.active", balancer.name, "ACTIVE", actual["status"])
        wanted_ports = sorted(listener.port for listener in balancer.listeners)
        yield equal("load_balancer.ports", balancer.name, wanted_ports, actual["ports"])
        members = sorted(
            {member.address for listener in balancer.listeners for member in listener.members}
        )
        yield equal("load_balancer.members", balancer.name, members, actual["members"])


def _zone(document: Document, found: ProjectFound) -> Iterator[Check]:
    if document.zone is None:
        return
    records = found.zones.get(document.zone.name)
    yield present("dns.zone", document.zone.name, records)
    held = {(name, kind) for name, kind, _values in records or ()}
    for record in document.zone.records:
        yield equal(
            "dns.record", f"{record.name} {record.type}", True, (record.name, record.type) in held
        )

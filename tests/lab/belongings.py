"""What a tenant of `tests.lab.life` has in the cloud, past all proxies: by id, kind and name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any


def belongings(connection: Any, project: str, name: str, parts: Collection[str]) -> dict[str, str]:
    """What is in the project, or bears the name where it is in none.

    Of what only some programs have, nothing is listed but what `parts` names.
    """
    compute, volumes = connection.compute, connection.block_storage
    every = {"all_projects": True, "project_id": project}
    listings: dict[str, Callable[[], Iterator[tuple[str, Any]]]] = {
        "server": lambda: (("server", item) for item in compute.servers(**every)),
        "volume": lambda: (("volume", item) for item in volumes.volumes(**every)),
        "key": lambda: (("key", item) for item in compute.keypairs() if _is(item, name)),
        "balancer": lambda: _balancing(connection.load_balancer, project),
        "dns": lambda: _zones(connection.dns, name),
        "people": lambda: _people(connection.identity, name),
        "credential": lambda: _credentials(connection, name),
    }
    found = list(_network(connection.network, project))
    for part in listings.keys() & set(parts):
        found += listings[part]()
    return {item.id: f"{kind} {item.name or item.id}" for kind, item in found}


def _network(network: Any, project: str) -> Iterator[tuple[str, Any]]:
    own = {"project_id": project}
    yield from (("network", item) for item in network.networks(**own))
    yield from (("subnet", item) for item in network.subnets(**own))
    yield from (("router", item) for item in network.routers(**own))
    yield from (("floating address", item) for item in network.ips(**own))
    groups = {item.id: item for item in network.security_groups(**own)}
    given = {identity for identity, item in groups.items() if item.name == "default"}
    yield from (("group", item) for item in groups.values() if item.id not in given)
    for rule in network.security_group_rules(**own):
        if rule.security_group_id not in given:
            yield "rule", rule
    for port in network.ports(**own):
        # Made by services for what is listed here itself.
        if not port.device_owner.startswith(("network:", "Octavia")):
            yield "port", port


def _balancing(balancing: Any, project: str) -> Iterator[tuple[str, Any]]:
    own = {"project_id": project}
    yield from (("load balancer", item) for item in balancing.load_balancers(**own))
    yield from (("listener", item) for item in balancing.listeners(**own))
    yield from (("health monitor", item) for item in balancing.health_monitors(**own))
    for pool in balancing.pools(**own):
        yield "pool", pool
        yield from (("member", item) for item in balancing.members(pool))


def _zones(dns: Any, name: str) -> Iterator[tuple[str, Any]]:
    for zone in dns.zones(all_projects=True):
        if _is(zone, name):
            yield "zone", zone
            for item in dns.recordsets(zone, all_projects=True):
                if item.type not in ("SOA", "NS"):
                    yield "record set", item


def _people(identity: Any, name: str) -> Iterator[tuple[str, Any]]:
    # The project of the tenant itself bears just its name.
    yield from (("project", p) for p in identity.projects() if _is(p, name) and p.name != name)
    yield from (("user", item) for item in identity.users() if _is(item, name))
    yield from (("role", item) for item in identity.roles() if _is(item, name))


def _credentials(connection: Any, name: str) -> Iterator[tuple[str, Any]]:
    credentials = connection.identity.application_credentials(connection.current_user_id)
    yield from (("credential", item) for item in credentials if _is(item, name))


def _is(item: Any, name: str) -> bool:
    return str(item.name).startswith(name)

"""What Neutron says that there should be, as `rules` and `routers` understand it.

Pure: from the lists of Neutron's API to one value for the whole lab.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Final

from kraj_lab_drivers.hosts.balancers import Balancer, Listener, Member, Monitor, Pool
from kraj_lab_drivers.hosts.fabric import bridge_of, link_of
from kraj_lab_drivers.hosts.routers import EXTERNAL, Interface, Router
from kraj_lab_drivers.hosts.rules import Fabric, Port, Rule

_OF_SERVERS: Final = "compute:"
_GATEWAY: Final = "network:router_gateway"
_ROUTER: Final = ("network:router_interface", _GATEWAY)
_ZONES: Final = 65_535

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lists:
    """Neutron's objects, as its API lists them."""

    networks: tuple[Item, ...]
    subnets: tuple[Item, ...]
    ports: tuple[Item, ...]
    rules: tuple[Item, ...]
    routers: tuple[Item, ...]
    floating: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class BalancerLists:
    """Octavia's objects, as its API lists them; members by the id of their pool."""

    balancers: tuple[Item, ...] = ()
    listeners: tuple[Item, ...] = ()
    pools: tuple[Item, ...] = ()
    monitors: tuple[Item, ...] = ()
    members: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the agent makes true."""

    fabric: Fabric
    networks: tuple[str, ...]
    routers: tuple[Router, ...]
    machine: Mapping[str, tuple[str, ...]]  #: external network → the machine's addresses in it
    machine_routes: tuple[tuple[str, str], ...]  #: (destination, next hop)
    balancers: tuple[Balancer, ...] = ()


def wishes(lists: Lists, balancers: BalancerLists | None = None) -> Wishes:
    """Everything in one."""
    subnets = {item["id"]: item for item in lists.subnets}
    routers = tuple(_routers(lists, subnets))
    return Wishes(
        Fabric(
            {bridge_of(item["id"]): zone_of(item["id"]) for item in lists.networks},
            tuple(_ports(lists)),
        ),
        tuple(sorted(item["id"] for item in lists.networks)),
        routers,
        dict(_machine(lists, subnets)),
        tuple(_upstream(routers)),
        tuple(_balancers(lists, balancers, subnets)) if balancers else (),
    )


def zone_of(network: str) -> int:
    """The network's zone of connection tracking: the same one whatever other networks there are."""
    return zlib.crc32(network.encode()) % _ZONES + 1


def _ports(lists: Lists) -> Iterator[Port]:
    members: dict[str, list[str]] = {}
    for port in lists.ports:
        for group in port.get("security_groups") or ():
            members.setdefault(group, []).extend(_addresses(port))
    rules: dict[str, list[Rule]] = {}
    for rule in lists.rules:
        rules.setdefault(rule["security_group_id"], []).append(_rule(rule, members))
    for port in lists.ports:
        if port["device_owner"].startswith(_OF_SERVERS):
            yield Port(
                link_of(port["id"]),
                bridge_of(port["network_id"]),
                port["mac_address"],
                tuple(_addresses(port)),
                tuple(
                    (pair["ip_address"], pair.get("mac_address") or port["mac_address"])
                    for pair in port.get("allowed_address_pairs") or ()
                ),
                tuple(
                    r for group in port.get("security_groups") or () for r in rules.get(group, ())
                ),
                bool(port.get("port_security_enabled", True)),
            )


def _rule(rule: Item, members: Mapping[str, list[str]]) -> Rule:
    version = 6 if rule["ethertype"] == "IPv6" else 4
    remotes: tuple[str, ...] | None = None
    if rule.get("remote_group_id"):
        found = members.get(rule["remote_group_id"], [])
        remotes = tuple(sorted(a for a in set(found) if ip_address(a).version == version))
    elif rule.get("remote_ip_prefix"):
        network = ip_network(rule["remote_ip_prefix"], strict=False)
        remotes = None if network.prefixlen == 0 else (str(network),)
    return Rule(
        rule["direction"],
        version,
        rule.get("protocol"),
        rule.get("port_range_min"),
        rule.get("port_range_max"),
        remotes,
    )


def _addresses(port: Item) -> list[str]:
    return [entry["ip_address"] for entry in port["fixed_ips"]]


def _routers(lists: Lists, subnets: Mapping[str, Item]) -> Iterator[Router]:
    ports: dict[str, list[Item]] = {}
    for port in lists.ports:
        if port["device_owner"] in _ROUTER:
            ports.setdefault(port["device_id"], []).append(port)
    for router in lists.routers:
        own = sorted(ports.get(router["id"], ()), key=lambda port: str(port["id"]))
        outside = [port for port in own if port["device_owner"] == _GATEWAY]
        gateways = [
            str(subnets[entry["subnet_id"]]["gateway_ip"])
            for port in outside
            for entry in port["fixed_ips"]
            if subnets[entry["subnet_id"]]["gateway_ip"]
        ]
        yield Router(
            router["id"],
            tuple(_interface(port, subnets) for port in own),
            tuple(gateways),
            tuple((route["destination"], route["nexthop"]) for route in router["routes"]),
            bool((router.get("external_gateway_info") or {}).get("enable_snat", True)),
            tuple(
                (item["floating_ip_address"], item["fixed_ip_address"])
                for item in lists.floating
                if item["router_id"] == router["id"] and item["fixed_ip_address"]
            ),
        )


def _interface(port: Item, subnets: Mapping[str, Item]) -> Interface:
    addresses = (
        f"{entry['ip_address']}/{subnets[entry['subnet_id']]['cidr'].rpartition('/')[2]}"
        for entry in port["fixed_ips"]
    )
    return Interface(
        EXTERNAL if port["device_owner"] == _GATEWAY else link_of(port["id"], "ki"),
        link_of(port["id"], "kr"),
        bridge_of(port["network_id"]),
        port["mac_address"],
        tuple(addresses),
    )


def _machine(lists: Lists, subnets: Mapping[str, Item]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The machine stands where the provider's router would: at the external gateway addresses."""
    for network in lists.networks:
        if network.get("router:external"):
            of_it = (s for s in subnets.values() if s["network_id"] == network["id"])
            yield (
                network["id"],
                tuple(
                    sorted(
                        f"{subnet['gateway_ip']}/{subnet['cidr'].rpartition('/')[2]}"
                        for subnet in of_it
                        if subnet["gateway_ip"]
                    )
                ),
            )


def _upstream(routers: Iterable[Router]) -> Iterator[tuple[str, str]]:
    """Routes to networks that are not translated: all of IPv6, and IPv4 without SNAT."""
    for router in routers:
        outside = router.external
        if outside is None:
            continue
        hops = {
            ip_address(a.partition("/")[0]).version: a.partition("/")[0] for a in outside.addresses
        }
        for interface in router.interfaces:
            for address in interface.addresses:
                network = ip_network(address, strict=False)
                routed = network.version == 6 or not router.translates
                if interface is not outside and routed and network.version in hops:
                    yield str(network), hops[network.version]


def _balancers(
    lists: Lists, given: BalancerLists, subnets: Mapping[str, Item]
) -> Iterator[Balancer]:
    """Load balancers that are on and whose address has a port."""
    ports = {port["id"]: port for port in lists.ports}
    monitors = {item["pools"][0]["id"]: _monitor(item) for item in given.monitors if item["pools"]}
    pools = {
        pool["id"]: _pool(pool, given.members.get(pool["id"], ()), monitors.get(pool["id"]))
        for pool in given.pools
        if pool["admin_state_up"]
    }
    for item in given.balancers:
        port = ports.get(item["vip_port_id"])
        if port is None or not item["admin_state_up"]:
            continue
        subnet = subnets[item["vip_subnet_id"]]
        yield Balancer(
            item["id"],
            f"{item['vip_address']}/{subnet['cidr'].rpartition('/')[2]}",
            port["mac_address"],
            port["id"],
            port["network_id"],
            str(subnet["gateway_ip"] or ""),
            tuple(
                _listener(listener, pools.get(listener["default_pool_id"]))
                for listener in given.listeners
                if {"id": item["id"]} in listener["loadbalancers"] and listener["admin_state_up"]
            ),
        )


def _listener(item: Item, pool: Pool | None) -> Listener:
    return Listener(
        item["id"],
        item["protocol"],
        item["protocol_port"],
        pool,
        item["connection_limit"],
        tuple(item["allowed_cidrs"] or ()),
        (
            item["timeout_client_data"],
            item["timeout_member_connect"],
            item["timeout_member_data"],
        ),
    )


def _pool(item: Item, members: Iterable[Item], monitor: Monitor | None) -> Pool:
    return Pool(
        item["id"],
        item["protocol"],
        item["lb_algorithm"],
        tuple(
            Member(
                member["id"],
                member["address"],
                member["protocol_port"],
                member["weight"],
                member["backup"],
            )
            for member in members
            if member["admin_state_up"]
        ),
        monitor,
    )


def _monitor(item: Item) -> Monitor | None:
    if not item["admin_state_up"]:
        return None
    return Monitor(
        item["type"],
        item["delay"],
        item["timeout"],
        item["max_retries_down"],
        item["max_retries"],
        item["url_path"] or "/",
        item["expected_codes"] or "200",
    )

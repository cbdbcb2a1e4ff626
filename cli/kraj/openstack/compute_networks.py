"""How a server's network connections are shown: pure functions over what Nova and Neutron tell.

Nova tells addresses by the networks' names, Neutron tells ports by the networks' ids; the hardware
address joins them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kraj.openstack.resource import Properties

_MAC: Final = "OS-EXT-IPS-MAC:mac_addr"


def shown_networks(
    given: Sequence[Mapping[str, Any]],
    ports: Sequence[Mapping[str, Any]],
    addresses: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[Properties]:
    """The connections in the order of the program, or all of them where it names none.

    A connection that the server no longer has is left out, so that it shows as a difference.
    """
    names = {entry[_MAC]: name for name, entries in addresses.items() for entry in entries}
    if not given:
        order = list(names)
        in_order = sorted(ports, key=lambda port: _place(order, port["mac_address"]))
        return [_shown(port, {}, names) for port in in_order]
    wanted_ports = {wanted.get("port") for wanted in given}
    exact = {port["id"]: port for port in ports if port["id"] in wanted_ports}
    rest = [port for port in ports if port["id"] not in exact]
    result = []
    for wanted in given:
        port = exact.get(wanted.get("port", "")) or _take(rest, wanted, names)
        if port is not None:
            result.append(_shown(port, wanted, names))
    return result


def access_addresses(networks: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """IPv4 and IPv6 address to reach a server by: the first, or that of the access network."""
    four = six = ""
    for network in networks:
        preferred = bool(network.get("accessNetwork"))
        if network["fixedIpV4"] and (preferred or not four):
            four = network["fixedIpV4"]
        if network["fixedIpV6"] and (preferred or not six):
            six = network["fixedIpV6"]
    return four, six


def _take(
    rest: list[Mapping[str, Any]], wanted: Mapping[str, Any], names: Mapping[str, str]
) -> Mapping[str, Any] | None:
    """The first port left that is on the network wanted."""
    for at, port in enumerate(rest):
        name = names.get(port["mac_address"], "")
        if port["network_id"] == wanted.get("uuid") or (name and name == wanted.get("name")):
            return rest.pop(at)
    return None


def _shown(
    port: Mapping[str, Any], wanted: Mapping[str, Any], names: Mapping[str, str]
) -> Properties:
    by_version = {4: "", 6: ""}
    for fixed in port["fixed_ips"]:
        address = fixed["ip_address"]
        by_version[ipaddress.ip_address(address).version] = address
    return {
        "accessNetwork": bool(wanted.get("accessNetwork")),
        "fixedIpV4": by_version[4],
        "fixedIpV6": by_version[6],
        "mac": port["mac_address"],
        "name": names.get(port["mac_address"]) or wanted.get("name") or "",
        "port": port["id"],
        "uuid": port["network_id"],
    }


def _place(order: Sequence[str], mac: str) -> int:
    return order.index(mac) if mac in order else len(order)

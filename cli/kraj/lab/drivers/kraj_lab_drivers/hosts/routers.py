"""What a router does: its addresses, its routes and its translation of addresses.

A Neutron router is a network namespace that forwards. Floating addresses are translated one to one,
all else that leaves by the external gateway takes the router's own address, as Neutron's own agent
has it. IPv6 is routed and never translated. Pure: text in, text out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Final

EXTERNAL: Final = "external"


@dataclass(frozen=True, slots=True)
class Interface:
    """A router's link into a network; `addresses` with prefix lengths."""

    device: str  #: the router's end of the link; EXTERNAL for the gateway
    link: str  #: the fabric's end
    bridge: str
    mac: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Router:
    """A router with everything that it needs to know."""

    identity: str
    interfaces: tuple[Interface, ...]
    gateways: tuple[str, ...] = ()  #: next hops of the default routes
    routes: tuple[tuple[str, str], ...] = ()  #: (destination, next hop)
    translates: bool = True  #: Neutron's enable_snat
    floating: tuple[tuple[str, str], ...] = ()  #: (floating address, fixed address)

    @property
    def external(self) -> Interface | None:
        return next((item for item in self.interfaces if item.device == EXTERNAL), None)


def translation(router: Router) -> str:
    """The ruleset of the router's namespace, in one transaction of `nft -f`."""
    return "\n".join([*_translation(router), ""])


def _translation(router: Router) -> Iterator[str]:
    yield from ("add table ip kraj", "delete table ip kraj", "table ip kraj {")
    yield "  chain prerouting {"
    yield "    type nat hook prerouting priority -100"
    for floating, fixed in router.floating:
        yield f"    ip daddr {floating} dnat to {fixed}"
    yield "  }"
    yield "  chain postrouting {"
    yield "    type nat hook postrouting priority 100"
    if router.external:
        for floating, fixed in router.floating:
            yield f"    ip saddr {fixed} oifname {EXTERNAL} snat to {floating}"
            # A neighbour that asks for the floating address hears the answer from it too.
            inside = f"ip daddr {fixed} ct status dnat oifname != {EXTERNAL}"
            yield f"    {inside} ip saddr != {floating} masquerade"
        own = _own_address(router.external)
        if router.translates and own:
            yield f"    oifname {EXTERNAL} snat to {own}"
    yield "  }"
    yield "}"


def _own_address(external: Interface) -> str:
    addresses = (ip_interface(address) for address in external.addresses)
    return next((str(address.ip) for address in addresses if address.version == 4), "")

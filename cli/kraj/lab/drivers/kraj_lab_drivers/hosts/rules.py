"""What may pass between servers: Neutron's ports and security groups as one nftables ruleset.

The rules stand in the fabric's network namespace, outside the servers, as in any real cloud: who is
root on a server cannot lift them. Bridged packets reach the hook `forward` of the family `inet` by
bridge-nf-call-iptables, which every network namespace has for itself; there the incoming interface
is the bridge, so that a port is known by its addresses. That these are its own is seen to one step
earlier, where the device is still known. Every bridge has a connection-tracking zone, because
networks of different tenants may use the same addresses. Pure: text in, text out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_network
from typing import Final

#: Names of links into servers begin so.
LINK: Final = "kt"

#: Neutron writes a number or one of several names; nftables knows these.
_PROTOCOLS: Final = {"icmpv6": "ipv6-icmp", "icmp6": "ipv6-icmp", "ipv6-icmp": "ipv6-icmp"}
#: Who asks by ARP whether an address is free has none yet (RFC 5227, 2.1.1).
_NOBODY: Final = str(IPv4Address(0))
_WITH_PORTS: Final = {"tcp", "udp", "sctp", "dccp", "udplite", "6", "17"}
#: Neighbour discovery, without which no IPv6 address is ever found (RFC 4890, 4.4.1).
_NEIGHBOURS: Final = "nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a security group; `remotes` are CIDRs, None stands for anywhere."""

    direction: str  #: ingress or egress, as seen from the port
    version: int  #: 4 or 6
    protocol: str | None = None
    low: int | None = None  #: first port; the ICMP type
    high: int | None = None  #: last port; the ICMP code
    remotes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """A link of a server into a network."""

    device: str  #: the fabric's end of the link
    bridge: str
    mac: str
    addresses: tuple[str, ...]  #: its fixed addresses
    pairs: tuple[tuple[str, str], ...] = ()  #: (CIDR, MAC) that it may use besides
    rules: tuple[Rule, ...] = ()
    secured: bool = True  #: Neutron's port security

    @property
    def sources(self) -> tuple[str, ...]:
        """CIDRs that it may send from."""
        return (*self.addresses, *(cidr for cidr, _mac in self.pairs))


@dataclass(frozen=True, slots=True)
class Fabric:
    """Everything that the ruleset is made from."""

    zones: dict[str, int] = field(default_factory=dict)  #: bridge → zone of connection tracking
    ports: tuple[Port, ...] = ()


def ruleset(fabric: Fabric) -> str:
    """Two tables that replace what was there, in one transaction of `nft -f`."""
    ports = [port for port in fabric.ports if port.secured]
    return "\n".join(
        [
            *_replaced("bridge", _identities(fabric.ports, ports)),
            *_replaced("inet", _filters(fabric, ports)),
            "",
        ]
    )


def _replaced(family: str, body: Iterable[str]) -> Iterator[str]:
    # Adding before deleting makes deleting work where there is nothing yet.
    yield f"add table {family} kraj"
    yield f"delete table {family} kraj"
    yield f"table {family} kraj {{"
    yield from (f"  {line}" for line in body)
    yield "}"


def _identities(every: Sequence[Port], ports: Sequence[Port]) -> Iterator[str]:
    """A port sends with its own addresses, or not at all; `ports` are the secured ones."""
    yield "chain prerouting {"
    yield "  type filter hook prerouting priority -300"
    yield "  policy accept"
    # A link whose port has not been looked at yet carries nothing.
    known = _set(_q(port.device) for port in every) if every else ""
    yield f'  iifname "{LINK}*" iifname != {known} drop' if every else f'  iifname "{LINK}*" drop'
    if ports:
        yield f"  iifname vmap {_set(f'{_q(p.device)} : jump own-{p.device}' for p in ports)}"
    yield "}"
    for port in ports:
        yield f"chain own-{port.device} {{"
        yield f"  ether saddr != {_set([port.mac, *(mac for _, mac in port.pairs)])} drop"
        for version, word, arp in ((4, "ip", "arp saddr ip"), (6, "ip6", "")):
            own = _of(version, port.sources)
            if version == 6:
                own = ["fe80::/10", "::", *own]  # link-local, and asking whether one is free
            elif not own:
                yield "  ether type { ip, arp } drop"
                continue
            yield f"  {word} saddr != {_set(own)} drop"
            if arp:
                yield f"  {arp} != {_set([_NOBODY, *own])} drop"
        yield "}"


def _filters(fabric: Fabric, ports: Sequence[Port]) -> Iterator[str]:
    if fabric.zones:
        yield "chain zones {"
        yield "  type filter hook prerouting priority -300"
        pairs = (f"{_q(bridge)} : {zone}" for bridge, zone in sorted(fabric.zones.items()))
        yield f"  ct zone set iifname map {_set(pairs)}"
        yield "}"
    yield "chain forward {"
    yield "  type filter hook forward priority 0"
    yield "  policy accept"
    yield f"  icmpv6 type {{ {_NEIGHBOURS} }} accept"
    yield "  ct state established,related accept"
    yield "  ct state invalid drop"
    yield "  jump out"
    yield "  jump in"
    yield "}"
    for verb, side in (("out", "saddr"), ("in", "daddr")):
        yield f"chain {verb} {{"
        # A port's own address decides before what others may use besides, such as a shared one.
        for own in (True, False):
            for version, word in ((4, "ip"), (6, "ip6")):
                pairs = _chosen(ports, version, verb, own=own)
                if pairs:
                    yield f"  iifname . {word} {side} vmap {_set(pairs)}"
        yield "}"
    for port in ports:
        for verb, direction in (("out", "egress"), ("in", "ingress")):
            yield f"chain {verb}-{port.device} {{"
            for rule in port.rules:
                if rule.direction == direction and rule.remotes != ():
                    yield f"  {_match(rule)}return"
            yield "  drop"
            yield "}"


def _chosen(ports: Sequence[Port], version: int, verb: str, *, own: bool) -> list[str]:
    """Which port's rules hold for an address on a bridge; the first's where several may use it."""
    chosen: dict[str, str] = {}
    for port in ports:
        cidrs = port.addresses if own else (cidr for cidr, _mac in port.pairs)
        for address in _of(version, cidrs):
            chosen.setdefault(f"{_q(port.bridge)} . {address}", f"goto {verb}-{port.device}")
    return [f"{key} : {verdict}" for key, verdict in chosen.items()]


def _match(rule: Rule) -> str:
    """The conditions of a rule, each with a blank behind it."""
    words = [f"meta nfproto ipv{rule.version}"]
    if rule.remotes is not None:
        word = "ip6" if rule.version == 6 else "ip"
        side = "saddr" if rule.direction == "ingress" else "daddr"
        words.append(f"{word} {side} {_set(rule.remotes)}")
    words += _protocol(rule)
    return " ".join(words) + " "


def _protocol(rule: Rule) -> list[str]:
    if rule.protocol in (None, "any", "0"):
        return []
    name = _PROTOCOLS.get(str(rule.protocol), str(rule.protocol))
    if name == "icmp" and rule.version == 6:
        name = "ipv6-icmp"
    if name in ("icmp", "1", "ipv6-icmp", "58"):
        word = "icmpv6" if name in ("ipv6-icmp", "58") else "icmp"
        if rule.low is None:
            return [f"meta l4proto {'58' if word == 'icmpv6' else '1'}"]
        code = [] if rule.high is None else [f"{word} code {rule.high}"]
        return [f"{word} type {rule.low}", *code]
    if name in _WITH_PORTS and rule.low is not None:
        high = rule.low if rule.high is None else rule.high
        ports = str(rule.low) if high == rule.low else f"{rule.low}-{high}"
        return [f"meta l4proto {name}", f"th dport {ports}"]
    return [f"meta l4proto {name}"]


def _of(version: int, cidrs: Iterable[str]) -> list[str]:
    """Those of one version, as an interval set takes them: none inside another."""
    networks = (ip_network(cidr, strict=False) for cidr in cidrs)
    chosen = sorted({network for network in networks if network.version == version})
    return [str(n) for n in chosen if not any(n != o and n.subnet_of(o) for o in chosen)]


def _set(items: Iterable[str]) -> str:
    return "{ " + ", ".join(dict.fromkeys(items)) + " }"


def _q(name: str) -> str:
    return f'"{name}"'

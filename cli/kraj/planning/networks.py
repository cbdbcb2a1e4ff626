"""Networks, routers and firewall rules from prefixes that are allocated already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType
from typing import Literal

from kraj.model.region import Region
from kraj.model.service import PortSource, ServiceCard
from kraj.planning import addresses
from kraj.planning.documents import AddressScope, Network, Router, Rule, Subnet, SubnetPool
from kraj.planning.naming import Names

Ethertype = Literal["IPv4", "IPv6"]

#: Any address, of both families.
ANYWHERE: tuple[tuple[Ethertype, str], ...] = (("IPv4", "0.0.0.0/0"), ("IPv6", "::/0"))


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The IPv4 and, where the region has it, IPv6 prefix of one network."""

    ipv4: IPv4Network
    ipv6: IPv6Network | None = None

    def each(self) -> tuple[tuple[Ethertype, str], ...]:
        """(ethertype, prefix) of both families."""
        found: list[tuple[Ethertype, str]] = [("IPv4", str(self.ipv4))]
        if self.ipv6 is not None:
            found.append(("IPv6", str(self.ipv6)))
        return tuple(found)


def pool_name(region: Region, version: int) -> str:
    """Name of the centre's subnet pool."""
    return Names(region.naming.prefix, region.name, "tenants").of(f"ipv{version}")


def address_pools(
    region: Region, more: Mapping[int, Sequence[int]] = MappingProxyType({})
) -> tuple[tuple[AddressScope, ...], tuple[SubnetPool, ...]]:
    """One scope and one pool per family: Neutron then refuses overlapping subnets by itself.

    `more` are lengths of further prefixes by family (4, 6).
    """
    scopes, pools = [], []
    plan = region.network
    for version, part in ((4, plan.ipv4), (6, plan.ipv6)):
        if part is None:
            continue
        name = pool_name(region, version)
        tenant = part.tenant_prefix_length if version == 4 else addresses.LONGEST_IPV6
        lengths = (
            _network_length(part.centre_prefix_length, version),
            tenant,
            *more.get(version, ()),
        )
        scopes.append(AddressScope(name=name, ip_version=4 if version == 4 else 6))
        pools.append(
            SubnetPool(
                name=name,
                ip_version=4 if version == 4 else 6,
                prefixes=addresses.usable_prefixes(part),
                default_prefix_length=tenant,
                min_prefix_length=min(lengths),
                max_prefix_length=max(lengths),
                address_scope=name,
                description=f"Networks of {region.title}",
            )
        )
    return tuple(scopes), tuple(pools)


#: The centre's networks: key → number of its prefix inside the centre's.
CENTRE_NETWORKS = {"management": 0, "service": 1, "dmz": 2}


def centre_fits(region: Region) -> bool:
    """Whether the centre's prefixes have room for its networks, each with a block of servers."""
    parts: list[tuple[int, int]] = []
    ipv4, ipv6 = region.network.ipv4, region.network.ipv6
    length = _network_length(ipv4.centre_prefix_length, 4)
    parts.append((ipv4.centre_prefix_length, length))
    if ipv6 is not None:
        parts.append((ipv6.centre_prefix_length, _network_length(ipv6.centre_prefix_length, 6)))
    if any(2 ** (network - centre) < len(CENTRE_NETWORKS) for centre, network in parts):
        return False
    return centre_blocks(region) > 0


def centre_blocks(region: Region) -> int:
    """Blocks of server addresses in each of the centre's networks."""
    length = _network_length(region.network.ipv4.centre_prefix_length, 4)
    return addresses.block_count(IPv4Network((0, length)))


def _network_length(centre_length: int, version: int) -> int:
    """Length of one network inside the centre's prefix: sixteen networks, /64 at most for IPv6."""
    return 64 if version == 6 else min(centre_length + 4, 28)


def centre_prefixes(region: Region, key: str) -> Prefixes:
    """Prefixes of one of the centre's networks."""
    index = CENTRE_NETWORKS[key]
    plan = region.network
    whole = IPv4Network(addresses.centre_prefix(plan.ipv4))
    length = _network_length(plan.ipv4.centre_prefix_length, 4)
    ipv4 = _nth(whole, length, index)
    if plan.ipv6 is None:
        return Prefixes(IPv4Network(ipv4))
    whole6 = IPv6Network(addresses.centre_prefix(plan.ipv6))
    return Prefixes(IPv4Network(ipv4), IPv6Network(_nth(whole6, 64, index)))


def tenant_prefixes(region: Region, allocation: addresses.Allocation) -> Prefixes:
    """The subnets of a tenant's network."""
    # The ledger keeps an IPv6 prefix also while the region has no IPv6.
    ipv6 = allocation.ipv6 if region.network.ipv6 is not None else None
    return Prefixes(allocation.ipv4, addresses.subnet_of(ipv6))


def _nth(whole: addresses.Net, length: int, index: int) -> str:
    step = 1 << (whole.max_prefixlen - length)
    start = whole.network_address + index * step
    return f"{start}/{length}"


def network(
    names: Names, region: Region, key: str, prefixes: Prefixes, *, routed: bool = True
) -> Network:
    """A network with its subnets, attached to the stack's router where `routed`."""
    servers = tuple(str(address) for address in region.network.dns_nameservers)
    return Network(
        key=key,
        name=names.of(key),
        description=f"{key} network of {names.code}",
        ipv4=_subnet(names.of(key, "ipv4"), region, prefixes.ipv4, servers),
        ipv6=(
            _subnet(names.of(key, "ipv6"), region, prefixes.ipv6, servers)
            if prefixes.ipv6
            else None
        ),
        router=names.of("router") if routed else None,
    )


def _subnet(name: str, region: Region, prefix: addresses.Net, nameservers: Sequence[str]) -> Subnet:
    start, end = addresses.dynamic_range(prefix)
    family = [address for address in nameservers if (":" in address) == (prefix.version == 6)]
    return Subnet(
        name=name,
        cidr=str(prefix),
        gateway=addresses.gateway(prefix),
        dns_nameservers=tuple(family),
        allocation_start=start,
        allocation_end=end,
        subnet_pool=pool_name(region, prefix.version),
        ipv6_mode="dhcpv6-stateful" if prefix.version == 6 else None,
    )


def router(names: Names, external_network: str) -> Router:
    """The stack's router to the outside."""
    return Router(name=names.of("router"), external_network=external_network)


# --- rules ----------------------------------------------------------------------------------------


def base_rules(group: str, operators: Iterable[Source]) -> list[Rule]:
    """What every group has: all egress, its own members, and the centre's operators by SSH.

    The cloud's default rules (scs-0115: egress, and ingress from the default group) are replaced by
    these, so that nothing that a cloud adds by default surprises anybody.
    """
    rules = [
        Rule(key="egress-ipv4", direction="egress", ethertype="IPv4", description="All egress"),
        Rule(key="egress-ipv6", direction="egress", ethertype="IPv6", description="All egress"),
    ]
    rules += [
        Rule(
            key=f"members-{ethertype.lower()}",
            ethertype=ethertype,
            remote_group=group,
            description="Servers of the same group",
        )
        for ethertype, _anyone in ANYWHERE
    ]
    for source in operators:
        where = "the bastion" if source.mark == "bastion" else "management"
        rules += [ssh_rule(source, f"Operators, from {where}"), _ping_rule(source, where)]
    return rules


def ssh_rule(source: Source, description: str) -> Rule:
    """SSH from a source."""
    return _ingress(f"ssh-{source.mark}", source.ethertype, "tcp", 22, source.cidr, description)


def _ping_rule(source: Source, where: str) -> Rule:
    icmp = "icmp" if source.ethertype == "IPv4" else "ipv6-icmp"
    words = f"Monitoring, from {where}"
    return _ingress(f"ping-{source.mark}", source.ethertype, icmp, None, source.cidr, words)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a port may be reached from, and what the rule's key says of it."""

    mark: str
    ethertype: Ethertype
    cidr: str


def by_family(sources: Iterable[tuple[Ethertype, str]]) -> tuple[Source, ...]:
    """Sources of which each family has one: the rule keeps its key when the prefix changes."""
    return tuple(Source(family.lower(), family, cidr) for family, cidr in sources)


def source_of(prefix: IPv4Network | IPv6Network) -> Source:
    """A prefix as a source; its rule is called after it."""
    (found,) = by_prefix([("IPv4" if prefix.version == 4 else "IPv6", str(prefix))])
    return found


def by_prefix(sources: Iterable[tuple[Ethertype, str]]) -> tuple[Source, ...]:
    """Sources of which a family may have many: rules of others stay when one comes or goes."""
    return tuple(Source(re.sub(r"[:/]+", "-", cidr), family, cidr) for family, cidr in sources)


def service_rules(
    card: ServiceCard,
    *,
    public: Sequence[Source],
    tenants: Sequence[Source],
    centre: Sequence[Source],
) -> list[Rule]:
    """The service's ports, each from where its card says: who these are is the caller's to say."""
    sources = {
        PortSource.PUBLIC: public,
        PortSource.TENANT: tenants,
        PortSource.CENTRE: centre,
    }
    return [
        _ingress(
            f"{port.name}-{source.mark}",
            source.ethertype,
            port.protocol,
            port.port,
            source.cidr,
            f"{card.name} {port.name}",
        )
        for port in card.ports
        for source in sources[port.source]
    ]


def _ingress(
    key: str, ethertype: Ethertype, protocol: str, port: int | None, prefix: str, description: str
) -> Rule:
    return Rule(
        key=key,
        ethertype=ethertype,
        protocol=protocol,
        port_min=port,
        port_max=port,
        remote_cidr=prefix,
        description=description,
    )

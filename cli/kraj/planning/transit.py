"""How operators reach servers: the bastion, and a network that joins it to each tenant's router.

Tenants' routers lead outside and not into the centre. So the centre has a network, transit, in
which each tenant's router has a port and each bastion a second one. It leads nowhere else, no
project but the centre's may use it, and a tenant's rules admit SSH and ping from the bastions' own
addresses there and from none of the routers beside them.
"""

from __future__ import annotations

from ipaddress import IPv4Network

from kraj.model.region import Region
from kraj.planning import addresses
from kraj.planning.documents import Network, Subnet
from kraj.planning.naming import CENTRE_CODE, Names
from kraj.planning.networks import Ethertype, Source, by_family, centre_prefixes, pool_name

NETWORK = "transit"
#: Its prefix is the last quarter of the centre's, so that there is room for many routers.
_SHORTER_BY = 2
#: Number of the bastions' block of addresses in the networks `management` and `transit`.
BLOCK = 0
#: The first address after that block; those from here on are the routers'.
_FIRST_ROUTER = addresses.FIRST_BLOCK_OFFSET + (BLOCK + 1) * addresses.BLOCK_SIZE


def transit_prefix(region: Region) -> IPv4Network:
    """The prefix of the network; IPv4 alone, which every tenant has."""
    whole = IPv4Network(addresses.centre_prefix(region.network.ipv4))
    length = min(whole.prefixlen + _SHORTER_BY, addresses.LONGEST_IPV4)
    return list(whole.subnets(new_prefix=length))[-1]


def transit_network(names: Names, region: Region) -> Network:
    """The network, in which Neutron chooses the routers' addresses."""
    prefix = transit_prefix(region)
    return Network(
        key=NETWORK,
        name=names.of(NETWORK),
        description=f"{NETWORK} network of {names.code}",
        ipv4=Subnet(
            name=names.of(NETWORK, "ipv4"),
            cidr=str(prefix),
            gateway=None,
            allocation_start=str(prefix[_FIRST_ROUTER]),
            allocation_end=str(prefix[-2]),
            subnet_pool=pool_name(region, 4),
        ),
    )


def network_name(region: Region) -> str:
    """The network's name in the cloud."""
    return Names(region.naming.prefix, region.name, CENTRE_CODE).of(NETWORK)


def routers(region: Region) -> int:
    """How many routers have room in it."""
    return max(0, transit_prefix(region).num_addresses - 1 - _FIRST_ROUTER)


def operators(region: Region) -> tuple[Source, ...]:
    """Where SSH and monitoring come from: the management network, and the bastions."""
    management = by_family(centre_prefixes(region, "management").each())
    if region.centre.bastion is None:
        return management
    start = int(transit_prefix(region)[addresses.FIRST_BLOCK_OFFSET])
    length = 32 - (addresses.BLOCK_SIZE - 1).bit_length()
    family: Ethertype = "IPv4"
    return (*management, Source("bastion", family, str(IPv4Network((start, length)))))

"""Which prefix and which fixed addresses belong to whom: stable for ever, by the ledger.

A tenant is known by its code, never by its name. Once given, a prefix stays: adding, removing or
renaming others moves nothing. A prefix that was given back is kept for its former holder until a
person removes it from the ledger, because old routes and firewall rules of towns may still name it.

Inside a tenant's prefix each service gets a block of `BLOCK_SIZE` addresses in the order in which
the services came; its number is recorded too, so that a new service moves no server of another.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from kraj.errors import KrajError
from kraj.model.address_plan import Ipv4Plan, Ipv6Plan, NetworkPlan
from kraj.planning.errors import BLOCKS_EXHAUSTED, LEDGER_CONFLICT, PREFIXES_EXHAUSTED

IPv4 = ipaddress.IPv4Network
IPv6 = ipaddress.IPv6Network
Net = IPv4 | IPv6

#: First address that servers get: those before belong to gateway, name service and the like.
FIRST_BLOCK_OFFSET = 16
#: Addresses of one service: servers from the first on, its virtual address last.
BLOCK_SIZE = 8
#: Largest number of servers of one service in a tenant: the block without its virtual address.
SERVERS_PER_BLOCK = BLOCK_SIZE - 1


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one tenant holds."""

    name: str  #: slug when it was last seen, for people who review the ledger
    ipv4: IPv4
    ipv6: IPv6 | None = None
    blocks: Mapping[str, int] = field(default_factory=dict)  #: service → number of its block


@dataclass(frozen=True, slots=True)
class Ledger:
    """All allocations of a region: by code, held and released."""

    tenants: Mapping[str, Allocation] = field(default_factory=dict)
    released: Mapping[str, Allocation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """A tenant that needs a prefix."""

    code: str
    name: str
    services: tuple[str, ...] = ()  #: dedicated services, which need a block each


def centre_prefix(plan: Ipv4Plan | Ipv6Plan) -> Net:
    """The centre's prefix: the first of its length in the supernet."""
    supernet: Net = plan.supernet
    return type(supernet)((int(supernet.network_address), plan.centre_prefix_length))


def allocate(plan: NetworkPlan, ledger: Ledger, claims: Iterable[Claim]) -> Ledger:
    """The ledger in which every claim holds a prefix and nobody's has moved.

    Deterministic: the same ledger and the same set of claims give the same result in any order of
    the claims. Raises KRJ201 where a range is exhausted, KRJ202 where the ledger is wrong.
    """
    wanted = {claim.code: claim for claim in claims}
    check_ledger(plan, ledger)
    held = dict(ledger.tenants)
    released = dict(ledger.released)
    for code in sorted(set(held) - set(wanted)):
        released[code] = held.pop(code)
    for code in sorted(wanted):
        if code not in held and code in released:
            held[code] = released.pop(code)
    taken = [*held.values(), *released.values()]
    missing = sorted(set(wanted) - set(held))
    ipv4 = _free(plan.ipv4, (item.ipv4 for item in taken), plan.ipv4.reserved)
    ipv6 = _free(plan.ipv6, (item.ipv6 for item in taken if item.ipv6), ()) if plan.ipv6 else None
    for number, code in enumerate(missing):
        given = IPv4(_next(ipv4, plan.ipv4, number, len(missing)))
        given6 = IPv6(_next(ipv6, plan.ipv6, number, len(missing))) if ipv6 and plan.ipv6 else None
        held[code] = Allocation(wanted[code].name, given, given6)
    return Ledger(
        tenants={code: _current(held[code], wanted[code], ipv6) for code in sorted(held)},
        released={code: released[code] for code in sorted(released)},
    )


def _current(allocation: Allocation, claim: Claim, ipv6: Iterator[Net] | None) -> Allocation:
    """The allocation with today's name, a block per service, and IPv6 where that came later."""
    given = allocation.ipv6
    if given is None and ipv6 is not None:
        found = next(ipv6, None)
        given = found if isinstance(found, IPv6) else None
    blocks = dict(allocation.blocks)
    for service in sorted(claim.services):
        if service not in blocks:
            blocks[service] = next(n for n in range(len(blocks) + 1) if n not in blocks.values())
    room = block_count(allocation.ipv4)
    if blocks and max(blocks.values()) >= room:
        raise KrajError(
            BLOCKS_EXHAUSTED,
            f"{claim.name} orders {len(claim.services)} services with servers; "
            f"{allocation.ipv4} has room for {room}",
        )
    return replace(allocation, name=claim.name, ipv6=given, blocks=dict(sorted(blocks.items())))


def _free(
    plan: Ipv4Plan | Ipv6Plan, taken: Iterable[Net], reserved: Iterable[Net]
) -> Iterator[Net]:
    """Free prefixes of the tenant length, lowest first; skips over taken ranges in one step."""
    occupied = sorted(
        (int(net.network_address), int(net.broadcast_address))
        for net in (centre_prefix(plan), *taken, *reserved)
    )
    step = 1 << (plan.supernet.max_prefixlen - plan.tenant_prefix_length)
    start, end = int(plan.supernet.network_address), int(plan.supernet.broadcast_address)
    index = 0
    while start + step - 1 <= end:
        while index < len(occupied) and occupied[index][1] < start:
            index += 1
        if index < len(occupied) and occupied[index][0] <= start + step - 1:
            # The next start of a tenant prefix behind the range that is in the way.
            start = -(-(occupied[index][1] + 1) // step) * step
            continue
        yield type(plan.supernet)((start, plan.tenant_prefix_length))
        start += step


def _next(free: Iterator[Net], plan: Ipv4Plan | Ipv6Plan, number: int, wanted: int) -> Net:
    found = next(free, None)
    if found is None:
        raise KrajError(
            PREFIXES_EXHAUSTED,
            f"{plan.supernet} has room for {number} more tenants of /{plan.tenant_prefix_length}, "
            f"but {wanted} need one",
            details={"supernet": str(plan.supernet), "fit": number, "wanted": wanted},
        )
    return found


def check_ledger(plan: NetworkPlan, ledger: Ledger) -> None:
    """Raise KRJ202 where a recorded prefix cannot be right."""
    everyone = [*ledger.tenants.items(), *ledger.released.items()]
    doubled = set(ledger.tenants) & set(ledger.released)
    if doubled:
        raise KrajError(LEDGER_CONFLICT, f"{min(doubled)} is both held and released")
    _check_family(plan.ipv4, [(code, item.ipv4) for code, item in everyone], plan.ipv4.reserved)
    if plan.ipv6:
        _check_family(plan.ipv6, [(code, item.ipv6) for code, item in everyone if item.ipv6], ())


def _check_family(
    plan: Ipv4Plan | Ipv6Plan, entries: Iterable[tuple[str, Net]], reserved: Iterable[Net]
) -> None:
    ranges: list[tuple[int, int, str]] = [_range(centre_prefix(plan), "the centre")]
    ranges += [_range(net, f"reserved {net}") for net in reserved]
    outside = _range(plan.supernet, "")
    for code, net in entries:
        low, high, who = _range(net, f"{code} ({net})")
        if low < outside[0] or high > outside[1]:
            raise KrajError(LEDGER_CONFLICT, f"{who} lies outside the supernet {plan.supernet}")
        ranges.append((low, high, who))
    ranges.sort()
    for (_low, high, who), (low, _high, other) in pairwise(ranges):
        if low <= high and not (who.startswith("reserved") and other.startswith("reserved")):
            raise KrajError(LEDGER_CONFLICT, f"{other} overlaps {who}")


def _range(net: Net, who: str) -> tuple[int, int, str]:
    return int(net.network_address), int(net.broadcast_address), who


# --- inside a prefix ------------------------------------------------------------------------------


def block_count(prefix: IPv4) -> int:
    """Blocks for services in a prefix: between the first addresses and its upper half."""
    return max(0, (prefix.num_addresses // 2 - FIRST_BLOCK_OFFSET) // BLOCK_SIZE)


def server_address(prefix: Net, block: int, number: int) -> str:
    """Fixed address of server `number` (from 0) of the service with that block."""
    return str(prefix[FIRST_BLOCK_OFFSET + block * BLOCK_SIZE + number])


def virtual_address(prefix: Net, block: int) -> str:
    """Address of the service as a whole: the last of its block."""
    return str(prefix[FIRST_BLOCK_OFFSET + block * BLOCK_SIZE + BLOCK_SIZE - 1])


def gateway(prefix: Net) -> str:
    return str(prefix[1])


def dynamic_range(prefix: Net) -> tuple[str, str]:
    """What Neutron may hand out by itself: the upper half, or 32,768 addresses from ::8000."""
    if isinstance(prefix, IPv6):
        return str(prefix[0x8000]), str(prefix[0xFFFF])
    return str(prefix[prefix.num_addresses // 2]), str(prefix[prefix.num_addresses - 2])


def usable_prefixes(plan: Ipv4Plan | Ipv6Plan) -> tuple[str, ...]:
    """The supernet without the ranges that are reserved for others, for the cloud's subnet pool."""
    parts: list[Net] = [plan.supernet]
    reserved: tuple[Net, ...] = plan.reserved if isinstance(plan, Ipv4Plan) else ()
    for hole in reserved:
        parts = [piece for part in parts for piece in _without(part, hole)]
    return tuple(str(part) for part in sorted(parts, key=lambda net: int(net.network_address)))


def _without(part: Net, hole: Net) -> list[Net]:
    if isinstance(part, IPv4) and isinstance(hole, IPv4) and part.overlaps(hole):
        if hole.supernet_of(part):
            return []
        return list(part.address_exclude(hole))
    return [part]

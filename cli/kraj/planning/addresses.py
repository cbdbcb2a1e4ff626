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
from itertools import islice, pairwise

from kraj.errors import KrajError, KrajErrors
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
#: Longest prefixes that hold a network: a gateway and what Neutron hands out by itself.
LONGEST_IPV4, LONGEST_IPV6 = 28, 64


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one tenant holds."""

    name: str  #: slug when it was last seen, for people who review the ledger
    ipv4: IPv4
    ipv6: IPv6 | None = None
    blocks: Mapping[str, int] = field(default_factory=dict)  #: service → number of its block


@dataclass(frozen=True, slots=True)
class CentreRecord:
    """What the shared services hold in the centre, by service."""

    blocks: Mapping[str, int] = field(default_factory=dict)  #: number of its block of addresses
    #: Size of the volume with all tenants' parts: Cinder makes no volume smaller.
    reserved_gib: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ledger:
    """All allocations of a region: by code, held and released, and the shared services'."""

    tenants: Mapping[str, Allocation] = field(default_factory=dict)
    released: Mapping[str, Allocation] = field(default_factory=dict)
    centre: CentreRecord = CentreRecord()


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
    the claims. Raises KrajErrors with all of KRJ202 where the ledger is wrong, else with all of
    KRJ201 where a range is exhausted, else with all of KRJ204; their `details` name what to locate:
    the `entry` of the ledger, the address `family`, the `tenant`.
    """
    wanted = {claim.code: claim for claim in claims}
    _raise_any(ledger_faults(plan, ledger))
    held = dict(ledger.tenants)
    released = dict(ledger.released)
    for code in sorted(set(held) - set(wanted)):
        released[code] = held.pop(code)
    for code in sorted(wanted):
        if code not in held and code in released:
            held[code] = released.pop(code)
    taken = [*held.values(), *released.values()]
    short: list[KrajError] = []
    ipv4 = _take(
        short,
        plan.ipv4,
        (item.ipv4 for item in taken),
        [code for code in sorted(wanted) if code not in held],
        len(released),
    )
    ipv6: Mapping[str, Net] = {}
    if plan.ipv6 is not None:
        without = [code for code in sorted(wanted) if code not in held or held[code].ipv6 is None]
        used = (item.ipv6 for item in taken if item.ipv6 is not None)
        ipv6 = _take(short, plan.ipv6, used, without, len(released))
    _raise_any(short)
    for code, prefix in ipv4.items():
        held[code] = Allocation(wanted[code].name, IPv4(prefix))
    for code, prefix in ipv6.items():
        held[code] = replace(held[code], ipv6=IPv6(prefix))
    current = {code: _current(held[code], wanted[code]) for code in sorted(held)}
    _raise_any(_overfull(current))
    return Ledger(
        tenants=current,
        released={code: released[code] for code in sorted(released)},
        centre=ledger.centre,
    )


def _current(allocation: Allocation, claim: Claim) -> Allocation:
    """The allocation with today's name and a block per service."""
    blocks = with_blocks(allocation.blocks, claim.services, first=0)
    return replace(allocation, name=claim.name, blocks=blocks)


def _overfull(tenants: Mapping[str, Allocation]) -> Iterator[KrajError]:
    """KRJ204 for each tenant whose blocks reach beyond its prefix."""
    for item in tenants.values():
        room = block_count(item.ipv4)
        if item.blocks and max(item.blocks.values()) >= room:
            yield KrajError(
                BLOCKS_EXHAUSTED,
                f"{item.name} has blocks of addresses for {', '.join(item.blocks)}; "
                f"{item.ipv4} has room for {room}",
                details={"tenant": item.name, "prefix": str(item.ipv4), "room": room},
            )


def _raise_any(errors: Iterable[KrajError]) -> None:
    found = list(errors)
    if found:
        raise KrajErrors(found)


def record_centre(ledger: Ledger, reserved_gib: Mapping[str, int], room: int) -> Ledger:
    """The ledger with a block for each shared service, and volumes that never shrink.

    `reserved_gib` is what all tenants together have reserved in each shared service that anybody
    orders; `room` is the number of blocks in the centre's service network, whose first one is the
    database's. A service that nobody orders any more keeps its block and loses its volume. Raises
    KRJ204 where the network is full.
    """
    centre = ledger.centre
    blocks = with_blocks(centre.blocks, sorted(reserved_gib), first=1)
    if blocks and max(blocks.values()) >= room:
        raise KrajError(
            BLOCKS_EXHAUSTED,
            f"the centre's service network has room for the database and {room - 1} shared "
            f"services; there are {', '.join(blocks)}",
            hint="Shorten centre_prefix_length in region.yaml before the centre is provisioned.",
        )
    volumes = {
        service: max(gib, centre.reserved_gib.get(service, 0))
        for service, gib in sorted(reserved_gib.items())
    }
    return replace(ledger, centre=CentreRecord(blocks, volumes))


def with_blocks(held: Mapping[str, int], services: Iterable[str], *, first: int) -> dict[str, int]:
    """The blocks held, and the lowest free one from `first` on for each service without one."""
    blocks = dict(held)
    for service in sorted(services):
        if service not in blocks:
            numbers = set(blocks.values())
            blocks[service] = next(
                n for n in range(first, first + len(blocks) + 1) if n not in numbers
            )
    return dict(sorted(blocks.items()))


def _take(
    short: list[KrajError],
    plan: Ipv4Plan | Ipv6Plan,
    taken: Iterable[Net],
    codes: list[str],
    released: int,
) -> dict[str, Net]:
    """A free prefix for each code, lowest first. Adds KRJ201 to `short` where there are too few."""
    found = list(islice(_free(plan, taken), len(codes)))
    if len(found) < len(codes):
        waiting = f"; {released} released ones wait for their former holders" if released else ""
        error = KrajError(
            PREFIXES_EXHAUSTED,
            f"{plan.supernet} has room for {len(found)} more tenants of "
            f"/{plan.tenant_prefix_length}, but {len(codes)} need one{waiting}",
            details={
                "family": f"ipv{plan.supernet.version}",
                "supernet": str(plan.supernet),
                "fit": len(found),
                "wanted": len(codes),
                "released": released,
            },
        )
        short.append(error)
    return dict(zip(codes, found, strict=False))


def _free(plan: Ipv4Plan | Ipv6Plan, taken: Iterable[Net]) -> Iterator[Net]:
    """Free prefixes of the tenant length, lowest first; skips over taken ranges in one step."""
    occupied = sorted(
        (int(net.network_address), int(net.broadcast_address))
        for net in (centre_prefix(plan), *taken, *_reserved(plan))
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


def _reserved(plan: Ipv4Plan | Ipv6Plan) -> tuple[Net, ...]:
    return plan.reserved if isinstance(plan, Ipv4Plan) else ()


# --- what a ledger must not say -------------------------------------------------------------------


def ledger_faults(plan: NetworkPlan, ledger: Ledger) -> Iterator[KrajError]:
    """KRJ202 for everything recorded that cannot be right."""
    everyone = [*ledger.tenants.items(), *ledger.released.items()]
    for code in sorted(set(ledger.tenants) & set(ledger.released)):
        yield _conflict(code, f"{code} is both held and released")
    yield from _family_faults(plan.ipv4, [(code, item.ipv4) for code, item in everyone])
    if plan.ipv6:
        given = [(code, item.ipv6) for code, item in everyone if item.ipv6]
        yield from _family_faults(plan.ipv6, given)
    for code, item in everyone:
        yield from _block_faults(code, code, item.blocks)
    yield from _block_faults("the centre", "", ledger.centre.blocks)
    if 0 in ledger.centre.blocks.values():
        yield _conflict("", "block 0 of the centre belongs to the database")


def _conflict(entry: str, message: str) -> KrajError:
    """`entry` is the code in the ledger, empty for the centre's."""
    return KrajError(LEDGER_CONFLICT, message, details={"entry": entry})


def _block_faults(who: str, entry: str, blocks: Mapping[str, int]) -> Iterator[KrajError]:
    owners: dict[int, str] = {}
    for service, number in sorted(blocks.items()):
        if number < 0:
            yield _conflict(entry, f"{who} has block {number} for {service}")
        other = owners.setdefault(number, service)
        if other != service:
            yield _conflict(entry, f"{who} has block {number} for both {other} and {service}")


def _family_faults(
    plan: Ipv4Plan | Ipv6Plan, entries: Iterable[tuple[str, Net]]
) -> Iterator[KrajError]:
    ranges: list[tuple[int, int, str, str]] = [_range(centre_prefix(plan), "the centre")]
    ranges += [_range(net, f"reserved {net}") for net in _reserved(plan)]
    outside = _range(plan.supernet, "")
    longest = LONGEST_IPV4 if plan.supernet.version == 4 else LONGEST_IPV6
    for code, net in entries:
        low, high, who, _ = _range(net, f"{code} ({net})")
        if low < outside[0] or high > outside[1]:
            yield _conflict(code, f"{who} lies outside the supernet {plan.supernet}")
        if net.prefixlen > longest:
            yield _conflict(code, f"{who} is too small: /{longest} at most")
        ranges.append((low, high, who, code))
    ranges.sort()
    for (_low, high, who, before), (low, _high, other, code) in pairwise(ranges):
        if low <= high and (before or code):
            yield _conflict(code or before, f"{other} overlaps {who}")


def _range(net: Net, who: str) -> tuple[int, int, str, str]:
    """First and last address, whose it is in words, and no entry of the ledger."""
    return int(net.network_address), int(net.broadcast_address), who, ""


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


def subnet_of(prefix: IPv6 | None) -> IPv6 | None:
    """The subnet in a tenant's IPv6 prefix: its first /64, the length of all (RFC 4291, 2.5.1)."""
    if prefix is None or prefix.prefixlen >= LONGEST_IPV6:
        return prefix
    return IPv6((int(prefix.network_address), LONGEST_IPV6))


def gateway(prefix: Net) -> str:
    """The router's address in a network."""
    return str(prefix[1])


def dynamic_range(prefix: Net) -> tuple[str, str]:
    """What Neutron may hand out by itself: the upper half, or 32,768 addresses from ::8000."""
    if isinstance(prefix, IPv6):
        return str(prefix[0x8000]), str(prefix[0xFFFF])
    return str(prefix[prefix.num_addresses // 2]), str(prefix[prefix.num_addresses - 2])


def usable_prefixes(plan: Ipv4Plan | Ipv6Plan) -> tuple[str, ...]:
    """The supernet without the ranges that are reserved for others, for the cloud's subnet pool."""
    parts: list[Net] = [plan.supernet]
    for hole in _reserved(plan):
        parts = [piece for part in parts for piece in _without(part, hole)]
    return tuple(str(part) for part in sorted(parts, key=lambda net: int(net.network_address)))


def _without(part: Net, hole: Net) -> list[Net]:
    if isinstance(part, IPv4) and isinstance(hole, IPv4) and part.overlaps(hole):
        if hole.supernet_of(part):
            return []
        return list(part.address_exclude(hole))
    return [part]

"""Prefixes never move and never overlap, whatever comes and goes."""

from __future__ import annotations

import ipaddress
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraj.errors import KrajError, KrajErrors
from kraj.model.address_plan import FloatingPlan, Ipv4Plan, Ipv6Plan, NetworkPlan
from kraj.planning.addresses import (
    Allocation,
    Claim,
    Ledger,
    allocate,
    block_count,
    centre_prefix,
    dynamic_range,
    record_centre,
    server_address,
    subnet_of,
    usable_prefixes,
    virtual_address,
)
from kraj.planning.ledger import ledger_to_text

PLAN = NetworkPlan(
    ipv4=Ipv4Plan(
        supernet=ipaddress.IPv4Network("10.64.0.0/16"),
        centre_prefix_length=20,
        tenant_prefix_length=24,
        reserved=(ipaddress.IPv4Network("10.64.32.0/22"),),
    ),
    ipv6=Ipv6Plan(
        supernet=ipaddress.IPv6Network("fd4c:5a05:1000::/44"),
        centre_prefix_length=56,
        tenant_prefix_length=64,
    ),
    floating=FloatingPlan(ipv4=ipaddress.IPv4Network("203.0.113.0/24"), usable=200),
)
CODES = st.sampled_from([f"5{number:05}" for number in range(40)])
SERVICES = st.sets(st.sampled_from(["archive", "map", "records", "portal"])).map(
    lambda names: tuple(sorted(names))
)
CLAIMS = st.dictionaries(CODES, st.tuples(st.text("abc", min_size=1, max_size=5), SERVICES))


def claims(wanted: dict[str, tuple[str, tuple[str, ...]]]) -> list[Claim]:
    return [Claim(code, name, services) for code, (name, services) in wanted.items()]


@given(st.lists(CLAIMS, min_size=1, max_size=6))
def test_no_sequence_of_changes_moves_a_prefix_or_an_address(
    history: list[dict[str, tuple[str, tuple[str, ...]]]],
) -> None:
    ledger = Ledger()
    first_seen: dict[str, Allocation] = {}
    for wanted in history:
        ledger = allocate(PLAN, ledger, claims(wanted))
        assert set(ledger.tenants) == set(wanted)
        for code, allocation in ledger.tenants.items():
            before = first_seen.setdefault(code, allocation)
            assert (allocation.ipv4, allocation.ipv6) == (before.ipv4, before.ipv6)
            for service, block in before.blocks.items():
                assert allocation.blocks[service] == block
            first_seen[code] = allocation


@given(st.lists(CLAIMS, min_size=1, max_size=6))
def test_no_two_ranges_ever_overlap(
    history: list[dict[str, tuple[str, tuple[str, ...]]]],
) -> None:
    ledger = Ledger()
    for wanted in history:
        ledger = allocate(PLAN, ledger, claims(wanted))
        everyone = [*ledger.tenants.values(), *ledger.released.values()]
        ipv4 = [item.ipv4 for item in everyone]
        ipv4 += [*PLAN.ipv4.reserved, ipaddress.IPv4Network(centre_prefix(PLAN.ipv4))]
        ipv6 = [item.ipv6 for item in everyone if item.ipv6 is not None]
        for one, other in itertools.combinations(ipv4, 2):
            assert not one.overlaps(other)
        for one6, other6 in itertools.combinations(ipv6, 2):
            assert not one6.overlaps(other6)


@given(CLAIMS)
def test_the_order_of_the_files_does_not_matter(
    wanted: dict[str, tuple[str, tuple[str, ...]]],
) -> None:
    forwards = allocate(PLAN, Ledger(), claims(wanted))
    backwards = allocate(PLAN, Ledger(), reversed(claims(wanted)))
    assert forwards == backwards
    assert ledger_to_text(forwards) == ledger_to_text(backwards)


def test_a_released_prefix_waits_for_its_former_holder() -> None:
    both = allocate(PLAN, Ledger(), [Claim("1", "a"), Claim("2", "b")])
    one = allocate(PLAN, both, [Claim("2", "b")])
    newcomer = allocate(PLAN, one, [Claim("2", "b"), Claim("3", "c")])
    assert newcomer.tenants["3"].ipv4 != both.tenants["1"].ipv4
    back = allocate(PLAN, newcomer, [Claim("1", "a"), Claim("2", "b"), Claim("3", "c")])
    assert back.tenants["1"].ipv4 == both.tenants["1"].ipv4


def test_reserved_ranges_are_stepped_over() -> None:
    ledger = allocate(PLAN, Ledger(), [Claim(f"{n:03}", "x") for n in range(60)])
    thirds = [item.ipv4.network_address.packed[2] for item in ledger.tenants.values()]
    assert thirds == [*range(16, 32), *range(36, 80)]


def test_exhaustion_names_the_room_that_is_left() -> None:
    with pytest.raises(KrajErrors, match="room for 236 more tenants of /24, but 240 need one"):
        allocate(PLAN, Ledger(), [Claim(f"{n:03}", "x") for n in range(240)])


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("10.65.0.0/24", "outside the supernet"),
        ("10.64.3.0/24", "overlaps the centre"),
        ("10.64.33.0/24", "overlaps reserved"),
        ("10.64.16.0/24", "overlaps 000001"),
    ],
)
def test_a_ledger_that_contradicts_the_plan_is_refused(prefix: str, message: str) -> None:
    ledger = Ledger(
        {
            "000001": Allocation("a", ipaddress.IPv4Network("10.64.16.0/24")),
            "000002": Allocation("b", ipaddress.IPv4Network(prefix)),
        }
    )
    with pytest.raises(KrajErrors, match=message) as caught:
        allocate(PLAN, ledger, [])
    assert caught.value.errors[0].code.code == "KRJ202"


def test_too_many_services_for_a_prefix_are_refused() -> None:
    small = PLAN.model_copy(
        update={"ipv4": PLAN.ipv4.model_copy(update={"tenant_prefix_length": 26})}
    )
    with pytest.raises(KrajErrors, match="room for 2"):
        allocate(small, Ledger(), [Claim("1", "a", ("archive", "map", "records"))])


@given(st.integers(min_value=0, max_value=13), st.integers(min_value=0, max_value=6))
def test_addresses_of_blocks_stay_below_what_neutron_hands_out(block: int, number: int) -> None:
    prefix = ipaddress.IPv4Network("10.64.16.0/24")
    assert block_count(prefix) == 14
    low = ipaddress.IPv4Address(dynamic_range(prefix)[0])
    server = ipaddress.IPv4Address(server_address(prefix, block, number))
    virtual = ipaddress.IPv4Address(virtual_address(prefix, block))
    assert prefix[1] < server < virtual < low


def test_the_subnet_pool_has_everything_but_the_reserved_ranges() -> None:
    parts = [ipaddress.IPv4Network(text) for text in usable_prefixes(PLAN.ipv4)]
    assert sum(part.num_addresses for part in parts) == 65536 - 1024
    assert not any(part.overlaps(PLAN.ipv4.reserved[0]) for part in parts)


def test_exhaustion_tells_of_released_prefixes() -> None:
    ledger = allocate(PLAN, Ledger(), [Claim(f"{n:03}", "x") for n in range(10)])
    with pytest.raises(KrajErrors, match="10 released ones wait for their former holders"):
        allocate(PLAN, ledger, [Claim(f"{n:03}", "x") for n in range(100, 340)])


def test_all_that_is_exhausted_and_all_that_is_wrong_is_told() -> None:
    narrow = Ipv6Plan(
        supernet=ipaddress.IPv6Network("fd4c:5a05:1000::/60"),
        centre_prefix_length=62,
        tenant_prefix_length=64,
    )
    everyone = [Claim(f"{n:03}", "x") for n in range(240)]
    with pytest.raises(KrajErrors) as caught:
        allocate(PLAN.model_copy(update={"ipv6": narrow}), Ledger(), everyone)
    assert [error.details["family"] for error in caught.value.errors] == ["ipv4", "ipv6"]
    outside = ipaddress.IPv4Network("10.65.0.0/24")
    wrong = {"1": Allocation("a", outside, blocks={"map": -1}), "2": Allocation("b", outside)}
    with pytest.raises(KrajErrors) as caught:
        allocate(PLAN, Ledger(wrong), everyone)
    assert [error.details["entry"] for error in caught.value.errors] == ["1", "2", "2", "1"]


def test_ipv6_that_comes_later_is_given_to_all_or_refused() -> None:
    everyone = [Claim(f"{n:03}", "x") for n in range(30)]
    before = allocate(PLAN.model_copy(update={"ipv6": None}), Ledger(), everyone)
    after = allocate(PLAN, before, everyone)
    assert len({item.ipv6 for item in after.tenants.values()} - {None}) == 30
    assert [item.ipv4 for item in after.tenants.values()] == [
        item.ipv4 for item in before.tenants.values()
    ]
    narrow = Ipv6Plan(
        supernet=ipaddress.IPv6Network("fd4c:5a05:1000::/60"),
        centre_prefix_length=62,
        tenant_prefix_length=64,
    )
    with pytest.raises(KrajErrors, match="room for 12 more tenants of /64, but 30 need one"):
        allocate(PLAN.model_copy(update={"ipv6": narrow}), before, everyone)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [({"map": 0, "records": 0}, "block 0 for both map and records"), ({"map": -1}, "block -1")],
)
def test_blocks_that_two_services_share_are_refused(blocks: dict[str, int], message: str) -> None:
    allocation = Allocation("a", ipaddress.IPv4Network("10.64.16.0/24"), blocks=blocks)
    with pytest.raises(KrajErrors, match=message):
        allocate(PLAN, Ledger({"000001": allocation}), [])


def test_a_recorded_prefix_without_room_for_a_network_is_refused() -> None:
    ledger = Ledger({"000001": Allocation("a", ipaddress.IPv4Network("10.64.16.0/32"))})
    with pytest.raises(KrajErrors, match="is too small: /28 at most"):
        allocate(PLAN, ledger, [Claim("000001", "a")])


SHARED = st.dictionaries(st.sampled_from(["accounting", "archive", "map"]), st.integers(0, 900))


@given(st.lists(SHARED, max_size=6))
def test_shared_services_keep_their_blocks_and_their_volumes_never_shrink(
    history: list[dict[str, int]],
) -> None:
    ledger = Ledger()
    blocks: dict[str, int] = {}
    for reserved in history:
        before = ledger.centre
        ledger = record_centre(ledger, reserved, room=14)
        blocks = {**ledger.centre.blocks, **blocks}
        assert dict(ledger.centre.blocks) == blocks
        assert len(set(blocks.values()) | {0}) == len(blocks) + 1
        assert set(ledger.centre.reserved_gib) == set(reserved)
        for service, gib in reserved.items():
            assert ledger.centre.reserved_gib[service] >= gib
            assert ledger.centre.reserved_gib[service] >= before.reserved_gib.get(service, 0)


def test_more_shared_services_than_the_centre_has_room_for_are_refused() -> None:
    with pytest.raises(KrajError, match="room for the database and 1 shared services"):
        record_centre(Ledger(), {"archive": 5, "map": 5}, room=2)


def test_the_subnet_of_a_short_ipv6_prefix_is_its_first_64() -> None:
    assert str(subnet_of(ipaddress.IPv6Network("fd4c:5a05:1000:100::/56"))) == (
        "fd4c:5a05:1000:100::/64"
    )
    assert subnet_of(None) is None

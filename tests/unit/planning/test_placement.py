"""Servers of a service stand apart, and the first ones of many towns do not all stand together."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from kraj.planning.placement import policy_for, zones_for

ZONES = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True)


@given(st.text(max_size=12), st.integers(0, 7), ZONES)
def test_no_zone_has_two_servers_more_than_another(key: str, count: int, zones: list[str]) -> None:
    placed = Counter(zones_for(key, count, zones))
    assert sum(placed.values()) == count
    numbers = [placed[zone] for zone in zones]
    assert max(numbers) - min(numbers) <= 1
    assert zones_for(key, count, zones) == zones_for(key, count, zones)


def test_single_servers_of_many_towns_are_spread_evenly() -> None:
    firsts = Counter(zones_for(f"{500000 + n}/map", 1, ["a", "b"])[0] for n in range(2000))
    assert 900 < firsts["a"] < 1100


def test_without_zones_the_scheduler_chooses() -> None:
    assert zones_for("x", 2, []) == (None, None)


def test_a_cluster_is_kept_apart_strictly_and_a_large_pool_as_far_as_possible() -> None:
    assert [policy_for(count) for count in (1, 3, 4)] == [
        "anti-affinity",
        "anti-affinity",
        "soft-anti-affinity",
    ]

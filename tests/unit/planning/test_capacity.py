"""The ledger's invariant, its refusals, and cases at which such ledgers have failed elsewhere."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from kraj.model.units import Size
from kraj.planning.capacity import (
    RAM,
    VCPUS,
    Demand,
    Request,
    capacity_report,
    limits_of,
    refusals,
)
from tests.unit.planning.regions import example_region

REGION = example_region().region
AMOUNTS = st.fixed_dictionaries(
    {
        "pool:fast": st.integers(0, 4000),
        "pool:archive": st.integers(0, 6000),
        VCPUS: st.integers(0, 2000),
    }
)


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=8), AMOUNTS)
def test_accepted_promises_never_exceed_what_may_be_promised(
    orders: list[tuple[dict[str, int], dict[str, int]]], centre: dict[str, int]
) -> None:
    requests = [
        Request(str(number), Demand(committed), Demand(used))
        for number, (committed, used) in enumerate(orders)
    ]
    refused = {error.message.split()[0] for error in refusals(REGION, Demand(centre), requests)}
    accepted = [item.counted for item in requests if item.label not in refused]
    report = capacity_report(REGION, Demand(centre), accepted)
    for row in report.rows:
        assert row.free >= 0 or row.reserved > row.limit or row.allocated == 0


def test_16_tb_and_16_tib_are_different_numbers() -> None:
    assert Size.parse("16 TB").gib == 14901
    assert Size.parse("16 TiB").gib == 16384


def test_overcommit_and_headroom_make_the_limit() -> None:
    bulk = next(row for row in limits_of(REGION) if row.resource == "pool:bulk")
    # 8 TB = 7,450 GiB, a fifth more may be promised, a tenth of that is kept free.
    assert (bulk.capacity, bulk.headroom, bulk.limit) == (7450, 894, 8046)


def test_a_refusal_says_what_would_fit_and_where_the_order_stands() -> None:
    requests = [
        Request("old", Demand({"pool:fast": 2000})),
        Request("new", Demand({"pool:fast": 900, RAM: 4096})),
    ]
    (error,) = refusals(REGION, Demand({"pool:fast": 100}), requests)
    assert error.message == (
        "new needs 900 GiB of storage pool fast; the largest that fits is 413 GiB"
    )
    assert error.details["largest_fit"] == 413


def test_older_tenants_are_served_first() -> None:
    requests = [Request("old", Demand({VCPUS: 1300})), Request("new", Demand({VCPUS: 6}))]
    assert [error.message.split()[0] for error in refusals(REGION, Demand(), requests)] == ["new"]


def test_usage_beyond_the_commitment_counts() -> None:
    requests = [
        Request("grown", Demand({"pool:fast": 10}), used=Demand({"pool:fast": 2510})),
        Request("new", Demand({"pool:fast": 4})),
    ]
    assert [error.message.split()[0] for error in refusals(REGION, Demand(), requests)] == ["new"]


def test_an_empty_pool_divides_nothing_by_zero() -> None:
    pool = REGION.storage.pools[0].model_copy(update={"capacity": Size(0)})
    storage = REGION.storage.model_copy(update={"pools": (pool, *REGION.storage.pools[1:])})
    region = REGION.model_copy(update={"storage": storage})
    report = capacity_report(region, Demand(), [])
    assert report["pool:fast"].used_percent is None
    assert list(refusals(region, Demand(), [Request("a", Demand({"pool:bulk": 1}))])) == []


def test_a_centre_that_does_not_fit_is_refused_by_its_name() -> None:
    (error,) = refusals(REGION, Demand({VCPUS: 5000}), [])
    assert error.message.startswith("the centre itself needs 5,000 vCPU")


@example(100, 115)  # 114.99999999999999 in binary floats
@given(st.integers(0, 10**6), st.integers(1, 400))
def test_overcommit_is_counted_as_it_is_written(capacity: int, hundredths: int) -> None:
    pool = REGION.storage.pools[0].model_copy(
        update={
            "capacity": Size.from_gib(capacity),
            "overcommit": hundredths / 100,
            "headroom_percent": 0,
        }
    )
    storage = REGION.storage.model_copy(update={"pools": (pool, *REGION.storage.pools[1:])})
    row = limits_of(REGION.model_copy(update={"storage": storage}))[0]
    assert row.limit == capacity * hundredths // 100

"""What orders cost: the capacity that planning counts, times the price book."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.model.loader import RegionFiles
from kraj.model.prices import PriceBook, ServicePrice
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from kraj.planning.quote import NETWORK, Quote, quote_tenant, rounded
from tests.unit.planning.regions import CLOUD, PLAIN_CLOUD, change_tenant, small_region

TOWN = "zelezny-brod"
PRICES = PriceBook(
    currency="CZK",
    vat_percent=Decimal(21),
    vcpu=Decimal(100),
    ram_gib=Decimal(10),
    storage_gib={"fast": Decimal("3.25"), "bulk": Decimal(1), "archive": Decimal("0.5")},
    floating_address=Decimal(50),
    services={"map": ServicePrice(once=Decimal(8000), monthly=Decimal("1700.50"))},
)


def priced(files: RegionFiles, prices: PriceBook | None = PRICES) -> RegionFiles:
    return dataclasses.replace(files, region=files.region.model_copy(update={"prices": prices}))


def quoted(files: RegionFiles) -> Quote:
    priced_files = priced(files)
    return quote_tenant(priced_files, plan_region(priced_files, Ledger(), CLOUD), TOWN)


def lines(quote: Quote, service: str) -> dict[str, tuple[Decimal, Decimal]]:
    return {
        line.what: (line.amount, line.monthly) for line in quote.lines if line.service == service
    }


def test_own_servers_cost_their_processors_memory_volumes_and_address(tmp_path: Path) -> None:
    quote = quoted(small_region(tmp_path, TOWN))
    assert lines(quote, "records") == {
        "vCPU": (4, 400),
        "memory": (8, 80),
        "address": (1, 50),
        "storage fast": (40, 130),
        "storage bulk": (80, 80),
    }
    assert lines(quote, "map")["service"] == (1, Decimal("1700.50"))


def test_a_shared_service_costs_the_part_that_is_reserved(tmp_path: Path) -> None:
    assert lines(quoted(small_region(tmp_path, TOWN)), "archive") == {"storage archive": (50, 25)}


def test_the_sum_of_the_lines_is_what_planning_counts(tmp_path: Path) -> None:
    files = priced(small_region(tmp_path, TOWN))
    plan = plan_region(files, Ledger(), CLOUD)
    quote = quote_tenant(files, plan, TOWN)
    counted = plan.demands[f"tenant:{TOWN}"]
    totals: dict[str, Decimal] = {}
    for line in quote.lines:
        totals[line.what] = totals.get(line.what, Decimal(0)) + line.amount
    assert totals["vCPU"] == counted["vcpus"]
    assert totals["memory"] == Decimal(counted["ram"]) / 1024
    assert totals["address"] == counted["floating_addresses"]
    for pool in ("fast", "bulk", "archive"):
        assert totals[f"storage {pool}"] == counted[f"pool:{pool}"]


def test_the_router_and_limits_above_the_orders_are_paid_too(tmp_path: Path) -> None:
    files = small_region(tmp_path, TOWN)
    assert lines(quoted(files), NETWORK) == {"address": (1, 50)}
    more = change_tenant(files, TOWN, quota={"cores": 20, "pools": {"fast": "200 GiB"}})
    assert lines(quoted(more), NETWORK) == {
        "vCPU": (12, 1200),
        "address": (1, 50),
        "storage fast": (100, 325),
    }


def test_totals_are_exact_and_tax_is_added(tmp_path: Path) -> None:
    quote = quoted(small_region(tmp_path, TOWN))
    assert quote.once == 8000
    assert quote.monthly == Decimal("3240.50")
    assert quote.yearly == Decimal("38886.00")
    assert quote.with_vat(quote.monthly) == Decimal("3921.01")  # 3921.005, half up
    assert rounded(Decimal("0.005")) == Decimal("0.01")


def test_a_quote_does_not_depend_on_what_the_cloud_offers(tmp_path: Path) -> None:
    files = priced(small_region(tmp_path, TOWN))
    plain = quote_tenant(files, plan_region(files, Ledger(), PLAIN_CLOUD), TOWN)
    assert plain == quoted(files)


def test_without_a_price_book_the_error_says_where_it_belongs(tmp_path: Path) -> None:
    files = priced(small_region(tmp_path, TOWN), None)
    with pytest.raises(KrajError) as caught:
        quote_tenant(files, plan_region(files, Ledger(), CLOUD), TOWN)
    assert caught.value.code.code == "KRJ240"

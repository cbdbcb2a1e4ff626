"""What one tenant's file would mean, before anything is built."""

from __future__ import annotations

from pathlib import Path

from kraj.model.loader import RegionFiles
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from kraj.planning.tenant_check import TenantCheck, check_tenant
from tests.unit.planning.regions import CLOUD, change_tenant, small_region, with_parts

TOWN, NEIGHBOUR = "zelezny-brod", "liberec"


def checked(files: RegionFiles, slug: str = TOWN, ledger: Ledger | None = None) -> TenantCheck:
    recorded = ledger or Ledger()
    return check_tenant(files, plan_region(files, recorded, CLOUD, may_exceed=True), recorded, slug)


def with_pool(files: RegionFiles, name: str, gib: int) -> RegionFiles:
    """The region with one storage pool of another size."""
    storage = files.region.storage
    pools = tuple(
        pool.model_copy(update={"capacity": pool.capacity.from_gib(gib)})
        if pool.name == name
        else pool
        for pool in storage.pools
    )
    storage = storage.model_copy(update={"pools": pools})
    return with_parts(files, region=files.region.model_copy(update={"storage": storage}))


def test_what_a_town_takes_is_compared_with_what_is_free_for_it(tmp_path: Path) -> None:
    files = small_region(tmp_path, TOWN, NEIGHBOUR)
    check = checked(files)
    assert (check.title, check.passed, check.refusals) == ("Železný Brod", True, ())
    rows = plan_region(files, Ledger(), CLOUD).capacity
    for fit in check.fits:
        row = rows[fit.resource]
        assert fit.free - fit.ordered == row.free
        assert fit.limit == row.limit
    assert {fit.resource for fit in check.fits} >= {"vcpus", "ram", "pool:fast", "pool:archive"}
    alone = checked(small_region(tmp_path / "alone", TOWN))
    assert all(one.free >= with_.free for one, with_ in zip(alone.fits, check.fits, strict=True))


def test_what_is_made_is_counted_by_service(tmp_path: Path) -> None:
    check = checked(small_region(tmp_path, TOWN))
    servers = {made.service: (made.count, made.flavor, made.zones) for made in check.servers}
    assert servers == {
        "records": (2, "SCS-2V-4", ("site-a", "site-b")),
        "map": (2, "SCS-2V-4", ("site-a", "site-b")),
    }
    assert check.shared == ("archive",)
    assert check.addresses == 2
    stored = sum(made.storage_gib for made in check.servers)
    pools = {fit.resource: fit.ordered for fit in check.fits}
    assert stored == pools["pool:fast"] + pools["pool:bulk"]
    assert check.quote is not None
    assert check.quote.monthly > 0


def test_a_town_is_known_when_its_addresses_are_recorded(tmp_path: Path) -> None:
    files = small_region(tmp_path, TOWN)
    ledger = plan_region(files, Ledger(), CLOUD).ledger
    assert not checked(files).known
    known = checked(files, ledger=ledger)
    assert known.known
    assert known.networks == checked(files).networks


def test_only_its_own_orders_are_refused(tmp_path: Path) -> None:
    files = small_region(tmp_path, TOWN, NEIGHBOUR)
    orders = [{"service": "map", "storage": "500 GiB", "size": "large"}]
    files = with_pool(change_tenant(files, NEIGHBOUR, services=orders), "fast", 1400)
    refused = checked(files, NEIGHBOUR)
    assert not refused.passed
    (error,) = refused.refusals
    assert error.code.code == "KRJ210"
    (short,) = [fit for fit in refused.fits if not fit.fits]
    assert (short.resource, short.ordered) == ("pool:fast", error.details["wanted"])
    other = checked(files)
    assert (other.passed, other.refusals) == (True, ())


def test_its_own_warnings_are_told(tmp_path: Path) -> None:
    files = small_region(tmp_path, TOWN, NEIGHBOUR)
    files = change_tenant(files, TOWN, quota={"cores": 1})
    (warning,) = checked(files).warnings
    assert f"{TOWN}'s file" in warning
    assert checked(files, NEIGHBOUR).warnings == ()


def test_without_a_price_book_there_is_no_quote(tmp_path: Path) -> None:
    files = small_region(tmp_path, TOWN)
    region = files.region.model_copy(update={"prices": None})
    assert checked(with_parts(files, region=region)).quote is None

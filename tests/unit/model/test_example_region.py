"""The committed example region: complete, honest about what is made up, and within its capacity."""

from __future__ import annotations

import unicodedata

import pytest

from kraj.model.loader import RegionFiles, load_region
from kraj.model.service import ServiceMode
from kraj.model.tenant import TenantKind
from tests.unit.model.region_folder import PROJECT


@pytest.fixture(scope="module")
def files() -> RegionFiles:
    return load_region(PROJECT / "inventories" / "liberecky", PROJECT / "roles", {})


def test_all_municipalities_of_the_region_are_there(files: RegionFiles) -> None:
    kinds = [tenant.kind for tenant in files.tenants.values()]
    assert len(kinds) == 215
    assert kinds.count(TenantKind.EXTENDED_POWERS) == 10
    assert kinds.count(TenantKind.AUTHORISED_OFFICE) == 11
    assert sum(tenant.population or 0 for tenant in files.tenants.values()) == 441_300


def test_slugs_are_the_names_without_diacritics(files: RegionFiles) -> None:
    for slug, tenant in files.tenants.items():
        plain = unicodedata.normalize("NFKD", tenant.name).encode("ascii", "ignore").decode()
        name = plain.lower().replace(" ", "-")
        assert slug == name or slug.startswith(f"{name}-"), tenant.name


def test_municipalities_of_one_name_are_told_apart(files: RegionFiles) -> None:
    same = {slug for slug, tenant in files.tenants.items() if tenant.name == "Pěnčín"}
    assert same == {"pencin-jablonec", "pencin-liberec"}


def test_contacts_are_obviously_made_up(files: RegionFiles) -> None:
    for tenant in files.tenants.values():
        assert all(contact.email.endswith(".example") for contact in tenant.contacts)


def test_three_towns_order_everything_and_the_others_the_shared_archive(
    files: RegionFiles,
) -> None:
    full = [slug for slug, tenant in files.tenants.items() if len(tenant.services) == 3]
    assert full == ["jablonec-nad-nisou", "liberec", "zelezny-brod"]
    assert files.services["archive"].mode is ServiceMode.SHARED
    for slug in files.tenants.keys() - set(full):
        assert [order.service for order in files.tenants[slug].services] == ["archive"]


def test_the_orders_leave_every_pool_its_headroom(files: RegionFiles) -> None:
    ordered: dict[str, int] = {}
    for tenant in files.tenants.values():
        for order in tenant.services:
            card = files.services[order.service]
            volume = card.orderable_volume
            assert volume is not None
            each = card.mode is ServiceMode.DEDICATED and volume.attach == "each-server"
            size = (order.storage or volume.default).gib_ceil
            copies = card.servers if each else 1
            ordered[volume.pool] = ordered.get(volume.pool, 0) + size * copies
    assert ordered["archive"] == 2660
    for name, gib in ordered.items():
        pool = files.region.pool(name)
        assert gib <= pool.capacity.gib * pool.overcommit * (100 - pool.headroom_percent) / 100


def test_sixteen_terabytes_are_split_without_rest(files: RegionFiles) -> None:
    storage = files.region.storage
    assert storage.capacity.bytes == 16 * 10**12
    assert sum(pool.capacity.bytes for pool in storage.pools) == storage.capacity.bytes

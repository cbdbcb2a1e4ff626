"""Whole plans of the example region: determinism, isolation, standards, refusals."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import pytest

from kraj.errors import KrajErrors
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from kraj.planning.documents import CentreDocument, TenantDocument
from kraj.planning.standards import MANDATORY_FLAVORS, image_source
from tests.unit.planning.regions import (
    CLOUD,
    PLAIN_CLOUD,
    change_tenant,
    example_region,
    small_region,
)

GOLDEN = Path(__file__).parent / "golden" / "zelezny-brod.json"


def test_all_215_municipalities_fit_and_get_a_document() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    assert len(plan.tenants) == 215
    assert len({tenant.project for tenant in plan.tenants.values()}) == 215
    assert all(row.free >= 0 for row in plan.capacity.rows)


def test_the_same_files_give_the_same_bytes() -> None:
    one, other = (plan_region(example_region(), Ledger(), CLOUD) for _ in range(2))
    assert one.centre.model_dump_json() == other.centre.model_dump_json()
    for slug, document in one.tenants.items():
        assert document.model_dump_json() == other.tenants[slug].model_dump_json()


def test_documents_survive_json() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    assert CentreDocument.model_validate_json(plan.centre.model_dump_json()) == plan.centre
    liberec = plan.tenants["liberec"]
    assert TenantDocument.model_validate_json(liberec.model_dump_json()) == liberec


def test_the_plan_of_a_small_town_is_the_reviewed_one(tmp_path: Path) -> None:
    plan = plan_region(small_region(tmp_path, "zelezny-brod"), Ledger(), CLOUD)
    document = plan.tenants["zelezny-brod"].model_dump(mode="json", exclude={"public_key"})
    assert document == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_adding_a_tenant_moves_no_other_document(tmp_path: Path) -> None:
    before = plan_region(small_region(tmp_path, "liberec", "zelezny-brod"), Ledger(), CLOUD)
    files = small_region(tmp_path, "bela", "liberec", "zelezny-brod")
    after = plan_region(files, before.ledger, CLOUD)
    for slug, document in before.tenants.items():
        assert after.tenants[slug] == document


def test_renaming_a_tenant_keeps_its_addresses_and_servers(tmp_path: Path) -> None:
    before = plan_region(small_region(tmp_path, "liberec"), Ledger(), CLOUD)
    old = tmp_path / "liberecky" / "tenants" / "liberec.yaml"
    files = small_region(tmp_path, "liberec")
    old.rename(old.with_name("liberec-nove-jmeno.yaml"))
    files = type(files)(
        files.sources,
        files.region,
        {"liberec-nove-jmeno": files.tenants["liberec"]},
        files.services,
        files.public_key,
    )
    after = plan_region(files, before.ledger, CLOUD)
    new = after.tenants["liberec-nove-jmeno"]
    assert new.server_pools == before.tenants["liberec"].server_pools
    assert new.networks == before.tenants["liberec"].networks


def test_no_rule_admits_another_tenant() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    prefixes = {
        slug: ipaddress.ip_network(document.networks[0].ipv4.cidr)
        for slug, document in plan.tenants.items()
        if document.networks[0].ipv4 is not None
    }
    for slug, document in plan.tenants.items():
        for group in document.security_groups:
            for rule in group.rules:
                if rule.direction == "egress" or rule.ethertype == "IPv6":
                    continue
                assert rule.remote_cidr or rule.remote_group, (slug, rule.key)
                if rule.remote_cidr is None:
                    continue
                source = ipaddress.ip_network(rule.remote_cidr)
                others = [name for name in prefixes if name != slug]
                assert not any(source.overlaps(prefixes[name]) for name in others)


def test_servers_of_a_service_stand_in_different_zones() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    for document in (plan.centre, *plan.tenants.values()):
        for pool in document.server_pools:
            zones = {server.availability_zone for server in pool.servers}
            assert len(zones) == 2
            assert pool.policy == "anti-affinity"


def test_a_cloud_without_load_balancers_and_dns_gets_neither(tmp_path: Path) -> None:
    plan = plan_region(small_region(tmp_path, "liberec"), Ledger(), PLAIN_CLOUD)
    liberec = plan.tenants["liberec"]
    assert liberec.load_balancers == ()
    assert liberec.zone is None
    assert {item.target_server for item in liberec.floating_addresses} == {"1"}
    assert len(plan.warnings) == 2


def test_a_tenant_with_shared_services_only_has_no_servers_but_takes_storage() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    assert plan.tenants["bela"].server_pools == ()
    assert plan.tenants["bela"].quota.instances == 0
    assert plan.demands["tenant:bela"]["pool:archive"] == 5


def test_reserved_parts_of_a_shared_service_are_counted_once() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    archive = next(pool for pool in plan.centre.server_pools if pool.key == "archive")
    sizes = [
        volume.size_gib
        for server in archive.servers
        for volume in server.data_volumes
        if volume.pool == "archive"
    ]
    row = plan.capacity["pool:archive"]
    assert sizes == [2660]
    assert (row.reserved, row.allocated) == (0, 2660)


def test_an_order_beyond_the_pool_is_refused_with_its_place(tmp_path: Path) -> None:
    files = small_region(tmp_path, "liberec", "zelezny-brod")
    orders = [{"service": "map", "storage": "500 GiB", "size": "large"}]
    files = change_tenant(files, "liberec", services=orders)
    pools = tuple(
        pool.model_copy(update={"capacity": pool.capacity.from_gib(1400)})
        if pool.name == "fast"
        else pool
        for pool in files.region.storage.pools
    )
    storage = files.region.storage.model_copy(update={"pools": pools})
    region = files.region.model_copy(update={"storage": storage})
    smaller = type(files)(files.sources, region, files.tenants, files.services, files.public_key)
    with pytest.raises(KrajErrors) as caught:
        plan_region(smaller, Ledger(), CLOUD)
    (error,) = caught.value.errors
    assert error.code.code == "KRJ210"
    assert error.location is not None
    assert error.location.file.endswith("liberec.yaml")
    assert error.location.line > 0


def test_what_the_cloud_provides_is_used_and_not_made() -> None:
    files = example_region()
    (cloud,) = files.region.clouds
    provided = cloud.model_copy(update={"provides": ("flavors", "volume-types")})
    region = files.region.model_copy(update={"clouds": (provided,)})
    there = type(files)(files.sources, region, files.tenants, files.services, files.public_key)
    centre = plan_region(there, Ledger(), CLOUD).centre
    assert centre.flavors == ()
    assert centre.volume_types == ()
    assert [image.name for image in centre.images] == ["Debian 13", "Ubuntu 24.04", "Debian 12"]
    assert {pool.flavor for pool in centre.server_pools} == {"SCS-2V-4", "SCS-4V-8"}


def test_mandatory_flavours_have_the_properties_of_the_standard() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    flavors = {flavor.name: flavor for flavor in plan.centre.flavors}
    assert set(MANDATORY_FLAVORS) <= set(flavors)
    ssd = flavors["SCS-4V-16-100s"].extra_specs
    assert ssd["scs:name-v1"] == "SCS-4V:16:100s"
    assert ssd["scs:disk0-type"] == "ssd"
    assert flavors["SCS-1L-1"].extra_specs["scs:cpu-type"] == "crowded-core"
    assert "scs:disk0-type" not in flavors["SCS-1L-1"].extra_specs


@pytest.mark.parametrize(
    ("mirror", "source"),
    [
        (None, "https://images.example/a/debian.qcow2"),
        ("/srv/images", "/srv/images/debian.qcow2"),
        ("file:///srv/images", "/srv/images/debian.qcow2"),
        ("https://mirror.example/os", "https://mirror.example/os/debian.qcow2"),
    ],
)
def test_images_come_from_the_mirror_where_there_is_one(mirror: str | None, source: str) -> None:
    assert image_source("https://images.example/a/debian.qcow2", mirror) == source

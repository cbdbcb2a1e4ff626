"""Whole plans of the example region: determinism, isolation, standards, refusals."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from pathlib import Path

import pytest

from kraj.errors import KrajErrors
from kraj.model.region import BootImages
from kraj.model.service import Availability, PortSource
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from kraj.planning.capacity import FLOATING
from kraj.planning.documents import CentreDocument, ServerPool, TenantDocument
from kraj.planning.ledger import ledger_from_text, ledger_to_text
from kraj.planning.standards import image_source
from tests.unit.planning.regions import (
    CLOUD,
    EXAMPLE,
    PLAIN_CLOUD,
    change_tenant,
    example_region,
    small_region,
    with_card,
    with_network,
    with_parts,
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
            assert len(zones) == min(2, len(pool.servers))
            assert pool.policy == "anti-affinity"


def test_a_cloud_without_load_balancers_and_dns_gets_neither(tmp_path: Path) -> None:
    plan = plan_region(small_region(tmp_path, "liberec"), Ledger(), PLAIN_CLOUD)
    liberec = plan.tenants["liberec"]
    assert liberec.load_balancers == ()
    assert liberec.zone is None
    assert {item.target_server for item in liberec.floating_addresses} == {"1"}
    assert len(plan.warnings) == 2


def test_servers_get_the_key_of_their_cloud() -> None:
    files = example_region()
    cloud = files.region.clouds[0].model_copy(update={"public_key": "ssh-ed25519 BBBB lab"})
    region = files.region.model_copy(update={"clouds": (cloud,)})
    plan = plan_region(with_parts(files, region=region), Ledger(), CLOUD)
    assert plan.centre.public_key == "ssh-ed25519 BBBB lab"
    assert {one.public_key for one in plan.tenants.values()} == {"ssh-ed25519 BBBB lab"}


def test_a_load_balancer_asks_for_the_health_that_the_card_names() -> None:
    """A standby's port may be open, and nothing but its health says that it serves nobody."""
    records = example_region().services["records"]
    (https,) = records.ports
    ports = (https, https.model_copy(update={"name": "other", "port": 8443}))
    plan = plan_region(with_card(example_region(), "records", ports=ports), Ledger(), CLOUD)
    (balancer,) = (item for item in plan.tenants["liberec"].load_balancers if item.key == "records")
    asked = {item.port: (item.monitor_type, item.monitor_path) for item in balancer.listeners}
    assert asked == {443: ("HTTPS", "/healthz"), 8443: ("TCP", None)}


def test_servers_know_their_domain_and_where_their_volumes_are_mounted() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    assert plan.centre.domain == "centre.liberecky.example"
    liberec = plan.tenants["liberec"]
    assert liberec.domain == "liberec.liberecky.example"
    (records,) = (pool for pool in liberec.server_pools if pool.key == "records")
    for server in records.servers:
        assert server.boot_volume.path == ""
        assert [volume.path for volume in server.data_volumes] == ["/var/lib/records"]


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
    looked_at = plan_region(smaller, Ledger(), CLOUD, may_exceed=True)
    assert [str(found) for found in looked_at.refusals] == [str(error)]
    assert looked_at.capacity["pool:fast"].free < 0


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


def test_a_new_shared_service_moves_no_server_of_another() -> None:
    before = plan_region(example_region(), Ledger(), CLOUD)
    files = with_card(example_region(), "archive", name="accounting")
    bela = files.tenants["bela"]
    order = bela.services[0].model_copy(update={"service": "accounting"})
    more = bela.model_copy(update={"services": (order, *bela.services)})
    files = with_parts(files, tenants={**files.tenants, "bela": more})
    after = plan_region(files, before.ledger, CLOUD)
    assert {pool.key for pool in after.centre.server_pools} >= {"accounting", "archive"}
    assert _pool(after.centre, "archive") == _pool(before.centre, "archive")
    addresses = [
        server.ports[0].fixed_ipv4 for pool in after.centre.server_pools for server in pool.servers
    ]
    assert len(set(addresses)) == len(addresses)


def test_a_tenant_that_leaves_shrinks_no_volume_and_its_part_is_free_for_others() -> None:
    files = example_region()
    before = plan_region(files, Ledger(), CLOUD)
    rest = {slug: tenant for slug, tenant in files.tenants.items() if slug != "liberec"}
    after = plan_region(with_parts(files, tenants=rest), before.ledger, CLOUD)
    assert _pool(after.centre, "archive") == _pool(before.centre, "archive")
    row = after.capacity["pool:archive"]
    assert (row.reserved, row.allocated) == (500, 2160)
    back = plan_region(files, after.ledger, CLOUD)
    assert (back.capacity["pool:archive"].reserved, back.ledger) == (0, before.ledger)


def test_a_shared_service_admits_those_who_order_it_and_nobody_else(tmp_path: Path) -> None:
    files = small_region(tmp_path, "bela", "liberec", "zelezny-brod")
    files = change_tenant(files, "liberec", services=[{"service": "map"}])
    plan = plan_region(files, Ledger(), CLOUD)
    (group,) = (item for item in plan.centre.security_groups if item.key == "archive")
    sources = [
        ipaddress.ip_network(rule.remote_cidr)
        for rule in group.rules
        if rule.port_min == 443 and rule.remote_cidr is not None
    ]
    for slug, document in plan.tenants.items():
        for subnet in (document.networks[0].ipv4, document.networks[0].ipv6):
            assert subnet is not None
            network = ipaddress.ip_network(subnet.cidr)
            assert any(network.overlaps(source) for source in sources) == (slug != "liberec")


def test_a_public_port_of_a_shared_service_is_reached_through_the_load_balancers_network() -> None:
    archive = example_region().services["archive"]
    ports = tuple(port.model_copy(update={"source": PortSource.PUBLIC}) for port in archive.ports)
    plan = plan_region(with_card(example_region(), "archive", ports=ports), Ledger(), CLOUD)
    (group,) = (item for item in plan.centre.security_groups if item.key == "archive")
    (dmz,) = (item for item in plan.centre.networks if item.key == "dmz")
    assert dmz.ipv4 is not None
    assert dmz.ipv6 is not None
    assert [rule.remote_cidr for rule in group.rules if rule.port_min == 443] == [
        dmz.ipv4.cidr,
        dmz.ipv6.cidr,
    ]


def test_a_tenant_with_a_short_ipv6_prefix_has_a_subnet_of_64_bits_that_the_pool_gives() -> None:
    files = with_network(example_region(), "ipv6", tenant_prefix_length=56)
    plan = plan_region(files, Ledger(), CLOUD)
    subnet = plan.tenants["liberec"].networks[0].ipv6
    assert subnet is not None
    allocated = plan.ledger.tenants["563889"].ipv6
    assert allocated is not None
    assert allocated.prefixlen == 56
    assert ipaddress.IPv6Network(subnet.cidr) == next(allocated.subnets(new_prefix=64))
    (pool,) = (item for item in plan.centre.subnet_pools if item.ip_version == 6)
    assert pool.min_prefix_length <= pool.default_prefix_length == 64 <= pool.max_prefix_length


def test_neighbouring_orderers_share_a_rule_and_keys_stay_apart() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    (group,) = (item for item in plan.centre.security_groups if item.key == "archive")
    keys = [rule.key for rule in group.rules]
    assert len(set(keys)) == len(keys)
    assert "https-10.64.64.0-18" in keys
    assert len(keys) < 40


def test_only_tenants_with_servers_have_a_router_and_its_address_is_counted() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    for document in plan.tenants.values():
        assert bool(document.routers) == bool(document.server_pools)
        (network,) = document.networks
        assert (network.router is not None) == bool(document.routers)
    routed = sum(bool(document.routers) for document in plan.tenants.values())
    floating = sum(len(document.floating_addresses) for document in plan.tenants.values())
    row = plan.capacity[FLOATING]
    own = len(plan.centre.floating_addresses) + len(plan.centre.routers)
    assert (row.reserved, row.allocated) == (own, routed + floating)


def test_ipv6_that_the_region_gives_up_is_planned_nowhere_and_kept_in_the_ledger() -> None:
    files = example_region()
    before = plan_region(files, Ledger(), CLOUD)
    network = files.region.network.model_copy(update={"ipv6": None})
    without = with_parts(files, region=files.region.model_copy(update={"network": network}))
    after = plan_region(without, before.ledger, CLOUD)
    assert after.tenants["liberec"].networks[0].ipv6 is None
    assert ":" not in json.dumps(
        [rule.remote_cidr for group in after.centre.security_groups for rule in group.rules]
    ).replace("::/0", "")
    assert after.ledger == before.ledger


def test_a_single_site_is_told_to_services_that_promise_to_survive_one() -> None:
    files = with_card(example_region(), "map", availability=Availability.FAILSAFE_3)
    (cloud,) = files.region.clouds
    one = cloud.model_copy(update={"sites": cloud.sites[:1]})
    region = files.region.model_copy(update={"clouds": (one,)})
    (warning,) = plan_region(with_parts(files, region=region), Ledger(), CLOUD).warnings
    assert "map promises failsafe-3" in warning


def test_names_and_keys_are_unique_inside_every_document() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    everywhere: set[str] = set()
    for document in (plan.centre, *plan.tenants.values()):
        servers = [server for pool in document.server_pools for server in pool.servers]
        volumes = [
            volume for server in servers for volume in (server.boot_volume, *server.data_volumes)
        ]
        for things in (servers, volumes, document.security_groups, document.networks):
            names = [thing.name for thing in things]
            assert len(set(names)) == len(names)
            assert everywhere.isdisjoint(names) or things is document.networks
        everywhere |= {server.name for server in servers}
        for group in document.security_groups:
            keys = [rule.key for rule in group.rules]
            assert len(set(keys)) == len(keys)


def test_the_committed_ledger_of_the_example_region_is_up_to_date() -> None:
    text = (EXAMPLE / "addresses.yaml").read_text(encoding="utf-8")
    plan = plan_region(example_region(), ledger_from_text(text), CLOUD)
    assert ledger_to_text(plan.ledger) == text


def test_servers_can_boot_from_the_images_of_their_roles(tmp_path: Path) -> None:
    files = small_region(tmp_path, "zelezny-brod")
    (cloud,) = files.region.clouds
    built = cloud.model_copy(update={"boot_images": BootImages.BUILT})
    region = files.region.model_copy(update={"clouds": (built,)})
    plan = plan_region(with_parts(files, region=region), Ledger(), CLOUD)
    pools = [*plan.centre.server_pools, *plan.tenants["zelezny-brod"].server_pools]
    assert {pool.key: pool.image for pool in pools} == {
        "load-balancer": "kraj base",
        "database": "kraj base",
        "bastion": "kraj base",
        "archive": "kraj base",
        "records": "kraj records",
        "map": "kraj map",
    }
    assert all(pool.shared_image and pool.login == "debian" for pool in pools)


def test_planning_imports_no_cloud_and_no_engine() -> None:
    code = (
        "import sys, kraj.planning.build, kraj.planning.hours, kraj.planning.ledger; "
        "print(sorted({name.split('.')[0] for name in sys.modules} "
        "& {'pulumi', 'pulumi_openstack', 'ansible', 'openstack', 'requests'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _pool(centre: CentreDocument, key: str) -> ServerPool:
    return next(pool for pool in centre.server_pools if pool.key == key)


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

"""The operators' way to servers: one network, closed to everybody but routers and bastions."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from kraj.errors import KrajErrors
from kraj.model.loader import RegionFiles
from kraj.planning import transit
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from kraj.planning.documents import Rule, SecurityGroup
from kraj.planning.networks import CENTRE_NETWORKS, centre_prefixes
from tests.unit.planning.regions import (
    CLOUD,
    example_region,
    small_region,
    with_parts,
)


def without_bastion(files: RegionFiles) -> RegionFiles:
    centre = files.region.centre.model_copy(update={"bastion": None})
    return with_parts(files, region=files.region.model_copy(update={"centre": centre}))


def test_the_network_meets_no_other_and_leads_nowhere() -> None:
    files = example_region()
    centre = plan_region(files, Ledger(), CLOUD).centre
    network = next(item for item in centre.networks if item.key == transit.NETWORK)
    assert network.router is None
    assert network.ipv4 is not None
    assert network.ipv4.gateway is None
    prefix = ip_network(network.ipv4.cidr)
    for key in CENTRE_NETWORKS:
        assert not prefix.overlaps(centre_prefixes(files.region, key).ipv4)
    pool = centre.subnet_pools[0]
    assert pool.min_prefix_length <= prefix.prefixlen <= pool.max_prefix_length


def test_bastions_have_a_port_in_both_networks_and_an_address_each(tmp_path: Path) -> None:
    files = small_region(tmp_path, "zelezny-brod")
    assert files.region.centre.bastion is not None
    bastion = files.region.centre.bastion.model_copy(update={"servers": 2})
    centre = files.region.centre.model_copy(update={"bastion": bastion})
    region = files.region.model_copy(update={"centre": centre})
    document = plan_region(with_parts(files, region=region), Ledger(), CLOUD).centre
    (pool,) = [pool for pool in document.server_pools if pool.key == "bastion"]
    for server in pool.servers:
        assert [port.network for port in server.ports] == ["management", "transit"]
        assert not any(port.allowed_addresses for port in server.ports)
    targets = {
        item.target_server for item in document.floating_addresses if item.target_pool == "bastion"
    }
    assert targets == {"1", "2"}


def _ssh(group: SecurityGroup) -> list[Rule]:
    return [rule for rule in group.rules if rule.port_min == 22]


def test_tenants_admit_the_bastions_and_no_router_beside_them(tmp_path: Path) -> None:
    plan = plan_region(small_region(tmp_path, "zelezny-brod"), Ledger(), CLOUD)
    (pool,) = [pool for pool in plan.centre.server_pools if pool.key == "bastion"]
    network = next(item for item in plan.centre.networks if item.key == "transit")
    assert network.ipv4 is not None
    for group in plan.tenants["zelezny-brod"].security_groups:
        sources = [ip_network(rule.remote_cidr) for rule in _ssh(group) if rule.remote_cidr]
        bastion = pool.servers[0].ports[1].fixed_ipv4
        assert bastion is not None
        assert any(ip_address(bastion) in source for source in sources)
        assert not any(ip_address(network.ipv4.allocation_start) in one for one in sources)


def test_operators_come_from_where_the_region_says(tmp_path: Path) -> None:
    files = small_region(tmp_path, "zelezny-brod")
    assert files.region.centre.bastion is not None
    changed = {"allowed_from": (ip_network("192.0.2.0/24"),)}
    bastion = files.region.centre.bastion.model_copy(update=changed)
    centre = files.region.centre.model_copy(update={"bastion": bastion})
    region = files.region.model_copy(update={"centre": centre})
    document = plan_region(with_parts(files, region=region), Ledger(), CLOUD).centre
    (group,) = [item for item in document.security_groups if item.key == "bastion"]
    management = {str(part) for _family, part in centre_prefixes(region, "management").each()}
    found = {rule.remote_cidr for rule in _ssh(group)} - management
    assert "192.0.2.0/24" in found
    assert "0.0.0.0/0" not in found


def test_without_a_bastion_nothing_of_it_is_planned(tmp_path: Path) -> None:
    files = without_bastion(small_region(tmp_path, "zelezny-brod"))
    plan = plan_region(files, Ledger(), CLOUD)
    assert "transit" not in {network.key for network in plan.centre.networks}
    assert plan.tenants["zelezny-brod"].transit is None
    keys = {
        rule.key for group in plan.tenants["zelezny-brod"].security_groups for rule in _ssh(group)
    }
    assert keys == {"ssh-ipv4", "ssh-ipv6"}


def test_a_tenant_without_servers_has_no_port_there() -> None:
    plan = plan_region(example_region(), Ledger(), CLOUD)
    for document in plan.tenants.values():
        assert (document.transit is not None) == bool(document.server_pools)


def test_more_tenants_than_have_room_are_refused_with_the_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transit, "_SHORTER_BY", 8)  # as if the centre's prefix were much longer
    files = example_region()
    with pytest.raises(KrajErrors) as caught:
        plan_region(files, Ledger(), CLOUD)
    (error,) = [item for item in caught.value.errors if "transit" in item.message]
    assert error.code.code == "KRJ206"
    assert f"room for {transit.routers(files.region)} tenants" in error.message

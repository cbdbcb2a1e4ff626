"""What people change by hand is shown property by property; then restored, or accepted."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab.by_hand import ByHand
from tests.lab.conftest import LabCloud
from tests.lab.killed_tenant import CODE, SLUG, STACK, Tenant, tenant_on

pytestmark = pytest.mark.lab

MAP = {"service": "map", "size": "small", "storage": "5 GiB"}
RECORDS = {"service": "records", "size": "small", "storage": "10 GiB"}


@pytest.fixture(scope="module")
def tenant(lab_cloud: LabCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """With two services, as it was ordered."""
    region = f"drift-{secrets.token_hex(2)}"
    with tenant_on(lab_cloud, region, tmp_path_factory.mktemp("project")) as made:
        made.order([MAP, RECORDS])
        made.up()
        yield made


@pytest.fixture
def hand(tenant: Tenant) -> ByHand:
    return ByHand(tenant.connection, f"{tenant.name}-{CODE}")


def drift_of(tenant: Tenant) -> Any:
    """What `kraj drift` says of the tenant's stack; there is some."""
    found = tenant.kraj("drift", "--only", STACK, "--json")
    assert found.code == 2, found.out + found.err
    (stack,) = found.json["stacks"]
    return stack


def changes_in(stack: Any) -> dict[str, dict[str, tuple[Any, Any]]]:
    """By resource, what differs: before and after; nothing where it is gone."""
    return {
        f"{finding['type'].rpartition(':')[2]} {finding['name']}": {
            change["path"]: (change["before"], change["after"]) for change in finding["changes"]
        }
        for finding in stack["findings"]
    }


def restore(tenant: Tenant) -> None:
    tenant.good("up", "--yes", "--refresh", "--only", STACK)
    assert "No drift." in tenant.good("drift", "--only", STACK).out
    tenant.good("verify", "--no-standards", "--only", STACK)


def test_servers_limits_and_roles_are_restored(tenant: Tenant, hand: ByHand) -> None:
    hand.stop_server("map-1")
    hand.delete_server("records-1")
    hand.take_label_off("map-1", "kraj_owner")
    hand.limit_compute(cores=99)
    hand.limit_storage(gigabytes=500)
    hand.take_role("creator")
    stack = drift_of(tenant)
    found = changes_in(stack)
    assert found["Instance records/1"] == {}
    assert found["VolumeAttach records/1/documents"] == {}
    assert found["Instance map/1"]["powerState"] == ("active", "shutoff")
    assert "kraj_owner" not in found["Instance map/1"]["metadata"][1]
    assert found["QuotaSetV2 tenant"]["cores"][1] == 99
    assert found["QuoteSetV3 tenant"]["gigabytes"][1] == 500
    assert found["RoleAssignment tenant/creator"] == {}
    told = {finding["name"]: finding["last_action"] for finding in stack["findings"]}
    assert (told["map/1"]["action"], told["map/1"]["user"]) == ("stop", "admin")
    restore(tenant)


def test_networks_ports_and_load_balancers_are_restored(tenant: Tenant, hand: ByHand) -> None:
    network = tenant.connection.network
    network.update_network(hand.network, name="by-hand")
    network.set_tags(hand.network, ["by=hand"])
    network.update_subnet(hand.subnet(4), dns_nameservers=["192.0.2.53"])
    network.update_port(hand.port("records-1"), security_groups=[], port_security_enabled=False)
    network.update_port(hand.port("map-1"), allowed_address_pairs=[{"ip_address": "10.0.0.0/8"}])
    network.remove_interface_from_router(hand.router, subnet=hand.subnet(6))
    hand.remove_rule("records", port_range_min=443, ethertype="IPv4")
    hand.release_address("records")
    hand.remove_member("map-https")
    hand.admit_only("records-https", "10.0.0.0/8")
    found = changes_in(drift_of(tenant))
    assert found["Network services"]["name"][1] == "by-hand"
    assert found["Network services"]["tags"][1] == []
    assert found["Subnet services/ipv4"]["dnsNameservers"][1] == ["192.0.2.53"]
    assert found["Port records/1/services"]["securityGroupIds"][1] == []
    assert found["Port records/1/services"]["portSecurityEnabled"] == (True, False)
    (pair,) = found["Port map/1/services"]["allowedAddressPairs"][1]
    assert pair["ipAddress"] == "10.0.0.0/8"
    assert found["RouterInterface services/ipv6"] == {}
    assert found["SecGroupRule records/https-ipv4"] == {}
    assert found["FloatingIpAssociate records"] == {}
    assert found["Members map/https"]["members"][1] == []
    assert found["Listener records/https"]["allowedCidrs"][1] == ["10.0.0.0/8"]
    broken = tenant.kraj("verify", "--no-standards", "--only", STACK)
    assert broken.code == 1
    assert "port.security_groups" in broken.out
    restore(tenant)


def test_what_no_stack_made_is_told_and_left_alone(tenant: Tenant, hand: ByHand) -> None:
    network = tenant.connection.network
    rule = hand.add_rule("records", 23)
    hop = str(hand.subnet(4).gateway_ip)[:-1] + "7"
    route = {"destination": "10.99.0.0/16", "nexthop": hop}
    network.update_router(hand.router, routes=[route])
    network.update_subnet(hand.subnet(4), host_routes=[route])
    share = network.create_rbac_policy(
        object_type="network",
        object_id=hand.network.id,
        action="access_as_shared",
        target_project_id=tenant.connection.current_project_id,
    )
    hand.give_role("admin")
    try:
        tenant.good("up", "--yes", "--refresh", "--only", STACK)
        unplanned = drift_of(tenant)["unplanned"]
        assert sorted(item["kind"] for item in unplanned) == [
            "role assignment",
            "route",
            "route of subnet",
            "security group rule",
            "shared access",
        ]
        names = " | ".join(item["name"] for item in unplanned)
        assert f"10.99.0.0/16 via {hop}" in names
        assert "ingress IPv4 tcp 23 from anywhere" in names
    finally:
        network.delete_security_group_rule(rule)
        network.update_router(hand.router, routes=[])
        network.update_subnet(hand.subnet(4), host_routes=[])
        network.delete_rbac_policy(share)
        hand.take_role("admin")
    assert "No drift." in tenant.good("drift", "--only", STACK).out


@pytest.mark.slow
def test_a_server_that_was_made_larger_is_made_small_again(tenant: Tenant, hand: ByHand) -> None:
    hand.limit_compute(cores=12, ram=24576)
    hand.resize_server("map-1", f"{tenant.name}-medium")
    assert changes_in(drift_of(tenant))["Instance map/1"]["flavorName"] == (
        f"{tenant.name}-small",
        f"{tenant.name}-medium",
    )
    # With a server of that size the planned limits would be too low: they follow it.
    restore(tenant)


def test_what_files_can_say_is_accepted(tenant: Tenant, hand: ByHand) -> None:
    hand.limit_compute(cores=12, ram=24576)
    hand.limit_storage(gigabytes=200, **{f"gigabytes_{tenant.name}-bulk": 100})
    hand.grow_volume("records-1-documents", 3)
    hand.resize_server("records-1", f"{tenant.name}-medium")
    stuck = tenant.kraj("up", "--yes", "--refresh", "--only", STACK)
    assert stuck.code == 1
    assert "KRJ408" in stuck.err
    assert "has 13 GiB and is to have 10 GiB" in stuck.err
    tenant.good("drift", "accept", "--yes", "--only", STACK)
    written = yaml.safe_load(tenant.file(f"tenants/{SLUG}.yaml").read_text(encoding="utf-8"))
    assert written["services"] == [MAP, {**RECORDS, "size": "medium", "storage": "13 GiB"}]
    assert written["quota"]["cores"] == 12
    assert "No drift." in tenant.good("drift", "--only", STACK).out
    assert "No changes." in tenant.good("plan", "--only", STACK).out

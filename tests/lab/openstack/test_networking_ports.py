"""Ports, security groups and rules on a real cloud."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab

NETWORK = "openstack:networking/network:Network"
SUBNET = "openstack:networking/subnet:Subnet"
PORT = "openstack:networking/port:Port"
GROUP = "openstack:networking/secGroup:SecGroup"
RULE = "openstack:networking/secGroupRule:SecGroupRule"


@pytest.fixture
def network(things):
    return things.create(NETWORK)


@pytest.fixture
def subnet(things, network):
    return things.create(SUBNET, networkId=network.id, cidr="10.9.0.0/24")


def test_a_port_lives_and_changes_in_place(things, network, subnet):
    group = things.create(GROUP)
    given = {
        "networkId": network.id,
        "fixedIps": [{"subnetId": subnet.id, "ipAddress": "10.9.0.50"}],
        "securityGroupIds": [group.id],
        "allowedAddressPairs": [{"ipAddress": "10.9.0.99"}],
        "extraDhcpOptions": [{"name": "mtu", "value": "1400"}],
        "tags": ["p"],
    }
    port = things.create(PORT, **given)
    port.assert_settled()
    assert port.outputs["allFixedIps"] == ["10.9.0.50"]
    options = [{"name": "server-ip-address", "value": "10.9.0.1"}]
    changed = given | {"extraDhcpOptions": options, "allowedAddressPairs": [], "tags": []}
    port.update(**changed)
    port.assert_settled()
    assert [o["name"] for o in port.outputs["extraDhcpOptions"]] == ["server-ip-address"]
    changed |= {"fixedIps": [{"subnetId": subnet.id, "ipAddress": "10.9.0.51"}]}
    port.update(**changed)
    assert port.outputs["allFixedIps"] == ["10.9.0.51"]
    assert port.diff(**changed | {"macAddress": "fa:16:3e:00:00:01"}).replaces == ["macAddress"]
    things.delete(port)


def test_a_port_without_address_and_groups_stays_as_it_is(things, network, subnet):
    port = things.create(
        PORT,
        networkId=network.id,
        noFixedIp=True,
        noSecurityGroups=True,
        binding={"vnicType": "direct"},
    )
    port.assert_settled()
    assert port.outputs["allFixedIps"] == []
    assert port.outputs["allSecurityGroupIds"] == []
    assert port.outputs["binding"]["vnicType"] == "direct"


def test_a_port_is_found_by_its_address(things, network, subnet):
    port = things.create(PORT, networkId=network.id, fixedIps=[{"ipAddress": "10.9.0.7"}])
    token = "openstack:networking/getPort:getPort"
    found = things.invoke(token, networkId=network.id, fixedIp="10.9.0.7")
    assert found["id"] == port.id


def test_a_security_group_without_default_rules_admits_nothing(things, provider):
    group = things.create(GROUP, deleteDefaultRules=True, tags=["g"])
    group.assert_settled()
    shown = provider.cloud.get("network", f"security-groups/{group.id}")["security_group"]
    assert shown["security_group_rules"] == []
    group.update(deleteDefaultRules=True, description="closed", name=f"{group.name}-2")
    group.assert_settled()
    assert group.diff(name=f"{group.name}-2").replaces == ["deleteDefaultRules"]
    token = "openstack:networking/getSecGroup:getSecGroup"
    assert things.invoke(token, name=f"{group.name}-2")["id"] == group.id
    things.delete(group)


@pytest.mark.parametrize(
    "given",
    [
        {"protocol": "tcp", "portRangeMin": 22, "portRangeMax": 22, "remoteIpPrefix": "10.0.0.0/8"},
        {"protocol": "TCP", "portRangeMin": 80, "portRangeMax": 90},
        {"protocol": "icmp", "portRangeMin": 0, "portRangeMax": 0},
        {"protocol": "ipv6-icmp", "ethertype": "IPv6"},
        {"ethertype": "IPv6", "remoteIpPrefix": "FD00:0:0::/8"},
        {"protocol": "vrrp", "description": "between the pair"},
        {"portRangeMin": 0, "portRangeMax": 0},
    ],
    ids=["prefix", "capitals", "echo", "icmp6", "prefix6", "vrrp", "all"],
)
def test_a_rule_lives_and_is_replaced_by_any_change(things, given):
    group = things.create(GROUP)
    inputs = {"ethertype": "IPv4", "direction": "ingress", **given, "securityGroupId": group.id}
    rule = things.create(RULE, **inputs)
    rule.assert_settled()
    assert rule.diff(**inputs | {"description": "other"}).replaces == ["description"]
    things.delete(rule)


def test_a_rule_may_name_a_group_as_its_source(things):
    group = things.create(GROUP)
    rule = things.create(
        RULE,
        securityGroupId=group.id,
        direction="ingress",
        ethertype="IPv4",
        remoteGroupId=group.id,
    )
    rule.assert_settled()
    assert rule.outputs["remoteGroupId"] == group.id

"""Networks, subnets, pools and scopes on a real cloud."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab

NETWORK = "openstack:networking/network:Network"
SUBNET = "openstack:networking/subnet:Subnet"
POOL = "openstack:networking/subnetPool:SubnetPool"
SCOPE = "openstack:networking/addressScope:AddressScope"


def test_a_network_lives_and_changes_in_place(things):
    network = things.create(NETWORK, tags=["b", "a"], mtu=1400)
    network.assert_settled()
    network.update(mtu=1300, adminStateUp=False, description="records", tags=["b", "c"])
    network.assert_settled()
    assert sorted(network.outputs["allTags"]) == ["b", "c"]
    assert network.diff(mtu=1300, tenantId="another").replaces == ["tenantId"]
    things.delete(network)


def test_tags_of_others_are_left_alone(things, provider):
    network = things.create(NETWORK, tags=["ours"])
    provider.cloud.put("network", f"networks/{network.id}/tags/theirs")
    network.assert_settled()
    assert network.outputs["tags"] == ["ours"]
    assert sorted(network.outputs["allTags"]) == ["ours", "theirs"]
    network.update(tags=["new"])
    assert sorted(network.outputs["allTags"]) == ["new", "theirs"]


def test_a_change_by_hand_shows_after_reading(things, provider):
    network = things.create(NETWORK, description="as planned")
    body = {"network": {"description": "by hand"}}
    provider.cloud.put("network", f"networks/{network.id}", body)
    network.outputs = network.read()
    assert network.diff(description="as planned").diffs == ["description"]
    network.update(description="as planned")
    network.assert_settled()


def test_a_subnet_lives_and_changes_in_place(things):
    network = things.create(NETWORK)
    given = {
        "networkId": network.id,
        "cidr": "10.9.0.0/24",
        "dnsNameservers": ["9.9.9.9", "1.1.1.1"],
        "allocationPools": [{"start": "10.9.0.10", "end": "10.9.0.100"}],
        "tags": ["t"],
    }
    subnet = things.create(SUBNET, **given)
    subnet.assert_settled()
    assert subnet.outputs["gatewayIp"] == "10.9.0.1"
    pools = [{"start": "10.9.0.10", "end": "10.9.0.200"}]
    subnet.update(**given | {"dnsNameservers": ["1.1.1.1"], "tags": [], "allocationPools": pools})
    subnet.assert_settled()
    assert subnet.outputs["allocationPools"] == pools
    assert subnet.diff(**given | {"cidr": "10.8.0.0/24"}).replaces == ["cidr"]
    things.delete(subnet)


def test_a_subnet_gives_up_its_gateway(things):
    network = things.create(NETWORK)
    subnet = things.create(SUBNET, networkId=network.id, cidr="10.9.0.0/24")
    subnet.update(networkId=network.id, cidr="10.9.0.0/24", noGateway=True)
    subnet.assert_settled()
    assert subnet.outputs["gatewayIp"] == ""


def test_an_ipv6_subnet_may_be_spelled_differently(things):
    network = things.create(NETWORK)
    subnet = things.create(
        SUBNET,
        networkId=network.id,
        cidr="fd00:0:9:0::/64",
        ipVersion=6,
        gatewayIp="fd00:0:9::0001",
        ipv6AddressMode="slaac",
        ipv6RaMode="slaac",
    )
    subnet.assert_settled()


def test_a_subnet_takes_its_prefix_from_a_pool(things):
    scope = things.create(SCOPE)
    scope.assert_settled()
    pool = things.create(
        POOL, prefixes=["10.67.0.0/16", "10.66.0.0/16"], addressScopeId=scope.id, tags=["x"]
    )
    pool.assert_settled()
    pool.update(
        prefixes=["10.66.0.0/15", "10.68.0.0/16"], addressScopeId=scope.id, description="more"
    )
    pool.assert_settled()
    pool.update(prefixes=["10.66.0.0/15", "10.68.0.0/16"])
    pool.assert_settled()
    assert pool.outputs["addressScopeId"] == ""
    network = things.create(NETWORK, qosPolicyId="")
    network.update(description="no policy", qosPolicyId="")
    subnet = things.create(SUBNET, networkId=network.id, subnetpoolId=pool.id, prefixLength=24)
    subnet.assert_settled()
    assert subnet.outputs["cidr"].endswith("/24")
    for thing in (subnet, network, pool, scope):
        things.delete(thing)


def test_networks_subnets_pools_and_scopes_are_found(things):
    network = things.create(NETWORK, tags=["found"])
    scope = things.create(SCOPE)
    pool = things.create(POOL, prefixes=["10.66.0.0/16"])
    subnet = things.create(SUBNET, networkId=network.id, cidr="10.9.0.0/24")
    for function, thing in (
        ("getNetwork", network),
        ("getAddressScope", scope),
        ("getSubnetPool", pool),
        ("getSubnet", subnet),
    ):
        token = f"openstack:networking/{function}:{function}"
        found = things.invoke(token, name=thing.outputs["name"])
        assert found["id"] == thing.id
    token = "openstack:networking/getNetwork:getNetwork"
    assert things.invoke(token, networkId=network.id, tags=["found"])["subnets"] == [subnet.id]


def test_a_look_up_that_finds_nothing_says_what_was_asked(things):
    token = "openstack:networking/getNetwork:getNetwork"
    with pytest.raises(Exception, match="KRJ414 no network fits name='nowhere'"):
        things.invoke(token, name="nowhere")

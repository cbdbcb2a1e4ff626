"""Rules of Neutron's types."""

from __future__ import annotations

import pytest

from kraj.openstack.networking_ports import Port

NETWORKING = "openstack:networking"
NETWORK = f"{NETWORKING}/network:Network"
SUBNET = f"{NETWORKING}/subnet:Subnet"
POOL = f"{NETWORKING}/subnetPool:SubnetPool"
SCOPE = f"{NETWORKING}/addressScope:AddressScope"
ROUTER = f"{NETWORKING}/router:Router"
INTERFACE = f"{NETWORKING}/routerInterface:RouterInterface"
ROUTE = f"{NETWORKING}/routerRoute:RouterRoute"
PORT = f"{NETWORKING}/port:Port"
GROUP = f"{NETWORKING}/secGroup:SecGroup"
RULE = f"{NETWORKING}/secGroupRule:SecGroupRule"
FLOATING = f"{NETWORKING}/floatingIp:FloatingIp"
ASSOCIATE = f"{NETWORKING}/floatingIpAssociate:FloatingIpAssociate"
QUOTA = f"{NETWORKING}/quotaV2:QuotaV2"
RBAC = f"{NETWORKING}/rbacPolicyV2:RbacPolicyV2"

#: Inputs that suffice for each type.
ENOUGH = {
    NETWORK: {"name": "n"},
    SUBNET: {"name": "s", "networkId": "n", "cidr": "10.0.0.0/24"},
    POOL: {"name": "p", "prefixes": ["10.0.0.0/16"]},
    SCOPE: {"name": "a"},
    ROUTER: {"name": "r", "externalNetworkId": "x"},
    INTERFACE: {"routerId": "r", "subnetId": "s"},
    ROUTE: {"routerId": "r", "destinationCidr": "10.1.0.0/24", "nextHop": "10.0.0.9"},
    PORT: {"name": "p", "networkId": "n"},
    GROUP: {"name": "g"},
    RULE: {"securityGroupId": "g", "direction": "ingress", "ethertype": "IPv4"},
    FLOATING: {"pool": "outside"},
    ASSOCIATE: {"floatingIp": "198.51.100.7", "portId": "p"},
    QUOTA: {"projectId": "p"},
    RBAC: {
        "action": "access_as_shared",
        "objectType": "network",
        "objectId": "n",
        "targetTenant": "t",
    },
}

#: Changes in place, and changes that need a new object, as pulumi_openstack documents them.
UPDATES = {
    NETWORK: {
        "name": "m",
        "description": "d",
        "adminStateUp": False,
        "shared": True,
        "external": True,
        "mtu": 1400,
        "dnsDomain": "a.example.",
        "portSecurityEnabled": False,
        "qosPolicyId": "q",
        "tags": ["t"],
    },
    SUBNET: {
        "name": "m",
        "description": "d",
        "gatewayIp": "10.0.0.9",
        "noGateway": True,
        "dnsNameservers": ["9.9.9.9"],
        "enableDhcp": False,
        "allocationPools": [{"start": "10.0.0.5", "end": "10.0.0.9"}],
        "serviceTypes": ["network:router_gateway"],
        "tags": ["t"],
    },
    POOL: {"name": "m", "description": "d", "prefixes": ["10.2.0.0/16"], "addressScopeId": "a"},
    SCOPE: {"name": "m", "shared": True},
    ROUTER: {
        "name": "m",
        "description": "d",
        "adminStateUp": False,
        "enableSnat": True,
        "externalNetworkId": "y",
        "externalFixedIps": [{"subnetId": "s"}],
        "externalQosPolicyId": "q",
        "tags": ["t"],
    },
    INTERFACE: {"forceDestroy": True},
    PORT: {
        "name": "m",
        "description": "d",
        "adminStateUp": False,
        "fixedIps": [{"subnetId": "s"}],
        "securityGroupIds": ["g"],
        "noSecurityGroups": True,
        "noFixedIp": True,
        "allowedAddressPairs": [{"ipAddress": "10.0.0.8"}],
        "extraDhcpOptions": [{"name": "mtu", "value": "1400"}],
        "binding": {"vnicType": "direct"},
        "portSecurityEnabled": False,
        "qosPolicyId": "q",
        "tags": ["t"],
    },
    GROUP: {"name": "m", "description": "d", "stateful": False, "tags": ["t"]},
    FLOATING: {"description": "d", "portId": "p", "fixedIp": "10.0.0.5", "tags": ["t"]},
    ASSOCIATE: {"portId": "q", "fixedIp": "10.0.0.5"},
    QUOTA: {"port": 5, "network": 1, "router": 1, "securityGroupRule": 9},
    RBAC: {"targetTenant": "u"},
}
REPLACES = {
    NETWORK: {"tenantId": "t", "availabilityZoneHints": ["a"], "valueSpecs": {"a": "b"}},
    SUBNET: {
        "networkId": "m",
        "cidr": "10.1.0.0/24",
        "ipVersion": 6,
        "tenantId": "t",
        "ipv6AddressMode": "slaac",
        "ipv6RaMode": "slaac",
        "subnetpoolId": "p",
    },
    POOL: {"projectId": "p", "valueSpecs": {"a": "b"}},
    SCOPE: {"ipVersion": 6, "projectId": "p"},
    ROUTER: {"distributed": True, "tenantId": "t", "availabilityZoneHints": ["a"]},
    INTERFACE: {"routerId": "q", "subnetId": "t", "portId": "p"},
    ROUTE: {"routerId": "q", "destinationCidr": "10.9.0.0/24", "nextHop": "10.0.0.1"},
    PORT: {"networkId": "m", "macAddress": "fa:16:3e:00:00:01", "tenantId": "t", "deviceId": "d"},
    GROUP: {"tenantId": "t", "deleteDefaultRules": True},
    RULE: {
        "securityGroupId": "h",
        "direction": "egress",
        "ethertype": "IPv6",
        "protocol": "tcp",
        "description": "d",
        "remoteIpPrefix": "10.0.0.0/8",
        "remoteGroupId": "g",
    },
    FLOATING: {"pool": "other", "address": "198.51.100.9", "tenantId": "t"},
    ASSOCIATE: {"floatingIp": "198.51.100.8"},
    QUOTA: {"projectId": "q"},
    RBAC: {"action": "access_as_external", "objectType": "router", "objectId": "m"},
}


def cases(table):
    return [(token, name, value) for token, row in table.items() for name, value in row.items()]


@pytest.mark.parametrize("token", ENOUGH)
def test_the_same_inputs_are_no_difference(rules_of, token):
    rules = rules_of(token)
    assert not rules.diff(rules.inputs(**ENOUGH[token]), ENOUGH[token]).changes


@pytest.mark.parametrize(("token", "name", "value"), cases(UPDATES))
def test_a_change_is_made_in_place(rules_of, token, name, value):
    rules = rules_of(token)
    olds = rules.inputs(**ENOUGH[token]) | ({name: True} if value is False else {})
    found = rules.diff(olds, {**ENOUGH[token], name: value})
    assert name in found.changes
    assert not found.replaces


@pytest.mark.parametrize(("token", "name", "value"), cases(REPLACES))
def test_a_change_needs_a_new_object(rules_of, token, name, value):
    rules = rules_of(token)
    olds = rules.inputs(**ENOUGH[token])
    assert rules.replaces(olds, **{**ENOUGH[token], name: value}) == {name}


@pytest.mark.parametrize(
    ("token", "given", "name"),
    [
        (SUBNET, {"networkId": "n", "gatewayIp": "10.0.0.1", "noGateway": True}, "gatewayIp"),
        (SUBNET, {"networkId": "n", "prefixLength": 24}, "prefixLength"),
        (SUBNET, {"cidr": "10.0.0.0/24"}, "networkId"),
        (POOL, {}, "prefixes"),
        (ROUTER, {"externalSubnetIds": ["s"]}, "externalSubnetIds"),
        (INTERFACE, {"routerId": "r"}, "subnetId"),
        (PORT, {"networkId": "n", "noFixedIp": True, "fixedIps": [{"subnetId": "s"}]}, "fixedIps"),
        (RULE, {**ENOUGH[RULE], "direction": "in"}, "direction"),
        (RULE, {**ENOUGH[RULE], "portRangeMin": 22}, "portRangeMin"),
        (FLOATING, {}, "pool"),
        (ASSOCIATE, {"portId": "p"}, "floatingIp"),
    ],
)
def test_a_wrong_combination_is_named_before_anything_is_touched(rules_of, token, given, name):
    assert name in rules_of(token).failures(**given)


@pytest.mark.parametrize(
    ("token", "olds", "news"),
    [
        (SUBNET, {"cidr": "fd00:0:9::/64"}, {"cidr": "fd00:0:9:0::/64"}),
        (SUBNET, {"gatewayIp": "fd00::1"}, {"gatewayIp": "fd00:0:0::0001"}),
        (POOL, {"prefixes": ["10.0.0.0/15"]}, {"prefixes": ["10.1.0.0/16", "10.0.0.0/16"]}),
        (RULE, {"protocol": "tcp"}, {"protocol": "TCP"}),
        (RULE, {"remoteIpPrefix": "fd00::/8"}, {"remoteIpPrefix": "FD00:0::/8"}),
        (PORT, {"macAddress": "fa:16:3e:00:00:0a"}, {"macAddress": "FA:16:3E:00:00:0A"}),
        (PORT, {"securityGroupIds": ["a", "b"]}, {"securityGroupIds": ["b", "a"]}),
    ],
)
def test_another_spelling_is_no_difference(rules_of, token, olds, news):
    rules = rules_of(token)
    before = {**rules.inputs(**ENOUGH[token]), **olds}
    assert not rules.diff(before, {**ENOUGH[token], **news}).changes


def test_a_port_shows_no_difference_for_what_neutron_adds(rules_of):
    rules = rules_of(PORT)
    olds = rules.inputs(**ENOUGH[PORT], binding={"vnicType": "normal"})
    olds["binding"] |= {"hostId": "h", "vifType": "ovs", "vifDetails": {}, "profile": "{}"}
    olds |= {"deviceId": "server", "deviceOwner": "compute:nova", "macAddress": "fa:16:3e:0:0:1"}
    assert not rules.diff(olds, {**ENOUGH[PORT], "binding": {"vnicType": "normal"}}).changes


def shown_by(found, known):
    """What a port shows of what the cloud answers."""
    return Port(None).outputs("p1", found, {"region": "one", **known})


FOUR = {"subnetId": "four", "ipAddress": "10.1.0.5"}
SIX = {"subnetId": "six", "ipAddress": "fd00::5"}


@pytest.mark.parametrize(
    ("known", "found", "shown"),
    [
        ({"securityGroupIds": ["a", "b"]}, {"security_groups": ["b", "a"]}, ["a", "b"]),
        ({"securityGroupIds": ["a"]}, {"security_groups": []}, []),
        ({"securityGroupIds": ["a"]}, {"security_groups": ["a", "b"]}, ["a", "b"]),
        ({}, {"security_groups": ["default"]}, None),
    ],
)
def test_groups_that_a_program_gave_are_shown_as_the_port_has_them(known, found, shown):
    assert shown_by(found, known).get("securityGroupIds") == shown


@pytest.mark.parametrize(("groups", "shown"), [([], True), (["a"], False)])
def test_a_port_that_is_to_have_no_groups_shows_those_it_has(groups, shown):
    found = {"security_groups": groups}
    assert shown_by(found, {"noSecurityGroups": True})["noSecurityGroups"] is shown


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ([FOUR, SIX], [FOUR, SIX]),
        ([SIX, FOUR], [SIX, FOUR]),
        ([{"subnetId": "four"}, SIX], [{"subnetId": "four"}, SIX]),
        ([FOUR, {"ipAddress": "fd00:0:0::5"}], [FOUR, {"ipAddress": "fd00:0:0::5"}]),
        ([FOUR], [FOUR, SIX]),
        ([{**FOUR, "ipAddress": "10.1.0.6"}, SIX], [SIX, FOUR]),
    ],
)
def test_addresses_of_a_port_are_shown_in_the_programs_words_where_they_fit(given, left):
    found = {
        "fixed_ips": [
            {"subnet_id": "four", "ip_address": "10.1.0.5"},
            {"subnet_id": "six", "ip_address": "fd00::5"},
        ]
    }
    assert shown_by(found, {"fixedIps": given})["fixedIps"] == left

"""Routers, interfaces, routes and floating addresses on a real cloud."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

pytestmark = pytest.mark.lab

NETWORK = "openstack:networking/network:Network"
SUBNET = "openstack:networking/subnet:Subnet"
PORT = "openstack:networking/port:Port"
ROUTER = "openstack:networking/router:Router"
INTERFACE = "openstack:networking/routerInterface:RouterInterface"
ROUTE = "openstack:networking/routerRoute:RouterRoute"
FLOATING = "openstack:networking/floatingIp:FloatingIp"
ASSOCIATE = "openstack:networking/floatingIpAssociate:FloatingIpAssociate"


@dataclass
class Site:
    """An external network, an inner one with a subnet, and a router between them."""

    outside: object
    outer_subnet: object
    inside: object
    subnet: object
    router: object


@pytest.fixture
def site(things):
    outside = things.create(NETWORK, external=True)
    outer = things.create(SUBNET, networkId=outside.id, cidr="198.51.100.0/24")
    inside = things.create(NETWORK)
    subnet = things.create(SUBNET, networkId=inside.id, cidr="10.9.0.0/24")
    router = things.create(ROUTER, externalNetworkId=outside.id, tags=["r"])
    return Site(outside, outer, inside, subnet, router)


def test_a_router_has_a_gateway_and_can_lose_it(things, site):
    site.router.assert_settled()
    assert site.router.outputs["externalFixedIps"][0]["ipAddress"].startswith("198.51.100.")
    site.router.update(externalNetworkId=site.outside.id, enableSnat=False, description="edge")
    site.router.assert_settled()
    assert site.router.outputs["enableSnat"] is False
    site.router.update(externalNetworkId="")
    site.router.assert_settled()
    assert site.router.outputs["externalFixedIps"] == []
    things.delete(site.router)


def test_a_gateway_that_the_program_does_not_name_stays(things, site, provider):
    router = things.create(ROUTER)
    gateway = {"external_gateway_info": {"network_id": site.outside.id}}
    provider.cloud.put("network", f"routers/{router.id}", {"router": gateway})
    router.assert_settled()
    router.update(enableSnat=False)
    router.assert_settled()
    assert router.outputs["externalNetworkId"] == site.outside.id


def test_a_router_takes_the_first_outer_subnet_that_works(things, site):
    missing = "00000000-0000-4000-8000-000000000000"
    router = things.create(
        ROUTER,
        externalNetworkId=site.outside.id,
        externalSubnetIds=[missing, site.outer_subnet.id],
    )
    router.assert_settled()
    assert router.outputs["externalFixedIps"][0]["subnetId"] == site.outer_subnet.id


def test_a_gateway_can_be_set_after_the_router_exists(things, site):
    router = things.create(
        ROUTER,
        externalNetworkId=site.outside.id,
        vendorOptions={"setRouterGatewayAfterCreate": True},
    )
    router.assert_settled()
    assert router.outputs["externalNetworkId"] == site.outside.id


def test_an_interface_is_known_by_its_port(things, site):
    given = {"routerId": site.router.id, "subnetId": site.subnet.id}
    interface = things.create(INTERFACE, **given)
    assert interface.id == interface.outputs["portId"]
    interface.assert_settled()
    assert interface.diff(**given | {"subnetId": "other"}).replaces == ["subnetId"]
    things.delete(interface)


def test_an_interface_can_use_a_port_that_is_there(things, site):
    port = things.create(PORT, networkId=site.inside.id, fixedIps=[{"subnetId": site.subnet.id}])
    interface = things.create(INTERFACE, routerId=site.router.id, portId=port.id)
    assert interface.id == port.id
    assert interface.outputs["subnetId"] == site.subnet.id
    things.delete(interface)
    things.made.remove(port)  # Neutron deletes the port with the interface


def test_an_interface_with_routes_goes_when_that_is_forced(things, site):
    interface = things.create(
        INTERFACE, routerId=site.router.id, subnetId=site.subnet.id, forceDestroy=True
    )
    one = {"routerId": site.router.id, "destinationCidr": "10.77.0.0/24", "nextHop": "10.9.0.20"}
    route = things.create(ROUTE, **one)
    assert route.id == f"{site.router.id}-route-10.77.0.0/24-10.9.0.20"
    other = things.create(ROUTE, **one | {"destinationCidr": "10.78.0.0/24"})
    route.assert_settled()
    things.delete(route)
    assert other.read() is not None
    things.delete(interface)
    assert other.read() is None


def test_a_floating_address_is_given_to_a_port(things, site):
    things.create(INTERFACE, routerId=site.router.id, subnetId=site.subnet.id)
    port = things.create(PORT, networkId=site.inside.id, fixedIps=[{"subnetId": site.subnet.id}])
    pool = site.outside.outputs["name"]
    floating = things.create(FLOATING, pool=pool, tags=["f"])
    floating.assert_settled()
    floating.update(pool=pool, description="desk")
    floating.assert_settled()
    associate = things.create(ASSOCIATE, floatingIp=floating.outputs["address"], portId=port.id)
    assert associate.id == floating.id
    associate.assert_settled()
    assert floating.read()["portId"] == port.id
    floating.outputs = floating.read()
    floating.update(pool=pool, description="counter")
    assert floating.outputs["portId"] == port.id
    token = "openstack:networking/getFloatingIp:getFloatingIp"
    found = things.invoke(token, address=floating.outputs["address"])
    assert (found["id"], found["pool"]) == (floating.id, pool)
    things.delete(associate)
    assert floating.read()["portId"] == ""
    things.delete(floating)


def test_a_floating_address_may_be_ordered_for_a_port_and_a_subnet(things, site):
    things.create(INTERFACE, routerId=site.router.id, subnetId=site.subnet.id)
    port = things.create(PORT, networkId=site.inside.id, fixedIps=[{"subnetId": site.subnet.id}])
    given = {"pool": site.outside.id, "subnetIds": [site.outer_subnet.id]}
    floating = things.create(FLOATING, **given, portId=port.id)
    floating.assert_settled()
    floating.update(**given, portId="")
    floating.assert_settled()


def test_a_router_is_found_by_its_name(things, site):
    token = "openstack:networking/getRouter:getRouter"
    found = things.invoke(token, name=site.router.outputs["name"], tags=["r"])
    assert found["id"] == site.router.id
    assert found["externalNetworkId"] == site.outside.id

"""Neutron: look-ups of networks, subnets, pools, scopes, routers, groups, addresses and ports."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from kraj.openstack.datasource import DataSource
from kraj.openstack.networking import AddressScope, Network, Subnet, SubnetPool
from kraj.openstack.networking_addresses import FloatingIp
from kraj.openstack.networking_limits import QuotaV2
from kraj.openstack.networking_ports import Port, SecGroup
from kraj.openstack.networking_routing import Router
from kraj.openstack.resource import Properties

_COMMON: Final = {"name": "name", "description": "description", "tenantId": "tenant_id"}


class TaggedSource(DataSource):
    """Base of look-ups whose objects have tags: all tags given must be there."""

    def fits(self, outputs: Properties, given: Properties) -> bool:
        """Compare tags as a subset, the rest as it is."""
        wanted = set(given.get("tags") or ())
        rest = {name: value for name, value in given.items() if name != "tags"}
        return wanted <= set(outputs.get("allTags") or ()) and super().fits(outputs, rest)


class GetNetwork(TaggedSource):
    """One network by its properties."""

    pulumi_function = "openstack:networking/getNetwork:getNetwork"
    resource = Network
    plural = "networks"
    identity_argument = "networkId"
    criteria: ClassVar = {
        **_COMMON,
        "status": "status",
        "external": "router:external",
        "mtu": "mtu",
    }

    def shown(self, item: Properties) -> Properties:
        """Pulumi shows two flags of this look-up as text."""
        outputs = super().shown(item)
        for name in ("adminStateUp", "shared"):
            outputs[name] = "true" if outputs[name] else "false"
        return {**outputs, "subnets": item["subnets"], "status": item["status"]}

    def candidates(self, given: Properties) -> list[Properties]:
        """Networks that have a subnet with the prefix, where one is asked for."""
        found = super().candidates(given)
        cidr = given.get("matchingSubnetCidr")
        if not cidr:
            return found
        answer = self.cloud.get("network", "subnets", parameters={"cidr": cidr})
        networks = {subnet["network_id"] for subnet in answer["subnets"]}
        return [network for network in found if network["id"] in networks]


class GetSubnet(TaggedSource):
    """One subnet by its properties."""

    pulumi_function = "openstack:networking/getSubnet:getSubnet"
    resource = Subnet
    plural = "subnets"
    identity_argument = "subnetId"
    aliases: ClassVar = {"dhcpEnabled": "enableDhcp"}
    criteria: ClassVar = {
        **_COMMON,
        "networkId": "network_id",
        "cidr": "cidr",
        "gatewayIp": "gateway_ip",
        "ipVersion": "ip_version",
        "subnetpoolId": "subnetpool_id",
        "dhcpEnabled": "enable_dhcp",
    }

    def shown(self, item: Properties) -> Properties:
        """Routes for hosts are shown by this look-up alone."""
        routes = [
            {"destinationCidr": route["destination"], "nextHop": route["nexthop"]}
            for route in item["host_routes"]
        ]
        return {**super().shown(item), "hostRoutes": routes}


class GetSubnetPool(TaggedSource):
    """One subnet pool by its properties."""

    pulumi_function = "openstack:networking/getSubnetPool:getSubnetPool"
    resource = SubnetPool
    plural = "subnetpools"
    criteria: ClassVar = {
        "name": "name",
        "description": "description",
        "projectId": "project_id",
        "addressScopeId": "address_scope_id",
        "ipVersion": "ip_version",
    }


class GetAddressScope(DataSource):
    """One address scope by its properties."""

    pulumi_function = "openstack:networking/getAddressScope:getAddressScope"
    resource = AddressScope
    plural = "address_scopes"
    criteria: ClassVar = {"name": "name", "ipVersion": "ip_version", "projectId": "project_id"}


class GetRouter(TaggedSource):
    """One router by its properties."""

    pulumi_function = "openstack:networking/getRouter:getRouter"
    resource = Router
    plural = "routers"
    identity_argument = "routerId"
    criteria: ClassVar = {**_COMMON, "status": "status"}

    def shown(self, item: Properties) -> Properties:
        """Static routes are shown by this look-up alone."""
        routes = [
            {"destinationCidr": route["destination"], "nextHop": route["nexthop"]}
            for route in item["routes"]
        ]
        return {**super().shown(item), "routes": routes, "status": item["status"]}


class GetSecGroup(TaggedSource):
    """One security group by its properties."""

    pulumi_function = "openstack:networking/getSecGroup:getSecGroup"
    resource = SecGroup
    plural = "security_groups"
    identity_argument = "secgroupId"
    criteria: ClassVar = _COMMON


class GetFloatingIp(TaggedSource):
    """One floating address by its properties."""

    pulumi_function = "openstack:networking/getFloatingIp:getFloatingIp"
    resource = FloatingIp
    plural = "floatingips"
    criteria: ClassVar = {
        "address": "floating_ip_address",
        "description": "description",
        "fixedIp": "fixed_ip_address",
        "portId": "port_id",
        "status": "status",
        "tenantId": "tenant_id",
    }

    def shown(self, item: Properties) -> Properties:
        """The state is shown by this look-up alone."""
        return {**super().shown(item), "status": item["status"]}


class GetPort(TaggedSource):
    """One port by its properties."""

    pulumi_function = "openstack:networking/getPort:getPort"
    resource = Port
    plural = "ports"
    identity_argument = "portId"
    criteria: ClassVar = {
        **_COMMON,
        "networkId": "network_id",
        "deviceId": "device_id",
        "deviceOwner": "device_owner",
        "macAddress": "mac_address",
        "status": "status",
    }

    def shown(self, item: Properties) -> Properties:
        """The state is shown by this look-up alone."""
        outputs = super().shown(item)
        return {**outputs, "status": item["status"], "bindings": [outputs["binding"]]}

    def fits(self, outputs: Properties, given: Properties) -> bool:
        """One of the addresses, and all security groups named."""
        wanted: dict[str, Any] = dict(given)
        address = wanted.pop("fixedIp", None)
        groups = set(wanted.pop("securityGroupIds", None) or ())
        if address and address not in outputs["allFixedIps"]:
            return False
        if not groups <= set(outputs["allSecurityGroupIds"]):
            return False
        return super().fits(outputs, wanted)


class GetQuotaV2(DataSource):
    """A project's network quota."""

    pulumi_function = "openstack:networking/getQuotaV2:getQuotaV2"
    resource = QuotaV2

    def candidates(self, given: Properties) -> list[Properties]:
        """A project has exactly one."""
        project = given["projectId"]
        found = QuotaV2(self.cloud).must_fetch(project)
        return [{**found, "id": f"{project}/{self.cloud.region_name}"}]

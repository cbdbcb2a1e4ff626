"""Neutron: networks, subnets, subnet pools and address scopes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kraj.openstack.fields import (
    flag,
    integer,
    record_set,
    reference,
    text,
    text_list,
    text_map,
    text_set,
)
from kraj.openstack.neutron import NetworkResource, TaggedResource
from kraj.openstack.resource import Properties
from kraj.openstack.spelling import same_address, same_prefix, same_prefixes


class Network(TaggedResource):
    """A virtual layer-2 network."""

    pulumi_type = "openstack:networking/network:Network"
    path = "networks"
    singular = "network"

    name = text()
    description = text()
    admin_state_up = flag(computed=True)
    availability_zone_hints = text_set(computed=True, replaces=True)
    dns_domain = text(computed=True)
    external = flag(api="router:external", computed=True)
    mtu = integer(computed=True)
    port_security_enabled = flag(computed=True)
    qos_policy_id = reference(computed=True)
    segments = record_set(
        {
            "physical_network": text(api="provider:physical_network"),
            "network_type": text(api="provider:network_type"),
            "segmentation_id": integer(api="provider:segmentation_id", computed=True),
        },
        computed=True,
    )
    shared = flag(computed=True)
    tenant_id = text(computed=True, replaces=True)
    transparent_vlan = flag(api="vlan_transparent", computed=True, replaces=True)
    value_specs = text_map(replaces=True, sent=False, read=False)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """A network of one segment shows it in fields of its own, to administrators."""
        if "segments" not in found:
            single = [found] if found.get("provider:network_type") else []
            found = {**found, "segments": single}
        return super().outputs(identity, found, known)


class Subnet(TaggedResource):
    """A range of addresses on a network."""

    pulumi_type = "openstack:networking/subnet:Subnet"
    path = "subnets"
    singular = "subnet"

    name = text()
    description = text()
    allocation_pools = record_set(
        {"start": text(required=True, same=same_address), "end": text(required=True)},
        computed=True,
    )
    cidr = text(computed=True, replaces=True, same=same_prefix)
    dns_nameservers = text_list()
    dns_publish_fixed_ip = flag()
    enable_dhcp = flag(default=True)
    gateway_ip = text(computed=True, same=same_address)
    ip_version = integer(default=4, replaces=True)
    ipv6_address_mode = text(computed=True, replaces=True)
    ipv6_ra_mode = text(computed=True, replaces=True)
    network_id = text(required=True, replaces=True)
    no_gateway = flag(default=False, sent=False, read=False)
    prefix_length = integer(api="prefixlen", replaces=True, read=False)
    segment_id = reference()
    service_types = text_list(computed=True)
    subnetpool_id = text(replaces=True)
    tenant_id = text(computed=True, replaces=True)
    value_specs = text_map(replaces=True, sent=False, read=False)

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """Where the addresses come from must be said, once."""
        found = {}
        if inputs.get("gatewayIp") is not None and inputs.get("noGateway") is True:
            found["gatewayIp"] = "gatewayIp cannot be given together with noGateway"
        if inputs.get("prefixLength") is not None and inputs.get("subnetpoolId") is None:
            found["prefixLength"] = "prefixLength needs subnetpoolId"
        return found

    def create_body(self, inputs: Properties) -> Properties:
        """No gateway is written as null; no gateway given leaves the choice to Neutron."""
        body = super().create_body(inputs)
        return {**body, "gateway_ip": None} if inputs.get("noGateway") else body

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """No gateway is written as null."""
        body = super().update_body(news, changed)
        if "noGateway" in changed and news.get("noGateway"):
            body["gateway_ip"] = None
        return body

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """A subnet without a gateway address has no gateway."""
        result = super().outputs(identity, found, known)
        result["noGateway"] = not result["gatewayIp"]
        return result


class AddressScope(NetworkResource):
    """A range in which addresses are unique and routed without translation."""

    pulumi_type = "openstack:networking/addressScope:AddressScope"
    path = "address-scopes"
    singular = "address_scope"

    name = text()
    ip_version = integer(default=4, replaces=True)
    project_id = text(computed=True, replaces=True)
    shared = flag(computed=True)


def _length(value: Any) -> int:
    """Some releases of Neutron tell prefix lengths as text."""
    return int(value or 0)


class SubnetPool(TaggedResource):
    """Prefixes that subnets are cut from, without overlap."""

    pulumi_type = "openstack:networking/subnetPool:SubnetPool"
    path = "subnetpools"
    singular = "subnetpool"

    name = text()
    description = text()
    address_scope_id = reference()
    created_at = text(output_only=True)
    default_prefixlen = integer(computed=True, from_api=_length)
    default_quota = integer()
    ip_version = integer(computed=True, sent=False, from_api=_length)
    is_default = flag()
    max_prefixlen = integer(computed=True, from_api=_length)
    min_prefixlen = integer(computed=True, from_api=_length)
    prefixes = text_list(required=True, same=same_prefixes)
    project_id = text(computed=True, replaces=True)
    revision_number = integer(output_only=True)
    shared = flag()
    updated_at = text(output_only=True)
    value_specs = text_map(replaces=True, sent=False, read=False)

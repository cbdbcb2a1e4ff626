"""Neutron: networks, subnets, subnet pools and address scopes."""

from __future__ import annotations

from kraj.openstack.fields import flag, integer, record_set, text, text_map, text_set
from kraj.openstack.resource import IN_USE, Resource
from kraj.openstack.tags import TaggedResource


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
    qos_policy_id = text(computed=True)
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
    transparent_vlan = flag(api="vlan_transparent", computed=True)
    value_specs = text_map(replaces=True, sent=False, read=False)


class AddressScope(Resource):
    """A range in which addresses are unique and routed without translation."""

    pulumi_type = "openstack:networking/addressScope:AddressScope"
    service = "network"
    path = "address-scopes"
    singular = "address_scope"
    delete_busy = IN_USE

    name = text()
    ip_version = integer(default=4, replaces=True)
    project_id = text(computed=True, replaces=True)
    shared = flag(computed=True)

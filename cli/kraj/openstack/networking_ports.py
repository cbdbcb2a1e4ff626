"""Neutron: ports, security groups and their rules."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from kraj.openstack.fields import (
    WHOLE,
    Field,
    Kind,
    flag,
    integer,
    record,
    record_list,
    record_set,
    reference,
    text,
    text_map,
    text_set,
)
from kraj.openstack.neutron import NetworkResource, TaggedResource
from kraj.openstack.resource import Properties
from kraj.openstack.spelling import same_address, same_ignoring_case, same_json, same_prefix


def _as_texts(details: Any) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in (details or {}).items()
    }


_BINDING = {
    "host_id": text(api="binding:host_id", computed=True),
    "profile": text(
        api="binding:profile",
        computed=True,
        same=same_json,
        to_api=lambda profile: json.loads(profile or "{}"),
        from_api=lambda profile: json.dumps(profile) if profile else "",
    ),
    "vif_details": text_map(api="binding:vif_details", output_only=True, from_api=_as_texts),
    "vif_type": text(api="binding:vif_type", output_only=True),
    "vnic_type": text(api="binding:vnic_type", default="normal"),
}


class Port(TaggedResource):
    """A connection of a server or router to a network."""

    pulumi_type = "openstack:networking/port:Port"
    path = "ports"
    singular = "port"

    name = text()
    description = text()
    admin_state_up = flag(computed=True)
    all_fixed_ips = Field(
        kind=Kind.LIST,
        api="fixed_ips",
        output_only=True,
        from_api=lambda fixed: [entry["ip_address"] for entry in fixed or []],
    )
    all_security_group_ids = text_set(api="security_groups", output_only=True)
    allowed_address_pairs = record_set({"ip_address": text(required=True), "mac_address": text()})
    binding = record(_BINDING, api=WHOLE, computed=True)
    device_id = text(computed=True, replaces=True)
    device_owner = text(computed=True, replaces=True)
    dns_assignments = Field(kind=Kind.LIST, api="dns_assignment", output_only=True, item=text_map())
    dns_name = text(computed=True)
    extra_dhcp_options = record_set(
        {
            "name": text(api="opt_name", required=True),
            "value": text(api="opt_value", required=True),
            "ip_version": integer(default=4),
        },
        api="extra_dhcp_opts",
    )
    fixed_ips = record_list(
        {"subnet_id": text(), "ip_address": text()}, read=False, conflicts=("noFixedIp",)
    )
    mac_address = text(computed=True, replaces=True, same=same_ignoring_case)
    network_id = text(required=True, replaces=True)
    no_fixed_ip = flag(sent=False, read=False)
    no_security_groups = flag(sent=False, read=False)
    port_security_enabled = flag(computed=True)
    qos_policy_id = reference(computed=True)
    security_group_ids = text_set(
        api="security_groups", read=False, conflicts=("noSecurityGroups",)
    )
    tenant_id = text(computed=True, replaces=True)
    value_specs = text_map(replaces=True, sent=False, read=False)

    def create_body(self, inputs: Properties) -> Properties:
        """An empty list says "none", which leaving the field out does not."""
        body = super().create_body(inputs)
        if inputs.get("noFixedIp"):
            body["fixed_ips"] = []
        if inputs.get("noSecurityGroups"):
            body["security_groups"] = []
        elif not inputs.get("securityGroupIds"):
            body.pop("security_groups", None)  # Neutron gives the default group
        return body

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """Addresses stay where the program no longer says anything about them."""
        body = super().update_body(news, changed)
        if not news.get("fixedIps"):
            body.pop("fixed_ips", None)
        if "noFixedIp" in changed and news.get("noFixedIp"):
            body["fixed_ips"] = []
        if "noSecurityGroups" in changed and news.get("noSecurityGroups"):
            body["security_groups"] = []
        return body

    def send_update(
        self, identity: str, olds: Properties, news: Properties, changed: Collection[str]
    ) -> Properties | None:
        """DHCP options that are gone must be named with a null value."""
        if "extraDhcpOptions" not in changed:
            return super().send_update(identity, olds, news, changed)
        kept = {option["name"] for option in news.get("extraDhcpOptions") or []}
        gone = [o for o in olds.get("extraDhcpOptions") or [] if o["name"] not in kept]
        body = self.update_body(news, changed)
        body["extra_dhcp_opts"] += [{"opt_name": o["name"], "opt_value": None} for o in gone]
        return self.put_update(identity, news, body)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """What the program gave is shown as the cloud has it now.

        Pulumi's provider shows groups and addresses as they were given, so that a group that was
        taken off by hand is never found. An allowed pair with the port's own hardware address was
        given without one.
        """
        result = super().outputs(identity, found, known)
        groups = found.get("security_groups") or []
        given = known.get("securityGroupIds")
        if given and set(given) != set(groups):
            result["securityGroupIds"] = groups
        if known.get("noSecurityGroups"):
            result["noSecurityGroups"] = not groups
        if known.get("fixedIps"):
            result["fixedIps"] = _shown_addresses(known["fixedIps"], found.get("fixed_ips") or [])
        for pair in result["allowedAddressPairs"]:
            if pair["macAddress"] == result["macAddress"]:
                pair["macAddress"] = ""
        return result


def _shown_addresses(
    given: list[Properties], found: Iterable[Mapping[str, str]]
) -> list[Properties]:
    """The addresses in the program's words where they fit, else in the cloud's.

    A program may name a subnet alone and take the address that the cloud chooses there.
    """
    left = [{"subnetId": item["subnet_id"], "ipAddress": item["ip_address"]} for item in found]
    kept = []
    for item in given:
        match = next((entry for entry in left if _fits(item, entry)), None)
        if match is not None:
            left.remove(match)
            kept.append(item)
    return kept + left


def _fits(given: Properties, found: Mapping[str, str]) -> bool:
    """Whether the cloud has what the program gave, as far as it gave anything."""
    subnet, address = given.get("subnetId"), given.get("ipAddress")
    return (not subnet or subnet == found["subnetId"]) and (
        not address or same_address(address, found["ipAddress"])
    )


class SecGroup(TaggedResource):
    """A set of rules that admit traffic to ports."""

    pulumi_type = "openstack:networking/secGroup:SecGroup"
    path = "security-groups"
    singular = "security_group"

    name = text()
    description = text(computed=True)
    delete_default_rules = flag(replaces=True, sent=False, read=False)
    stateful = flag(computed=True)
    tenant_id = text(computed=True, replaces=True)

    def settle_created(self, identity: str, found: Properties, inputs: Properties) -> Properties:
        """Take away the rules by which Neutron lets everything out."""
        if inputs.get("deleteDefaultRules"):
            for rule in found["security_group_rules"]:
                self.cloud.delete(self.service, f"security-group-rules/{rule['id']}")
        return super().settle_created(identity, found, inputs)


class SecGroupRule(NetworkResource):
    """One rule of a security group; rules cannot be changed, only replaced."""

    pulumi_type = "openstack:networking/secGroupRule:SecGroupRule"
    path = "security-group-rules"
    singular = "security_group_rule"
    told_by = (
        "security_group_id",
        "direction",
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        "remote_group_id",
    )

    description = text(replaces=True)
    direction = text(required=True, replaces=True, choices=("ingress", "egress"))
    ethertype = text(required=True, replaces=True, choices=("IPv4", "IPv6"))
    port_range_max = integer(replaces=True)
    port_range_min = integer(replaces=True)
    protocol = text(replaces=True, same=same_ignoring_case)
    remote_address_group_id = reference(computed=True, replaces=True)
    remote_group_id = reference(computed=True, replaces=True)
    remote_ip_prefix = text(computed=True, replaces=True, same=same_prefix)
    security_group_id = text(required=True, replaces=True)
    tenant_id = text(computed=True, replaces=True)

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """Ports need a protocol that has them."""
        ports = inputs.get("portRangeMin") or inputs.get("portRangeMax")
        if ports and not inputs.get("protocol"):
            return {"portRangeMin": "portRangeMin and portRangeMax need a protocol"}
        return {}

    def create_body(self, inputs: Properties) -> Properties:
        """Zero means "any port", except for ICMP, where it is a type or code; empty means none."""
        body = {key: value for key, value in super().create_body(inputs).items() if value != ""}
        if not str(inputs.get("protocol", "")).startswith(("icmp", "ipv6-icmp")):
            for bound in ("port_range_min", "port_range_max"):
                if body.get(bound) == 0:
                    del body[bound]
        return body

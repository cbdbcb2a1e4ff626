"""Nova: servers.

Making, reading and deleting them; `compute_changes` has what changes a running server,
`compute_networks` how its connections are shown, `compute_requests` how values are worded.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from kraj.errors import KrajError
from kraj.openstack.cloud import Call
from kraj.openstack.compute import ComputeResource
from kraj.openstack.compute_changes import ServerChanges, fault_of
from kraj.openstack.compute_networks import access_addresses, shown_networks
from kraj.openstack.compute_requests import (
    BOOTS_FROM_VOLUME,
    NETWORK_MODE,
    NETWORK_MODES,
    POWER_STATES,
    SHOWS_TAGS,
    device_problem,
    digest,
    encoded,
    files,
    moment,
    needs_image,
    version_for,
    without_preference,
)
from kraj.openstack.fields import (
    equal,
    flag,
    integer,
    record,
    record_list,
    record_set,
    text,
    text_list,
    text_map,
    text_set,
    to_api,
)
from kraj.openstack.names import id_of
from kraj.openstack.resource import Properties
from kraj.openstack.values import UNKNOWN
from kraj.openstack.waiter import Watch

_PORT_FIELDS: Final = tuple(
    ("fields", name) for name in ("id", "network_id", "mac_address", "fixed_ips")
)


def _of(server: str) -> list[tuple[str, Any]]:
    """The query for a server's ports."""
    return [("device_id", server)]


def _newest(identities: Sequence[str]) -> list[tuple[str, Any]]:
    """Servers awaited were asked for last, so the newest few are listed."""
    return [("sort_key", "created_at"), ("sort_dir", "desc"), ("limit", len(identities) + 2)]


def _settled(identities: Sequence[str]) -> list[tuple[str, Any]]:
    """Of the newest servers, those that are made or failed."""
    newest = [("sort_key", "created_at"), ("sort_dir", "desc"), ("limit", len(identities) + 30)]
    return [("status", "ACTIVE"), ("status", "ERROR"), *newest]


_CREATED: Final = Watch(
    service="compute",
    path="servers",
    singular="server",
    plural="servers",
    list_path="servers/detail",
    list_parameters=_newest,
    settled_parameters=_settled,
    microversion=SHOWS_TAGS,
    first_look_seconds=1.2,
    fault=fault_of,
)


class Instance(ComputeResource):
    """A server."""

    pulumi_type = "openstack:compute/instance:Instance"
    path = "servers"
    listing = "/detail"
    singular = "server"
    microversion = SHOWS_TAGS
    created = _CREATED
    deleted = replace(
        _CREATED,
        list_path="",
        settled_parameters=None,
        gone=True,
        is_ready=lambda seen: seen.get("status") == "SOFT_DELETED",
        failed=frozenset(),
        action="delete",
        first_look_seconds=0.4,
    )
    timeout_seconds = 1800.0

    name = text()
    access_ip_v4 = text(api="accessIPv4", output_only=True)
    access_ip_v6 = text(api="accessIPv6", output_only=True)
    admin_pass = text(api="adminPass", secret=True, read=False)
    all_metadata = text_map(api="metadata", output_only=True)
    all_tags = text_set(api="tags", output_only=True)
    availability_zone = text(
        api="OS-EXT-AZ:availability_zone",
        computed=True,
        replaces=True,
        sent=False,
        conflicts=("availabilityZoneHints",),
        same=lambda old, new: old == new or (":" in new and old == new.partition(":")[0]),
    )
    availability_zone_hints = text(
        replaces=True, sent=False, read=False, conflicts=("availabilityZone",)
    )
    block_devices = record_list(
        {
            "source_type": text(required=True),
            "boot_index": integer(),
            "delete_on_termination": flag(default=False),
            "destination_type": text(),
            "device_type": text(),
            "disk_bus": text(),
            "guest_format": text(),
            "multiattach": flag(default=False, sent=False),
            "uuid": text(),
            "volume_size": integer(),
            "volume_type": text(),
        },
        api="block_device_mapping_v2",
        replaces=True,
        read=False,
    )
    config_drive = flag(replaces=True, read=False)
    created_ = text(output_only=True, from_api=moment)
    flavor_id = text(api="flavor.id", computed=True, sent=False)
    flavor_name = text(computed=True, sent=False)
    force_delete = flag(default=False, sent=False, read=False)
    hypervisor_hostname = text(
        api="OS-EXT-SRV-ATTR:hypervisor_hostname",
        computed=True,
        replaces=True,
        sent=False,
        conflicts=("personalities",),
    )
    image_id = text(
        computed=True,
        sent=False,
        same=lambda old, new: old in (new, BOOTS_FROM_VOLUME),
    )
    image_name = text(computed=True, sent=False)
    key_pair = text(api="key_name", replaces=True)
    metadata = text_map()
    network_mode = text(replaces=True, sent=False, read=False, conflicts=("networks",))
    networks = record_list(
        {
            "access_network": flag(default=False),
            "fixed_ip_v4": text(computed=True),
            "fixed_ip_v6": text(computed=True),
            "mac": text(output_only=True),
            "name": text(computed=True),
            "port": text(computed=True),
            "uuid": text(computed=True),
        },
        computed=True,
        replaces=True,
        sent=False,
    )
    personalities = record_set(
        {"file": text(required=True), "content": text(required=True)},
        api="personality",
        read=False,
        to_api=files,
    )
    power_state = text(
        api="status",
        default="active",
        sent=False,
        from_api=lambda status: str(status or "").lower(),
        same=lambda old, new: old in ("error", "migrating") or old == new.lower(),
    )
    scheduler_hints = record_set(
        {
            "additional_properties": text_map(),
            "build_near_host_ip": text(),
            "different_cells": text_list(api="different_cell"),
            "different_hosts": text_list(api="different_host"),
            "group": text(),
            "queries": text_list(api="query", to_api=json.dumps),
            "same_hosts": text_list(api="same_host"),
            "target_cell": text(),
        },
        replaces=True,
        sent=False,
        read=False,
    )
    security_groups = text_set(
        computed=True,
        to_api=lambda names: [{"name": name} for name in names],
        from_api=lambda groups: sorted({group["name"] for group in groups or []}),
    )
    stop_before_destroy = flag(default=False, sent=False, read=False)
    tags = text_set()
    updated_ = text(output_only=True, from_api=moment)
    user_data = text(
        replaces=True,
        read=False,
        to_api=encoded,
        same=lambda old, new: digest(old) == digest(new),
    )
    vendor_options = record(
        {
            "detach_ports_before_destroy": flag(default=False),
            "ignore_resize_confirmation": flag(default=False),
        },
        sent=False,
        read=False,
    )

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """What Nova would refuse only after other things were made."""
        found = {}
        for name, allowed in (("powerState", POWER_STATES), ("networkMode", NETWORK_MODES)):
            value = inputs.get(name)
            if isinstance(value, str) and value.lower() not in allowed:
                found[name] = f"{name} is {value!r}; allowed are {', '.join(allowed)}"
        devices = inputs.get("blockDevices")
        for at, device in enumerate(devices if isinstance(devices, list) else []):
            problem = device_problem(device) if isinstance(device, dict) else ""
            if problem:
                found[f"blockDevices[{at}]"] = problem
        return found

    @classmethod
    def refine_changes(
        cls, olds: Mapping[str, Any], news: Mapping[str, Any], changes: dict[str, bool]
    ) -> dict[str, bool]:
        """A flavour that is deleted cannot be resized from; which network is preferred can change.

        A server that is being built has no connections yet.
        """
        for name in ("flavorId", "flavorName"):
            if name in changes and not olds.get(name):
                changes[name] = True
        if "networks" in changes:
            old, new = (without_preference(side.get("networks")) for side in (olds, news))
            changes["networks"] = new is UNKNOWN or not equal(cls.fields["networks"], old, new)
        if olds.get("powerState") == "build":
            for name in ("networks", "securityGroups"):
                changes.pop(name, None)
        return changes

    def send_create(self, inputs: Properties) -> Properties:
        """Ask for the server, with the lowest API version that knows what is asked for."""
        body: Properties = {"server": self.create_body(inputs)}
        if inputs.get("schedulerHints"):
            item = self.fields["schedulerHints"].item
            assert item is not None  # noqa: S101 - a set has items
            hints = to_api(item, inputs["schedulerHints"][0])
            body["os:scheduler_hints"] = {**hints.pop("additional_properties", {}), **hints}
        version = version_for(inputs)
        if version and version >= NETWORK_MODE:
            body["server"].setdefault("networks", "auto")
        call = self.request("POST", self.path, body=body, action=self.action("create", inputs))
        made = self.create_once(replace(call, microversion=version), body["server"])
        return {"name": inputs.get("name"), **made}

    def create_body(self, inputs: Properties) -> Properties:
        """Names of flavour, image and networks are looked up."""
        body = super().create_body(inputs)
        body["flavorRef"] = self._flavor_id(inputs)
        if needs_image(inputs):
            body["imageRef"] = self._image_id(inputs)
        for device in body.get("block_device_mapping_v2") or []:
            device.setdefault("boot_index", 0)
        zone = inputs.get("availabilityZone") or inputs.get("availabilityZoneHints")
        if zone:
            body["availability_zone"] = zone
        if inputs.get("hypervisorHostname"):
            body["hypervisor_hostname"] = inputs["hypervisorHostname"]
        mode = (inputs.get("networkMode") or "").lower()
        if mode or inputs.get("networks"):
            body["networks"] = mode or [self._connection(one) for one in inputs["networks"]]
        return body

    def settle_created(self, identity: str, found: Properties, inputs: Properties) -> Properties:
        """Wait for the server; what is known of its ports is asked for meanwhile."""
        given = [network.get("port") for network in inputs.get("networks") or []]
        known = given and all(given)
        ports = self._ports([("id", port) for port in given]) if known else None
        try:
            server = super().settle_created(identity, found, inputs)
        except KrajError as error:
            # Recorded, so that a server that failed is replaced and one that is late is not.
            found |= error.details.get("object") or {"status": "BUILD"}
            raise
        state = (inputs.get("powerState") or "active").lower()
        if state != "active":
            zone = inputs.get("availabilityZone") or ""
            ServerChanges(self.cloud, identity, self.timeout).set_power("active", state, zone)
            server = self.must_fetch(identity)
        flavor = "" if inputs.get("flavorId") else inputs.get("flavorName", "")
        return self._complete(server, ports, flavor)

    def settle_updated(
        self,
        identity: str,
        _found: Properties | None,
        olds: Properties,
        news: Properties,
        changed: Collection[str],
    ) -> Properties | None:
        """One change after the other; the name was changed before."""
        change = ServerChanges(self.cloud, identity, self.timeout)
        if "powerState" in changed:
            zone = news.get("availabilityZone") or ""
            change.set_power(olds.get("powerState") or "", news["powerState"].lower(), zone)
        if "metadata" in changed:
            change.set_metadata(olds.get("metadata") or {}, news.get("metadata") or {})
        if "securityGroups" in changed:
            before, after = (set(side.get("securityGroups") or ()) for side in (olds, news))
            change.set_security_groups(before, after)
        if "adminPass" in changed and news.get("adminPass"):
            change.set_password(news["adminPass"])
        if {"flavorId", "flavorName"} & set(changed):
            ignore = (news.get("vendorOptions") or {}).get("ignoreResizeConfirmation")
            change.resize(self._flavor_id(news), confirm=not ignore)
        if {"imageId", "imageName", "personalities"} & set(changed):
            change.rebuild(self._image_id(news), files(news.get("personalities")))
        if "tags" in changed:
            foreign = set(olds.get("allTags") or ()) - set(olds.get("tags") or ())
            change.set_tags(foreign | set(news.get("tags") or ()), SHOWS_TAGS)
        return self.fetch(identity)

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """Everything but the name changes by actions of its own."""
        return {"name": news["name"]} if "name" in changed else {}

    def send_delete(self, identity: str, outputs: Properties) -> bool:
        """Delete, after stopping and detaching where the program asks for it."""
        change = ServerChanges(self.cloud, identity, self.timeout)
        if outputs.get("stopBeforeDestroy"):
            change.stop()
        if (outputs.get("vendorOptions") or {}).get("detachPortsBeforeDestroy"):
            for network in outputs.get("networks") or []:
                change.detach_port(network["port"])
        if outputs.get("forceDelete"):
            return change.force_delete()
        return super().send_delete(identity, outputs)

    def fetch(self, identity: str) -> Properties | None:
        """The server with its ports and the names of flavour and image."""
        server = super().fetch(identity)
        return None if server is None else self._complete(server)

    def expected_reads(self, identity: str, known: Properties) -> tuple[Call, ...]:
        """The server, then its ports."""
        ports = Call("network", "GET", "ports", parameters=[*_of(identity), *_PORT_FIELDS])
        return (*super().expected_reads(identity, known), ports)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Tags and metadata show what the program has set and is still there."""
        result = super().outputs(identity, found, known)
        networks = shown_networks(
            known.get("networks") or [], found.get("ports") or [], found.get("addresses") or {}
        )
        four, six = access_addresses(networks)
        result["networks"] = networks
        result["accessIpV4"] = four or result["accessIpV4"]
        result["accessIpV6"] = six or result["accessIpV6"]
        if "name" in known:  # else it is an import, which takes all there is
            own, present = known.get("metadata") or {}, result["allMetadata"]
            result["metadata"] = {key: present[key] for key in own if key in present}
            result["tags"] = [t for t in known.get("tags") or () if t in result["allTags"]]
        if not needs_image(known):
            result["imageId"], result["imageName"] = BOOTS_FROM_VOLUME, ""
        if known.get("userData"):
            result["userData"] = digest(known["userData"])
        return result

    # --- look-ups

    def _complete(
        self, server: Properties, ports: list[Properties] | None = None, flavor_name: str = ""
    ) -> Properties:
        """The server with what other services know of it, where that is not known already."""
        flavor = {"id": server["flavor"]["id"], "name": flavor_name}
        if not flavor_name:
            # Nova lets a flavour be deleted while servers have it.
            answer = self.cloud.find("compute", f"flavors/{flavor['id']}")
            flavor = {"id": "", "name": ""} if answer is None else answer["flavor"]
        image = (server.get("image") or {}).get("id", "")
        found = self.cloud.find("image", f"images/{image}") if image else {}
        return {
            **server,
            "ports": self._ports(_of(server["id"])) if ports is None else ports,
            "flavor": {"id": flavor["id"]},
            "flavor_name": flavor["name"],
            "image_id": image,
            "image_name": "Image not found" if found is None else found.get("name", ""),
        }

    def _ports(self, criteria: list[tuple[str, Any]]) -> list[Properties]:
        found = self.cloud.find("network", "ports", parameters=[*criteria, *_PORT_FIELDS]) or {}
        return list(found["ports"])

    def _connection(self, network: Mapping[str, Any]) -> Properties:
        """A network as Nova wants it: a port, or the id of a network."""
        if network.get("port"):
            return {"port": network["port"]}
        fixed = {"fixed_ip": network["fixedIpV4"]} if network.get("fixedIpV4") else {}
        name = network.get("name")
        identity = network.get("uuid") or id_of(self.cloud, "network", "networks", name)
        return {"uuid": identity, **fixed}

    def _flavor_id(self, properties: Mapping[str, Any]) -> str:
        given, name = properties.get("flavorId"), properties.get("flavorName")
        return given or id_of(self.cloud, "compute", "flavors", name, is_public="None")

    def _image_id(self, properties: Mapping[str, Any]) -> str:
        given, name = properties.get("imageId"), properties.get("imageName")
        return given or id_of(self.cloud, "image", "images", name)

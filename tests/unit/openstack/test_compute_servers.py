"""Rules of servers, and how their properties are worded."""

from __future__ import annotations

import base64
import hashlib

import pytest

from kraj.openstack.compute_networks import access_addresses, shown_networks
from kraj.openstack.compute_requests import digest, encoded, moment, version_for
from kraj.openstack.compute_servers import Instance
from kraj.openstack.values import UNKNOWN
from kraj.openstack.waiter import Watch

SERVER = "openstack:compute/instance:Instance"
OLDS = {
    "name": "a",
    "flavorId": "f",
    "flavorName": "small",
    "imageId": "i",
    "imageName": "debian",
    "availabilityZone": "z1",
    "powerState": "active",
    "securityGroups": ["default"],
    "networks": [
        {
            "accessNetwork": False,
            "fixedIpV4": "10.0.0.5",
            "fixedIpV6": "",
            "mac": "fa:16:3e:00:00:01",
            "name": "inside",
            "port": "p1",
            "uuid": "n1",
        }
    ],
}


def port(identity: str, network: str, mac: str, *addresses: str) -> dict[str, object]:
    fixed = [{"subnet_id": "s", "ip_address": address} for address in addresses]
    return {"id": identity, "network_id": network, "mac_address": mac, "fixed_ips": fixed}


def entry(mac: str, address: str) -> dict[str, object]:
    return {"OS-EXT-IPS-MAC:mac_addr": mac, "addr": address}


def test_what_the_cloud_decides_is_no_difference(rules_of):
    given = {"name": "a", "flavorName": "small", "networks": [{"port": "p1"}]}
    assert not rules_of(SERVER).diff(OLDS, given).changes


def test_most_changes_happen_to_the_running_server(rules_of):
    changed = {
        "name": "b",
        "flavorName": "large",
        "imageName": "ubuntu",
        "powerState": "shutoff",
        "metadata": {"a": "b"},
        "tags": ["t"],
        "securityGroups": ["web"],
    }
    assert rules_of(SERVER).updates(OLDS, **changed) == set(changed)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("availabilityZone", "z2"),
        ("keyPair", "other"),
        ("networks", [{"port": "p2"}]),
        ("networks", [{"port": "p1"}, {"port": "p2"}]),
        ("userData", "#!/bin/sh"),
        ("schedulerHints", [{"group": "g"}]),
        ("blockDevices", [{"sourceType": "volume", "destinationType": "volume", "uuid": "v"}]),
    ],
)
def test_some_changes_need_another_server(rules_of, name, value):
    assert rules_of(SERVER).replaces(OLDS, name="a", **{name: value}) == {name}


def test_a_port_that_is_not_known_yet_replaces_the_server(rules_of):
    assert rules_of(SERVER).replaces(OLDS, name="a", networks=[{"port": UNKNOWN}]) == {"networks"}
    assert rules_of(SERVER).replaces(OLDS, name="a", networks=UNKNOWN) == {"networks"}


def test_another_access_network_is_a_change_in_place(rules_of):
    given = {"name": "a", "networks": [{"port": "p1", "accessNetwork": True}]}
    assert rules_of(SERVER).updates(OLDS, **given) == {"networks"}
    assert rules_of(SERVER).replaces(OLDS, **given) == set()


def test_a_zone_may_name_a_host(rules_of):
    assert not rules_of(SERVER).diff(OLDS, {"name": "a", "availabilityZone": "z1:compute1"}).changes


def test_a_server_whose_flavor_was_deleted_cannot_be_resized(rules_of):
    olds = {**OLDS, "flavorId": "", "flavorName": ""}
    assert rules_of(SERVER).replaces(olds, name="a", flavorName="large") == {"flavorName"}


def test_a_server_that_failed_later_is_not_started_again_and_not_replaced(rules_of):
    olds = {**OLDS, "powerState": "error"}
    assert not rules_of(SERVER).diff(olds, {"name": "a", "networks": [{"port": "p1"}]}).changes


def test_a_server_that_is_being_built_has_no_connections_to_compare(rules_of):
    olds = {**OLDS, "powerState": "build", "networks": [], "securityGroups": []}
    given = {"name": "a", "networks": [{"port": "p1"}], "securityGroups": ["web"]}
    assert set(rules_of(SERVER).diff(olds, given).changes) == {"powerState"}


def test_a_server_that_never_came_up_has_none_and_is_replaced(rules_of):
    olds = {**OLDS, "powerState": "error", "networks": []}
    assert rules_of(SERVER).replaces(olds, name="a", networks=[{"port": "p1"}]) == {"networks"}


def test_user_data_is_compared_by_its_digest(rules_of):
    text = "#cloud-config\n"
    olds = {**OLDS, "userData": hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()}
    assert not rules_of(SERVER).diff(olds, {"name": "a", "userData": text}).changes
    assert digest(digest(text)) == digest(text)


def test_text_is_encoded_once():
    packed = base64.b64encode("úřad".encode()).decode()
    assert encoded("úřad") == packed
    assert encoded(packed) == packed


def test_times_are_written_as_pulumis_provider_does():
    assert moment("2030-01-02T03:04:05Z") == "2030-01-02 03:04:05 +0000 UTC"


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ({"sourceType": "volume", "destinationType": "volume"}, "needs uuid"),
        ({"sourceType": "image", "destinationType": "volume", "uuid": "i"}, "needs volumeSize"),
        ({"sourceType": "blank", "destinationType": "local"}, "needs volumeSize"),
    ],
)
def test_an_incomplete_block_device_is_refused(rules_of, device, words):
    failures = rules_of(SERVER).failures(blockDevices=[device])
    assert words in failures["blockDevices[0]"]


def test_an_unknown_volume_is_no_missing_one(rules_of):
    device = {"sourceType": "volume", "destinationType": "volume", "uuid": UNKNOWN}
    assert not rules_of(SERVER).failures(blockDevices=[device])
    assert not rules_of(SERVER).failures(blockDevices=[UNKNOWN])


def test_unknown_states_and_modes_are_refused(rules_of):
    failures = rules_of(SERVER).failures(powerState="on", networkMode="some")
    assert failures["powerState"].startswith("powerState is 'on'; allowed are active")
    assert failures["networkMode"] == "networkMode is 'some'; allowed are auto, none"


@pytest.mark.parametrize(
    ("inputs", "version"),
    [
        ({}, None),
        ({"tags": ["t"]}, "2.52"),
        ({"networkMode": "none"}, "2.37"),
        ({"tags": ["t"], "blockDevices": [{"volumeType": "fast"}]}, "2.67"),
    ],
)
def test_the_lowest_version_that_knows_the_request_is_used(inputs, version):
    assert version_for(inputs) == version


def test_connections_are_shown_in_the_order_of_the_program():
    ports = [port("p1", "n1", "m1", "10.0.0.5", "fd00::5"), port("p2", "n2", "m2", "10.1.0.5")]
    addresses = {"inside": [entry("m1", "10.0.0.5")], "outside": [entry("m2", "10.1.0.5")]}
    shown = shown_networks([{"uuid": "n2"}, {"port": "p1"}], ports, addresses)
    assert [(one["port"], one["name"], one["fixedIpV6"]) for one in shown] == [
        ("p2", "outside", ""),
        ("p1", "inside", "fd00::5"),
    ]
    assert access_addresses(shown) == ("10.1.0.5", "fd00::5")


def test_the_access_network_is_preferred():
    ports = [port("p1", "n1", "m1", "10.0.0.5"), port("p2", "n2", "m2", "10.1.0.5")]
    given = [{"port": "p1"}, {"port": "p2", "accessNetwork": True}]
    assert access_addresses(shown_networks(given, ports, {})) == ("10.1.0.5", "")


def test_two_connections_to_one_network_are_two_ports():
    ports = [port("p1", "n1", "m1", "10.0.0.5"), port("p2", "n1", "m2", "10.0.0.6")]
    shown = shown_networks([{"uuid": "n1"}, {"uuid": "n1"}], ports, {})
    assert [one["port"] for one in shown] == ["p1", "p2"]


def test_a_port_attached_by_others_is_not_taken_for_one_of_the_program():
    ports = [port("px", "n1", "m0", "10.0.0.4"), port("p1", "n1", "m1", "10.0.0.5")]
    shown = shown_networks([{"port": "p1"}], ports, {})
    assert [one["port"] for one in shown] == ["p1"]


def test_a_connection_that_is_gone_is_left_out():
    assert shown_networks([{"port": "p1"}], [], {}) == []


def test_without_connections_in_the_program_all_are_shown_in_novas_order():
    ports = [port("p2", "n2", "m2", "10.1.0.5"), port("p1", "n1", "m1", "10.0.0.5")]
    addresses = {"inside": [entry("m1", "10.0.0.5")], "outside": [entry("m2", "10.1.0.5")]}
    shown = shown_networks([], ports, addresses)
    assert [one["name"] for one in shown] == ["inside", "outside"]


def test_a_server_that_the_cloud_keeps_for_a_while_after_its_deletion_is_as_good_as_gone():
    watch = Instance.deleted
    assert isinstance(watch, Watch)
    assert watch.judge({"status": "SOFT_DELETED"}, "s")
    assert watch.judge(None, "s")
    assert not watch.judge({"status": "ERROR"}, "s")

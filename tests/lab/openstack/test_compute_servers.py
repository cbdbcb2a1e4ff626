"""Servers on a real cloud."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from pulumi.runtime.proto import provider_pb2, status_pb2

from kraj.openstack.values import decode_struct, encode_struct
from tests.lab.openstack.conftest import CallFailedError, Context, Thing, Things

pytestmark = pytest.mark.lab

SERVER = "openstack:compute/instance:Instance"
FLAVOR = "openstack:compute/flavor:Flavor"
GROUP = "openstack:compute/serverGroup:ServerGroup"
NETWORK = "openstack:networking/network:Network"
SUBNET = "openstack:networking/subnet:Subnet"
PORT = "openstack:networking/port:Port"
SEC_GROUP = "openstack:networking/secGroup:SecGroup"
VOLUME = "openstack:blockstorage/volume:Volume"
VOLUME_ATTACH = "openstack:compute/volumeAttach:VolumeAttach"
INTERFACE_ATTACH = "openstack:compute/interfaceAttach:InterfaceAttach"
IMAGE = "openstack:images/image:Image"


@dataclass
class Ground:
    """What servers stand on."""

    things: Things
    flavor: Thing
    image: Thing
    network: Thing
    subnet: Thing

    def port(self) -> Thing:
        return self.things.create(PORT, networkId=self.network.id, tags=["t"])

    @property
    def flavor_name(self) -> str:
        return self.flavor.outputs["name"]


@pytest.fixture
def ground(things, tmp_path):
    """A flavour, an image and a network with a subnet."""
    disk = tmp_path / "disk.raw"
    disk.write_bytes(b"\0" * 1024)
    return Ground(
        things,
        things.create(FLAVOR, ram=64, vcpus=1, disk=0, isPublic=True),
        things.create(IMAGE, localFilePath=str(disk), diskFormat="raw", containerFormat="bare"),
        network := things.create(NETWORK),
        things.create(SUBNET, networkId=network.id, cidr="10.9.0.0/24"),
    )


def test_a_server_boots_from_a_volume_with_a_port_in_a_server_group(things, ground):
    group = things.create(GROUP, policies="anti-affinity")
    port = ground.port()
    boot = things.create(VOLUME, size=1, imageId=ground.image.id)
    given = {
        "flavorName": ground.flavor_name,
        "networks": [{"port": port.id}],
        "blockDevices": [
            {
                "sourceType": "volume",
                "destinationType": "volume",
                "uuid": boot.id,
                "bootIndex": 0,
                "deleteOnTermination": False,
            }
        ],
        "schedulerHints": [{"group": group.id}],
        "userData": "#cloud-config\n",
        "metadata": {"tenant": "a", "service": "records"},
        "tags": ["one", "two"],
    }
    server = things.create(SERVER, **given)
    server.assert_settled()
    outputs = server.outputs
    assert outputs["powerState"] == "active"
    assert outputs["flavorId"] == ground.flavor.id
    assert outputs["imageId"] == "Attempt to boot from volume - no image supplied"
    assert (
        outputs["userData"] == hashlib.sha1(b"#cloud-config\n", usedforsecurity=False).hexdigest()
    )
    assert outputs["accessIpV4"] == port.outputs["allFixedIps"][0]
    assert outputs["networks"] == [
        {
            "accessNetwork": False,
            "fixedIpV4": port.outputs["allFixedIps"][0],
            "fixedIpV6": "",
            "mac": port.outputs["macAddress"],
            "name": ground.network.outputs["name"],
            "port": port.id,
            "uuid": ground.network.id,
        }
    ]
    assert group.read()["members"] == [server.id]
    assert server.diff(**given | {"userData": "#!/bin/sh\n"}).replaces == ["userData"]
    things.delete(server)
    assert boot.read()["attachments"] == []
    assert port.read()["deviceId"] == ""


def test_a_server_changes_in_place(things, ground, provider):
    groups = [things.create(SEC_GROUP) for _ in range(2)]
    names = [group.outputs["name"] for group in groups]
    larger = things.create(FLAVOR, ram=128, vcpus=1, disk=0, isPublic=True)
    given = {"imageId": ground.image.id, "networks": [{"uuid": ground.network.id}]}
    server = things.create(
        SERVER,
        **given,
        flavorName=ground.flavor_name,
        securityGroups=[names[0]],
        metadata={"tenant": "a", "service": "records"},
        tags=["one", "two"],
    )
    server.assert_settled()
    assert server.outputs["imageName"] == ground.image.outputs["name"]
    provider.cloud.put("compute", f"servers/{server.id}/tags/theirs", microversion="2.26")
    server.outputs = server.read()
    server.update(
        **given,
        name=f"{server.name}-2",
        flavorName=larger.outputs["name"],
        securityGroups=[names[1]],
        metadata={"service": "map", "owner": "b"},
        tags=["three"],
        powerState="shutoff",
    )
    server.assert_settled()
    outputs = server.outputs
    assert outputs["flavorId"] == larger.id
    assert outputs["securityGroups"] == [names[1]]
    assert outputs["allMetadata"] == {"service": "map", "owner": "b"}
    assert sorted(outputs["allTags"]) == ["theirs", "three"]
    assert outputs["powerState"] == "shutoff"
    things.delete(server)


@pytest.mark.parametrize("state", ["shutoff", "paused", "shelved_offloaded"])
def test_a_server_is_made_in_a_power_state_and_brought_back(things, ground, state):
    given = {
        "imageName": ground.image.outputs["name"],
        "flavorId": ground.flavor.id,
        "networks": [{"name": ground.network.outputs["name"], "fixedIpV4": "10.9.0.77"}],
    }
    server = things.create(SERVER, **given, powerState=state)
    server.assert_settled()
    assert server.outputs["powerState"] == state
    assert server.outputs["accessIpV4"] == "10.9.0.77"
    server.update(**given)
    server.assert_settled()
    assert server.outputs["powerState"] == "active"


def test_a_server_makes_its_own_boot_volume_and_takes_it_along(things, ground, provider):
    server = things.create(
        SERVER,
        flavorName=ground.flavor_name,
        networkMode="none",
        stopBeforeDestroy=True,
        blockDevices=[
            {
                "sourceType": "image",
                "destinationType": "volume",
                "uuid": ground.image.id,
                "volumeSize": 1,
                "volumeType": "__DEFAULT__",
                "bootIndex": 0,
                "deleteOnTermination": True,
            }
        ],
    )
    server.assert_settled()
    assert server.outputs["networks"] == []
    attached = provider.cloud.get("compute", f"servers/{server.id}/os-volume_attachments")
    (volume,) = (one["volumeId"] for one in attached["volumeAttachments"])
    things.delete(server)
    seen = provider.cloud.find("block-storage", f"volumes/{volume}")
    assert seen is None or seen["volume"]["status"] == "deleting"


def begin(things: Things, words: str, timeout: float = 0, **given: object) -> Thing:
    """A server whose creation fails with these words, as the state has it then."""
    server = Thing(things.provider, SERVER, f"kraj-test-begun-{things.suffix}")
    server.inputs = server.check(**given)
    request = provider_pb2.CreateRequest(
        urn=server.urn, properties=encode_struct(server.inputs), timeout=timeout
    )
    context = Context()
    with pytest.raises(CallFailedError, match=words):
        things.provider.Create(request, context)
    details = status_pb2.Status.FromString(dict(context.metadata)["grpc-status-details-bin"])
    unfinished = provider_pb2.ErrorResourceInitFailed()
    details.details[0].Unpack(unfinished)
    server.id, server.outputs = unfinished.id, decode_struct(unfinished.properties)
    things.made.append(server)
    return server


def test_a_server_that_fails_is_told_with_novas_reason_and_replaced_by_the_next_run(things, ground):
    nowhere = things.create(
        FLAVOR,
        **{"ram": 64, "vcpus": 1, "disk": 0, "isPublic": True},
        extraSpecs={"trait:HW_CPU_X86_SGX": "required"},
    )
    given = {
        "imageId": ground.image.id,
        "networks": [{"uuid": ground.network.id}],
        "flavorName": nowhere.outputs["name"],
    }
    server = begin(things, r"KRJ409 .* is in state ERROR: No valid host", **given)
    assert server.outputs["powerState"] == "error"
    server.outputs = server.read()
    difference = server.diff(**given)
    assert "__unfinished" in difference.replaces
    assert difference.deleteBeforeReplace
    things.delete(server)


def test_a_server_that_is_late_is_finished_by_the_next_run(things, ground):
    given = {
        "imageId": ground.image.id,
        "networks": [{"port": ground.port().id}],
        "flavorName": ground.flavor_name,
    }
    server = begin(things, r"KRJ410 servers .* is still not ready", timeout=0.01, **given)
    assert server.outputs["powerState"] == "build"
    assert "__unfinished" in server.diff(**given).diffs
    server.update(**given)
    assert server.outputs["powerState"] == "active"
    server.assert_settled()


def test_volumes_and_ports_are_attached_and_detached(things, ground):
    port, other = ground.port(), ground.port()
    server = things.create(
        SERVER,
        flavorName=ground.flavor_name,
        imageId=ground.image.id,
        networks=[{"port": port.id}],
    )
    volume = things.create(VOLUME, size=1, enableOnlineResize=True)
    attachment = things.create(VOLUME_ATTACH, instanceId=server.id, volumeId=volume.id)
    assert attachment.id == f"{server.id}/{volume.id}"
    attachment.assert_settled()
    assert attachment.outputs["device"].startswith("/dev/")
    volume.outputs = volume.read()
    assert volume.outputs["attachments"][0]["instanceId"] == server.id
    volume.update(size=2, enableOnlineResize=True)
    volume.assert_settled()
    interface = things.create(INTERFACE_ATTACH, instanceId=server.id, portId=other.id)
    assert interface.id == f"{server.id}/{other.id}"
    interface.assert_settled()
    server.assert_settled()
    things.delete(interface)
    things.delete(attachment)
    server.assert_settled()


def test_a_volume_that_is_still_attached_is_detached_before_it_is_deleted(things, ground):
    server = things.create(
        SERVER, flavorName=ground.flavor_name, imageId=ground.image.id, networkMode="none"
    )
    volume = things.create(VOLUME, size=1)
    attachment = things.create(VOLUME_ATTACH, instanceId=server.id, volumeId=volume.id)
    things.delete(volume)
    assert attachment.read() is None
    things.made.remove(attachment)


def test_an_imported_server_shows_no_difference(things, ground):
    server = things.create(
        SERVER,
        flavorName=ground.flavor_name,
        imageId=ground.image.id,
        networks=[{"port": ground.port().id}],
        metadata={"a": "b"},
        tags=["t"],
    )
    inputs, _ = server.imported()
    given = {key: value for key, value in inputs.items() if key != "__defaults"}
    assert not server.diff(**given).diffs
    found = things.invoke("openstack:compute/getInstanceV2:getInstanceV2", id=server.id)
    assert found["name"] == server.outputs["name"]


def test_three_servers_are_awaited_together(things, ground):
    ports = [ground.port() for _ in range(3)]
    servers = [
        Thing(things.provider, SERVER, f"kraj-test-three-{at}-{things.suffix}") for at in range(3)
    ]

    def start(server: Thing, port: Thing) -> None:
        server.create(
            flavorName=ground.flavor_name,
            imageId=ground.image.id,
            networks=[{"port": port.id}],
        )

    started = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(start, servers, ports))
    things.made += servers
    assert time.monotonic() - started < 60
    assert {server.outputs["powerState"] for server in servers} == {"active"}

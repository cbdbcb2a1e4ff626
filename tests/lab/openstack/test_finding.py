"""What is found of a creation whose end nobody saw: the very object, and nothing of others."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kraj.openstack.provider import OpenStackProvider
from kraj.openstack.values import Secret
from tests.lab.conftest import LabCloud
from tests.lab.openstack.conftest import CallFailedError, Thing, Things

pytestmark = pytest.mark.lab

UNFINISHED = "__unfinished"


def kind(name: str) -> str:
    """`compute/flavor:Flavor` of `compute:Flavor`."""
    module, _, type_name = name.partition(":")
    return f"openstack:{module}/{type_name[0].lower()}{type_name[1:]}:{type_name}"


def assert_found(thing: Thing, remedy: str | None = None, **traces: Any) -> None:
    """Exactly the thing is found, with what is left to do, unless another resource has it."""
    found = thing.found(**traces)
    assert [*found] == [thing.id]
    assert found[thing.id].get(UNFINISHED) == remedy
    assert thing.found(**{**traces, "known": frozenset({thing.id})}) == {}


def assert_unproven(thing: Thing, **traces: Any) -> None:
    """Something is found, and refused, since nothing proves whose it is."""
    with pytest.raises(CallFailedError, match="nothing proves") as refused:
        thing.found(**traces)
    assert thing.id in str(refused.value)
    assert "KRAJ_ADOPT" in str(refused.value)


def project_of(things: Things) -> str:
    """The id of the administrator's project, whose things these are."""
    return things.provider.cloud.project_id


# --- told by a mark, by a password, or by what the stack owns ------------------------------------


@pytest.mark.parametrize("name", ["identity:Project", "identity:Role", "identity:GroupV3"])
def test_keystones_objects_are_told_by_their_mark(things: Things, name: str) -> None:
    thing = things.create(kind(name))
    assert_found(thing)
    assert_unproven(thing, mark="5f0c1d2e-0000-4000-8000-000000000002")
    thing.assert_settled()


def test_a_user_is_told_by_the_password(things: Things) -> None:
    user = things.create(kind("identity:User"), password="of this run alone")
    assert_found(user)
    user.inputs["password"] = "of another run"
    assert_unproven(user)


def test_a_user_without_a_password_is_told_by_the_project(things: Things) -> None:
    project = things.create(kind("identity:Project"))
    user = things.create(kind("identity:User"), defaultProjectId=project.id)
    assert_found(user, owned=frozenset({project.id}))
    assert_unproven(user)


def test_a_flavour_is_told_by_its_id(things: Things) -> None:
    flavor = things.create(kind("compute:Flavor"), ram=64, vcpus=1, disk=0)
    assert flavor.id == flavor.mark
    assert_found(flavor, "finish")
    assert flavor.found(mark="5f0c1d2e-0000-4000-8000-000000000002") == {}
    flavor.assert_settled()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("blockstorage:VolumeTypeV3", {}),
        ("blockstorage:QosV3", {"consumer": "both"}),
        ("networking:AddressScope", {"ipVersion": 4}),
        ("compute:ServerGroup", {"policies": "affinity"}),
        ("compute:Flavor", {"ram": 64, "vcpus": 1, "disk": 0, "flavorId": "auto"}),
    ],
)
def test_what_nothing_proves_is_taken_only_where_the_user_says_so(
    things: Things,
    provider_for: Callable[..., OpenStackProvider],
    lab_cloud: LabCloud,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    given: dict[str, Any],
) -> None:
    if given.get("flavorId"):
        given = {**given, "flavorId": f"kraj-test-{things.suffix}"}
    thing = things.create(kind(name), **given)
    mark = "" if name == "compute:Flavor" else thing.mark
    assert_unproven(thing, mark=mark)
    variables = thing.provider.cloud.environment
    monkeypatch.setitem(variables, "KRAJ_ADOPT", thing.id)
    assert [*thing.found(mark=mark)] == [thing.id]
    monkeypatch.delitem(variables, "KRAJ_ADOPT")
    monkeypatch.setitem(variables, "KRAJ_DISOWN", thing.id)
    assert thing.found(mark=mark) == {}


def test_what_the_stacks_own_project_has_is_the_stacks(things: Things) -> None:
    group = things.create(kind("compute:ServerGroup"), policies="affinity")
    assert_found(group, owned=frozenset({project_of(things)}))


def test_a_credential_whose_secret_is_lost_is_made_anew_where_it_is_the_stacks(
    things: Things,
) -> None:
    credential = things.create(kind("identity:ApplicationCredential"), roles=["reader"])
    assert_found(credential, "replace", owned=frozenset({project_of(things)}))
    assert_unproven(credential)


def test_what_was_there_before_is_somebody_elses(things: Things) -> None:
    network = things.create(kind("networking:Network"))
    assert_found(network, "finish")
    assert_unproven(network, since=time.time() + 3600)
    assert_unproven(network, since=None)


# --- told by name, parents and age ---------------------------------------------------------------


@pytest.fixture
def port(things: Things) -> Thing:
    """A port on a network of its own."""
    network = things.create(kind("networking:Network"))
    things.create(kind("networking:Subnet"), networkId=network.id, cidr="10.9.0.0/24")
    return things.create(kind("networking:Port"), networkId=network.id)


def test_a_server_and_what_is_attached_to_it_are_found(
    things: Things, port: Thing, tmp_path: Path
) -> None:
    disk = tmp_path / "disk.raw"
    disk.write_bytes(b"\0" * 1024)
    formats = {"diskFormat": "raw", "containerFormat": "bare"}
    image = things.create(kind("images:Image"), localFilePath=str(disk), **formats)
    assert_found(image)
    flavor = things.create(kind("compute:Flavor"), ram=64, vcpus=1, disk=0)
    server = things.create(
        kind("compute:Instance"),
        flavorId=flavor.id,
        imageId=image.id,
        networks=[{"port": port.id}],
        metadata={"kraj-test": things.suffix},
    )
    assert_found(server, "finish")
    server.inputs["metadata"] = {"kraj-test": "another"}
    assert server.found() == {}
    server.inputs["metadata"] = {"kraj-test": things.suffix}

    volume = things.create(kind("blockstorage:Volume"), size=1)
    assert_found(volume, "finish")
    attached = things.create(kind("compute:VolumeAttach"), instanceId=server.id, volumeId=volume.id)
    assert_found(attached, "finish")
    second = things.create(kind("networking:Port"), networkId=port.outputs["networkId"])
    plugged = things.create(kind("compute:InterfaceAttach"), instanceId=server.id, portId=second.id)
    assert_found(plugged)
    things.delete(plugged)
    assert plugged.found() == {}
    # Nova makes a port with any address: it looks like those that the new server came with.
    plugged = things.create(
        kind("compute:InterfaceAttach"),
        instanceId=server.id,
        networkId=port.outputs["networkId"],
    )
    assert_unproven(plugged)
    things.delete(plugged)
    things.delete(attached)
    assert attached.found() == {}


def test_a_floating_address_is_found_where_it_points(things: Things) -> None:
    outside = things.create(kind("networking:Network"), external=True)
    things.create(kind("networking:Subnet"), networkId=outside.id, cidr="198.51.100.0/24")
    inside = things.create(kind("networking:Network"))
    subnet = things.create(kind("networking:Subnet"), networkId=inside.id, cidr="10.9.0.0/24")
    router = things.create(kind("networking:Router"), externalNetworkId=outside.id)
    interface = things.create(
        kind("networking:RouterInterface"), routerId=router.id, subnetId=subnet.id
    )
    assert_found(interface, "finish")
    ports = [things.create(kind("networking:Port"), networkId=inside.id) for _ in range(2)]
    address = things.create(
        kind("networking:FloatingIp"), pool=outside.id, description=things.suffix
    )
    assert_found(address, "finish")
    associated = things.create(
        kind("networking:FloatingIpAssociate"),
        floatingIp=address.outputs["address"],
        portId=ports[0].id,
    )
    assert_found(associated)
    associated.inputs["portId"] = ports[1].id
    assert associated.found() == {}


def test_a_load_balancer_with_its_members_and_quota_is_found(things: Things, port: Thing) -> None:
    fixed = port.outputs["allFixedIps"][0]
    balancer = things.create(
        kind("loadbalancer:LoadBalancer"), vipNetworkId=port.outputs["networkId"]
    )
    assert_found(balancer, "finish")
    pool = things.create(
        kind("loadbalancer:Pool"),
        loadbalancerId=balancer.id,
        protocol="TCP",
        lbMethod="ROUND_ROBIN",
    )
    assert_found(pool, "finish")
    members = things.create(
        kind("loadbalancer:Members"),
        poolId=pool.id,
        members=[{"address": fixed, "protocolPort": 80}],
    )
    assert_found(members, "finish")
    assert members.found()[pool.id]["members"][0]["address"] == fixed
    project = things.create(kind("identity:Project"))
    quota = things.create(kind("loadbalancer:Quota"), projectId=project.id, loadbalancer=3)
    assert_found(quota)
    assert quota.found()[quota.id]["loadbalancer"] == 3


def test_secrets_and_containers_are_found_and_secrets_made_anew(things: Things) -> None:
    secret = things.create(
        kind("keymanager:SecretV1"),
        payload=Secret("a word of theirs"),
        payloadContentType="text/plain",
    )
    assert_found(secret, "replace")
    container = things.create(
        kind("keymanager:ContainerV1"),
        type="generic",
        secretRefs=[{"name": "one", "secretRef": secret.outputs["secretRef"]}],
    )
    assert_found(container, "finish")


def test_a_shared_image_and_the_word_on_it_are_found(things: Things, tmp_path: Path) -> None:
    disk = tmp_path / "disk.raw"
    disk.write_bytes(b"\0" * 1024)
    formats = {"diskFormat": "raw", "containerFormat": "bare", "visibility": "shared"}
    image = things.create(kind("images:Image"), localFilePath=str(disk), **formats)
    member = project_of(things)
    share = things.create(kind("images:ImageAccess"), imageId=image.id, memberId=member)
    assert_found(share, "finish")
    word = things.create(kind("images:ImageAccessAccept"), imageId=image.id, status="accepted")
    assert_found(word, "finish")
    things.delete(share)
    things.made.remove(word)
    word.inputs["memberId"] = member
    assert word.found() == {}


# --- deletions whose end nobody saw --------------------------------------------------------------


def delete_unseen(thing: Thing, service: str, path: str) -> None:
    """Ask for the deletion, as a run that dies then, and at once let the next run delete it."""
    assert thing.provider.cloud.delete(service, f"{path}/{thing.id}")
    thing.delete()
    assert thing.read() is None


def test_a_load_balancer_that_is_being_deleted_is_waited_for(things: Things, port: Thing) -> None:
    network = port.outputs["networkId"]
    balancer = things.create(kind("loadbalancer:LoadBalancer"), vipNetworkId=network)
    delete_unseen(balancer, "load-balancer", "lbaas/loadbalancers")


def test_a_listener_that_is_being_deleted_is_waited_for(things: Things, port: Thing) -> None:
    network = port.outputs["networkId"]
    balancer = things.create(kind("loadbalancer:LoadBalancer"), vipNetworkId=network)
    listener = things.create(
        kind("loadbalancer:Listener"),
        loadbalancerId=balancer.id,
        protocol="TCP",
        protocolPort=80,
    )
    delete_unseen(listener, "load-balancer", "lbaas/listeners")


def test_a_volume_that_is_being_deleted_is_waited_for(things: Things) -> None:
    delete_unseen(things.create(kind("blockstorage:Volume"), size=1), "block-storage", "volumes")


def test_a_zone_that_is_being_deleted_is_waited_for(things: Things) -> None:
    name = f"kraj-test-{things.suffix}.example."
    zone = things.create(kind("dns:Zone"), name=name, email="a@example.org")
    delete_unseen(zone, "dns", "zones")


def test_a_deleted_project_leaves_no_group_of_neutrons_behind(things: Things) -> None:
    project = things.create(kind("identity:Project"))
    cloud = project.provider.cloud

    def groups() -> list[str]:
        found = cloud.get("network", "security-groups")["security_groups"]
        return [group["name"] for group in found if group["project_id"] == project.id]

    cloud.get("network", "security-groups", parameters={"project_id": project.id})
    assert groups() == ["default"]
    delete_unseen(project, "identity", "projects")
    assert groups() == []

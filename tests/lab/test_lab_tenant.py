"""What an ordinary member of a project can do in the lab: all that a tenant's stack needs.

The member has the roles that a tenant gets (`member`, `load-balancer_member`, `creator`) and none
of an administrator's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import openstack
import pytest

from tests.lab.conftest import LabCloud

pytestmark = pytest.mark.lab

ROLES = ("member", "load-balancer_member", "creator")
WAIT_SECONDS = 120


@dataclass
class Member:
    """A signed-in member of a project of its own, and what has to be deleted after the test."""

    connection: Any
    admin: Any
    name: str
    cleanup: list[Callable[[], object]] = field(default_factory=list)

    def later(self, action: Callable[[], object]) -> None:
        self.cleanup.append(action)


@pytest.fixture(scope="module")
def admin(lab_cloud: LabCloud) -> Iterator[Any]:
    with lab_cloud.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def flavor(admin: Any) -> Iterator[Any]:
    made = admin.compute.create_flavor(
        name=f"kraj-test-{secrets.token_hex(3)}", ram=1024, vcpus=1, disk=0
    )
    yield made
    admin.compute.delete_flavor(made)


@pytest.fixture(scope="module")
def volume_type(admin: Any) -> Iterator[Any]:
    made = admin.block_storage.create_type(
        name=f"kraj-test-{secrets.token_hex(3)}", extra_specs={"volume_backend_name": "archive"}
    )
    yield made
    admin.block_storage.delete_type(made)


@pytest.fixture(scope="module")
def image(admin: Any, lab_cloud: LabCloud) -> Iterator[Any]:
    """A public image made of the lab's placeholder for Debian, which Glance inspects."""
    file = lab_cloud.image_dir / "debian-12-genericcloud-amd64.qcow2"
    made = admin.create_image(
        f"kraj-test-{secrets.token_hex(3)}",
        filename=str(file),
        disk_format="qcow2",
        container_format="bare",
        visibility="public",
        wait=True,
        use_import=False,
    )
    yield made
    admin.image.delete_image(made)


@pytest.fixture
def member(admin: Any) -> Iterator[Member]:
    name, password = f"kraj-test-{secrets.token_hex(3)}", secrets.token_urlsafe(12)
    project = admin.identity.create_project(name=name, domain_id="default")
    user = admin.identity.create_user(name=name, password=password, domain_id="default")
    for role in ROLES:
        admin.identity.assign_project_role_to_user(
            project, user, admin.identity.find_role(role, ignore_missing=False)
        )
    connection = openstack.connection.Connection(
        auth={
            "auth_url": admin.config.auth["auth_url"],
            "username": name,
            "password": password,
            "project_id": project.id,
            "user_domain_id": "default",
        },
        region_name="RegionOne",
    )
    someone = Member(connection, admin, name)
    yield someone
    for action in reversed(someone.cleanup):
        action()
    for group in admin.network.security_groups(project_id=project.id):
        admin.network.delete_security_group(group)
    connection.close()
    admin.identity.delete_user(user)
    admin.identity.delete_project(project)


def _network(member: Member) -> tuple[Any, Any]:
    network = member.connection.network.create_network(name=member.name)
    member.later(lambda: member.connection.network.delete_network(network))
    subnet = member.connection.network.create_subnet(
        network_id=network.id, name=member.name, ip_version=4, cidr="10.99.0.0/24"
    )
    return network, subnet


def test_servers_boot_from_volumes_in_both_sites_until_no_host_is_left(
    member: Member, flavor: Any, image: Any
) -> None:
    compute = member.connection.compute
    network, _subnet = _network(member)
    group = compute.create_server_group(name=member.name, policy="anti-affinity")
    member.later(lambda: compute.delete_server_group(group))
    disk = {
        "boot_index": 0,
        "source_type": "image",
        "destination_type": "volume",
        "uuid": image.id,
        "volume_size": 4,
        "delete_on_termination": True,
    }

    def boot(**placement: str) -> Any:
        server = compute.create_server(
            name=member.name,
            flavor_id=flavor.id,
            networks=[{"uuid": network.id}],
            block_device_mapping=[disk],
            scheduler_hints={"group": group.id},
            **placement,
        )
        member.later(lambda: _delete_server(compute, server))
        return server

    zones = ["site-a", "site-b", "site-a"]
    servers = [boot(availability_zone=zone) for zone in zones]
    servers = [compute.wait_for_server(server, wait=WAIT_SECONDS) for server in servers]
    assert [server.availability_zone for server in servers] == zones
    hosts = {member.admin.compute.get_server(server.id).compute_host for server in servers}
    assert hosts == {"compute1", "compute2", "compute3"}
    with pytest.raises(openstack.exceptions.ResourceFailure):
        compute.wait_for_server(boot(), wait=WAIT_SECONDS)


def _delete_server(compute: Any, server: Any) -> None:
    compute.delete_server(server)
    compute.wait_for_delete(server, wait=WAIT_SECONDS)


def test_a_load_balancer_becomes_active_and_answers_to_its_members(member: Member) -> None:
    balancing = member.connection.load_balancer
    _made, subnet = _network(member)
    balancer = balancing.create_load_balancer(name=member.name, vip_subnet_id=subnet.id)
    member.later(lambda: _delete_balancer(balancing, balancer))
    balancer = balancing.wait_for_load_balancer(balancer.id, wait=WAIT_SECONDS)
    assert (balancer.provisioning_status, balancer.operating_status) == ("ACTIVE", "ONLINE")
    assert balancer.vip_address.startswith("10.99.0.")
    listener = balancing.create_listener(
        name=member.name, load_balancer_id=balancer.id, protocol="TCP", protocol_port=443
    )
    balancing.wait_for_load_balancer(balancer.id, wait=WAIT_SECONDS)
    pool = balancing.create_pool(
        name=member.name, listener_id=listener.id, protocol="TCP", lb_algorithm="ROUND_ROBIN"
    )
    balancing.wait_for_load_balancer(balancer.id, wait=WAIT_SECONDS)
    balancing.create_member(pool, address="10.99.0.50", protocol_port=8443, subnet_id=subnet.id)
    balancing.wait_for_load_balancer(balancer.id, wait=WAIT_SECONDS)
    (found,) = balancing.members(pool)
    assert found.provisioning_status == "ACTIVE"


def _delete_balancer(balancing: Any, balancer: Any) -> None:
    balancing.delete_load_balancer(balancer.id, cascade=True)
    balancing.wait_for_delete(balancer, wait=WAIT_SECONDS)


def test_a_router_leads_to_the_external_network_and_a_floating_address(member: Member) -> None:
    network = member.connection.network
    _made, subnet = _network(member)
    (public,) = network.networks(name="public", is_router_external=True)
    router = network.create_router(
        name=member.name, external_gateway_info={"network_id": public.id}
    )
    network.add_interface_to_router(router, subnet.id)
    member.later(lambda: network.delete_router(router))
    member.later(lambda: network.remove_interface_from_router(router, subnet.id))
    address = network.create_ip(floating_network_id=public.id)
    member.later(lambda: network.delete_ip(address))
    assert address.floating_ip_address.startswith("198.51.100.")
    gateway = router.external_gateway_info["external_fixed_ips"]
    assert any(item["ip_address"].startswith("2001:db8:100:") for item in gateway)


def test_a_secret_is_kept_by_the_key_manager(member: Member) -> None:
    keys = member.connection.key_manager
    secret = keys.create_secret(
        name=member.name, payload="for the lab only", payload_content_type="text/plain"
    )
    member.later(lambda: keys.delete_secret(secret))
    assert keys.get_secret(secret.secret_id).payload == "for the lab only"


def test_a_volume_beyond_its_pool_is_refused_by_the_scheduler(
    member: Member, volume_type: Any
) -> None:
    storage = member.connection.block_storage
    member.admin.block_storage.update_quota_set(
        member.connection.current_project_id, gigabytes=-1, per_volume_gigabytes=-1
    )
    sizes = {"fits": 100, "is_larger_than_the_pool": 4657}
    volumes = {
        name: storage.create_volume(name=name, size=size, volume_type=volume_type.name)
        for name, size in sizes.items()
    }
    for volume in volumes.values():
        member.later(lambda volume=volume: _delete_volume(storage, volume))
    fitting = storage.wait_for_status(volumes["fits"], "available", wait=WAIT_SECONDS)
    assert member.admin.block_storage.get_volume(fitting.id).host == "lab@lab#archive"
    with pytest.raises(openstack.exceptions.ResourceFailure):
        storage.wait_for_status(
            volumes["is_larger_than_the_pool"], "available", ["error"], wait=WAIT_SECONDS
        )


def _delete_volume(storage: Any, volume: Any) -> None:
    storage.delete_volume(volume)
    storage.wait_for_delete(volume, wait=WAIT_SECONDS)


def test_a_volume_without_a_type_can_be_made(member: Member) -> None:
    storage = member.connection.block_storage
    volume = storage.create_volume(name=member.name, size=1)
    member.later(lambda: _delete_volume(storage, volume))
    assert storage.wait_for_status(volume, "available", wait=WAIT_SECONDS).size == 1

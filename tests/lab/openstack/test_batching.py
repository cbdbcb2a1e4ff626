"""A refresh that lists finds the same as one that asks for each object, for every type it lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from kraj.engine.base import Together
from kraj.openstack.batching import Lists
from kraj.openstack.listings import target_of
from kraj.openstack.types import resource_type
from kraj.openstack.values import reveal
from tests.lab.openstack.conftest import Context, Thing

pytestmark = pytest.mark.lab

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2qKC9aKn1Ue5h1y4mPRkC5Y0o0m8kC7b1nTfWl0WfB test"


@contextmanager
def reading(provider, things: Sequence[Thing], stacks: int = 1) -> Iterator[Lists]:
    """As an engine refreshes these, and as many more in other stacks."""
    resources = [
        SimpleNamespace(type=thing.token, id=thing.id, known=reveal(thing.outputs))
        for thing in things
    ]
    context = Context()
    together = Together(stacks)
    provider.begin_reads(SimpleNamespace(resources=resources, together=together), context)
    yield provider.cloud.lists
    provider.end_reads(None, context)


@pytest.fixture
def requests_of(provider, monkeypatch):
    """The requests made from then on."""
    made = []
    original = provider.cloud.call

    def call(asked):
        made.append(asked)
        return original(asked)

    monkeypatch.setattr(provider.cloud, "call", call)
    return made


def compare(provider, made, things: Sequence[Thing], stacks: int = 1) -> None:
    """Read one by one, then with lists: the same, and with no request for a single listed object.

    What others read (a router's ports, a server's flavour) is not asked about here.
    """
    alone = [thing.read() for thing in things]
    made.clear()
    with reading(provider, things, stacks):
        listed = [thing.read() for thing in things]
    for thing, one, other in zip(things, alone, listed, strict=True):
        assert other == one, thing.token
    types = Counter(thing.token for thing in things)
    asked = {(call.path, call.microversion) for call in made if call.path != "ports"}
    for thing in things:
        resource = resource_type(thing.token)(provider.cloud)
        expected = resource.expected_reads(thing.id, reveal(thing.outputs))
        if types[thing.token] > 1 and all(target_of(call) for call in expected):
            own = {(call.path, call.microversion) for call in expected}
            assert not asked & own, thing.token


def network_of(things) -> tuple[Thing, Thing]:
    network = things.create("openstack:networking/network:Network", tags=["t"])
    subnet = things.create(
        "openstack:networking/subnet:Subnet", networkId=network.id, cidr="10.9.0.0/24"
    )
    return network, subnet


def test_networks(things, provider, requests_of):
    made = [*network_of(things), *network_of(things)]
    group, other = (things.create("openstack:networking/secGroup:SecGroup") for _ in "12")
    made += [group, other]
    for port in (22, 80):
        rule = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
        made.append(
            things.create(
                "openstack:networking/secGroupRule:SecGroupRule",
                securityGroupId=group.id,
                portRangeMin=port,
                portRangeMax=port,
                **rule,
            )
        )
    outside = things.create("openstack:networking/network:Network", external=True)
    things.create(
        "openstack:networking/subnet:Subnet", networkId=outside.id, cidr="198.51.100.0/24"
    )
    for network, subnet in (made[0:2], made[2:4]):
        router = things.create(
            "openstack:networking/router:Router", externalNetworkId=outside.id, tags=["r"]
        )
        interface = things.create(
            "openstack:networking/routerInterface:RouterInterface",
            routerId=router.id,
            subnetId=subnet.id,
        )
        port = things.create(
            "openstack:networking/port:Port",
            networkId=network.id,
            securityGroupIds=[group.id],
            tags=["p"],
        )
        address = things.create(
            "openstack:networking/floatingIp:FloatingIp", pool=outside.outputs["name"]
        )
        associate = things.create(
            "openstack:networking/floatingIpAssociate:FloatingIpAssociate",
            floatingIp=address.outputs["address"],
            portId=port.id,
        )
        made += [router, interface, port, address, associate]
    for number in (1, 2):
        scope = things.create("openstack:networking/addressScope:AddressScope", ipVersion=4)
        pool = things.create(
            "openstack:networking/subnetPool:SubnetPool", prefixes=[f"10.{number}.0.0/16"]
        )
        made += [scope, pool]
    compare(provider, requests_of, made)
    compare(provider, requests_of, made, stacks=2)


def test_shared_networks(things, provider, requests_of):
    policies = [
        things.create(
            "openstack:networking/rbacPolicyV2:RbacPolicyV2",
            action="access_as_shared",
            objectId=things.create("openstack:networking/network:Network").id,
            objectType="network",
            targetTenant="*",
        )
        for _ in "12"
    ]
    compare(provider, requests_of, policies)


def test_servers_and_their_volumes(things, provider, requests_of, tmp_path):
    disk = tmp_path / "disk.raw"
    disk.write_bytes(b"\0" * 1024)
    image = {"localFilePath": str(disk), "diskFormat": "raw", "containerFormat": "bare"}
    images = [things.create("openstack:images/image:Image", **image) for _ in "12"]
    flavors = [
        things.create(
            "openstack:compute/flavor:Flavor",
            ram=64,
            vcpus=1,
            disk=0,
            isPublic=public,
            extraSpecs={"kraj:test": "1"},
        )
        for public in (True, False)
    ]
    keys = [things.create("openstack:compute/keypair:Keypair", publicKey=KEY) for _ in "12"]
    groups = [
        things.create("openstack:compute/serverGroup:ServerGroup", policies="soft-anti-affinity")
        for _ in "12"
    ]
    types = [things.create("openstack:blockstorage/volumeTypeV3:VolumeTypeV3") for _ in "12"]
    network, _subnet = network_of(things)
    servers = [
        things.create(
            "openstack:compute/instance:Instance",
            flavorName=flavors[0].outputs["name"],
            imageId=images[0].id,
            keyPair=keys[0].outputs["name"],
            networks=[{"uuid": network.id}],
            schedulerHints=[{"group": groups[0].id}],
            metadata={"a": "b"},
        )
        for _ in "12"
    ]
    volumes = [things.create("openstack:blockstorage/volume:Volume", size=1) for _ in "12"]
    attachments = [
        things.create(
            "openstack:compute/volumeAttach:VolumeAttach",
            instanceId=servers[0].id,
            volumeId=volume.id,
        )
        for volume in volumes
    ]
    for thing in (*servers, *volumes, *groups):
        thing.outputs = thing.read()
    compare(
        provider,
        requests_of,
        [*images, *flavors, *keys, *groups, *types, *servers, *volumes, *attachments],
    )
    reads = [call for call in requests_of if call.path == "ports"]
    assert len(reads) == 1


def test_projects_users_groups_and_rights(things, provider, requests_of):
    roles = [things.create("openstack:identity/role:Role") for _ in "12"]
    projects, users, groups = (
        [things.create(f"openstack:identity/{kind}") for _ in range(5)]
        for kind in ("project:Project", "user:User", "groupV3:GroupV3")
    )
    rights = [
        things.create(
            "openstack:identity/roleAssignment:RoleAssignment",
            projectId=projects[0].id,
            roleId=role.id,
            **who,
        )
        for role in roles
        for who in ({"userId": users[0].id}, {"groupId": groups[0].id})
    ]
    compare(provider, requests_of, [*projects, *users, *groups, *rights])
    asked = Counter(call.path for call in requests_of)
    assert asked == {"projects": 1, "users": 1, "groups": 1, "role_assignments": 1}


def test_zones_and_records(things, provider, requests_of):
    if not provider.cloud.has_service("dns"):
        pytest.skip("this cloud has no DNS service (Designate)")
    zones = [
        things.create(
            "openstack:dns/zone:Zone",
            name=f"kraj-{number}-{things.suffix}.example.",
            email="dns@example.org",
            ttl=3600,
        )
        for number in (1, 2)
    ]
    records = [
        things.create(
            "openstack:dns/recordSet:RecordSet",
            zoneId=zones[0].id,
            name=f"{name}.{zones[0].outputs['name']}",
            type="A",
            records=["192.0.2.1"],
        )
        for name in ("www", "mail")
    ]
    compare(provider, requests_of, [*zones, *records])


def test_load_balancers_and_their_parts(things, provider, requests_of):
    if not provider.cloud.has_service("load-balancer"):
        pytest.skip("this cloud has no load balancers (Octavia)")
    _network, subnet = network_of(things)
    made = []
    for _ in range(2):
        balancer = things.create(
            "openstack:loadbalancer/loadBalancer:LoadBalancer", vipSubnetId=subnet.id, tags=["a"]
        )
        listener = things.create(
            "openstack:loadbalancer/listener:Listener",
            loadbalancerId=balancer.id,
            protocol="HTTP",
            protocolPort=80,
        )
        pool = things.create(
            "openstack:loadbalancer/pool:Pool",
            listenerId=listener.id,
            protocol="HTTP",
            lbMethod="ROUND_ROBIN",
        )
        monitor = things.create(
            "openstack:loadbalancer/monitor:Monitor",
            poolId=pool.id,
            type="HTTP",
            delay=5,
            timeout=3,
            maxRetries=3,
        )
        policy = things.create(
            "openstack:loadbalancer/l7PolicyV2:L7PolicyV2",
            listenerId=listener.id,
            action="REDIRECT_TO_URL",
            redirectUrl="https://example.org/",
        )
        made += [balancer, listener, pool, monitor, policy]
    members = [
        things.create(
            "openstack:loadbalancer/member:Member",
            poolId=made[2].id,
            address=f"10.9.0.{host}",
            protocolPort=80,
        )
        for host in (11, 12)
    ]
    for thing in made:
        thing.outputs = thing.read()
    compare(provider, requests_of, [*made, *members], stacks=2)


def test_what_is_gone_is_found_gone_and_the_rest_is_there(things, provider, requests_of):
    networks = [things.create("openstack:networking/network:Network") for _ in range(3)]
    provider.cloud.delete("network", f"networks/{networks[1].id}")
    requests_of.clear()
    with reading(provider, networks):
        found = [thing.read() for thing in networks]
    assert [one is None for one in found] == [False, True, False]
    assert [call.path for call in requests_of] == ["networks", f"networks/{networks[1].id}"]

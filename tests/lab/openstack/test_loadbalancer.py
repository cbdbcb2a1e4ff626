"""Load balancers with all their parts on a real cloud."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab.openstack.conftest import Thing

pytestmark = pytest.mark.lab

PROJECT = "openstack:identity/project:Project"
NETWORK = "openstack:networking/network:Network"
SUBNET = "openstack:networking/subnet:Subnet"
SEC_GROUP = "openstack:networking/secGroup:SecGroup"
BALANCER = "openstack:loadbalancer/loadBalancer:LoadBalancer"
LISTENER = "openstack:loadbalancer/listener:Listener"
POOL = "openstack:loadbalancer/pool:Pool"
MEMBER = "openstack:loadbalancer/member:Member"
MEMBERS = "openstack:loadbalancer/members:Members"
MONITOR = "openstack:loadbalancer/monitor:Monitor"
POLICY = "openstack:loadbalancer/l7PolicyV2:L7PolicyV2"
RULE = "openstack:loadbalancer/l7RuleV2:L7RuleV2"
QUOTA = "openstack:loadbalancer/quota:Quota"


@pytest.fixture
def subnet(things):
    """Where the address is."""
    network = things.create(NETWORK)
    return things.create(SUBNET, networkId=network.id, cidr="10.9.0.0/24")


def given_of(thing: Thing) -> dict[str, object]:
    """What the program said, for changing a part of it."""
    return {key: value for key, value in thing.inputs.items() if not key.startswith("__")}


def change(thing: Thing, **values: object) -> None:
    """Change in place, and see that nothing else differs then."""
    thing.update(**{k: v for k, v in {**given_of(thing), **values}.items() if v is not None})
    thing.assert_settled()


def test_a_load_balancer_with_all_its_parts_lives_and_changes(things, subnet):
    balancer = things.create(BALANCER, vipSubnetId=subnet.id, vipAddress="10.9.0.40", tags=["a"])
    balancer.assert_settled()
    assert balancer.outputs["vipAddress"] == "10.9.0.40"
    group = things.create(SEC_GROUP)
    change(balancer, description="way in", tags=["b"], securityGroupIds=[group.id])
    assert balancer.outputs["securityGroupIds"] == [group.id]

    listener = things.create(
        LISTENER,
        loadbalancerId=balancer.id,
        protocol="HTTP",
        protocolPort=80,
        insertHeaders={"X-Forwarded-For": "true"},
        allowedCidrs=["10.0.0.0/8"],
    )
    listener.assert_settled()
    change(listener, connectionLimit=100, insertHeaders=None, allowedCidrs=None, tags=["l"])
    assert listener.outputs["allowedCidrs"] == []

    pool = things.create(
        POOL,
        listenerId=listener.id,
        protocol="HTTP",
        lbMethod="ROUND_ROBIN",
        persistence={"type": "HTTP_COOKIE"},
    )
    pool.assert_settled()
    change(pool, lbMethod="SOURCE_IP", persistence=None, description="servers")
    assert pool.outputs["persistence"] is None

    members = things.create(
        MEMBERS,
        poolId=pool.id,
        members=[
            {"name": "one", "address": "10.9.0.11", "protocolPort": 8080},
            {"name": "two", "address": "10.9.0.12", "protocolPort": 8080, "weight": 3},
        ],
    )
    assert members.id == pool.id
    members.assert_settled()
    three = {"name": "three", "address": "10.9.0.13", "protocolPort": 8080, "backup": True}
    change(members, members=[three])
    assert [one["address"] for one in members.outputs["members"]] == ["10.9.0.13"]

    monitor = things.create(
        MONITOR, poolId=pool.id, type="HTTP", delay=5, timeout=4, maxRetries=3, urlPath="/healthy"
    )
    monitor.assert_settled()
    change(monitor, delay=6, expectedCodes="200,204", httpMethod="HEAD")

    for thing in (monitor, members, pool, listener, balancer):
        things.delete(thing) if thing is not members else thing.delete()
        if thing is members:
            assert thing.read()["members"] == []
            things.made.remove(thing)


def test_requests_are_sent_by_what_they_contain(things, subnet):
    balancer = things.create(BALANCER, vipSubnetId=subnet.id)
    listener = things.create(LISTENER, loadbalancerId=balancer.id, protocol="HTTP", protocolPort=80)
    pool = things.create(
        POOL, loadbalancerId=balancer.id, protocol="HTTP", lbMethod="LEAST_CONNECTIONS"
    )
    change(listener, defaultPoolId=pool.id)
    member = things.create(
        MEMBER, poolId=pool.id, address="10.9.0.11", protocolPort=80, monitorPort=8081, tags=["m"]
    )
    member.assert_settled()
    change(member, weight=5, monitorPort=None, tags=[])
    assert member.outputs["monitorPort"] == 0
    policy = things.create(
        POLICY, listenerId=listener.id, action="REDIRECT_TO_POOL", redirectPoolId=pool.id
    )
    policy.assert_settled()
    change(
        policy, action="REDIRECT_TO_URL", redirectUrl="https://example.org/", redirectPoolId=None
    )
    rule = things.create(
        RULE, l7policyId=policy.id, type="PATH", compareType="STARTS_WITH", value="/old"
    )
    rule.assert_settled()
    assert rule.outputs["listenerId"] == listener.id
    change(rule, value="/older", invert=True)
    for thing, parent in ((member, pool), (rule, policy)):
        identity, thing.id = thing.id, f"{parent.id}/{thing.id}"
        inputs, outputs = thing.imported()
        thing.id = identity
        assert outputs["id"] == identity
        given = {key: value for key, value in inputs.items() if key != "__defaults"}
        assert not thing.diff(**given).diffs
    for thing in (rule, policy, member):
        things.delete(thing)


def test_changes_at_the_same_time_wait_for_each_other(things, subnet):
    balancer = things.create(BALANCER, vipSubnetId=subnet.id)
    listeners = [
        Thing(things.provider, LISTENER, f"kraj-test-listener-{at}-{things.suffix}")
        for at in range(3)
    ]

    def start(at: int) -> None:
        listeners[at].create(loadbalancerId=balancer.id, protocol="TCP", protocolPort=8000 + at)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(start, range(3)))
    things.made += listeners
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(Thing.delete, listeners))
    assert [listener.read() for listener in listeners] == [None, None, None]
    del things.made[-3:]


def test_a_part_whose_load_balancer_is_gone_is_gone(things, subnet):
    balancer = things.create(BALANCER, vipSubnetId=subnet.id)
    pool = things.create(POOL, loadbalancerId=balancer.id, protocol="TCP", lbMethod="ROUND_ROBIN")
    member = things.create(MEMBER, poolId=pool.id, address="10.9.0.11", protocolPort=80)
    things.delete(pool)
    things.delete(member)


def test_a_quota_is_set_and_stays_when_it_is_deleted(things):
    project = things.create(PROJECT)
    quota = things.create(QUOTA, projectId=project.id, loadbalancer=3, l7Policy=0)
    quota.assert_settled()
    quota.update(projectId=project.id, loadbalancer=5, l7Policy=0)
    quota.assert_settled()
    assert (quota.outputs["loadbalancer"], quota.outputs["l7Policy"]) == (5, 0)


def test_a_change_by_somebody_else_is_waited_for(things, subnet, provider):
    balancer = things.create(BALANCER, vipSubnetId=subnet.id)
    body = {"loadbalancer": {"description": "by hand"}}
    changed = provider.cloud.put("load-balancer", f"lbaas/loadbalancers/{balancer.id}", body)
    assert changed["loadbalancer"]["provisioning_status"] == "PENDING_UPDATE"
    listener = things.create(LISTENER, loadbalancerId=balancer.id, protocol="TCP", protocolPort=80)
    listener.assert_settled()

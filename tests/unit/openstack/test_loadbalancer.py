"""Rules of Octavia's types."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kraj.errors import KrajError
from kraj.openstack.errors import CONFLICT
from kraj.openstack.loadbalancer import Listener, LoadBalancer, Pool
from kraj.openstack.loadbalancer_members import Member, Monitor
from kraj.openstack.retry import Policy

BALANCER = "openstack:loadbalancer/loadBalancer:LoadBalancer"
LISTENER = "openstack:loadbalancer/listener:Listener"
POOL = "openstack:loadbalancer/pool:Pool"
MEMBERS = "openstack:loadbalancer/members:Members"
MONITOR = "openstack:loadbalancer/monitor:Monitor"
POLICY = "openstack:loadbalancer/l7PolicyV2:L7PolicyV2"
RULE = "openstack:loadbalancer/l7RuleV2:L7RuleV2"


def test_a_load_balancer_moves_to_another_address_by_replacement(rules_of):
    balancer = rules_of(BALANCER)
    olds = {"name": "a", "vipSubnetId": "s", "vipAddress": "10.0.0.9", "adminStateUp": True}
    assert not balancer.diff(olds, {"name": "a", "vipSubnetId": "s"}).changes
    assert balancer.replaces(olds, name="a", vipSubnetId="s", vipAddress="10.0.0.8") == {
        "vipAddress"
    }
    assert balancer.updates(olds, name="a", vipSubnetId="s", tags=["t"]) == {"tags"}


def test_a_load_balancer_needs_a_place_for_its_address(rules_of):
    assert set(rules_of(BALANCER).failures(name="a")) == {"vipSubnetId"}


def test_defaults_of_octavia_are_no_difference(rules_of):
    olds = {
        "name": "a",
        "loadbalancerId": "l",
        "protocol": "HTTP",
        "protocolPort": 80,
        "adminStateUp": True,
        "clientAuthentication": "NONE",
        "connectionLimit": -1,
        "timeoutClientData": 50000,
    }
    given = {"name": "a", "loadbalancerId": "l", "protocol": "HTTP", "protocolPort": 80}
    assert not rules_of(LISTENER).diff(olds, given).changes
    assert rules_of(LISTENER).replaces(olds, **given | {"protocolPort": 81}) == {"protocolPort"}


def test_a_pool_belongs_to_something(rules_of):
    given = {"protocol": "TCP", "lbMethod": "ROUND_ROBIN"}
    assert set(rules_of(POOL).failures(**given)) == {"listenerId"}
    assert not rules_of(POOL).failures(**given, loadbalancerId="l")


def test_members_are_compared_in_any_order(rules_of):
    one = {"address": "10.0.0.1", "protocolPort": 80, "weight": 1, "adminStateUp": True}
    two = {**one, "address": "10.0.0.2"}
    olds = {"poolId": "p", "members": [{**one, "id": "1"}, {**two, "id": "2"}]}
    plain = [{"address": m["address"], "protocolPort": 80} for m in (two, one)]
    assert not rules_of(MEMBERS).diff(olds, {"poolId": "p", "members": plain}).changes
    assert rules_of(MEMBERS).updates(olds, poolId="p", members=plain[:1]) == {"members"}


def test_an_unknown_way_of_asking_is_refused(rules_of):
    given = {"poolId": "p", "delay": 5, "timeout": 4, "maxRetries": 3}
    assert set(rules_of(MONITOR).failures(**given, type="SMOKE")) == {"type"}


@pytest.mark.parametrize(
    ("action", "target", "fits"),
    [
        ("REJECT", "redirectUrl", False),
        ("REDIRECT_TO_POOL", "redirectPoolId", True),
        ("REDIRECT_TO_POOL", "redirectPrefix", False),
        ("REDIRECT_TO_URL", "redirectUrl", True),
        ("REDIRECT_PREFIX", "redirectPrefix", True),
    ],
)
def test_an_action_has_its_own_target(rules_of, action, target, fits):
    failures = rules_of(POLICY).failures(listenerId="l", action=action, **{target: "https://x/"})
    assert (not failures) == fits


def test_a_rule_changes_in_place_within_its_policy(rules_of):
    olds = {
        "l7policyId": "p",
        "type": "PATH",
        "compareType": "EQUAL_TO",
        "value": "/a",
        "adminStateUp": True,
    }
    given = {"l7policyId": "p", "type": "PATH", "compareType": "EQUAL_TO", "value": "/b"}
    assert rules_of(RULE).updates(olds, **given) == {"value"}
    assert rules_of(RULE).replaces(olds, **given | {"l7policyId": "q"}) == {"l7policyId"}


@pytest.mark.parametrize(
    ("kind", "changed", "body"),
    [
        (Listener, "defaultPoolId", {"default_pool_id": None}),
        (Listener, "description", {"description": ""}),
        (Listener, "allowedCidrs", {"allowed_cidrs": []}),
        (Listener, "clientAuthentication", {"client_authentication": "NONE"}),
        (Pool, "persistence", {"session_persistence": None}),
        (Member, "monitorPort", {"monitor_port": None}),
        (Monitor, "httpVersion", {"http_version": None}),
    ],
)
def test_what_a_program_no_longer_says_is_sent_as_octavia_wants_it(kind, changed, body):
    assert kind(None).update_body({}, {changed}) == body


def test_a_conflict_over_a_load_balancer_that_is_not_there_yet_is_told():
    """Nothing can be waited for: the cloud here has no waiter."""
    conflict = KrajError(CONFLICT, "Load Balancer is immutable", details={"status": 409})

    def call(_call):
        raise conflict

    cloud = SimpleNamespace(call=call, policy=Policy())
    with pytest.raises(KrajError) as caught:
        LoadBalancer(cloud).send_create({"name": "a", "vipSubnetId": "s"})
    assert caught.value is conflict


@pytest.mark.parametrize(
    ("old", "given", "changed"),
    [
        ("NONE", None, set()),
        ("OPTIONAL", None, {"clientAuthentication"}),
        ("OPTIONAL", "OPTIONAL", set()),
        ("OPTIONAL", "MANDATORY", {"clientAuthentication"}),
    ],
)
def test_clients_are_no_longer_asked_where_the_program_does_not_say_so(
    rules_of, old, given, changed
):
    inputs = {
        "name": "a",
        "protocol": "TERMINATED_HTTPS",
        "protocolPort": 443,
        "loadbalancerId": "x",
        "adminStateUp": True,
    }
    news = inputs | ({} if given is None else {"clientAuthentication": given})
    assert rules_of(LISTENER).updates(inputs | {"clientAuthentication": old}, **news) == changed

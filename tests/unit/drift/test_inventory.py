"""What a project holds beyond its stack, told from plain answers of the services."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kraj.drift.inventory import CloudObject, objects_of, rule_words, unplanned

PROJECT = "p1"


def thing(identifier: str, name: str = "", **more: Any) -> SimpleNamespace:
    return SimpleNamespace(id=identifier, name=name, **more)


def rule(identifier: str, **more: Any) -> dict[str, Any]:
    given = {"id": identifier, "security_group_id": "g1", "direction": "ingress"}
    return {**given, "ethertype": "IPv4", **more}


def cloud(**lists: list[Any]) -> Any:
    """Answers of the services that openstacksdk gives as lists; empty where a test says nothing."""

    def answer(name: str) -> Any:
        return lambda **_query: iter(lists.get(name, []))

    def service(*names: str) -> SimpleNamespace:
        return SimpleNamespace(**{name: answer(name) for name in names})

    return SimpleNamespace(
        has_service=lambda _type: "load_balancers" in lists,
        compute=service("servers", "server_groups"),
        block_storage=service("volumes", "snapshots"),
        network=service(
            *("networks", "subnets", "routers", "ports", "ips", "security_groups"), "rbac_policies"
        ),
        load_balancer=service("load_balancers", "listeners", "pools"),
        identity=service("role_assignments"),
    )


def kinds(connection: Any) -> list[tuple[str, str]]:
    return [(item.kind, item.id) for item in objects_of(connection, PROJECT)]


def test_ports_of_services_are_left_out() -> None:
    owners = ("network:dhcp", "network:router_interface", "Octavia", "compute:nova", "", None)
    ports = [thing(str(at), device_owner=owner, fixed_ips=[]) for at, owner in enumerate(owners)]
    assert kinds(cloud(ports=ports)) == [("port", "3"), ("port", "4"), ("port", "5")]


def test_a_servers_boot_volume_is_the_servers() -> None:
    attached = [{"server_id": "s1"}]
    volumes = [
        thing("boot", attachments=attached, is_bootable=True),
        thing("named", "data", attachments=attached, is_bootable=True),
        thing("loose", attachments=[], is_bootable=True),
    ]
    assert kinds(cloud(volumes=volumes)) == [("volume", "named"), ("volume", "loose")]


def test_a_groups_first_rules_are_neutrons() -> None:
    rules = [
        rule("out", direction="egress"),
        rule("in-from-own", remote_group_id="g1"),
        rule("in-from-other", remote_group_id="g2"),
        rule("ssh", protocol="tcp", port_range_min=22, port_range_max=22),
        rule("out-one-net", direction="egress", remote_ip_prefix="192.0.2.0/24"),
    ]
    groups = [thing("g1", "default", security_group_rules=rules)]
    found = [identifier for _kind, identifier in kinds(cloud(security_groups=groups))]
    assert found == ["in-from-other", "ssh", "out-one-net"]


def test_routes_are_found_on_routers_and_subnets() -> None:
    route = {"destination": "10.9.0.0/16", "nexthop": "10.1.0.7"}
    routers = [thing("r1", "edge", routes=[route]), thing("r2", routes=None)]
    subnets = [thing("s1", "four", host_routes=[route])]
    found = objects_of(cloud(routers=routers, subnets=subnets), PROJECT)
    assert [(item.kind, item.name) for item in found if "route " in f"{item.kind} "] == [
        ("route", "edge: 10.9.0.0/16 via 10.1.0.7"),
        ("route of subnet", "four: 10.9.0.0/16 via 10.1.0.7"),
    ]


def test_whom_a_network_is_shared_with_is_found_whoever_shared_it() -> None:
    policies = [
        thing("a", object_id="n1", action="access_as_shared", target_project_id="p2"),
        thing("b", object_id="n1", action="access_as_external", target_project_id="*"),
        thing("c", object_id="other", action="access_as_shared", target_project_id="p2"),
    ]
    found = objects_of(cloud(networks=[thing("n1", "lan")], rbac_policies=policies), PROJECT)
    assert [(item.kind, item.id, item.name) for item in found[1:]] == [
        ("shared access", "a", "lan: access_as_shared by project p2"),
        ("shared access", "b", "lan: access_as_external by all projects"),
    ]


def test_server_groups_of_other_projects_are_not_looked_at() -> None:
    groups = [thing("own", project_id=PROJECT), thing("other", project_id="p2")]
    assert kinds(cloud(server_groups=groups)) == [("server group", "own")]


def test_a_role_has_the_id_that_states_have() -> None:
    named = {"id": "r1", "name": "member"}
    given = [
        SimpleNamespace(role=named, user={"id": "u1", "name": "anna"}, group=None),
        SimpleNamespace(role=named, user=None, group={"id": "g1", "name": "operators"}),
    ]
    found = objects_of(cloud(role_assignments=given), PROJECT)
    assert [(item.id, item.name) for item in found] == [
        ("/p1//u1/r1", "member of user anna"),
        ("/p1/g1//r1", "member of group operators"),
    ]


def test_a_cloud_without_load_balancers_is_not_asked_for_them() -> None:
    listeners = [thing("l1", protocol_port=443)]
    assert kinds(cloud(listeners=listeners)) == []
    assert kinds(cloud(listeners=listeners, load_balancers=[])) == [("listener", "l1")]


@pytest.mark.parametrize("moment", ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000000"])
def test_moments_have_one_form(moment: str) -> None:
    (found,) = objects_of(cloud(servers=[thing("s1", "web", created_at=moment)]), PROJECT)
    assert found == CloudObject("server", "s1", "web", "2026-11-23T10:00:00Z")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}, "tcp 22 from anywhere"),
        (
            {"protocol": "udp", "port_range_min": 1, "port_range_max": 9, "remote_group_id": "g2"},
            "udp 1-9 from g2",
        ),
        ({"remote_ip_prefix": "::/0"}, "any protocol from ::/0"),
    ],
)
def test_a_rule_in_words(given: dict[str, Any], words: str) -> None:
    assert rule_words(rule("r", **given)) == f"ingress IPv4 {words}"


def test_what_a_state_knows_is_planned() -> None:
    objects = [CloudObject("server", "2", "b"), CloudObject("server", "1", "c")]
    assert unplanned(objects, frozenset({"1"})) == [objects[0]]

"""The proof of a project: exactly what was planned passes, every difference is found and named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kraj.verify.checks import Check, Status
from kraj.verify.compare import compare_project
from kraj.verify.reader import FoundRule, ProjectFound
from tests.unit.verify.builders import found_project, tenant_document


def failures(found: ProjectFound | None) -> list[Check]:
    checks = compare_project(tenant_document(), found)
    return [check for check in checks if check.status is Status.FAILED]


def test_a_cloud_that_runs_the_plan_passes_every_check() -> None:
    assert failures(found_project()) == []
    assert len(compare_project(tenant_document(), found_project())) > 30


def test_a_missing_project_is_the_only_failure_reported() -> None:
    assert [check.id for check in failures(None)] == ["project.exists"]


def test_a_server_that_is_not_active_is_named() -> None:
    found = found_project()
    first, *others = found.servers
    broken = replace(found, servers=(replace(first, status="ERROR"), *others))
    (failure,) = failures(broken)
    assert failure.id == "server.active"
    assert failure.subject == "lib-563889-records-1"
    assert "ERROR" in failure.message


def test_two_servers_on_one_host_break_the_spread() -> None:
    found = found_project()
    together = tuple(replace(server, host="compute1") for server in found.servers)
    (failure,) = failures(replace(found, servers=together))
    assert failure.id == "servers.spread_over_hosts"


def test_a_rule_opened_by_hand_is_named_as_not_planned() -> None:
    found = found_project()
    rules = found.security_groups["liberec-records"]
    opened = FoundRule("ingress", "IPv4", "tcp", 22, 22, None, None)
    (failure,) = failures(replace(found, security_groups={"liberec-records": (*rules, opened)}))
    assert failure.id == "rules.same"
    assert failure.message == "not planned: ingress IPv4 tcp 22 from anyone"


def test_a_router_that_leads_into_another_projects_network_is_named() -> None:
    joined = {"liberec-router": frozenset({"other-town"})}
    (failure,) = failures(replace(found_project(), foreign_networks=joined))
    assert (failure.id, failure.subject) == ("router.other_networks", "liberec-router")
    assert "other-town" in failure.message


def test_a_rule_removed_by_hand_is_named_as_missing() -> None:
    found = found_project()
    rules = found.security_groups["liberec-records"]
    (failure,) = failures(replace(found, security_groups={"liberec-records": rules[:-1]}))
    assert failure.message == "missing: ingress IPv4 any from group liberec-records"


@pytest.mark.parametrize(
    ("field", "key", "check"),
    [
        ("compute_quota", "cores", "quota.compute"),
        ("network_quota", "port", "quota.network"),
        ("volume_quota", "gigabytes_bulk", "quota.volume"),
    ],
)
def test_a_changed_quota_fails(field: str, key: str, check: str) -> None:
    found = found_project()
    values = {**getattr(found, field), key: 9999}
    (failure,) = failures(replace(found, **{field: values}))
    assert (failure.id, failure.actual) == (check, 9999)


def test_a_volume_in_another_pool_fails() -> None:
    found = found_project()
    volumes = tuple(
        replace(volume, volume_type="archive") if volume.id == "data2" else volume
        for volume in found.volumes
    )
    (failure,) = failures(replace(found, volumes=volumes))
    assert (failure.id, failure.expected, failure.actual) == ("volume.pool", "bulk", "archive")


def test_a_network_shared_with_others_fails() -> None:
    found = found_project()
    (network,) = found.networks
    (failure,) = failures(replace(found, networks=(replace(network, shared=True),)))
    assert failure.id == "network.not_shared"


@pytest.mark.parametrize(
    ("field", "value", "check"),
    [
        ("security_groups", frozenset(), "port.security_groups"),
        ("security_groups", frozenset({"liberec-records", "open"}), "port.security_groups"),
        ("port_security", False, "port.security"),
        ("allowed_addresses", frozenset({"0.0.0.0/0"}), "port.allowed_addresses"),
    ],
)
def test_a_port_on_which_the_rules_do_not_hold_fails(field: str, value: Any, check: str) -> None:
    found = found_project()
    (port,) = found.ports
    (failure,) = failures(replace(found, ports=(replace(port, **{field: value}),)))
    assert (failure.id, failure.subject) == (check, "lib-563889-records-1 services")


def test_a_privileged_service_user_fails() -> None:
    found = found_project()
    roles = {"liberecky-563889-service": frozenset({"member", "admin"})}
    assert {check.id for check in failures(replace(found, roles=roles))} == {
        "identity.roles",
        "identity.unprivileged",
    }


def test_a_server_that_nobody_planned_is_found() -> None:
    found = found_project()
    stray = replace(found.servers[0], id="s9", name="stray", volumes=())
    (failure,) = failures(replace(found, servers=(*found.servers, stray)))
    assert (failure.id, failure.actual) == ("servers.nothing_unplanned", ["stray"])

"""What proves that an object was made by a creation whose end nobody saw."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from kraj.engine.local.state import ResourceState
from kraj.events import ignore
from kraj.openstack.cloud import Cloud
from kraj.openstack.configuration import settings_from
from kraj.openstack.finding import Traces, traces_of
from kraj.openstack.types import resource_type

MARK = "5f0c1d2e-0000-4000-8000-000000000001"
NOW = time.time()


def proven(token: str, found: dict[str, Any], mark: str = MARK, **traces: Any) -> bool:
    """Whether a type takes an object for what was made; nothing of it asks a cloud."""
    cloud = Cloud(settings_from({}, {}), ignore)
    resource = resource_type(f"openstack:{token}")(cloud, mark=mark)
    return resource.is_proven({"id": "one", **found}, {}, Traces(**{"since": NOW, **traces}))


def at(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


@pytest.mark.parametrize(
    "token", ["identity/project:Project", "identity/role:Role", "identity/groupV3:GroupV3"]
)
def test_what_keystone_makes_bears_the_mark_of_its_creation(token: str) -> None:
    assert proven(token, {"kraj_mark": MARK})
    assert not proven(token, {"kraj_mark": "5f0c1d2e-0000-4000-8000-000000000002"})
    assert not proven(token, {})
    assert not proven(token, {}, mark="")


def test_a_flavour_has_the_mark_for_its_id() -> None:
    assert proven("compute/flavor:Flavor", {"id": MARK})
    assert not proven("compute/flavor:Flavor", {"id": "another"})
    assert not proven("compute/flavor:Flavor", {"id": ""}, mark="")


@pytest.mark.parametrize(("age", "expected"), [(-5, True), (60, True), (600, False)])
def test_what_is_as_young_as_its_creation_was_made_by_it(age: float, expected: bool) -> None:
    network = {"created_at": at(NOW - age), "project_id": "admin"}
    assert proven("networking/network:Network", network) is expected


def test_age_proves_nothing_where_nobody_knows_when_the_creation_began() -> None:
    assert not proven("networking/network:Network", {"created_at": at(NOW)}, since=None)


def test_what_has_no_age_is_the_stacks_own_inside_of_what_the_stack_made() -> None:
    group = {"project_id": "tenant"}
    token = "compute/serverGroup:ServerGroup"
    assert proven(token, group, owned=frozenset({"tenant"}))
    assert not proven(token, group)
    assert not proven("networking/addressScope:AddressScope", {"project_id": "admin"})
    assert not proven("blockstorage/volumeTypeV3:VolumeTypeV3", {"name": "fast"})


def test_a_user_with_the_stacks_own_project_is_the_stacks_own() -> None:
    user = {"default_project_id": "tenant"}
    assert proven("identity/user:User", user, owned=frozenset({"tenant"}))
    assert not proven("identity/user:User", user)


def test_what_only_says_something_about_other_objects_may_have_been_said_before() -> None:
    assert proven("identity/roleAssignment:RoleAssignment", {})
    assert proven("compute/quotaSetV2:QuotaSetV2", {})


def test_the_user_decides_by_ids_in_the_environment() -> None:
    request = SimpleNamespace(since=1.0, known=frozenset({"a"}), owned=frozenset())
    found = traces_of(request, {"KRAJ_ADOPT": "b, c", "KRAJ_DISOWN": "d"})
    assert found == Traces(1.0, frozenset({"a", "d"}), frozenset(), frozenset({"b", "c"}))


def test_the_mark_of_a_creation_is_the_same_after_a_crash_and_another_for_the_next_try() -> None:
    def mark(created: str) -> str:
        return ResourceState("urn:pulumi:s::p::t::n", "t", True, created=created).mark

    assert mark("2026-11-23T10:00:00.000001Z") == mark("2026-11-23T10:00:00.000001Z")
    assert mark("2026-11-23T10:00:00.000001Z") != mark("2026-11-23T10:00:00.000002Z")

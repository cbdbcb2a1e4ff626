"""Keystone's types on a real cloud."""

from __future__ import annotations

import pytest

from kraj.openstack.values import Secret

pytestmark = pytest.mark.lab

PROJECT = "openstack:identity/project:Project"
ROLE = "openstack:identity/role:Role"
USER = "openstack:identity/user:User"
GROUP = "openstack:identity/groupV3:GroupV3"
MEMBERSHIP = "openstack:identity/userMembershipV3:UserMembershipV3"


def test_a_project_lives_and_changes_in_place(things):
    project = things.create(PROJECT, description="first", tags=["a", "b"])
    project.assert_settled()
    project.update(name=f"{project.name}-2", description="second", tags=["b"], enabled=False)
    project.assert_settled()
    assert project.outputs["name"] == f"{project.name}-2"
    assert project.diff(isDomain=True).replaces == ["isDomain"]
    things.delete(project)


def test_a_project_leaves_no_security_group_behind(things, provider):
    project = things.create(PROJECT)
    group = things.create("openstack:networking/secGroup:SecGroup", tenantId=project.id)
    # Asking for a project's groups would itself make the default one: they are picked from all.
    assert project.id in owners_of_groups(provider)
    things.delete(group)
    things.delete(project)
    assert project.id not in owners_of_groups(provider)


def owners_of_groups(provider):
    parameters = {"name": "default", "fields": "project_id"}
    answer = provider.cloud.get("network", "security-groups", parameters=parameters)
    return {group["project_id"] for group in answer["security_groups"]}


def test_a_domain_is_disabled_before_it_is_deleted(things):
    domain = things.create(PROJECT, isDomain=True)
    domain.assert_settled()
    things.delete(domain)


def test_an_imported_project_shows_no_difference(things):
    project = things.create(PROJECT, description="brought in")
    inputs, outputs = project.imported()
    assert outputs == project.outputs
    given = {key: value for key, value in inputs.items() if key != "__defaults"}
    assert not project.diff(**given).diffs


def test_a_user_keeps_the_password_secret_and_can_change_it(things):
    user = things.create(
        USER,
        password=Secret("a first word"),
        extra={"email": "records@example.org"},
        ignorePasswordExpiry=True,
        multiFactorAuthRules=[{"rules": ["password", "totp"]}],
    )
    user.assert_settled()
    assert user.outputs["password"] == Secret("a first word")
    assert user.outputs["extra"] == {"email": "records@example.org"}
    user.update(password=Secret("a second word"), description="clerk", enabled=False)
    user.assert_settled()
    assert user.outputs["password"] == Secret("a second word")
    things.delete(user)


def test_a_group_has_members(things):
    group = things.create(GROUP)
    user = things.create(USER, password=Secret("a word of theirs"))
    membership = things.create(MEMBERSHIP, groupId=group.id, userId=user.id)
    assert membership.id == f"{user.id}/{group.id}"
    membership.assert_settled()
    group.update(description="clerks")
    group.assert_settled()
    for thing in (membership, user, group):
        things.delete(thing)


def test_a_role_is_found_by_its_name(things):
    role = things.create(ROLE)
    role.assert_settled()
    found = things.invoke("openstack:identity/getRole:getRole", name=role.outputs["name"])
    assert found["id"] == role.id
    things.delete(role)


def test_a_project_and_a_user_are_found_by_name_and_id(things):
    project = things.create(PROJECT)
    user = things.create(USER, password=Secret("another word"))
    get_project = "openstack:identity/getProject:getProject"
    assert things.invoke(get_project, name=project.outputs["name"])["id"] == project.id
    assert things.invoke(get_project, projectId=project.id)["name"] == project.outputs["name"]
    get_user = "openstack:identity/getUser:getUser"
    assert things.invoke(get_user, name=user.outputs["name"])["id"] == user.id

"""Rules of Keystone's types."""

from __future__ import annotations

PROJECT = "openstack:identity/project:Project"


def test_a_project_without_a_name_gets_one_that_stays(rules_of):
    project = rules_of(PROJECT)
    name = project.inputs()["name"]
    assert name.startswith("one-")
    assert len(name) == len("one-") + 7
    assert project.updates({"name": name, "enabled": True}) == set()


def test_a_project_moves_to_another_parent_by_replacement_only(rules_of):
    olds = {"name": "a", "enabled": True, "parentId": "p", "description": ""}
    project = rules_of(PROJECT)
    assert project.replaces(olds, name="a", parentId="q") == {"parentId"}
    assert project.updates(olds, name="b", description="x") == {"name", "description"}
    assert project.updates(olds, name="a") == set()


ASSIGNMENT = "openstack:identity/roleAssignment:RoleAssignment"
CREDENTIAL = "openstack:identity/applicationCredential:ApplicationCredential"
USER = "openstack:identity/user:User"


def test_a_role_is_given_to_somebody_somewhere_once(rules_of):
    rules = rules_of(ASSIGNMENT)
    assert set(rules.failures(roleId="r")) == {"projectId", "userId"}
    both = rules.failures(roleId="r", userId="u", groupId="g", projectId="p")
    assert set(both) == {"userId", "groupId"}
    assert not rules.failures(roleId="r", userId="u", projectId="p")


def test_any_change_of_an_assignment_replaces_it(rules_of):
    rules = rules_of(ASSIGNMENT)
    olds = rules.inputs(roleId="r", userId="u", projectId="p")
    assert rules.replaces(olds, roleId="s", userId="v", projectId="q") == {
        "roleId",
        "userId",
        "projectId",
    }


def test_an_application_credential_never_changes_in_place(rules_of):
    rules = rules_of(CREDENTIAL)
    olds = rules.inputs(name="c", roles=["member", "reader"], expiresAt="2036-01-01T00:00:00Z")
    same = {"name": "c", "roles": ["reader", "member"], "expiresAt": "2036-01-01T01:00:00+01:00"}
    assert not rules.diff(olds, same).changes
    assert rules.replaces(olds, name="c", roles=["member"], description="x") == {
        "roles",
        "description",
        "expiresAt",
    }


def test_a_user_changes_in_place(rules_of):
    rules = rules_of(USER)
    olds = rules.inputs(name="u", password="a", extra={"email": "a@example.org"})
    news = {"name": "v", "password": "b", "extra": {}, "enabled": False}
    assert rules.updates(olds, **news) == {"name", "password", "extra", "enabled"}

"""Role assignments and application credentials on a real cloud."""

from __future__ import annotations

import pytest

from kraj.openstack.values import Secret

pytestmark = pytest.mark.lab

PROJECT = "openstack:identity/project:Project"
USER = "openstack:identity/user:User"
ASSIGNMENT = "openstack:identity/roleAssignment:RoleAssignment"
INHERITED = "openstack:identity/inheritRoleAssignment:InheritRoleAssignment"
CREDENTIAL = "openstack:identity/applicationCredential:ApplicationCredential"


@pytest.mark.parametrize("token", [ASSIGNMENT, INHERITED])
def test_a_role_is_given_and_taken(things, token):
    project = things.create(PROJECT)
    user = things.create(USER, password=Secret("a word of theirs"))
    role = things.invoke("openstack:identity/getRole:getRole", name="member")["id"]
    given = {"projectId": project.id, "userId": user.id, "roleId": role}
    assignment = things.create(token, **given)
    assert assignment.id == f"/{project.id}//{user.id}/{role}"
    assignment.assert_settled()
    assert assignment.diff(**{**given, "roleId": "other"}).replaces == ["roleId"]
    things.delete(assignment)


def test_an_application_credential_tells_its_secret_once_and_the_state_keeps_it(things):
    credential = things.create(
        CREDENTIAL,
        roles=["member"],
        expiresAt="2036-01-01T01:00:00+01:00",
        accessRules=[{"path": "/v2.0/networks", "method": "GET", "service": "network"}],
    )
    assert isinstance(credential.outputs["secret"], Secret)
    before = credential.outputs["secret"]
    credential.assert_settled()
    assert credential.outputs["secret"] == before
    assert credential.outputs["expiresAt"] == "2036-01-01T00:00:00Z"
    assert credential.outputs["projectId"]
    things.delete(credential)

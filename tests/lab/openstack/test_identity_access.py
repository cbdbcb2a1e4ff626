"""Role assignments and application credentials on a real cloud."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from kraj.openstack.values import Secret
from tests.lab.faults import Answer, faulty_proxy

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


@pytest.fixture
def member(lab_cloud, things, provider_for, tmp_path):
    """A user with the role `reader` of a project of its own, behind a proxy to Keystone."""
    project = things.create(PROJECT)
    password = "a word of theirs"
    user = things.create(USER, password=Secret(password))

    def grant(role):
        found = things.invoke("openstack:identity/getRole:getRole", name=role)["id"]
        things.create(ASSIGNMENT, projectId=project.id, userId=user.id, roleId=found)

    grant("reader")
    entry = yaml.safe_load(Path(lab_cloud.clouds_file).read_text())["clouds"][lab_cloud.name]
    address = entry["auth"]["auth_url"].removesuffix("/v3")
    with faulty_proxy(address) as keystone:
        keystone.addresses = {address: keystone.url}
        auth = {"auth_url": f"{keystone.url}/v3", "user_id": user.id, "password": password}
        entry["auth"] = {**auth, "project_id": project.id}
        path = tmp_path / "clouds.yaml"
        path.write_text(yaml.safe_dump({"clouds": {"lab": entry}}))
        provider = provider_for(path)
        assert provider.cloud.user_id == user.id, "logged in before any further grant"
        yield provider, keystone, grant


@pytest.fixture
def credentials(member, things):
    """Makes credentials as the member; they go before the member does."""
    provider, _, _ = member
    own = type(things)(provider, things.suffix)
    yield lambda *roles: own.create(CREDENTIAL, roles=[*roles])
    for thing in own.made:
        thing.delete()


#: What Keystone answers, word for word.
DENIED = Answer(
    400,
    body=json.dumps(
        {
            "error": {
                "code": 400,
                "message": "Invalid application credential: "
                "Cannot create an application credential with unassigned role",
                "title": "Bad Request",
            }
        }
    ),
)


def test_a_credential_has_a_role_that_was_given_after_logging_in(member, credentials):
    _, _, grant = member
    grant("member")
    credentials("member", "reader").assert_settled()


def test_a_role_that_the_token_has_is_asked_for_again_where_keystone_denies_it(member, credentials):
    _, keystone, _ = member
    keystone.inject("POST", "/application_credentials", DENIED, DENIED)
    credentials("reader").assert_settled()
    assert keystone.count("POST", "/application_credentials") == 3
    assert keystone.count("POST", "/auth/tokens") == 1


def test_a_role_that_was_given_late_is_seen_after_logging_in_anew(member, credentials):
    _, keystone, grant = member
    grant("member")
    keystone.inject("POST", "/application_credentials", DENIED)
    credentials("member", "reader").assert_settled()
    assert keystone.count("POST", "/auth/tokens") == 2


def test_a_role_that_nobody_gave_is_refused_at_once(member, credentials):
    _, keystone, _ = member
    with pytest.raises(Exception, match=r"KRJ408 create application credential .*unassigned role"):
        credentials("admin")
    assert keystone.count("POST", "/application_credentials") == 1

"""Ways to log in, and what is said when they fail."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml
from pulumi.runtime.proto import provider_pb2

from kraj.errors import KrajError
from kraj.events import ignore
from kraj.openstack.cloud import Cloud
from kraj.openstack.configuration import settings_from
from kraj.openstack.retry import Policy
from kraj.openstack.values import encode_struct, reveal

pytestmark = pytest.mark.lab

CREDENTIAL = "openstack:identity/applicationCredential:ApplicationCredential"


@pytest.fixture
def entry(lab_cloud):
    """The lab's entry of clouds.yaml."""
    clouds = yaml.safe_load(Path(lab_cloud.clouds_file).read_text())
    return clouds["clouds"][lab_cloud.name]


@pytest.fixture
def password_settings(entry):
    """The same log-in in Pulumi's words."""
    auth = entry["auth"]
    return {
        "authUrl": auth["auth_url"],
        "userName": auth["username"],
        "password": auth["password"],
        "tenantName": auth["project_name"],
        "userDomainName": auth["user_domain_name"],
        "projectDomainName": auth["project_domain_name"],
        "region": entry["region_name"],
        "endpointType": "publicURL",
    }


def cloud_of(settings, environment=None):
    policy = Policy(attempts=2, total_seconds=2.0)
    return Cloud(settings_from(settings, environment or {}), ignore, policy)


def test_a_password_logs_in_without_clouds_yaml(password_settings, provider):
    cloud = cloud_of({**password_settings, "cloud": ""}, {"OS_CLOUD": "somebody-elses"})
    assert cloud.project_id == provider.cloud.project_id
    assert cloud.get("network", "networks", parameters={"limit": 1})["networks"] is not None


def test_an_address_without_a_version_works_too(password_settings, provider):
    url = password_settings["authUrl"].removesuffix("/v3")
    cloud = cloud_of({**password_settings, "authUrl": url})
    assert cloud.project_id == provider.cloud.project_id


def test_the_environment_logs_in(entry, provider, monkeypatch):
    auth = entry["auth"]
    environment = {f"OS_{key.upper()}": value for key, value in auth.items()}
    environment |= {"OS_REGION_NAME": entry["region_name"]}
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert cloud_of({}, environment).project_id == provider.cloud.project_id


@pytest.fixture
def credential_settings(things, password_settings):
    """A log-in that nobody has used yet."""
    credential = things.create(CREDENTIAL, unrestricted=False)
    return {
        "authUrl": password_settings["authUrl"],
        "applicationCredentialId": credential.id,
        "applicationCredentialSecret": reveal(credential.outputs)["secret"],
        "region": password_settings["region"],
    }


def test_an_application_credential_logs_in(credential_settings, provider):
    assert cloud_of(credential_settings).project_id == provider.cloud.project_id


def test_one_log_in_serves_many_services_and_providers(credential_settings, monkeypatch):
    cloud = cloud_of(credential_settings)
    session = cloud._connected().get_session()
    original = session.session.request
    methods = []

    def counting(method, url, **options):
        methods.append(method)
        return original(method, url, **options)

    monkeypatch.setattr(session.session, "request", counting)
    cloud.get("network", "networks", parameters={"limit": 1})
    cloud.get("image", "images", parameters={"limit": 1})
    cloud_of(credential_settings).get("network", "networks", parameters={"limit": 1})
    assert [method for method in methods if method != "GET"] == ["POST"]
    assert methods[0] == "POST"


def test_a_wrong_password_is_named(password_settings):
    with pytest.raises(KrajError, match="KRJ402"):
        _ = cloud_of({**password_settings, "password": "wrong"}).project_id


def test_an_unreachable_cloud_is_named(password_settings):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v3"
    with pytest.raises(KrajError, match=f"KRJ401 log in: .*{url}"):
        _ = cloud_of({**password_settings, "authUrl": url}).project_id


def test_an_address_of_a_service_can_be_overridden(password_settings, provider):
    url = provider.cloud.endpoint("network").replace("127.0.0.1", "localhost")
    overrides = f'{{"network": "{url}/"}}'
    cloud = cloud_of({**password_settings, "endpointOverrides": overrides})
    assert cloud.endpoint("network") == url
    assert cloud.endpoint("identity") == provider.cloud.endpoint("identity")


def test_a_service_that_the_cloud_lacks_is_named(lab_cloud, provider):
    with pytest.raises(KrajError, match=r"KRJ413 .*no clustering"):
        provider.cloud.get("clustering", "clusters")
    assert provider.cloud.has_service("network")
    assert not provider.cloud.has_service("clustering")


def test_a_user_without_the_role_is_refused(things, password_settings):
    word = "a word of theirs"
    project = things.create("openstack:identity/project:Project")
    user = things.create("openstack:identity/user:User", password=word)
    role = things.invoke("openstack:identity/getRole:getRole", name="member")["id"]
    things.create(
        "openstack:identity/roleAssignment:RoleAssignment",
        projectId=project.id,
        userId=user.id,
        roleId=role,
    )
    cloud = cloud_of(
        {
            "authUrl": password_settings["authUrl"],
            "region": password_settings["region"],
            "userName": user.outputs["name"],
            "userDomainId": user.outputs["domainId"],
            "password": word,
            "tenantId": project.id,
        }
    )
    with pytest.raises(KrajError, match="KRJ403"):
        cloud.post("identity", "projects", {"project": {"name": "theirs"}})


def test_a_used_up_quota_is_told_in_numbers(things, provider):
    project = things.create("openstack:identity/project:Project")
    quota = "openstack:networking/quotaV2:QuotaV2"
    things.create(quota, projectId=project.id, network=1)
    network = "openstack:networking/network:Network"
    things.create(network, tenantId=project.id)
    words = rf"KRJ404 create network .*network: 1 of 1 used; project {project.id}"
    with pytest.raises(Exception, match=words):
        things.create(network, tenantId=project.id)


def test_a_provider_without_configuration_says_so(provider_for, tmp_path, new_context):
    provider = provider_for(tmp_path / "nowhere.yaml")
    request = provider_pb2.ReadRequest(
        id="x", urn="urn:pulumi:a::b::openstack:networking/network:Network::n"
    )
    with pytest.raises(Exception, match=r"FAILED_PRECONDITION: KRJ412 .*nowhere\.yaml"):
        provider.Read(request, new_context())


def test_a_type_that_is_lacking_is_named_at_check(provider, new_context):
    token = "openstack:database/instance:Instance"
    request = provider_pb2.CheckRequest(
        urn=f"urn:pulumi:a::b::{token}::n", news=encode_struct({"name": "x"})
    )
    with pytest.raises(Exception, match=f"UNIMPLEMENTED: KRJ411 .*{token}"):
        provider.Check(request, new_context())

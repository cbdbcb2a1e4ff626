"""Retries, proved with a real cloud behind a proxy that gets in the way."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from pulumi.runtime.proto import provider_pb2, status_pb2

from kraj.openstack.values import decode_struct, encode_struct
from tests.lab import faults

pytestmark = pytest.mark.lab

NETWORK = "openstack:networking/network:Network"


@pytest.fixture
def proxied(lab_cloud, provider, provider_for, tmp_path):
    """A provider whose Neutron and Keystone are behind proxies, and the two proxies."""
    neutron_url = provider.cloud.endpoint("network")
    clouds = yaml.safe_load(Path(lab_cloud.clouds_file).read_text())
    entry = clouds["clouds"][lab_cloud.name]
    keystone_url = entry["auth"]["auth_url"].removesuffix("/v3")
    with faults.faulty_proxy(neutron_url) as neutron, faults.faulty_proxy(keystone_url) as keystone:
        entry["auth"]["auth_url"] = f"{keystone.url}/v3"
        entry["network_endpoint_override"] = f"{neutron.url}/v2.0"
        neutron.target = neutron_url.removesuffix("/v2.0")
        path = tmp_path / "clouds.yaml"
        path.write_text(yaml.safe_dump({"clouds": {"lab": entry}}))
        yield provider_for(path), neutron, keystone


@pytest.fixture
def cloud(proxied):
    return proxied[0].cloud


@pytest.fixture
def neutron(proxied):
    return proxied[1]


@pytest.fixture
def network(things):
    """A network of the real cloud, made past the proxy."""
    return things.create(NETWORK)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_get_is_repeated_after_a_server_error(cloud, neutron, network, status):
    neutron.inject("GET", f"/networks/{network.id}", *[faults.Answer(status)] * 3)
    found = cloud.get("network", f"networks/{network.id}")
    assert found["network"]["id"] == network.id
    assert neutron.count("GET", "/networks/") == 4


def test_retry_after_is_honoured(cloud, neutron, network):
    neutron.inject("GET", "/networks/", faults.Answer(503, {"Retry-After": "2"}))
    started = time.monotonic()
    cloud.get("network", f"networks/{network.id}")
    assert time.monotonic() - started >= 2.0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_broken_connection_is_tried_again(cloud, neutron, network, method, after):
    path = f"networks/{network.id}"
    neutron.inject(method, "/networks/", faults.Close(after))
    if method == "GET":
        cloud.get("network", path)
    else:
        cloud.put("network", path, {"network": {"description": "once more"}})
    assert neutron.count(method, "/networks/") == 2
    assert cloud.get("network", path)["network"]["id"] == network.id


def test_a_delete_whose_answer_was_lost_counts_as_done(cloud, neutron, things, network):
    neutron.inject("DELETE", "/networks/", faults.Close(after_forwarding=True))
    assert cloud.delete("network", f"networks/{network.id}") is False
    things.made.remove(network)
    assert network.read() is None


def test_a_creation_is_repeated_when_the_service_asked_for_it(proxied, things):
    provider, neutron, _ = proxied
    neutron.inject("POST", "/networks", faults.Answer(503, {"Retry-After": "1"}))
    things.provider = provider
    network = things.create(NETWORK)
    network.assert_settled()
    assert neutron.count("POST", "/networks") == 2


def test_a_limit_is_set_again_where_what_is_gone_was_still_counted(proxied, things):
    words = "Quota limit 3 for port must be greater than or equal to already used 4"
    provider, neutron, _ = proxied
    project = things.create("openstack:identity/project:Project")
    neutron.inject("PUT", "/quotas/", faults.Answer(400, body=json.dumps({"message": words})))
    things.provider = provider
    quota = things.create("openstack:networking/quotaV2:QuotaV2", projectId=project.id, port=3)
    assert quota.outputs["port"] == 3
    assert neutron.count("PUT", "/quotas/") == 2


def test_a_limit_below_what_is_there_is_refused_in_the_end(proxied, things):
    provider, neutron, _ = proxied
    project = things.create("openstack:identity/project:Project")
    things.create(NETWORK, tenantId=project.id)
    things.provider = provider
    with pytest.raises(Exception, match=r"KRJ408 .*already used"):
        things.create("openstack:networking/quotaV2:QuotaV2", projectId=project.id, network=0)
    assert neutron.count("PUT", "/quotas/") == 3


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (faults.Answer(500), 2),
        (faults.Close(after_forwarding=False), 2),
        (faults.Close(after_forwarding=True), 1),
    ],
    ids=["server error", "lost before", "lost after"],
)
def test_a_creation_whose_outcome_is_not_known_makes_one_object(proxied, things, fault, requests):
    provider, neutron, _ = proxied
    neutron.inject("POST", "/networks", fault)
    things.provider = provider
    network = things.create(NETWORK)
    network.assert_settled()
    assert neutron.count("POST", "/networks") == requests
    name = {"name": network.outputs["name"]}
    assert len(provider.cloud.get("network", "networks", parameters=name)["networks"]) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.Answer(500), "KRJ407 create floatingip.*: injected"),
        (
            faults.Close(after_forwarding=False),
            r"(?s)KRJ401 create floatingip.*hint: The service may have carried the request out",
        ),
    ],
)
def test_what_could_not_be_recognised_is_never_asked_for_twice(proxied, things, fault, words):
    provider, neutron, _ = proxied
    neutron.inject("POST", "/floatingips", fault)
    things.provider = provider
    with pytest.raises(Exception, match=words):
        things.create("openstack:networking/floatingIp:FloatingIp", pool="public")
    assert neutron.count("POST", "/floatingips") == 1


def test_a_deletion_waits_while_the_object_is_in_use(proxied, things):
    provider, neutron, _ = proxied
    things.provider = provider
    network = things.create(NETWORK)
    in_use = faults.Answer(409, body='{"NeutronError": {"message": "in use"}}')
    neutron.inject("DELETE", "/networks/", in_use, in_use)
    things.delete(network)


def test_an_interface_that_was_made_unheard_is_found_again(proxied, things):
    provider, neutron, _ = proxied
    network = things.create(NETWORK)
    subnet = things.create(
        "openstack:networking/subnet:Subnet", networkId=network.id, cidr="10.9.0.0/24"
    )
    router = things.create("openstack:networking/router:Router")
    neutron.inject("PUT", "/add_router_interface", faults.Close(after_forwarding=True))
    things.provider = provider
    interface = things.create(
        "openstack:networking/routerInterface:RouterInterface",
        routerId=router.id,
        subnetId=subnet.id,
    )
    interface.assert_settled()
    assert neutron.count("PUT", "/add_router_interface") == 2


def test_tags_that_cannot_be_set_leave_a_network_that_the_state_knows(proxied, things, new_context):
    provider, neutron, _ = proxied
    refused = faults.Answer(400, body='{"NeutronError": {"message": "no such tag"}}')
    neutron.inject("PUT", "/tags", refused)
    things.provider = provider
    unfinished = _unfinished_creation(provider, things, new_context)
    outputs = decode_struct(unfinished.properties)
    assert unfinished.reasons[0].startswith("KRJ408")
    path = f"networks/{unfinished.id}"
    assert provider.cloud.get("network", path)["network"]["name"] == outputs["name"]
    assert outputs["allTags"] == []
    provider.cloud.delete("network", path)


def _unfinished_creation(provider, things, new_context):
    """What Pulumi's engine reads of the status of a creation that failed in part."""
    context = new_context()
    name = f"kraj-test-tags-{things.suffix}"
    properties = encode_struct({"name": name, "tags": ["a"]})
    request = provider_pb2.CreateRequest(
        urn=f"urn:pulumi:l::k::{NETWORK}::n", properties=properties
    )
    with pytest.raises(Exception, match="KRJ408"):
        provider.Create(request, context)
    (_, content), *_ = context.metadata
    detail = status_pb2.Status.FromString(content).details[0]
    unfinished = provider_pb2.ErrorResourceInitFailed()
    assert detail.Unpack(unfinished)
    return unfinished


def test_a_failing_log_in_is_tried_again(proxied):
    provider, _, keystone = proxied
    keystone.inject("POST", "/auth/tokens", faults.Answer(503), faults.Answer(500))
    assert provider.cloud.project_id
    assert keystone.count("POST", "/auth/tokens") == 3


def test_repetitions_are_reported(proxied, network):
    provider, neutron, _ = proxied
    events = []
    provider.cloud._report = events.append
    neutron.inject("GET", "/networks/", faults.Answer(500))
    provider.cloud.get("network", f"networks/{network.id}")
    assert [event.action for event in events] == ["retry"]
    assert "HTTP 500" in events[0].message


def test_a_project_deleted_unheard_leaves_no_default_group(proxied, things):
    provider, _, keystone = proxied
    things.provider = provider
    project = things.create("openstack:identity/project:Project")
    groups = {"project_id": project.id}
    assert provider.cloud.get("network", "security-groups", parameters=groups)["security_groups"]
    keystone.inject("DELETE", "/projects/", faults.Close(after_forwarding=True))
    project.delete()
    things.made.remove(project)
    every = provider.cloud.get("network", "security-groups")["security_groups"]
    assert [group for group in every if group["project_id"] == project.id] == []


def test_a_growth_that_was_heard_by_cinder_alone_is_not_asked_for_twice(proxied, things):
    provider, *_ = proxied
    things.provider = provider
    volume = things.create("openstack:blockstorage/volume:Volume", size=1)
    provider.cloud.post(
        "block-storage", f"volumes/{volume.id}/action", {"os-extend": {"new_size": 2}}
    )
    volume.update(size=2)
    volume.assert_settled()


@pytest.mark.parametrize(
    "cut", [faults.Cut(0.5), faults.Cut(0.5, "sent"), faults.Cut(0.5, reset=True)], ids=str
)
def test_a_creation_whose_answer_was_cut_short_makes_one_object(proxied, things, cut):
    provider, neutron, _ = proxied
    neutron.inject("POST", "/networks", cut)
    things.provider = provider
    network = things.create(NETWORK)
    network.assert_settled()
    assert neutron.count("POST", "/networks") == 1


def test_a_token_that_was_revoked_is_renewed_in_the_midst(proxied, things):
    provider, neutron, keystone = proxied
    neutron.identity = keystone.target
    neutron.inject("POST", "/networks", faults.Expire())
    things.provider = provider
    network = things.create(NETWORK)
    network.assert_settled()
    logins = keystone.count("POST", "/auth/tokens")
    assert (neutron.count("POST", "/networks"), logins) in ((2, 2), (1, 1))  # Neutron may cache

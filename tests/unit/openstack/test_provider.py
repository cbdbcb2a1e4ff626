"""Pulumi's contract, over real gRPC; nothing here reaches a cloud."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from kraj.openstack.provider import OpenStackProvider
from kraj.openstack.types import supported_types
from kraj.openstack.values import UNKNOWN, Secret, decode_struct, encode_struct

NETWORK = "openstack:networking/network:Network"
USER = "openstack:identity/user:User"


def urn(token: str, name: str = "one") -> str:
    return f"urn:pulumi:stack::project::parent$component${token}::{name}"


@pytest.fixture(scope="module")
def stub():
    """A client of a provider that is served over a socket and knows no cloud."""
    server = grpc.server(ThreadPoolExecutor(4))
    provider = OpenStackProvider(environment={})
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop(None).wait()


def check(stub, token, **news):
    request = provider_pb2.CheckRequest(urn=urn(token), news=encode_struct(news))
    return stub.Check(request)


def refused(call, request):
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    return caught.value.code(), caught.value.details()


def test_the_version_is_that_of_the_types(stub):
    assert stub.GetPluginInfo(empty_pb2.Empty()).version.startswith("5.")


def test_the_schema_names_what_is_supported(stub):
    answer = stub.GetSchema(provider_pb2.GetSchemaRequest())
    assert set(json.loads(answer.schema)["resources"]) == set(supported_types())


def test_configuring_needs_no_cloud(stub):
    settings = encode_struct({"cloud": "nowhere", "password": Secret("x"), "region": UNKNOWN})
    answer = stub.Configure(provider_pb2.ConfigureRequest(args=settings))
    assert (answer.acceptSecrets, answer.supportsPreview) == (True, True)


def test_changed_settings_replace_nothing(stub):
    request = provider_pb2.DiffRequest(
        olds=encode_struct({"cloud": "a"}), news=encode_struct({"cloud": "b"})
    )
    answer = stub.DiffConfig(request)
    assert (list(answer.diffs), list(answer.replaces)) == (["cloud"], [])


def test_check_keeps_secrets_secret(stub):
    inputs = decode_struct(check(stub, USER, name="u", password=Secret("word")).inputs)
    assert inputs["password"] == Secret("word")
    assert inputs["enabled"] is True


def test_check_names_the_property_that_is_wrong(stub):
    answer = check(stub, NETWORK, mtu="high", speed=1)
    assert [(f.property, f.reason) for f in answer.failures] == [
        ("mtu", "mtu must be a number, not 'high'"),
        ("speed", "the type has no such input"),
    ]


def test_a_preview_knows_what_the_program_says_and_not_what_the_cloud_decides(stub):
    inputs = check(stub, NETWORK, name="n", tags=["a"]).inputs
    request = provider_pb2.CreateRequest(urn=urn(NETWORK), properties=inputs, preview=True)
    answer = stub.Create(request)
    outputs = decode_struct(answer.properties)
    assert answer.id == ""
    assert (outputs["name"], outputs["tags"]) == ("n", ["a"])
    assert outputs["tenantId"] is outputs["mtu"] is outputs["allTags"] is UNKNOWN


def test_a_preview_wraps_secret_outputs(stub):
    inputs = check(stub, USER, name="u", password=Secret("word")).inputs
    request = provider_pb2.CreateRequest(urn=urn(USER), properties=inputs, preview=True)
    assert decode_struct(stub.Create(request).properties)["password"] == Secret("word")


def test_a_preview_of_a_change_keeps_what_the_cloud_decided(stub):
    olds = {"id": "1", "name": "n", "description": "old", "mtu": 1450, "tenantId": "t"}
    news = decode_struct(check(stub, NETWORK, name="m").inputs)
    request = provider_pb2.UpdateRequest(
        id="1", urn=urn(NETWORK), olds=encode_struct(olds), news=encode_struct(news), preview=True
    )
    outputs = decode_struct(stub.Update(request).properties)
    assert (outputs["name"], outputs["mtu"], outputs["tenantId"]) == ("m", 1450, "t")
    assert "description" not in outputs


def test_a_difference_tells_kind_and_replacement(stub):
    olds = {"name": "n", "mtu": 1450, "tenantId": "t", "description": "x"}
    news = {"name": "n", "mtu": 1400, "tenantId": UNKNOWN, "__defaults": []}
    request = provider_pb2.DiffRequest(
        id="1", urn=urn(NETWORK), olds=encode_struct(olds), news=encode_struct(news)
    )
    answer = stub.Diff(request)
    kinds = {k: provider_pb2.PropertyDiff.Kind.Name(v.kind) for k, v in answer.detailedDiff.items()}
    assert kinds == {"mtu": "UPDATE", "tenantId": "UPDATE_REPLACE", "description": "DELETE"}
    assert list(answer.replaces) == ["tenantId"]
    assert answer.deleteBeforeReplace


def test_no_difference_is_told_as_such(stub):
    olds = {"name": "n", "mtu": 1450, "allTags": []}
    news = {"name": "n", "__defaults": []}
    request = provider_pb2.DiffRequest(
        id="1", urn=urn(NETWORK), olds=encode_struct(olds), news=encode_struct(news)
    )
    assert stub.Diff(request).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_what_is_lacking_is_named(stub):
    token = "openstack:database/instance:Instance"
    request = provider_pb2.CheckRequest(urn=urn(token))
    code, words = refused(stub.Check, request)
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert "KRJ411" in words
    assert token in words
    invoke = provider_pb2.InvokeRequest(tok="openstack:database/getX:getX")
    assert "KRJ411" in refused(stub.Invoke, invoke)[1]


def test_a_cloud_that_is_not_configured_is_named(stub, tmp_path):
    provider_settings = encode_struct({"cloud": "nowhere"})
    stub.Configure(provider_pb2.ConfigureRequest(args=provider_settings))
    request = provider_pb2.ReadRequest(id="1", urn=urn(NETWORK))
    code, words = refused(stub.Read, request)
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "KRJ412 the cloud 'nowhere' cannot be used" in words


def test_components_are_refused(stub):
    code, _ = refused(stub.Construct, provider_pb2.ConstructRequest())
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert refused(stub.Call, provider_pb2.CallRequest())[0] is grpc.StatusCode.UNIMPLEMENTED

"""Secrets and containers on a real cloud."""

from __future__ import annotations

import base64

import pytest

from kraj.openstack.values import Secret

pytestmark = pytest.mark.lab

SECRET = "openstack:keymanager/secretV1:SecretV1"
CONTAINER = "openstack:keymanager/containerV1:ContainerV1"
TEXT = {"payload": Secret("a word of theirs"), "payloadContentType": "text/plain"}


def test_a_secret_keeps_its_payload_encrypted_and_changes_its_metadata(things):
    given = {**TEXT, "secretType": "passphrase", "expiration": "2036-01-01T01:00:00+01:00"}
    secret = things.create(SECRET, **given, metadata={"tenant": "a", "service": "records"})
    secret.assert_settled()
    assert secret.outputs["payload"] == Secret("a word of theirs")
    assert secret.outputs["expiration"] == "2036-01-01T00:00:00Z"
    assert secret.outputs["secretRef"].endswith(secret.id)
    secret.update(**given, metadata={"service": "map", "owner": "b"})
    secret.assert_settled()
    assert secret.outputs["allMetadata"] == {"service": "map", "owner": "b"}
    other = {**given, "payload": Secret("another")}
    assert secret.diff(**other, metadata=secret.outputs["metadata"]).replaces == ["payload"]
    things.delete(secret)


def test_a_binary_secret_is_told_as_base64(things):
    packed = base64.b64encode(bytes(range(32))).decode()
    secret = things.create(
        SECRET,
        payload=Secret(packed),
        payloadContentType="application/octet-stream",
        payloadContentEncoding="base64",
        secretType="symmetric",
        algorithm="aes",
        bitLength=256,
        mode="cbc",
    )
    secret.assert_settled()
    assert secret.outputs["payload"] == Secret(packed)
    things.delete(secret)


def test_only_those_on_the_access_list_may_read(things, provider):
    users = [provider.cloud.user_id]
    secret = things.create(SECRET, **TEXT, acl={"read": {"projectAccess": False, "users": users}})
    secret.assert_settled()
    assert secret.outputs["acl"]["read"]["projectAccess"] is False
    secret.update(**TEXT, acl={"read": {"projectAccess": True}})
    secret.assert_settled()
    assert secret.outputs["acl"]["read"]["users"] == []
    things.delete(secret)


def test_a_container_holds_secrets(things):
    one, two = things.create(SECRET, **TEXT), things.create(SECRET, **TEXT)
    first = {"name": "first", "secretRef": one.outputs["secretRef"]}
    second = {"name": "second", "secretRef": two.outputs["secretRef"]}
    container = things.create(CONTAINER, type="generic", secretRefs=[first])
    container.assert_settled()
    container.update(type="generic", secretRefs=[second])
    container.assert_settled()
    assert container.outputs["secretRefs"] == [second]
    assert container.outputs["status"] == "ACTIVE"
    things.delete(container)

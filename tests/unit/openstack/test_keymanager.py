"""Rules of Barbican's types."""

from __future__ import annotations

SECRET = "openstack:keymanager/secretV1:SecretV1"
CONTAINER = "openstack:keymanager/containerV1:ContainerV1"
OLDS = {
    "name": "a",
    "payload": "word",
    "payloadContentType": "text/plain",
    "secretType": "opaque",
    "expiration": "2036-01-01T00:00:00Z",
    "acl": {"read": {"projectAccess": True, "users": []}},
}


def test_spelling_of_a_secret_is_no_difference(rules_of):
    given = {
        "name": "a",
        "payload": "word\n",
        "payloadContentType": "text/plain; charset=utf-8",
        "expiration": "2036-01-01T01:00:00+01:00",
    }
    assert not rules_of(SECRET).diff(OLDS, given).changes


def test_another_payload_is_another_secret(rules_of):
    given = {**OLDS, "payload": "other"}
    assert rules_of(SECRET).replaces(OLDS, **given) == {"payload"}


def test_readers_and_metadata_change_in_place(rules_of):
    given = {**OLDS, "acl": {"read": {"projectAccess": False, "users": ["u"]}}}
    assert rules_of(SECRET).updates(OLDS, **given, metadata={"a": "b"}) == {"acl", "metadata"}


def test_a_container_changes_its_secrets_in_place(rules_of):
    refs = [
        {"name": "one", "secretRef": "https://one"},
        {"name": "two", "secretRef": "https://two"},
    ]
    olds = {"name": "a", "type": "generic", "secretRefs": refs}
    container = rules_of(CONTAINER)
    assert not container.diff(
        olds, {"name": "a", "type": "generic", "secretRefs": refs[::-1]}
    ).changes
    assert container.updates(olds, name="a", type="generic", secretRefs=refs[:1]) == {"secretRefs"}
    assert container.replaces(olds, name="a", type="rsa", secretRefs=refs) == {"type"}

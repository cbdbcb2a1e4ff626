"""Containers and objects on a real cloud."""

from __future__ import annotations

import pytest

from kraj.openstack.cloud import Call
from tests.lab.openstack.conftest import CallFailedError

pytestmark = pytest.mark.lab

CONTAINER = "openstack:objectstorage/container:Container"
OBJECT = "openstack:objectstorage/containerObject:ContainerObject"


@pytest.fixture(autouse=True)
def _swift(provider):
    if not provider.cloud.has_service("object-store"):
        pytest.skip("this cloud has no object storage (Swift)")


def test_a_container_lives_and_changes_in_place(things, provider):
    container = things.create(
        CONTAINER, containerRead=".r:*,.rlistings", metadata={"tenant": "a", "service": "records"}
    )
    assert container.id == container.outputs["name"]
    container.assert_settled()
    container.update(metadata={"service": "map"}, containerWrite=f"{provider.cloud.project_id}:*")
    container.assert_settled()
    assert container.outputs["containerRead"] == ""
    headers = provider.cloud.call(Call("object-store", "HEAD", container.id)).headers
    assert headers["X-Container-Meta-Service"] == "map"
    assert "X-Container-Meta-Tenant" not in headers
    assert container.diff(name="another").replaces == ["name"]
    things.delete(container)


def test_objects_are_uploaded_replaced_and_copied(things, tmp_path):
    container = things.create(CONTAINER)
    place = {"containerName": container.id, "name": "folder/a list.txt"}
    thing = things.create(
        OBJECT, **place, content="first", contentType="text/plain", metadata={"a": "b"}
    )
    assert thing.id == f"{container.id}/folder/a list.txt"
    thing.assert_settled()
    assert (thing.outputs["contentLength"], thing.outputs["contentType"]) == (5, "text/plain")
    thing.update(**place, content="second", contentType="text/csv")
    thing.assert_settled()
    assert (thing.outputs["contentLength"], thing.outputs["contentType"]) == (6, "text/csv")
    copy = things.create(OBJECT, containerName=container.id, name="copy", copyFrom=thing.id)
    copy.assert_settled()
    assert copy.outputs["etag"] == thing.outputs["etag"]
    path = tmp_path / "big"
    path.write_bytes(b"x" * 3_000_000)
    big = things.create(
        OBJECT,
        containerName=container.id,
        name="big",
        source=str(path),
        deleteAt="2036-01-01T00:00:00Z",
    )
    big.assert_settled()
    assert big.outputs["contentLength"] == 3_000_000
    assert big.outputs["deleteAt"] == "2036-01-01T00:00:00Z"
    for one in (big, copy, thing):
        things.delete(one)


def test_a_container_with_objects_is_deleted_only_by_force(things):
    container = things.create(CONTAINER)
    place = {"containerName": container.id, "name": "a"}
    thing = things.create(OBJECT, **place, content="first")
    thing.update(**place, content="second")
    with pytest.raises(CallFailedError, match="KRJ406"):
        container.delete()
    container.update(forceDestroy=True)
    things.delete(container)
    assert thing.read() is None
    things.made.remove(thing)

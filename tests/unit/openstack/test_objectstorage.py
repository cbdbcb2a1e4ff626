"""Rules of Swift's types, and how they are worded as headers."""

from __future__ import annotations

import pytest

from kraj.openstack.objectstorage import Container, ContainerObject

CONTAINER = "openstack:objectstorage/container:Container"
OBJECT = "openstack:objectstorage/containerObject:ContainerObject"


def test_a_container_cannot_be_renamed(rules_of):
    olds = {"name": "a", "containerRead": ".r:*", "storagePolicy": "gold"}
    container = rules_of(CONTAINER)
    assert container.replaces(olds, name="b", containerRead=".r:*") == {"name"}
    assert container.updates(olds, name="a") == {"containerRead"}


def test_an_object_has_one_content(rules_of):
    place = {"containerName": "c", "name": "a"}
    assert set(rules_of(OBJECT).failures(**place)) == {"content"}
    both = rules_of(OBJECT).failures(**place, content="x", source="file")
    assert set(both) == {"content", "source"}


def test_an_object_changes_in_its_place(rules_of):
    olds = {"containerName": "c", "name": "a", "content": "x", "etag": "1", "contentLength": 1}
    place = {"containerName": "c", "name": "a"}
    assert rules_of(OBJECT).updates(olds, **place, content="y") == {"content"}
    assert rules_of(OBJECT).replaces(olds, **place | {"name": "b"}, content="x") == {"name"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"containerRead": ".r:*"}, {"x-container-read": ".r:*"}),
        ({"containerRead": None}, {"x-container-read": ""}),
        ({"versioning": True}, {"x-versions-enabled": "true"}),
        ({"versioning": False}, {"x-versions-enabled": "false"}),
    ],
)
def test_properties_become_headers(given, expected):
    assert Container(None).headers(given, given) == expected


def test_metadata_that_is_gone_is_sent_empty():
    headers = Container(None).metadata_headers(
        {"metadata": {"a": "1", "b": "2"}}, {"metadata": {"b": "3"}}
    )
    assert headers == {"X-Container-Meta-a": "", "X-Container-Meta-b": "3"}


def test_headers_become_properties():
    found = {"x-versions-enabled": "True", "x-history-location": "old", "x-storage-policy": "gold"}
    outputs = Container(None).outputs("a", found, {"region": "one"})
    assert outputs["versioning"] is True
    assert outputs["versioningLegacy"] == {"type": "history", "location": "old"}
    assert (outputs["name"], outputs["storagePolicy"]) == ("a", "gold")


def test_names_are_quoted_and_slashes_in_objects_kept():
    assert Container(None).object_path("a list/x") == "a%20list%2Fx"
    assert ContainerObject(None).object_path("a c/folder/b?") == "a%20c/folder/b%3F"

"""Images on a real cloud."""

from __future__ import annotations

import hashlib
import http.server
import threading
from functools import partial

import pytest

from tests.lab.openstack.conftest import CallFailedError, Things

pytestmark = pytest.mark.lab

PROJECT = "openstack:identity/project:Project"
IMAGE = "openstack:images/image:Image"
ACCESS = "openstack:images/imageAccess:ImageAccess"
ACCEPT = "openstack:images/imageAccessAccept:ImageAccessAccept"
GET_IMAGE = "openstack:images/getImage:getImage"
GET_IDS = "openstack:images/getImageIds:getImageIds"
FORMATS = {"diskFormat": "raw", "containerFormat": "bare"}


@pytest.fixture
def disk(tmp_path):
    """A small disk."""
    path = tmp_path / "disk.raw"
    path.write_bytes(b"disk" * 500_000)
    return path


def statuses_of_leftovers(things: Things) -> list[str]:
    """Delete what unfinished creations have left; returns the states it was in."""
    cloud = things.provider.cloud
    made = {thing.id for thing in things.made}
    left = [
        image
        for image in cloud.get("image", "images")["images"]
        if things.suffix in image["name"] and image["id"] not in made
    ]
    for image in left:
        cloud.delete("image", f"images/{image['id']}")
    return [image["status"] for image in left]


def test_an_image_is_uploaded_and_changes_in_place(things, disk):
    given = {**FORMATS, "localFilePath": str(disk)}
    image = things.create(
        IMAGE,
        **given,
        properties={"os_distro": "debian", "hw_disk_bus": "virtio", "a/b": "c"},
        tags=["one", "two"],
        minDiskGb=1,
    )
    image.assert_settled()
    md5 = hashlib.md5(disk.read_bytes(), usedforsecurity=False).hexdigest()
    assert (image.outputs["checksum"], image.outputs["sizeBytes"]) == (md5, 2_000_000)
    assert image.outputs["properties"]["os_hash_algo"] == "sha512"
    image.update(
        **given,
        name=f"{image.name}-2",
        properties={"os_distro": "ubuntu", "os_version": "24.04"},
        tags=["two", "three"],
        minRamMb=64,
        visibility="public",
        protected=True,
        hidden=True,
    )
    image.assert_settled()
    own = {k: v for k, v in image.outputs["properties"].items() if not k.startswith("os_hash")}
    assert own.items() >= {"os_distro": "ubuntu", "os_version": "24.04"}.items()
    assert not {"hw_disk_bus", "a/b"} & own.keys()
    assert (image.outputs["minDiskGb"], image.outputs["minRamMb"]) == (0, 64)
    image.update(**given)
    image.assert_settled()
    things.delete(image)


def test_a_missing_file_is_told_and_leaves_an_image_to_mend(things, tmp_path):
    with pytest.raises(CallFailedError, match="KRJ408 image file"):
        things.create(IMAGE, **FORMATS, localFilePath=str(tmp_path / "absent"))
    assert statuses_of_leftovers(things) == ["queued"]


def test_an_image_is_fetched_from_an_address(things, disk, tmp_path):
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/{disk.name}"
        cache = str(tmp_path / "cache")
        given = {**FORMATS, "imageSourceUrl": url}
        image = things.create(IMAGE, **given, imageCachePath=cache)
        image.assert_settled()
        # Glance itself fetches from few ports only, so that of this server is refused.
        with pytest.raises(CallFailedError, match="KRJ408 import image: URI for web-download"):
            things.create(IMAGE, **given, webDownload=True)
        server.shutdown()
    assert image.outputs["sizeBytes"] == 2_000_000
    assert statuses_of_leftovers(things) == ["queued"]


def test_an_image_is_shared_and_accepted(things, disk, provider):
    given = {**FORMATS, "localFilePath": str(disk), "visibility": "shared"}
    image = things.create(IMAGE, **given)
    member = provider.cloud.project_id
    share = things.create(ACCESS, imageId=image.id, memberId=member)
    assert share.id == f"{image.id}/{member}"
    share.assert_settled()
    word = things.create(ACCEPT, imageId=image.id, status="accepted")
    assert word.id == share.id
    word.assert_settled()
    assert word.outputs["memberId"] == member
    word.update(imageId=image.id, status="rejected")
    word.assert_settled()
    share.update(imageId=image.id, memberId=member, status="pending")
    share.assert_settled()
    word.delete()
    assert word.read()["status"] == "rejected"
    things.made.remove(word)
    things.delete(share)
    other = things.create(ACCESS, imageId=image.id, memberId=things.create(PROJECT).id)
    assert other.outputs["status"] == "pending"
    things.delete(other)


def test_images_are_found_by_name_properties_and_age(things, disk):
    given = {**FORMATS, "localFilePath": str(disk), "name": f"kraj-test-{things.suffix}"}
    old = things.create(IMAGE, **given, properties={"purpose": "old"}, tags=["t"])
    new = things.create(IMAGE, **given, properties={"purpose": "new"}, hidden=False)
    name = given["name"]
    assert things.invoke(GET_IMAGE, name=name, properties={"purpose": "old"})["id"] == old.id
    assert things.invoke(GET_IMAGE, name=name, tag="t")["id"] == old.id
    found = things.invoke(GET_IMAGE, name=name, mostRecent=True)
    assert found["id"] in (old.id, new.id)
    assert found["createdAt"] >= old.outputs["createdAt"]
    with pytest.raises(CallFailedError, match="KRJ414"):
        things.invoke(GET_IMAGE, name=name)
    found = things.invoke(GET_IDS, nameRegex=f"^kraj-test-{things.suffix}$", sort="created_at:asc")
    assert set(found["ids"]) == {old.id, new.id}
    assert things.invoke(GET_IDS, name="no such image at all")["ids"] == []


def test_an_imported_image_shows_no_difference(things, disk):
    image = things.create(IMAGE, **FORMATS, localFilePath=str(disk), properties={"a": "b"})
    inputs, _ = image.imported()
    given = {key: value for key, value in inputs.items() if key != "__defaults"}
    assert not image.diff(**given, localFilePath=str(disk)).diffs

"""Volumes on a real cloud."""

from __future__ import annotations

import pytest

from tests.lab.openstack.conftest import CallFailedError

pytestmark = pytest.mark.lab

VOLUME = "openstack:blockstorage/volume:Volume"
VOLUME_TYPE = "openstack:blockstorage/volumeTypeV3:VolumeTypeV3"


def test_a_volume_lives_grows_and_changes_in_place(things):
    volume = things.create(VOLUME, size=1, metadata={"tenant": "a"}, description="first")
    volume.assert_settled()
    assert volume.outputs["attachments"] == []
    volume.update(size=3, metadata={"service": "records"}, name=f"{volume.name}-2")
    volume.assert_settled()
    assert volume.outputs["size"] == 3
    assert volume.outputs["metadata"] == {"service": "records"}
    assert volume.outputs["description"] == ""
    assert volume.diff(size=3, availabilityZone="elsewhere").replaces == ["availabilityZone"]
    things.delete(volume)


def test_a_volume_does_not_shrink(things):
    volume = things.create(VOLUME, size=2)
    with pytest.raises(CallFailedError, match=r"KRJ408 .*no volume shrinks"):
        volume.update(size=1)


def test_a_volume_without_a_place_quotes_cinder(things):
    nowhere = things.create(VOLUME_TYPE, extraSpecs={"volume_backend_name": "nowhere"})
    with pytest.raises(CallFailedError, match=r"KRJ409.* in state error: .*backend"):
        things.create(VOLUME, size=1, volumeType=nowhere.outputs["name"])
    things.adopt(VOLUME, "block-storage", "volumes")


def test_a_volume_changes_its_type(things):
    one = things.create(VOLUME_TYPE, isPublic=True)
    two = things.create(VOLUME_TYPE, isPublic=True)
    volume = things.create(VOLUME, size=1, volumeType=one.outputs["name"])
    volume.assert_settled()
    volume.update(size=1, volumeType=two.outputs["name"], volumeRetypePolicy="on-demand")
    volume.assert_settled()
    assert volume.outputs["volumeType"] == two.outputs["name"]


def test_a_volume_is_copied_from_another(things):
    source = things.create(VOLUME, size=1)
    copy = things.create(VOLUME, size=2, sourceVolId=source.id)
    copy.assert_settled()
    assert copy.outputs["sourceVolId"] == source.id


def test_an_imported_volume_shows_no_difference(things):
    volume = things.create(VOLUME, size=1, metadata={"a": "b"})
    inputs, _ = volume.imported()
    given = {key: value for key, value in inputs.items() if key != "__defaults"}
    assert not volume.diff(**given).diffs


def test_a_volume_is_found_by_name_and_metadata(things):
    volume = things.create(VOLUME, size=1, metadata={"a": "b"})
    token = "openstack:blockstorage/getVolumeV3:getVolumeV3"
    name = volume.outputs["name"]
    assert things.invoke(token, name=name, metadata={"a": "b"})["id"] == volume.id
    with pytest.raises(CallFailedError, match="KRJ414"):
        things.invoke(token, name=name, metadata={"a": "c"})
    zones = things.invoke("openstack:blockstorage/getAvailabilityZonesV3:getAvailabilityZonesV3")
    assert volume.outputs["availabilityZone"] in zones["names"]

"""Rules of Cinder's types."""

from __future__ import annotations

import pytest

from kraj.errors import KrajError
from kraj.openstack.blockstorage import Volume

VOLUME = "openstack:blockstorage/volume:Volume"
VOLUME_TYPE = "openstack:blockstorage/volumeTypeV3:VolumeTypeV3"
QOS = "openstack:blockstorage/qosV3:QosV3"
QUOTA = "openstack:blockstorage/quoteSetV3:QuoteSetV3"


def test_a_volume_grows_and_changes_its_type_in_place(rules_of):
    volume = rules_of(VOLUME)
    olds = {
        "name": "a",
        "size": 10,
        "volumeType": "fast",
        "availabilityZone": "z1",
        "volumeRetypePolicy": "never",
    }
    assert volume.updates(olds, name="a", size=20, volumeType="bulk") == {"size", "volumeType"}
    assert volume.updates(olds, name="a", size=10) == set()
    assert volume.replaces(olds, name="a", size=10, availabilityZone="z2") == {"availabilityZone"}


def test_a_volume_that_would_have_to_shrink_is_refused_before_the_cloud_is_asked():
    Volume.refuse_update("v1", {"size": 10}, {"size": 13})
    with pytest.raises(KrajError, match="has 13 GiB and is to have 10 GiB") as caught:
        Volume.refuse_update("v1", {"size": 13}, {"size": 10})
    assert caught.value.code.code == "KRJ408"


@pytest.mark.parametrize("other", ["snapshotId", "sourceVolId", "backupId"])
def test_a_volume_has_one_source(rules_of, other):
    failures = rules_of(VOLUME).failures(size=1, imageId="i", **{other: "x"})
    assert set(failures) == {"imageId", other}


def test_another_image_is_another_volume(rules_of):
    olds = {"name": "a", "size": 1, "imageId": "i", "volumeRetypePolicy": "never"}
    assert rules_of(VOLUME).replaces(olds, name="a", size=1, imageId="j") == {"imageId"}


def test_an_unknown_policy_of_retyping_is_refused(rules_of):
    failures = rules_of(VOLUME).failures(size=1, volumeRetypePolicy="always")
    assert failures == {
        "volumeRetypePolicy": "volumeRetypePolicy is 'always'; allowed are never, on-demand"
    }


def test_extra_specs_of_a_volume_type_change_in_place(rules_of):
    kind = rules_of(VOLUME_TYPE)
    olds = {"name": "a", "isPublic": True, "extraSpecs": {"a": "1"}, "description": ""}
    assert kind.updates(olds, name="a", isPublic=True, extraSpecs={"a": "2"}) == {"extraSpecs"}
    assert kind.updates(olds, name="b", isPublic=True) == {"name"}


def test_limits_of_speed_are_renamed_by_replacement(rules_of):
    olds = {"name": "a", "consumer": "back-end", "specs": {"x": "1"}}
    assert rules_of(QOS).replaces(olds, name="b", specs={"x": "1"}) == {"name"}
    assert rules_of(QOS).updates(olds, name="a") == {"specs"}


def test_limits_per_volume_type_are_text_in_programs(rules_of):
    quota = rules_of(QUOTA)
    assert quota.inputs(projectId="p", volumeTypeQuota={"gigabytes_fast": 50})[
        "volumeTypeQuota"
    ] == {"gigabytes_fast": "50"}
    olds = {"projectId": "p", "volumes": 10, "volumeTypeQuota": {"gigabytes_fast": "50"}}
    assert quota.updates(olds, projectId="p", volumeTypeQuota={"gigabytes_fast": "60"}) == {
        "volumeTypeQuota"
    }
    assert quota.updates(olds, projectId="p", volumeTypeQuota={"gigabytes_fast": "50"}) == set()


def test_a_volume_type_that_the_cloud_got_since_changes_no_quota(rules_of):
    quota = rules_of(QUOTA)
    olds = {"projectId": "p", "volumeTypeQuota": {"gigabytes_fast": "50", "volumes_fast": "-1"}}
    more = {"gigabytes_fast": "50", "volumes_fast": "-1", "volumes_new": "-1"}
    assert quota.updates(olds, projectId="p", volumeTypeQuota=more) == set()
    limited = {**more, "volumes_fast": "3"}
    assert quota.updates(olds, projectId="p", volumeTypeQuota=limited) == {"volumeTypeQuota"}
    assert quota.updates(olds, projectId="p", volumeTypeQuota={}) == {"volumeTypeQuota"}

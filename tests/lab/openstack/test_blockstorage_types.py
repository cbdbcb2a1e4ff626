"""Volume types, their qualities and volume quotas on a real cloud."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab

PROJECT = "openstack:identity/project:Project"
VOLUME_TYPE = "openstack:blockstorage/volumeTypeV3:VolumeTypeV3"
ACCESS = "openstack:blockstorage/volumeTypeAccessV3:VolumeTypeAccessV3"
QOS = "openstack:blockstorage/qosV3:QosV3"
ASSOCIATION = "openstack:blockstorage/qosAssociationV3:QosAssociationV3"
QUOTA = "openstack:blockstorage/quoteSetV3:QuoteSetV3"


def test_a_volume_type_lives_and_changes_in_place(things):
    kind = things.create(
        VOLUME_TYPE, isPublic=True, description="fast", extraSpecs={"a": "1", "b": "2"}
    )
    kind.assert_settled()
    kind.update(
        name=f"{kind.name}-2", isPublic=True, description="faster", extraSpecs={"b": "3", "c": "4"}
    )
    kind.assert_settled()
    assert kind.outputs["extraSpecs"] == {"b": "3", "c": "4"}
    things.delete(kind)


def test_a_private_volume_type_is_opened_to_a_project(things):
    kind = things.create(VOLUME_TYPE)
    assert kind.outputs["isPublic"] is False
    project = things.create(PROJECT)
    access = things.create(ACCESS, volumeTypeId=kind.id, projectId=project.id)
    assert access.id == f"{kind.id}/{project.id}"
    access.assert_settled()
    things.delete(access)


def test_limits_of_speed_change_in_place_and_are_given_to_a_type(things):
    limits = things.create(QOS, consumer="front-end", specs={"read_iops_sec": "500", "x": "1"})
    limits.assert_settled()
    limits.update(consumer="both", specs={"read_iops_sec": "600", "y": "2"})
    limits.assert_settled()
    assert limits.outputs["specs"] == {"read_iops_sec": "600", "y": "2"}
    kind = things.create(VOLUME_TYPE, isPublic=True)
    association = things.create(ASSOCIATION, qosId=limits.id, volumeTypeId=kind.id)
    assert association.id == f"{limits.id}/{kind.id}"
    association.assert_settled()
    things.delete(association)
    things.delete(limits)


def test_a_quota_has_limits_per_volume_type_and_stays_when_it_is_deleted(things):
    kind = things.create(VOLUME_TYPE, isPublic=True)
    project = things.create(PROJECT)
    key = f"gigabytes_{kind.outputs['name']}"
    given = {"projectId": project.id, "volumes": 7}
    quota = things.create(QUOTA, **given, gigabytes=100, volumeTypeQuota={key: "50"})
    assert quota.id == f"{project.id}/RegionOne"
    quota.assert_settled()
    quota.update(**given, gigabytes=200, volumeTypeQuota={key: "60"})
    quota.assert_settled()
    assert (quota.outputs["gigabytes"], quota.outputs["volumeTypeQuota"]) == (200, {key: "60"})
    token = "openstack:blockstorage/getQuotasetV3:getQuotasetV3"
    found = things.invoke(token, projectId=project.id)
    assert (found["volumes"], found["volumeTypeQuota"][key]) == (7, "60")
    quota.update(**given, gigabytes=300)
    quota.assert_settled()
    quota.delete()
    assert quota.read()["gigabytes"] == 300

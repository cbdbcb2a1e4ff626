"""Images in a real Glance: published, shared, followed by newer ones, deleted when unused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kraj.errors import KrajError
from kraj.images.lifecycle import Published, Stage, Use, decide
from kraj.images.publishing import (
    IMAGE_PROPERTY,
    Promise,
    carry_out,
    is_as_signed,
    publish,
    read_published,
    read_uses,
)
from kraj.images.signing import Signer, open_signer
from kraj.planning.standards import built_image_name
from tests.lab.conftest import LabCloud
from tests.lab.image_versions import version_of

pytestmark = pytest.mark.lab

NAME = "lab-test"
PROMISE = Promise("2028-06-30")


@pytest.fixture
def cloud(lab_cloud: LabCloud) -> Iterator[Any]:
    """The administrator's connection; what the test publishes is gone afterwards."""
    connection = lab_cloud.connect()
    yield connection
    for item in ours(connection):
        connection.image.delete_image(item.id, ignore_missing=True)


def ours(cloud: Any) -> list[Published]:
    return [item for item in read_published(cloud) if item.image == NAME]


def test_a_published_image_has_the_properties_of_the_standard(cloud: Any, tmp_path: Path) -> None:
    project = cloud.identity.find_project("admin", ignore_missing=False)
    made = publish(cloud, version_of(NAME, "1", tmp_path), tmp_path, PROMISE, [project.name])
    found = cloud.image.get_image(made.id)
    told = {**found.to_dict(), **(found.properties or {})}
    assert found.name == built_image_name(NAME)
    assert (told["os_distro"], told["os_version"], told["provided_until"]) == (
        *("debian", "12"),
        "2028-06-30",
    )
    assert told["image_build_date"] == "2026-11-29"
    assert told["replace_frequency"] == "monthly"
    assert told[IMAGE_PROPERTY] == NAME
    members = {member.member_id: member.status for member in cloud.image.members(made.id)}
    assert members == {project.id: "accepted"}


def test_the_same_version_is_not_uploaded_again(cloud: Any, tmp_path: Path) -> None:
    first = publish(cloud, version_of(NAME, "1", tmp_path), tmp_path, PROMISE, [])
    assert publish(cloud, version_of(NAME, "1", tmp_path), tmp_path, PROMISE, []).id == first.id
    assert len(ours(cloud)) == 1


def test_glance_checks_the_signature_of_an_image(cloud: Any, tmp_path: Path) -> None:
    signer = open_signer(tmp_path / "key.pem", make=True)
    other = open_signer(tmp_path / "other.pem", make=True)
    version = version_of(NAME, "1", tmp_path)
    with pytest.raises(KrajError, match="Glance refuses lab-test@1") as caught:
        publish(cloud, version, tmp_path, PROMISE, [], signer=Signer(other.key, signer.certificate))
    assert caught.value.code.code == "KRJ814"
    assert ours(cloud) == []

    made = publish(cloud, version, tmp_path, PROMISE, [], signer=signer)
    assert made.signed
    assert is_as_signed(cloud, made, signer)
    assert not is_as_signed(cloud, made, other)
    plain = publish(cloud, version_of(NAME, "2", tmp_path), tmp_path, PROMISE, [])
    assert not plain.signed
    assert not is_as_signed(cloud, plain, signer)


def test_versions_step_back_and_only_unused_ones_are_deleted(cloud: Any, tmp_path: Path) -> None:
    for version in ("1", "2", "3"):
        publish(cloud, version_of(NAME, version, tmp_path), tmp_path, PROMISE, [])
    used = next(item.id for item in ours(cloud) if item.version == "1")
    uses = (Use(used, "server", "id", "name", "project"),)

    def step() -> dict[str, Stage]:
        for decided in decide(ours(cloud), uses, 1):
            carry_out(cloud, decided)
        return {item.version: item.stage for item in ours(cloud)}

    assert step() == {"3": Stage.ACTIVE, "2": Stage.HIDDEN, "1": Stage.HIDDEN}
    names = {image.name for image in cloud.image.images(name=built_image_name(NAME))}
    assert names == {built_image_name(NAME)}
    assert step() == {"3": Stage.ACTIVE, "1": Stage.HIDDEN}


def test_a_volume_made_from_an_image_is_found(cloud: Any, tmp_path: Path) -> None:
    made = publish(cloud, version_of(NAME, "1", tmp_path), tmp_path, PROMISE, [])
    volume = cloud.block_storage.create_volume(size=1, name="of-lab-test", image_id=made.id)
    try:
        cloud.block_storage.wait_for_status(volume, "available", wait=120)
        found = [use for use in read_uses(cloud, ours(cloud)) if use.image_id == made.id]
        assert [(use.kind, use.name) for use in found] == [("volume", "of-lab-test")]
    finally:
        cloud.block_storage.delete_volume(volume.id)
        cloud.block_storage.wait_for_delete(volume, wait=120)

"""What Glance is told of an image."""

from __future__ import annotations

from kraj.images.manifest import Output
from kraj.images.publishing import Promise, properties_of
from tests.unit.images.test_comparing import NEW

DISK = Output(file="disk.qcow2", size_bytes=1, sha256="0", virtual_gib=2, seconds=1)


def test_the_properties_are_those_of_scs_0102_and_ours() -> None:
    made = NEW.model_copy(update={"outputs": {"disk": DISK}, "roles": ("base", "records")})
    assert properties_of(made, Promise("2028-06-30")) == {
        "architecture": "x86_64",
        "hw_disk_bus": "virtio",
        "hw_rng_model": "virtio",
        "image_build_date": "2026-11-29",
        "image_description": "Debian 12 with base, records",
        "image_original_user": "debian",
        "image_source": "private",
        "os_distro": "debian",
        "os_purpose": "custom",
        "os_version": "12",
        "provided_until": "2028-06-30",
        "replace_frequency": "monthly",
        "uuid_validity": "notice",
        "kraj_image": "records",
        "kraj_version": "20261129-12345678",
        "kraj_stage": "active",
        "kraj_tree_sha256": "",
        "kraj_format": "disk",
    }

"""What the centre offers against the texts of the Sovereign Cloud Stack standards."""

from __future__ import annotations

import pytest

from kraj.planning.standards import (
    MANDATORY_FLAVORS,
    flavor_properties,
    flavors,
    image,
    volume_type,
)
from tests.unit.planning.regions import example_region

REGION = example_region().region


def test_every_mandatory_flavour_is_what_its_name_says() -> None:
    made = {flavor.name: flavor for flavor in flavors({})}
    assert set(made) == set(MANDATORY_FLAVORS)
    assert len(made) == 15
    for name, (vcpus, ram_gib, disk) in MANDATORY_FLAVORS.items():
        parts = name.split("-")
        assert parts[1][:-1] == str(vcpus)
        assert parts[2] == str(ram_gib)
        assert (int(parts[3].rstrip("s")) if len(parts) > 3 else 0) == disk
        # The check of scs-0101 compares this very text.
        assert made[name].extra_specs["hw_rng:allowed"] == "True"


@pytest.mark.parametrize(
    ("name", "disk_gib", "v1", "cpu", "disk"),
    [
        ("SCS-4V-16-100s", 100, "SCS-4V:16:100s", "shared-core", "ssd"),
        ("SCS-1L-1", 0, "SCS-1L:1", "crowded-core", None),
        ("SCS-2Li-4", 0, "SCS-2Li:4", "crowded-core", None),
        ("SCS-2C-3.5uo-10p", 10, "SCS-2C:3.5uo:10p", "dedicated-core", "nvme"),
        ("SCS-2T-4-3x10s_bms_z3", 10, "SCS-2T:4:3x10s_bms_z3", "dedicated-thread", "ssd"),
        ("SCS-8V-32-100", 100, "SCS-8V:32:100", "shared-core", None),
    ],
)
def test_properties_follow_from_the_name(
    name: str, disk_gib: int, v1: str, cpu: str, disk: str | None
) -> None:
    properties = flavor_properties(name, disk_gib)
    assert properties["scs:name-v1"] == v1
    assert properties["scs:name-v2"] == name
    assert properties["scs:cpu-type"] == cpu
    assert properties.get("scs:disk0-type") == disk


@pytest.mark.parametrize("name", ["m1.large", "SCS-custom", "SCS-4-16", "SCS-4V"])
def test_a_name_of_another_scheme_claims_nothing(name: str) -> None:
    assert flavor_properties(name, 0) == {}


def test_images_carry_all_mandatory_properties() -> None:
    mandatory = {
        "architecture",
        "hw_disk_bus",
        "image_build_date",
        "image_description",
        "image_original_user",
        "image_source",
        "os_distro",
        "os_purpose",
        "os_version",
        "provided_until",
        "replace_frequency",
        "uuid_validity",
    }
    for entry in REGION.images:
        made = image(entry, None)
        assert mandatory <= set(made.properties)
        assert made.properties["hw_rng_model"] == "virtio"
        assert made.min_disk_gib > 0
        assert made.min_ram_mib > 0


def test_an_image_of_ones_own_is_called_private_and_shows_no_path() -> None:
    entry = REGION.images[0].model_copy(update={"url": "file:///srv/images/own.qcow2"})
    made = image(entry, None)
    assert made.properties["image_source"] == "private"
    assert made.local_file == "/srv/images/own.qcow2"


def test_two_images_of_one_release_have_different_keys() -> None:
    entry = REGION.images[0]
    twin = entry.model_copy(update={"name": f"{entry.name} minimal"})
    assert [image(each, None).key for each in (entry, twin)] == ["debian-13", "debian-13-minimal"]


def test_volume_types_name_their_aspects_in_alphabetical_order() -> None:
    pool = REGION.storage.pools[0]
    assert volume_type(pool).description.startswith("[scs:encrypted, replicated] ")
    plain = pool.model_copy(update={"encrypted": False, "replicated": False})
    assert volume_type(plain).description == "SSD, storage pool fast"
    assert volume_type(plain).extra_specs == {"volume_backend_name": "fast"}

"""What a region's models answer once the files are good."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from pydantic import ValidationError

from kraj.errors import KrajErrors
from kraj.model.catalogue import ServerSize
from kraj.model.region import BootImages, Cloud, ServiceHours
from kraj.model.service import Availability, BackupClass
from kraj.model.tenant import Tenant, TenantKind
from tests.unit.model.region_folder import Folder


def tenant(**keys: Any) -> Tenant:
    contacts = [{"role": "requester", "name": "Office", "email": "office@town.example"}]
    return Tenant.model_validate({"name": "Town", "contacts": contacts, **keys})


def test_an_image_mirror_comes_from_the_environment(folder: Folder) -> None:
    files = folder.load({"KRAJ_IMAGE_MIRROR": "/srv/images"})
    assert files.region.cloud("lab").image_mirror == "/srv/images"


@pytest.mark.parametrize("environ", [{}, {"KRAJ_IMAGE_MIRROR": ""}])
def test_an_unset_or_empty_variable_means_no_image_mirror(
    folder: Folder, environ: dict[str, str]
) -> None:
    assert folder.load(environ).region.cloud("lab").image_mirror is None


def test_an_image_mirror_may_be_written_out(folder: Folder) -> None:
    folder.edit_region("${KRAJ_IMAGE_MIRROR} ", "https://mirror.example/images ")
    cloud = folder.load({"KRAJ_IMAGE_MIRROR": "/elsewhere"}).region.cloud("lab")
    assert cloud.image_mirror == "https://mirror.example/images"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, BootImages.CATALOGUE), ({"KRAJ_BOOT_IMAGES": "built"}, BootImages.BUILT)],
)
def test_which_images_servers_boot_comes_from_the_environment(
    folder: Folder, environ: dict[str, str], expected: BootImages
) -> None:
    assert folder.load(environ).region.cloud("lab").boot_images is expected


def test_a_cloud_may_have_another_key_of_the_operators(folder: Folder) -> None:
    line = (folder.region / "operators.pub").read_text(encoding="utf-8").strip()
    assert folder.load({}).region.cloud("lab").public_key is None
    found = folder.load({"KRAJ_PUBLIC_KEY": line}).region.cloud("lab")
    assert found.public_key == line


def test_a_clouds_key_that_is_none_is_an_error_in_its_line(folder: Folder) -> None:
    with pytest.raises(KrajErrors) as caught:
        folder.load({"KRAJ_PUBLIC_KEY": "ssh-ed25519 AAAA x"})
    (error,) = caught.value.errors
    assert error.code.code == "KRJ141"
    assert error.location is not None
    line = error.location.line - 1
    text = (folder.region / "region.yaml").read_text(encoding="utf-8").splitlines()[line]
    assert "${KRAJ_PUBLIC_KEY}" in text


def test_a_variable_with_another_word_is_an_error_in_its_line(folder: Folder) -> None:
    with pytest.raises(KrajErrors) as caught:
        folder.load({"KRAJ_BOOT_IMAGES": "mine"})
    (error,) = caught.value.errors
    assert error.location is not None
    line = error.location.line - 1
    text = (folder.region / "region.yaml").read_text(encoding="utf-8").splitlines()[line]
    assert "${KRAJ_BOOT_IMAGES}" in text


def test_variables_are_expanded_nowhere_else(folder: Folder) -> None:
    folder.edit_region("owner: Odbor informatiky ", "owner: ${HOME} ")
    assert folder.load({"HOME": "/root"}).region.owner == "${HOME}"


def test_files_and_values_are_found_again(folder: Folder) -> None:
    mark = folder.edit_tenant("liberec", "size: medium, storage", "size: ‸large, storage")
    files = folder.load()
    assert files.tenant_file("liberec") == folder.region / "tenants" / "liberec.yaml"
    assert str(files.locate("tenant", "liberec", ("services", 0, "size"))) == mark
    assert files.locate("service", "map", ("backup",)).file == "roles/map/service.yaml"
    files.tenant_file("liberec").unlink()
    gone = files.locate("tenant", "liberec", ("services", 0))
    assert str(gone) == "inventories/liberecky/tenants/liberec.yaml"


def test_a_role_without_a_card_is_no_service(folder: Folder) -> None:
    (folder.roles / "base" / "tasks").mkdir(parents=True)
    assert "base" not in folder.load().services
    place = folder.edit_tenant("liberec", "{service: map,", "{service: ‸base,")
    [error] = folder.errors()
    assert "unknown service 'base'" in error.message
    assert str(error.location) == place


def test_models_cannot_be_changed(folder: Folder) -> None:
    files = folder.load()
    with pytest.raises(ValidationError, match="frozen"):
        files.region.name = "other"
    with pytest.raises(TypeError):
        files.tenants["x"] = files.tenants["liberec"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("flavor", "vcpus", "ram_mib", "disk_gib"),
    [
        ("SCS-2V-4", 2, 4096, 0),
        ("SCS-1L-1", 1, 1024, 0),
        ("SCS-4V-16-100s", 4, 16_384, 100),
        ("SCS-1V-0.5", 1, 512, 0),
        ("SCS-16T-64-3x10s", 16, 65_536, 10),
        ("SCS-8Ci-32u-50_kvm", 8, 32_768, 50),
    ],
)
def test_numbers_come_from_a_flavour_name_of_the_scs_standard(
    flavor: str, vcpus: int, ram_mib: int, disk_gib: int
) -> None:
    size = ServerSize.model_validate({"flavor": flavor})
    assert (size.vcpu_count, size.ram_mib, size.disk_gib) == (vcpus, ram_mib, disk_gib)


def test_numbers_are_given_for_a_flavour_with_a_name_of_its_own() -> None:
    given = {"flavor": "m1.small", "vcpus": 1, "ram": "2 GiB", "disk": "20 GiB"}
    size = ServerSize.model_validate(given)
    assert (size.vcpu_count, size.ram_mib, size.disk_gib) == (1, 2048, 20)


@pytest.mark.parametrize(
    ("hours", "days", "per_day", "opens"),
    [
        ({"regime": "5x12"}, 5, 12, time(7)),
        ({"regime": "7x24"}, 7, 24, time(0)),
        ({"regime": "6x8", "opens": "08:30"}, 6, 8, time(8, 30)),
    ],
)
def test_service_hours_say_days_hours_and_start(
    hours: dict[str, str], days: int, per_day: int, opens: time
) -> None:
    found = ServiceHours.model_validate(hours)
    assert (found.days_per_week, found.hours_per_day, found.opens_at) == (days, per_day, opens)


@pytest.mark.parametrize(
    "hours",
    [
        {"regime": "5x18"},
        {"regime": "5x12", "opens": "13:00"},
        {"regime": "7x24", "opens": "00:01"},
    ],
)
def test_service_hours_do_not_go_past_midnight(hours: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="go past midnight"):
        ServiceHours.model_validate(hours)


def test_zones_of_different_sites_take_turns() -> None:
    sites = [
        {"name": "one", "availability_zones": ["a1", "a2", "a3"]},
        {"name": "two", "availability_zones": ["b1"]},
    ]
    given = {"name": "lab", "jurisdiction": "CZ", "external_network": "public", "sites": sites}
    assert Cloud.model_validate(given).availability_zones == ("a1", "b1", "a2", "a3")


def test_the_identity_of_a_tenant_is_its_code_in_the_public_register() -> None:
    assert tenant(kind="basic", lau="563536", company_id="00525511").code == "563536"
    assert tenant(kind="organisation", company_id="00083194").code == "org-00083194"
    assert tenant(kind="region", nuts="CZ051", company_id="70891508").code == "cz051"


@pytest.mark.parametrize(
    "keys",
    [
        {"kind": "basic"},
        {"kind": "organisation"},
        {"kind": "region"},
        {"kind": "organisation", "company_id": "00083194", "lau": "563536"},
        {"kind": "basic", "lau": "563536", "nuts": "CZ051"},
    ],
)
def test_a_tenant_has_exactly_the_identity_of_its_kind(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        tenant(**keys)


def test_three_kinds_are_municipalities() -> None:
    kinds = [kind.value for kind in TenantKind if kind.is_municipality]
    assert kinds == ["extended-powers", "authorised-office", "basic"]


def test_classes_say_their_level_and_their_loss() -> None:
    assert [level.level for level in Availability] == [1, 2, 3, 4]
    assert {backup.value: backup.rpo_minutes for backup in BackupClass} == {
        "none": None,
        "hourly": 60,
        "daily": 1440,
        "weekly": 10_080,
    }


def test_a_card_speaks_the_first_language_it_has(folder: Folder) -> None:
    card = folder.load().services["archive"]
    assert card.text(card.title, ("cs", "en")) == "Digitální archiv"
    assert card.text(card.title, ("pl", "en")) == "Digital archive"
    assert card.text(card.title, ("pl",)) in card.title.values()

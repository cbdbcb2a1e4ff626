"""A tenant whose servers boot from an image of `kraj image`, and from its next version.

The tests tell one story, in their order.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kraj.images.lifecycle import decide
from kraj.images.publishing import Promise, carry_out, publish, read_published
from tests.lab.command_line import write_yaml
from tests.lab.conftest import LabCloud
from tests.lab.image_versions import version_of
from tests.lab.killed_tenant import STACK, Tenant, tenant_on

pytestmark = pytest.mark.lab

IMAGE = "map"


@pytest.fixture(scope="module")
def tenant(lab_cloud: LabCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A tenant with one map server, on a cloud where servers boot from built images."""
    region = f"built-{secrets.token_hex(2)}"
    with tenant_on(lab_cloud, region, tmp_path_factory.mktemp("project")) as made:
        content = yaml.safe_load(made.file("region.yaml").read_text(encoding="utf-8"))
        content["clouds"][0]["boot_images"] = "built"
        write_yaml(made.file("region.yaml"), content)
        tasks = made.folder / "roles" / IMAGE / "tasks"
        tasks.mkdir()
        (tasks / "main.yml").write_text("", encoding="utf-8")
        made.order([{"service": IMAGE, "size": "small", "storage": "5 GiB"}])
        yield made
        made.kraj("down", "--yes", "--only", STACK)
        for item in published(made.connection):
            made.connection.image.delete_image(item.id, ignore_missing=True)


def published(cloud: Any) -> list[Any]:
    return [item for item in read_published(cloud) if item.image == IMAGE]


def publish_version(cloud: Any, version: str, folder: Path) -> str:
    """Publish a version as the newest, and let older ones step back. Returns Glance's id."""
    made = publish(cloud, version_of(IMAGE, version, folder), folder, Promise("2028-06-30"), [])
    for step in decide(published(cloud), (), 3):
        if step.changes:
            carry_out(cloud, step)
    return made.id


def members(cloud: Any, image_id: str) -> dict[str, str]:
    return {member.member_id: member.status for member in cloud.image.members(image_id)}


def image_of_the_server(tenant: Tenant) -> str:
    """The image that the server's boot volume was made from, as Cinder says."""
    (project,) = tenant.projects(STACK)
    api = tenant.connection.block_storage
    (boot,) = [
        volume
        for volume in api.volumes(details=True, all_projects=True)
        if volume.project_id == project.id and volume.is_bootable
    ]
    return str(boot.volume_image_metadata["image_id"])


def test_without_a_published_image_the_error_says_what_to_do(tenant: Tenant) -> None:
    finished = tenant.kraj("up", "--yes", "--only", STACK)
    assert finished.code == 1
    assert "kraj image publish map" in " ".join(finished.err.split())


def test_the_server_boots_from_an_image_that_only_its_project_may_use(
    tenant: Tenant, tmp_path: Path
) -> None:
    first = publish_version(tenant.connection, "20261101-a", tmp_path)
    tenant.up()
    (project,) = tenant.projects(STACK)
    assert image_of_the_server(tenant) == first
    assert members(tenant.connection, first) == {project.id: "accepted"}
    assert tenant.connection.image.get_image(first).visibility == "shared"
    assert "No changes." in tenant.good("plan", "--only", STACK).out
    tenant.good("verify", "--no-standards", "--only", STACK)


def test_the_next_version_replaces_the_server_and_the_access(
    tenant: Tenant, tmp_path: Path
) -> None:
    (first,) = published(tenant.connection)
    second = publish_version(tenant.connection, "20261201-b", tmp_path)
    plan = tenant.kraj("plan", "--only", STACK, "--json")
    assert plan.code == 2
    tenant.up()
    (project,) = tenant.projects(STACK)
    assert image_of_the_server(tenant) == second
    assert members(tenant.connection, first.id) == {}
    assert members(tenant.connection, second) == {project.id: "accepted"}
    assert "No changes." in tenant.good("plan", "--only", STACK).out


def test_a_tenant_that_goes_leaves_no_access(tenant: Tenant) -> None:
    tenant.down()
    assert [members(tenant.connection, item.id) for item in published(tenant.connection)] == [
        {},
        {},
    ]
    assert tenant.nothing_is_left()

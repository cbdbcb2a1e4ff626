"""The centre program: what it offers passes through unchanged, and its own project uses it."""

from __future__ import annotations

import pytest

from kraj.planning.documents import StackOutputs
from tests.unit.stacks import builders
from tests.unit.stacks.program import Run, run_program


@pytest.fixture(scope="module")
def run() -> Run:
    return run_program(builders.centre())


def test_flavours_pass_through_unchanged_and_public(run: Run) -> None:
    flavor = run.one("Flavor", "SCS-2V-4").inputs

    assert (flavor["vcpus"], flavor["ram"], flavor["disk"]) == (2, 4096, 0)
    assert flavor["extraSpecs"] == {"scs:name-v2": "SCS-2V-4", "scs:cpu-type": "shared-core"}
    assert flavor["description"] == "2 vCPU, 4 GiB"
    assert flavor["isPublic"] is True


def test_images_pass_through_unchanged(run: Run) -> None:
    image = run.one("Image", "debian-12").inputs

    assert image["name"] == "Debian 12"
    assert image["imageSourceUrl"] == "https://images.example/debian-12.qcow2"
    assert "localFilePath" not in image
    assert (image["minDiskGb"], image["minRamMb"]) == (8, 512)
    assert image["properties"] == {"os_distro": "debian", "uuid_validity": "last-3"}
    assert image["tags"] == ["os:debian"]
    assert image["visibility"] == "public"


def test_an_image_can_come_from_a_file() -> None:
    image = builders.centre().images[0].model_copy(update={"url": None, "local_file": "/i.qcow2"})

    inputs = run_program(builders.centre(images=(image,))).one("Image", "debian-12").inputs

    assert inputs["localFilePath"] == "/i.qcow2"
    assert "imageSourceUrl" not in inputs


def test_volume_types_pass_through_unchanged(run: Run) -> None:
    volume_type = run.one("VolumeTypeV3", "fast").inputs

    assert volume_type["description"] == "[scs:encrypted, scs:replicated] SSD"
    assert volume_type["extraSpecs"] == {"scs:media": "ssd"}
    assert volume_type["isPublic"] is True


def test_subnet_pools_are_shared_and_guarded_by_their_scope(run: Run) -> None:
    pool = run.one("SubnetPool", "liberecky-ipv4").inputs

    assert pool["addressScopeId"] == "id-of-AddressScope-liberecky-ipv4"
    assert pool["shared"] is True
    assert pool["prefixes"] == ["10.64.0.0/12"]
    assert (pool["defaultPrefixlen"], pool["minPrefixlen"], pool["maxPrefixlen"]) == (24, 16, 28)
    assert pool["tags"] == list(builders.TAG_LIST)


def test_the_offer_is_made_by_the_administrator(run: Run) -> None:
    offer = {"Flavor", "Image", "VolumeTypeV3", "AddressScope", "SubnetPool"}

    assert all(not found.provider for found in run.in_cloud if found.kind in offer)


def test_the_centres_servers_use_the_centres_own_image_and_pools(run: Run) -> None:
    assert run.one("Volume", "records/1/boot").inputs["imageId"] == "id-of-Image-debian-12"
    subnet = run.one("Subnet", "service/ipv4")
    assert subnet.inputs["subnetpoolId"] == "id-of-SubnetPool-liberecky-ipv4"
    tokens = {token.rpartition(":")[2] for token, _args, _provider in run.invokes}
    assert tokens == {"getRole", "getNetwork", "getQuotasetV3"}


def test_flavours_and_volume_types_outlive_what_names_them(run: Run) -> None:
    (provider,) = run.providers

    assert run.one("Flavor", "SCS-2V-4").urn in provider.depends_on
    assert run.one("VolumeTypeV3", "fast").urn in provider.depends_on
    assert run.one("VolumeTypeV3", "fast").urn in run.one("QuoteSetV3", "centre").depends_on


def test_the_exported_document_is_the_centres(run: Run) -> None:
    outputs = StackOutputs.model_validate(run.outputs["document"])

    assert outputs.stack == "centre"
    assert outputs.application_credential_id is None
    assert [server.pool for server in outputs.servers] == ["records", "records"]


def test_without_dns_and_load_balancer_services_neither_is_asked_for() -> None:
    run = run_program(builders.centre(zone=None, load_balancers=(), floating_addresses=()))

    kinds = {found.kind for found in run.in_cloud}
    assert not kinds & {"Zone", "RecordSet", "LoadBalancer", "Listener", "FloatingIp"}


def test_every_urn_is_unique(run: Run) -> None:
    assert len({found.urn for found in run.resources}) == len(run.resources)

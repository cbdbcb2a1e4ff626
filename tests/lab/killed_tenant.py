"""One tenant of a small region of its own, whose runs die on the way. Not a test itself.

The region has no centre: what a tenant uses of one (address pools, a flavour of each size, volume
types, an image) is made beside it, since no test of it is about the centre.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.lab.command_line import (
    ROOT,
    Region,
    begin_region,
    end,
    environment_on,
    make_small,
    write_yaml,
)
from tests.lab.conftest import LabCloud
from tests.lab.deaths import Death
from tests.lab.snapshots import cloud_snapshot, state_snapshot

MORTAL = Path(__file__).with_name("killed_kraj.py")
SLUG, CODE = "zelezny-brod", "563871"
STACK = f"tenant:{SLUG}"
POOLS = ("fast", "bulk", "archive")
SIZES = {"small": (2, 4), "medium": (4, 8)}  #: virtual processors and GiB of memory
IMAGE_FILE = "debian-12-genericcloud-amd64.qcow2"

Snapshot = tuple[list[str], list[str]]


def image_of(region: str) -> str:
    """The name of the region's image: others may take away theirs at any moment."""
    return f"Debian 12 of {region}"


@dataclass(frozen=True, slots=True)
class Tenant(Region):
    """A project folder with the region, and the command line on its tenant."""

    def order(self, services: Sequence[Mapping[str, str]]) -> None:
        """Write down what the tenant wants."""
        self.edit(f"tenants/{SLUG}.yaml", services=services)

    def killed(self, action: str, death: Death) -> str:
        """Where a run of `up` or `down` died; empty where it had fewer requests, and ended well."""
        mortal = (sys.executable, str(MORTAL), death.moment, str(death.number))
        finished = end(self.start(action, "--yes", "--only", STACK, program=mortal))
        if finished.code == 0:
            return ""
        assert finished.code == -signal.SIGKILL, finished.out + finished.err
        return finished.err.splitlines()[-1]

    def up(self) -> str:
        return self.good("up", "--yes", "--only", STACK).out

    def down(self) -> str:
        return self.good("down", "--yes", "--only", STACK).out

    def deployment(self) -> Mapping[str, Any]:
        """The state's deployment, as it is on disk."""
        (path,) = self._states()
        found: Mapping[str, Any] = json.loads(path.read_bytes())["checkpoint"]["latest"]
        return found

    def _states(self) -> list[Path]:
        name = f"{self.name}.t{CODE}.json"
        return [*(self.folder / ".kraj").glob(f"regions/*/.pulumi/stacks/*/{name}")]

    def snapshot(self) -> Snapshot:
        """What cloud and state hold; the state has nothing pending."""
        deployment = self.deployment()
        assert not deployment.get("pending_operations")
        contents, labels = cloud_snapshot(self.connection, f"{self.name}-")
        return contents, state_snapshot(deployment, labels)

    def nothing_is_left(self) -> bool:
        """Whether the cloud has nothing of the tenant, and there is no state any more."""
        contents, _labels = cloud_snapshot(self.connection, f"{self.name}-")
        return not contents and not self._states()


@contextlib.contextmanager
def tenant_on(cloud: LabCloud, region: str, folder: Path, **variables: str) -> Iterator[Tenant]:
    """A tenant that has ordered nothing yet; it and its surroundings are gone afterwards.

    `variables` are for the environment of its commands.
    """
    connection = cloud.connect()
    environment = environment_on(cloud, **{"KRAJ_ENGINE": "local", **variables})
    content = _write_region(folder, region)
    with _surroundings(connection, region, content["network"], cloud.image_dir):
        tenant = Tenant(region, folder, environment, connection)
        write_yaml(tenant.file("region.yaml"), content)
        tenant.edit(f"tenants/{SLUG}.yaml", services=[])
        try:
            yield tenant
        finally:
            tenant.kraj("down", "--yes", "--only", STACK)


def _write_region(folder: Path, region: str) -> dict[str, Any]:
    content = begin_region(folder, region, [SLUG], linked=["stacks"])
    for path in (ROOT / "roles").glob("*/service.yaml"):
        service = yaml.safe_load(path.read_text(encoding="utf-8"))
        # One server of each service has all kinds of things around it.
        service |= {"image": image_of(region), "servers": 1, "availability": "failsafe-1"}
        card = folder / path.relative_to(ROOT)
        card.parent.mkdir(parents=True)
        write_yaml(card, service)
    content["images"] = [content["images"][-1] | {"name": image_of(region)}]
    content["centre"]["image"] = image_of(region)
    content["clouds"][0]["provides"] = ["flavors", "images", "volume-types"]
    content["sizes"] = {
        size: {"flavor": f"{region}-{size}", "vcpus": vcpus, "ram": f"{ram} GiB"}
        for size, (vcpus, ram) in SIZES.items()
    }
    make_small(content)
    return content


@contextlib.contextmanager
def _surroundings(
    connection: Any, region: str, plan: Mapping[str, Any], image_dir: Path
) -> Iterator[None]:
    """What a cloud and a region's centre have for a tenant."""
    compute, volumes, network = connection.compute, connection.block_storage, connection.network
    with contextlib.ExitStack() as later:
        for size, (vcpus, ram) in SIZES.items():
            name = f"{region}-{size}"
            flavor = compute.create_flavor(name=name, vcpus=vcpus, ram=ram * 1024, disk=0)
            later.callback(compute.delete_flavor, flavor)
        for pool in POOLS:
            volume_type = volumes.create_type(name=f"{region}-{pool}")
            later.callback(volumes.delete_type, volume_type)
        for version in (4, 6):
            name = f"{region}-tenants-ipv{version}"
            scope = network.create_address_scope(name=name, ip_version=version, shared=True)
            later.callback(network.delete_address_scope, scope)
            prefixes = network.create_subnet_pool(
                name=name,
                prefixes=[plan[f"ipv{version}"]["supernet"]],
                minimum_prefix_length={4: 20, 6: 56}[version],
                maximum_prefix_length={4: 28, 6: 64}[version],
                address_scope_id=scope.id,
                is_shared=True,
            )
            later.callback(network.delete_subnet_pool, prefixes)
        image = connection.image.create_image(
            name=image_of(region),
            filename=str(image_dir / IMAGE_FILE),
            disk_format="qcow2",
            container_format="bare",
            visibility="public",
            wait=True,
        )
        later.callback(connection.image.delete_image, image)
        yield

"""One tenant of a small region of its own, whose runs die on the way. Not a test itself.

The region has no centre: what a tenant uses of one (address pools, a flavour of each size, volume
types, an image) is made beside it, since no test of it is about the centre.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openstack
import yaml

from tests.lab.conftest import LabCloud
from tests.lab.deaths import Death
from tests.lab.snapshots import cloud_snapshot, state_snapshot

ROOT = Path(__file__).parents[2]
SLUG, CODE = "zelezny-brod", "563871"
STACK = f"tenant:{SLUG}"
SECONDS = 300  #: that one run may take on a loaded machine
POOLS = ("fast", "bulk", "archive")
SIZES = {"small": (2, 4), "medium": (4, 8)}  #: virtual processors and GiB of memory
#: Room for all that the tests order: a quota cannot shrink before what it is for is deleted.
QUOTA = {
    **{"instances": 4, "cores": 16, "ram": "64 GiB", "volumes": 8, "storage": "200 GiB"},
    **{"floating_ips": 4, "ports": 40, "security_groups": 8, "security_group_rules": 80},
    "pools": {"fast": "100 GiB", "bulk": "100 GiB"},
}
IMAGE_FILE = "debian-12-genericcloud-amd64.qcow2"

Snapshot = tuple[list[str], list[str]]


def image_of(region: str) -> str:
    """The name of the region's image: others may take away theirs at any moment."""
    return f"Debian 12 of {region}"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A project folder with the region, and the command line on it."""

    region: str
    folder: Path
    environment: Mapping[str, str]
    connection: Any

    def order(self, services: Sequence[Mapping[str, str]]) -> None:
        """Write down what the tenant wants."""
        path = self._inventory / "tenants" / f"{SLUG}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        # JSON is YAML that quotes every text, as codes with leading zeros need.
        path.write_text(json.dumps(content | {"services": services}), encoding="utf-8")

    @property
    def _inventory(self) -> Path:
        return self.folder / "inventories" / self.region

    def kraj(self, *arguments: str, death: Death | None = None) -> subprocess.CompletedProcess[str]:
        """Run to the end, or to death."""
        python = [sys.executable]
        mortal = [str(ROOT / "tests" / "lab" / "killed_kraj.py")]
        command = [*python, "-c", "from kraj.app import main; main()"]
        if death is not None:
            command = [*python, *mortal, death.moment, str(death.number)]
        return subprocess.run(
            [*command, *arguments],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def good(self, *arguments: str) -> str:
        """Run; it must succeed. Returns its output."""
        finished = self.kraj(*arguments)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    def killed(self, action: str, death: Death) -> str:
        """Where a run of `up` or `down` died; empty where it had fewer requests, and ended well."""
        finished = self.kraj(action, "--yes", "--only", STACK, death=death)
        if finished.returncode == 0:
            return ""
        assert finished.returncode == -signal.SIGKILL, finished.stdout + finished.stderr
        return finished.stderr.splitlines()[-1]

    def up(self) -> str:
        return self.good("up", "--yes", "--only", STACK)

    def down(self) -> str:
        return self.good("down", "--yes", "--only", STACK)

    def deployment(self) -> Mapping[str, Any]:
        """The state's deployment, as it is on disk."""
        (path,) = self._states()
        found: Mapping[str, Any] = json.loads(path.read_bytes())["checkpoint"]["latest"]
        return found

    def _states(self) -> list[Path]:
        name = f"{self.region}.t{CODE}.json"
        return [*(self.folder / ".kraj").glob(f"regions/*/.pulumi/stacks/*/{name}")]

    def snapshot(self) -> Snapshot:
        """What cloud and state hold; the state has nothing pending."""
        deployment = self.deployment()
        assert not deployment.get("pending_operations")
        contents, labels = cloud_snapshot(self.connection, f"{self.region}-")
        return contents, state_snapshot(deployment, labels)

    def nothing_is_left(self) -> bool:
        """Whether the cloud has nothing of the tenant, and there is no state any more."""
        contents, _labels = cloud_snapshot(self.connection, f"{self.region}-")
        return not contents and not self._states()


@contextlib.contextmanager
def tenant_on(cloud: LabCloud, region: str, folder: Path) -> Iterator[Tenant]:
    """A tenant that has ordered nothing yet; it and its surroundings are gone afterwards."""
    loader = openstack.config.OpenStackConfig(
        config_files=[str(cloud.clouds_file)], load_envvars=False
    )
    connection = openstack.connection.Connection(config=loader.get_one(cloud=cloud.name))
    plan = _write_region(folder, region)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KRAJ_", "OS_", "PULUMI_"))
    }
    environment |= {
        "OS_CLIENT_CONFIG_FILE": str(cloud.clouds_file),
        "KRAJ_ENGINE": "local",
        "COLUMNS": "200",
    }
    with _surroundings(connection, region, plan["network"], cloud.image_dir):
        tenant = Tenant(region, folder, environment, connection)
        try:
            yield tenant
        finally:
            tenant.kraj("down", "--yes", "--only", STACK)


def _write_region(folder: Path, region: str) -> dict[str, Any]:
    source, target = ROOT / "inventories" / "liberecky", folder / "inventories" / region
    (target / "tenants").mkdir(parents=True)
    (folder / "stacks").symlink_to(ROOT / "stacks")
    shutil.copy(source / "operators.pub", target)
    for path in (ROOT / "roles").glob("*/service.yaml"):
        service = yaml.safe_load(path.read_text(encoding="utf-8"))
        # One server of each service has all kinds of things around it.
        service |= {"image": image_of(region), "servers": 1, "availability": "failsafe-1"}
        card = folder / path.relative_to(ROOT)
        card.parent.mkdir(parents=True)
        card.write_text(json.dumps(service, default=str), encoding="utf-8")
    tenant = yaml.safe_load((source / "tenants" / f"{SLUG}.yaml").read_text(encoding="utf-8"))
    tenant |= {"services": [], "quota": QUOTA}
    (target / "tenants" / f"{SLUG}.yaml").write_text(json.dumps(tenant))
    content: dict[str, Any] = yaml.safe_load((source / "region.yaml").read_text(encoding="utf-8"))
    content["name"] = region
    content["images"] = [content["images"][-1] | {"name": image_of(region)}]
    content["centre"]["image"] = image_of(region)
    content["dns"]["zone"] = f"{region}.example."
    content["clouds"][0]["provides"] = ["flavors", "images", "volume-types"]
    content["sizes"] = {
        size: {"flavor": f"{region}-{size}", "vcpus": vcpus, "ram": f"{ram} GiB"}
        for size, (vcpus, ram) in SIZES.items()
    }
    for pool in content["storage"]["pools"]:
        pool["volume_type"] = f"{region}-{pool['name']}"
    for group in ("load_balancer", "database"):
        one = {"servers": 1, "size": "small", "boot_volume": "8 GiB", "pool": "fast"}
        content["centre"][group] = one
    (target / "region.yaml").write_text(json.dumps(content, default=str), encoding="utf-8")
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

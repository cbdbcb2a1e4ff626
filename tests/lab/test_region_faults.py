"""What a region's runs make of a cloud, a disk and people that get in the way, by the command line.

The tests build on each other: they tell one story with one small region, in the order of this file.
Every request of every service goes through a proxy that forwards it, or does what a test asks for.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.command_line import (
    Finished,
    Region,
    begin_region,
    end,
    environment_on,
    make_small,
    wait_for,
    write_yaml,
)
from tests.lab.conftest import LabCloud
from tests.lab.faults import Answer, Close, FaultyProxy, Hold, faulty_proxies

pytestmark = pytest.mark.lab

#: Another name for every run: a run that was killed may have left something behind.
REGION = f"faults-{secrets.token_hex(2)}"
#: A town with servers behind a load balancer, and villages that order nothing yet.
TOWN = "tenant:zelezny-brod"
HELD, REFUSED, FULL = "tenant:bela", "tenant:benecko", "tenant:bozkov"
STOPPED = ("tenant:bila", "tenant:blatce", "tenant:bohatice")
#: What the cloud has before the region: other regions of the same cloud are left alone.
FLAVOR = f"{REGION}-small"
POOLS = ("fast", "bulk", "archive")
IMAGE = "Debian 12"
_IS_ROOT = sys.platform == "linux" and os.geteuid() == 0


@dataclass(frozen=True, slots=True)
class FaultyRegion(Region):
    """A region on a cloud behind proxies, one per type of service."""

    proxies: dict[str, FaultyProxy]

    def provide(self, *kinds: str) -> None:
        content = yaml.safe_load(self.file("region.yaml").read_text(encoding="utf-8"))
        self.edit("region.yaml", clouds=[content["clouds"][0] | {"provides": [*kinds]}])

    def state_files(self, state: Path | None = None) -> list[Path]:
        return sorted((state or self.folder / ".kraj").glob("regions/*/.pulumi/stacks/*/*.json"))

    def known(self, state: Path | None = None) -> set[str]:
        """The ids of everything in the states, all of which are whole and have nothing pending."""
        found = set()
        for path in self.state_files(state):
            deployment = json.loads(path.read_bytes())["checkpoint"]["latest"]
            assert not deployment.get("pending_operations"), path
            found |= {item["id"] for item in deployment["resources"] if "id" in item}
        return found

    def unknown(self, label: str = "", state: Path | None = None) -> list[str]:
        """What is in the region's projects and in no state; names that are there twice."""
        known = self.known(state)
        projects = self.projects(label)
        names = Counter(project.name for project in projects)
        found = [project.name for project in projects if project.id not in known]
        ids = {project.id for project in projects}
        for kind, item in self._contents(ids):
            if item.id not in known:
                found.append(f"{kind} {item.name or item.id}")
            if item.name:
                names[f"{kind} {item.name} of {item.project_id}"] += 1
        return found + [f"{name} twice" for name, count in names.items() if count > 1]

    def _contents(self, projects: set[str]) -> Iterator[tuple[str, Any]]:
        network, compute = self.connection.network, self.connection.compute
        volumes, balancing = self.connection.block_storage, self.connection.load_balancer
        listings: dict[str, Callable[[], Any]] = {
            "network": network.networks,
            "subnet": network.subnets,
            "router": network.routers,
            "port": network.ports,
            "security group": network.security_groups,
            "rule": network.security_group_rules,
            "floating address": network.ips,
            "server": lambda: compute.servers(all_projects=True),
            "volume": lambda: volumes.volumes(all_projects=True),
            "load balancer": balancing.load_balancers,
            "listener": balancing.listeners,
            "pool": balancing.pools,
            "health monitor": balancing.health_monitors,
        }
        given = {
            group.id
            for group in network.security_groups(name="default")
            if group.project_id in projects
        }
        for kind, listing in listings.items():
            for item in listing():
                if item.project_id not in projects or item.id in given:
                    continue
                if kind == "rule" and item.security_group_id in given:
                    continue
                if kind == "port" and item.device_owner.startswith(("network:", "Octavia")):
                    continue
                yield kind, item


@pytest.fixture(scope="module")
def region(lab_cloud: LabCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyRegion]:
    """A small part of the example region under another name."""
    folder = tmp_path_factory.mktemp("project")
    connection = lab_cloud.connect()
    environment = environment_on(
        lab_cloud, KRAJ_ENGINE="local", OS_CLIENT_CONFIG_FILE=str(folder / "clouds.yaml")
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(provided(connection, lab_cloud.image_dir))
        proxies = faulty_proxies(connection, stack)
        content = yaml.safe_load(lab_cloud.clouds_file.read_text(encoding="utf-8"))
        entry = content["clouds"][lab_cloud.name]
        entry["auth"]["auth_url"] = f"{proxies['identity'].url}/v3"
        (folder / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"lab": entry}}))
        made = FaultyRegion(REGION, folder, environment, connection, proxies)
        write_region(made)
        made.provide("flavors", "images", "volume-types")
        yield made
        made.good("down", "--yes")
        assert made.projects() == []


@contextlib.contextmanager
def provided(connection: Any, image_dir: Path) -> Iterator[None]:
    """A flavour and volume types of the region's own, and the image where it is missing."""
    compute, volumes, images = connection.compute, connection.block_storage, connection.image
    flavor = compute.create_flavor(name=FLAVOR, vcpus=2, ram=4096, disk=0)
    types = [volumes.create_type(name=f"{REGION}-{pool}") for pool in POOLS]
    image = None
    if not any(found.visibility == "public" for found in images.images(name=IMAGE)):
        image = images.create_image(
            name=IMAGE,
            filename=str(image_dir / "debian-12-genericcloud-amd64.qcow2"),
            disk_format="qcow2",
            container_format="bare",
            visibility="public",
            wait=True,
        )
    yield
    compute.delete_flavor(flavor)
    for volume_type in types:
        volumes.delete_type(volume_type)
    if image is not None:
        images.delete_image(image)


def write_region(region: FaultyRegion) -> None:
    slugs = [label.partition(":")[2] for label in (TOWN, HELD, REFUSED, FULL, *STOPPED)]
    content = begin_region(region.folder, REGION, slugs)
    content["sizes"] = {"small": {"flavor": FLAVOR, "vcpus": 2, "ram": "4 GiB"}}
    make_small(content)
    write_yaml(region.file("region.yaml"), content)
    for slug in slugs:
        region.edit(f"tenants/{slug}.yaml", services=[])
    order = {"service": "map", "size": "small", "storage": "5 GiB"}
    region.edit(f"tenants/{TOWN.partition(':')[2]}.yaml", services=[order])


# --- nothing begins ------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["refused", "unknown host", "silent"])
def test_a_cloud_that_cannot_be_reached_is_told_soon_and_nothing_is_written(
    region: FaultyRegion, tmp_path: Path, reason: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = (silent if reason == "silent" else closed).getsockname()[1]
        host = "no-such-host.invalid" if reason == "unknown host" else "127.0.0.1"
        changed = {"auth_url": f"http://{host}:{port}/v3"}
        finished = with_changed_access(region, tmp_path, changed, api_timeout=5)
    assert finished.code == 1
    assert "KRJ401" in finished.err
    assert f"{host}:{port}" in finished.err
    assert "hint: Check the address in clouds.yaml" in finished.err


def test_a_wrong_password_is_told_without_showing_it(region: FaultyRegion, tmp_path: Path) -> None:
    finished = with_changed_access(region, tmp_path, {"password": "not-the-password"})
    assert finished.code == 1
    assert "KRJ402" in finished.err
    assert str(tmp_path / "clouds.yaml") in finished.err
    assert "not-the-password" not in finished.out + finished.err


def with_changed_access(
    region: FaultyRegion, folder: Path, auth: dict[str, str], **settings: Any
) -> Finished:
    """`kraj up` with other credentials; it ends in a minute and writes nothing."""
    before = sorted(region.folder.rglob("*"))
    path = Path(region.environment["OS_CLIENT_CONFIG_FILE"])
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["clouds"]["lab"] |= settings
    content["clouds"]["lab"]["auth"] |= auth
    changed = folder / "clouds.yaml"
    changed.write_text(yaml.safe_dump(content), encoding="utf-8")
    process = region.start("up", "--yes", OS_CLIENT_CONFIG_FILE=str(changed))
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"kraj still tries after a minute: {process.communicate()}")
    assert "Traceback" not in err
    assert sorted(region.folder.rglob("*")) == before
    assert region.projects() == []
    return Finished(process.returncode, out, err)


def test_what_the_cloud_has_already_is_told_with_the_way_out(region: FaultyRegion) -> None:
    region.provide("flavors", "images")
    refused = region.kraj("up", "--yes", "--only", "centre")
    region.provide("flavors", "images", "volume-types")
    assert refused.code == 1
    assert "KRJ406" in refused.err
    assert f"create volume type '{REGION}-" in refused.err
    assert "The cloud has it already. Add 'volume-types' to `provides`" in refused.err
    assert region.unknown() == []


# --- a cloud in trouble --------------------------------------------------------------------------


def trouble(proxies: dict[str, FaultyProxy]) -> None:
    """Errors, rate limits and broken connections in every service, each for a while."""
    soon = {"Retry-After": "1"}
    unheard = Close(after_forwarding=True)
    identity, network = proxies["identity"], proxies["network"]
    identity.inject("POST", "/auth/tokens", Answer(503), Answer(502))
    identity.inject("POST", "/projects", Answer(429, soon), Answer(503, soon), Answer(500))
    identity.inject("PUT", "/roles/", Answer(500), unheard)
    network.inject("GET", "/subnetpools", Answer(500), Answer(502), Close())
    network.inject("POST", "/networks", Answer(429), Answer(503, soon), Answer(500), unheard)
    network.inject("POST", "/routers", unheard)
    network.inject("POST", "/subnets", Answer(502), unheard)
    network.inject("POST", "/security-groups", unheard)
    network.inject("POST", "/security-group-rules", Close(), unheard, unheard, Answer(504))
    network.inject("POST", "/ports", unheard)
    network.inject("POST", "/floatingips", unheard)
    network.inject("PUT", "/add_router_interface", Answer(503), unheard)
    network.inject("PUT", "/tags", Answer(500), Answer(502), Answer(503))
    proxies["block-storage"].inject("POST", "/volumes", Answer(429, soon), unheard)
    proxies["block-storage"].inject("GET", "/volumes/", Answer(500), Close())
    proxies["compute"].inject("POST", "/servers", Answer(503, soon), unheard)
    proxies["compute"].inject("GET", "/servers/", Answer(502), Answer(504), Answer(429))
    balancing = proxies["load-balancer"]
    balancing.inject("POST", "/loadbalancers", Answer(429), unheard)
    balancing.inject("GET", "/loadbalancers/", Answer(500), Answer(503, soon))
    if "dns" in proxies:
        proxies["dns"].inject("POST", "/zones", unheard)


@pytest.mark.slow
def test_a_cloud_that_fails_for_a_while_delays_the_run_and_leaves_no_duplicate(
    region: FaultyRegion,
) -> None:
    trouble(region.proxies)
    region.good("up", "--yes", "--only", "centre", "--only", TOWN)
    unmet = {kind: proxy.left for kind, proxy in region.proxies.items() if proxy.left}
    assert not unmet
    assert region.unknown() == []
    again = region.good("up", "--yes", "--only", "centre", "--only", TOWN)
    assert "No changes." in again.out


@pytest.mark.slow
def test_a_quota_that_the_cloud_refuses_half_way_is_told_and_more_finishes(
    region: FaultyRegion,
) -> None:
    name = f"tenants/{REFUSED.partition(':')[2]}.yaml"
    region.edit(name, quota={"subnets": 1})
    refused = region.kraj("up", "--yes", "--only", REFUSED)
    assert refused.code == 1
    assert "KRJ404" in refused.err
    assert "create subnet" in refused.err
    assert "subnet: 1 of 1 used" in refused.err
    assert "Raise the quota" in refused.err
    assert len(region.projects(REFUSED)) == 1
    assert region.unknown() == []
    region.edit(name, quota={})
    region.good("up", "--yes", "--only", REFUSED)
    assert region.unknown() == []


# --- people --------------------------------------------------------------------------------------


def test_a_second_up_at_the_same_time_is_refused_with_the_holder(region: FaultyRegion) -> None:
    region.good("up", "--yes", "--only", "centre")
    hold = Hold()
    region.proxies["network"].inject("POST", "/networks", hold)
    first = region.start("up", "--yes", "--only", HELD)
    try:
        wait_for(hold.reached.is_set, first, "no network was asked for")
        second = region.kraj("up", "--yes", "--only", HELD)
    finally:
        hold.released.set()
        winner = end(first)
    assert winner.code == 0, winner.err
    assert second.code == 1
    assert "KRJ306" in second.err
    holder = f"{getpass.getuser()}@{socket.gethostname()} (process {first.pid}, since 20"
    assert holder in second.err
    assert f"kraj up --yes --only {HELD}`" in second.err
    assert region.unknown() == []


@pytest.mark.slow
def test_ctrl_c_stops_stacks_side_by_side_and_the_next_up_finishes(region: FaultyRegion) -> None:
    only = [word for label in STOPPED for word in ("--only", label)]
    holds = [Hold() for _ in STOPPED]
    region.proxies["network"].inject("POST", "/networks", *holds)
    process = region.start("up", "--yes", *only)
    try:
        wait_for(lambda: all(h.reached.is_set() for h in holds), process, "nothing side by side")
        process.send_signal(signal.SIGINT)
    finally:
        for hold in holds:
            hold.released.set()
    try:
        _out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"kraj still works a minute after Ctrl-C: {process.communicate()}")
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "KRJ307" in err
    assert region.unknown() == []
    region.good("up", "--yes", *only)
    assert region.unknown() == []


# --- a full disk ---------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own that is soon full."""
    folder = tmp_path / "state"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "kraj-test", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Take all the room that is left."""
    with contextlib.suppress(OSError), (folder / "filler").open("ab", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)


@pytest.mark.root
@pytest.mark.skipif(not _IS_ROOT, reason="mounting a small file system needs root on Linux")
@pytest.mark.slow
def test_a_full_disk_stops_the_run_with_a_true_state_and_room_finishes_it(
    region: FaultyRegion, small_disk: Path
) -> None:
    command = ("up", "--yes", "--only", FULL)
    variables = {"KRAJ_STATE_DIR": str(small_disk)}
    filler = small_disk / "filler"
    fill(small_disk)
    full = region.kraj(*command, **variables)
    assert full.code == 1
    assert "No space left on device" in full.err
    assert "KRJ3" in full.err
    assert region.projects(FULL) == []
    filler.unlink()

    hold = Hold()
    region.proxies["network"].inject("POST", "/networks", hold)
    process = region.start(*command, **variables)
    wait_for(hold.reached.is_set, process, "no network was asked for")
    fill(small_disk)
    hold.released.set()
    finished = end(process)
    assert finished.code == 1
    assert "KRJ308" in finished.err
    assert "No space left on device" in finished.err
    filler.unlink()
    assert region.unknown(FULL, small_disk) == []
    region.good(*command, **variables)
    assert region.unknown(FULL, small_disk) == []
    region.good("down", "--yes", "--only", FULL, **variables)

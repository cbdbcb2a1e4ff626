"""Our image for clouds boots as a virtual machine, through Nova's own libvirt driver.

Without KVM QEMU computes every instruction: the tests take some five minutes, for `make test-all`.
They tell one story, in their order.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kraj.events import ignore
from kraj.lab import Lab
from tests.hosts.conftest import ROOT, Server, Site, until
from tests.hosts.operators import begin_live_region
from tests.hosts.test_packets import accepts
from tests.lab.command_line import KRAJ, write_yaml

pytestmark = [pytest.mark.hosts, pytest.mark.slow]

BUILD_SECONDS = 1200
BOOT_SECONDS = 600
PORT = 8080
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@pytest.fixture(scope="module")
def image(hosts_lab: Lab, cloud, tmp_path_factory) -> Iterator[str]:
    """The base image, built and published by the command line; its id in Glance."""
    folder = tmp_path_factory.mktemp("project")
    name = f"vm-{secrets.token_hex(2)}"
    region, content = begin_live_region(
        *(hosts_lab, cloud, folder, name, ("turnov",)), linked=("roles", "stacks", "playbooks")
    )
    write_yaml(region.file("region.yaml"), content)
    (folder / ".kraj").mkdir()
    (ROOT / ".kraj" / "images").mkdir(parents=True, exist_ok=True)
    (folder / ".kraj" / "images").symlink_to(ROOT / ".kraj" / "images")
    build = [*KRAJ, "image", "build", "base", "--format", "disk"]
    subprocess.run(build, cwd=folder, env=region.environment, check=True, timeout=BUILD_SECONDS)
    publish = ("image", "publish", "base", "--format", "disk", "--untested", "--json")
    published = region.good(*publish).json
    yield published["id"]
    cloud.image.delete_image(published["id"])


@pytest.fixture(scope="module")
def machine(site: Site, network, image: str) -> Server:
    """A server from it, when cloud-init has shown its host keys."""
    made = site.server("machine", network, image=image)
    until(made.host_keys, "the machine shows its host keys", BOOT_SECONDS)
    return made


def test_it_boots_with_a_kernel_of_its_own(machine: Server) -> None:
    assert machine.asserted("cloud-init status --wait | tail -1") == "status: done"
    assert machine.ssh("hostname") == "machine"
    assert machine.ssh("systemctl is-system-running --wait") == "running"
    assert machine.ssh("systemd-detect-virt") in ("qemu", "kvm")
    assert machine.ssh(f"cat {BOOT_ID}") != BOOT_ID.read_text(encoding="utf-8").strip()
    assert machine.address in machine.ssh("ip -brief -4 address show")
    assert int(machine.ssh("df --output=size -BM / | tail -1").rstrip("M")) > 2700


def test_a_volume_is_a_disk_that_can_grow(site: Site, machine: Server) -> None:
    volume = site.volume(1)
    site.cloud.compute.create_volume_attachment(machine.id, volume=volume.id)
    site.volume_is(volume, "in-use")
    device = f"/dev/disk/by-id/virtio-{volume.id[:20]}"
    assert machine.asserted(f"test -b {device} && echo there") == "there"
    machine.asserted(f"sudo mkfs.ext4 -q {device} && sudo mount {device} /mnt && echo made")
    machine.asserted("echo data | sudo tee /mnt/file && sync")
    site.cloud.block_storage.extend_volume(volume.id, 2)
    grown = f"test $(sudo blockdev --getsize64 {device}) -eq {2 << 30} && echo grown"
    assert machine.asserted(grown) == "grown"
    machine.asserted(f"sudo resize2fs {device} && sudo umount /mnt && echo apart")
    site.cloud.compute.delete_volume_attachment(machine.id, volume.id)
    site.volume_is(volume, "available")
    assert machine.asserted(f"test -e {device} || echo gone") == "gone"


def test_packets_follow_the_rules(site: Site, machine: Server) -> None:
    serve = f"sudo systemd-run --quiet --unit serve python3 -m http.server {PORT}; echo started"
    machine.asserted(serve)
    machine.asserted(f"nc -z 127.0.0.1 {PORT} && echo listens")
    assert not accepts(machine.floating, PORT)
    rule = site.allow(site.group, protocol="tcp", port_range_min=PORT, port_range_max=PORT)
    until(lambda: accepts(machine.floating, PORT), "the new rule lets people in")
    site.cloud.network.delete_security_group_rule(rule)
    until(lambda: not accepts(machine.floating, PORT), "nobody comes in without it")


def test_it_runs_again_after_a_stop_of_the_lab(machine: Server, hosts_lab: Lab) -> None:
    boot = machine.asserted(f"echo before > across && sync && cat {BOOT_ID}")
    hosts_lab.down(ignore)
    folder = str(hosts_lab.settings.folder)
    running = [process.info for process in psutil.process_iter(["name", "cmdline"])]
    left = [one["name"] for one in running if folder in " ".join(one["cmdline"] or ())]
    mounted = [item.mountpoint for item in psutil.disk_partitions(all=True)]
    hosts_lab.up(ignore)
    assert left == []
    assert not [point for point in mounted if point.startswith(folder)]
    look = f"cat {BOOT_ID} across"
    told = until(lambda: machine.ssh(look), "the machine is back", BOOT_SECONDS).split()
    assert told[0] != boot
    assert told[1] == "before"

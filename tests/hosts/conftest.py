"""Servers that boot: a lab of the depth `hosts`, and what tests do with its servers.

The lab is in `KRAJ_HOSTS_LAB_DIR` (default `.kraj/hosts` of the checkout), beside the one of
tests/lab. One that did not run before is stopped after the tests and keeps its files.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import openstack
import pytest

from kraj.errors import KrajError
from kraj.events import ignore
from kraj.lab import Lab, LabSettings
from kraj.lab.bootable import NAME as IMAGE_FILE
from kraj.lab.servers import check_machine

ROOT = Path(__file__).parents[2]
PORT_OFFSET = 20000
#: For everything that a server does by itself; a loaded machine takes its time.
PATIENCE_SECONDS = 120.0
USER = "debian"

Seen = TypeVar("Seen")


def until(look: Callable[[], Seen], what: str, seconds: float = PATIENCE_SECONDS) -> Seen:
    """What `look` gives once it is true. Fails the test after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.3)


@pytest.fixture(scope="session")
def hosts_lab() -> Iterator[Lab]:
    """A running lab whose servers boot."""
    folder = Path(os.environ.get("KRAJ_HOSTS_LAB_DIR", ROOT / ".kraj" / "hosts")).absolute()
    yield from running_lab(folder, "hosts", PORT_OFFSET)


def running_lab(folder: Path, depth: str, port_offset: int) -> Iterator[Lab]:
    """A lab of that depth; stopped again if it did not run before."""
    try:
        check_machine()
    except KrajError as error:
        pytest.skip(f"servers cannot boot here: {error.message} {' '.join(error.causes)}")
    saved = LabSettings.load(folder)
    lab = Lab(LabSettings(folder, (), 0 if saved else port_offset, depth=depth))
    ran = lab.status().running
    try:
        lab.up(ignore)
    except KrajError as error:
        pytest.fail("\n".join([str(error), *error.causes, error.hint]), pytrace=False)
    yield lab
    if not ran:
        lab.down(ignore)


@pytest.fixture(scope="session")
def cloud(hosts_lab: Lab) -> Any:
    """The administrator's connection."""
    loader = openstack.config.OpenStackConfig(
        config_files=[str(hosts_lab.settings.clouds_file)], load_envvars=False
    )
    return openstack.connection.Connection(config=loader.get_one(cloud="lab"))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An operator's private key."""
    path = tmp_path_factory.mktemp("operator") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@dataclass
class Server:
    """A server that can be talked to."""

    cloud: Any
    id: str
    address: str  #: inside its network
    floating: str
    folder: Path  #: of its key and known host

    def ssh(self, command: str) -> str:
        """What a command prints; empty where the server cannot be reached or the command fails.

        The host's key is the one that the console shows: no other is accepted.
        """
        known = self.folder / f"known-{self.id}"
        if not known.exists():
            keys = self.host_keys()
            if not keys:
                return ""
            known.write_text("".join(f"{self.floating} {key}\n" for key in keys))
        done = subprocess.run(
            [
                "ssh", "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes",
                "-o", "ConnectTimeout=3", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
                "-i", str(self.folder / "key"), f"{USER}@{self.floating}", command,
            ],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        return done.stdout.strip() if done.returncode == 0 else ""

    def host_keys(self) -> list[str]:
        """The keys that cloud-init wrote to the console."""
        console = self.cloud.compute.get_server_console_output(self.id)["output"] or ""
        _before, _begin, rest = console.partition("-----BEGIN SSH HOST KEY KEYS-----")
        keys, end, _after = rest.partition("-----END SSH HOST KEY KEYS-----")
        return [line.strip() for line in keys.splitlines() if line.strip()] if end else []

    def asserted(self, command: str) -> str:
        """What a command prints, which must come within the patience."""
        return until(lambda: self.ssh(command), f"{command} on {self.floating}")

    def is_now(self, status: str) -> None:
        until(lambda: self.cloud.compute.get_server(self.id).status == status, status)

    def reaches(self, address: str, port: int) -> bool:
        """Whether a connection from the server is accepted there."""
        return self.ssh(f"nc -z -w 2 {address} {port} && echo yes || echo no") == "yes"


@dataclass(frozen=True)
class Balancer:
    """A load balancer's addresses."""

    address: str
    floating: str


class Site:
    """What tests make in the cloud; all of it is deleted at the end."""

    memory_mib = 512  #: of each server

    def __init__(self, cloud: Any, lab: Lab, folder: Path) -> None:
        self.cloud, self.lab, self.folder = cloud, lab, folder
        self.prefix = f"kraj-hosts-{secrets.token_hex(3)}"
        self._undo: list[Callable[[], Any]] = []
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True
        )
        public_key = (folder / "key.pub").read_text()
        self.key = cloud.compute.create_keypair(name=self.prefix, public_key=public_key)
        self._after(cloud.compute.delete_keypair, self.key)
        self.flavor = cloud.compute.create_flavor(
            name=self.prefix, ram=self.memory_mib, vcpus=1, disk=3
        )
        self._after(cloud.compute.delete_flavor, self.flavor)
        self.image = cloud.create_image(
            self.prefix,
            filename=str(lab.settings.images / IMAGE_FILE),
            disk_format="qcow2",
            container_format="bare",
            wait=True,
        )
        self._after(cloud.image.delete_image, self.image)
        self.group = self.security_group("in")
        self.allow(self.group, protocol="tcp", port_range_min=22, port_range_max=22)
        self.allow(self.group, protocol="icmp")

    def _after(self, undo: Callable[..., Any], *what: Any) -> None:
        self._undo.append(lambda: undo(*what))

    def clean(self) -> None:
        for undo in reversed(self._undo):
            undo()

    def security_group(self, name: str) -> Any:
        group = self.cloud.network.create_security_group(name=f"{self.prefix}-{name}")
        self._after(self.cloud.network.delete_security_group, group)
        return group

    def allow(self, group: Any, **what: Any) -> Any:
        return self.cloud.network.create_security_group_rule(
            security_group_id=group.id, direction="ingress", ethertype="IPv4", **what
        )

    def network(self, name: str, cidr: str) -> Any:
        """A network with a router to the outside."""
        api = self.cloud.network
        network = api.create_network(name=f"{self.prefix}-{name}")
        self._after(api.delete_network, network)
        subnet = api.create_subnet(network_id=network.id, ip_version=4, cidr=cidr)
        outside = {"network_id": api.find_network("public").id}
        router = api.create_router(name=network.name, external_gateway_info=outside)
        self._after(api.delete_router, router)
        api.add_interface_to_router(router, subnet=subnet.id)
        self._after(lambda: api.remove_interface_from_router(router, subnet=subnet.id))
        return network

    def server(self, name: str, network: Any, volume: str = "", image: str = "") -> Server:
        """A server with a floating address; from a boot volume or image where one is given."""
        disk: dict[str, Any] = {"image_id": image or self.image.id}
        if volume:
            device = {"boot_index": 0, "uuid": volume, "source_type": "volume"}
            disk = {"block_device_mapping": [{**device, "destination_type": "volume"}]}
        made = self.cloud.compute.create_server(
            name=name,
            flavor_id=self.flavor.id,
            networks=[{"uuid": network.id}],
            key_name=self.key.name,
            security_groups=[{"name": self.group.name}],
            **disk,
        )
        self._after(self._delete_server, made)
        made = self.cloud.compute.wait_for_server(made, interval=0.5, wait=PATIENCE_SECONDS)
        port = next(iter(self.cloud.network.ports(device_id=made.id)))
        outside = self.cloud.network.find_network("public")
        floating = self.cloud.network.create_ip(floating_network_id=outside.id, port_id=port.id)
        self._after(self.cloud.network.delete_ip, floating)
        address = port.fixed_ips[0]["ip_address"]
        return Server(self.cloud, made.id, address, floating.floating_ip_address, self.folder)

    def balancer(self, network: Any, port: int, members: Sequence[str]) -> Balancer:
        """A load balancer with a floating address, over HTTP; it asks its members every second."""
        api = self.cloud.load_balancer
        subnet = network.subnet_ids or self.cloud.network.get_network(network.id).subnet_ids
        made = api.create_load_balancer(name=self.prefix, vip_subnet_id=subnet[0])
        self._after(self._delete_balancer, made)

        def settled() -> Any:
            return api.wait_for_load_balancer(made.id, interval=0.3, wait=PATIENCE_SECONDS)

        settled()
        listener = api.create_listener(
            load_balancer_id=made.id, protocol="HTTP", protocol_port=port, name=self.prefix
        )
        settled()
        pool = api.create_pool(
            listener_id=listener.id, protocol="HTTP", lb_algorithm="ROUND_ROBIN", name=self.prefix
        )
        settled()
        for address in members:
            api.create_member(pool, address=address, protocol_port=port)
            settled()
        api.create_health_monitor(pool_id=pool.id, type="HTTP", delay=1, timeout=1, max_retries=1)
        made = settled()
        outside = self.cloud.network.find_network("public")
        floating = self.cloud.network.create_ip(
            floating_network_id=outside.id, port_id=made.vip_port_id
        )
        self._after(self.cloud.network.delete_ip, floating)
        return Balancer(made.vip_address, floating.floating_ip_address)

    def _delete_balancer(self, balancer: Any) -> None:
        self.cloud.load_balancer.delete_load_balancer(balancer, cascade=True)
        self.cloud.load_balancer.wait_for_delete(balancer, interval=0.3, wait=PATIENCE_SECONDS)

    def _delete_server(self, server: Any) -> None:
        self.cloud.compute.delete_server(server)
        self.cloud.compute.wait_for_delete(server, interval=0.5, wait=PATIENCE_SECONDS)

    def volume(self, gib: int, **more: Any) -> Any:
        made = self.cloud.block_storage.create_volume(name=self.prefix, size=gib, **more)
        self._after(self._delete_volume, made)
        return self.volume_is(made, "available")

    def volume_is(self, volume: Any, status: str) -> Any:
        """Wait until a volume is in that state; the object given may be an old look at it."""
        api = self.cloud.block_storage
        until(lambda: api.get_volume(volume.id).status == status, f"the volume is {status}")
        return api.get_volume(volume.id)

    def _delete_volume(self, volume: Any) -> None:
        self.cloud.block_storage.delete_volume(volume)
        self.cloud.block_storage.wait_for_delete(volume, interval=0.3, wait=PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def site(cloud: Any, hosts_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Key, flavour, image and rules for servers."""
    if not shutil.which("ssh"):
        pytest.skip("no `ssh` on PATH (Debian: openssh-client)")
    made = Site(cloud, hosts_lab, tmp_path_factory.mktemp("site"))
    yield made
    made.clean()


@pytest.fixture(scope="session")
def network(site: Site) -> Any:
    """The network of the first tenant."""
    return site.network("a", "10.9.0.0/24")


@pytest.fixture(scope="session")
def server(site: Site, network: Any) -> Server:
    """A server that most tests look at."""
    return site.server("first", network)

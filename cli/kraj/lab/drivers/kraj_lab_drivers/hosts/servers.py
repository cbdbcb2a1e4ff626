"""A server as a whole: its record, its root file system, its network and its container.

The record, a JSON file per server, says what the server is made of, so that it can be started again
after a stop of the lab. The root file system lies in the server's boot volume or, where it boots
from an image, in a file of its own; the container around it is made anew at every start.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from kraj_lab_drivers.hosts import disks, fabric
from kraj_lab_drivers.hosts.fabric import Fabric
from kraj_lab_drivers.hosts.guests import (
    RUNNING,
    Guest,
    Podman,
    hide_disk,
    name_disks,
    show_disk,
)

#: cloud-init reads a configuration drive's files also from there.
SEED: Final = "var/lib/cloud/seed/config_drive"
#: The links are set up from outside, as a hypervisor's network card is.
_NO_NETWORK: Final = "network: {config: disabled}\n"


@dataclass(slots=True)
class Link:
    """One network card."""

    port: str
    network: str
    mac: str
    addresses: list[str]  #: with prefix lengths
    routes: list[tuple[str, str]]  #: (destination or `default`, next hop)
    mtu: int = 1500


@dataclass(slots=True)
class Record:
    """What a server is made of."""

    identity: str
    name: str  #: nova's, such as instance-00000007
    host: str  #: the compute host that runs it
    hostname: str
    vcpus: int
    memory_mib: int
    root: str  #: path of the disk with the root file system
    own_root: bool  #: whether that disk is the server's own, not a volume
    links: list[Link] = field(default_factory=list)
    volumes: dict[str, tuple[str, str]] = field(default_factory=dict)  #: device → (path, volume id)
    nameservers: list[str] = field(default_factory=list)


class Servers:
    """The servers of one compute host, in the lab's folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.podman = Podman(folder / "podman")
        self.fabric = Fabric(name)

    # --- records

    def record(self, identity: str) -> Record | None:
        """What is known of a server; None where there is none."""
        path = self._path(identity)
        if not path.exists():
            return None
        values = json.loads(path.read_text())
        values["links"] = [Link(**link) for link in values["links"]]
        values["volumes"] = {device: tuple(pair) for device, pair in values["volumes"].items()}
        return Record(**values)

    def records(self, host: str) -> list[Record]:
        """The servers of a host."""
        return [record for record in self.every_record() if record.host == host]

    def every_record(self) -> list[Record]:
        """The servers of all hosts."""
        found = (self.record(path.stem) for path in sorted(self._records.glob("*.json")))
        return [record for record in found if record is not None]

    def keep(self, record: Record) -> None:
        """Write the record down, as a whole or not at all."""
        self._records.mkdir(parents=True, exist_ok=True)
        new = self._path(record.identity).with_suffix(".new")
        new.write_text(json.dumps(asdict(record), indent=1))
        new.replace(self._path(record.identity))

    def own_root(self, identity: str) -> Path:
        """Where the root disk of a server lies that boots from an image."""
        return self._folder / "disks" / identity

    # --- life

    def furnish(self, record: Record, seed: Iterable[tuple[str, str | bytes]]) -> None:
        """Give a new server its configuration drive; its root disk is there."""
        self.keep(record)  # first, so that a failure can be cleaned up
        root = self._mounted(record)
        shutil.rmtree(root / SEED, ignore_errors=True)
        for path, content in seed:
            target = root / SEED / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        settings = root / "etc" / "cloud" / "cloud.cfg.d" / "99-lab-network.cfg"
        if settings.parent.is_dir():
            settings.write_text(_NO_NETWORK)

    def start(self, record: Record) -> None:
        """Boot; nothing where it runs already."""
        if self.state(record) == RUNNING:
            return
        root = self._mounted(record)
        names = {device: identity for device, (_path, identity) in record.volumes.items()}
        name_disks(root, names)
        _set_nameservers(root, record.nameservers)
        namespace = self._wired(record)
        devices = {device: disks.attach(Path(p)) for device, (p, _id) in record.volumes.items()}
        self.podman.create(
            Guest(
                record.name,
                root,
                namespace,
                record.hostname,
                record.vcpus,
                record.memory_mib,
                {"identity": record.identity, "host": record.host},
                devices,
            )
        )
        self.podman.start(record.name)

    def stop(self, record: Record, seconds: int) -> None:
        """Shut down; at once for 0 seconds."""
        if self.podman.state(record.name):
            self.podman.stop(record.name, seconds)

    def state(self, record: Record) -> str:
        """As podman calls it; empty where no container is there."""
        return self.podman.state(record.name)

    def put_down(self, record: Record) -> None:
        """Hold nothing of the machine for a server that does not run; it can be started again."""
        self.podman.remove(record.name)
        disks.unmount(Path(record.root), self._root(record.identity))
        for path, _identity in record.volumes.values():
            disks.detach(Path(path))

    def forget(self, record: Record, *, with_disk: bool) -> None:
        """Take the server away; volumes stay, its own disk where it is asked for."""
        self.put_down(record)
        for link in record.links:
            fabric.unplug(self.fabric.name, fabric.link_of(link.port))
        fabric.remove_namespace(self.fabric.server(record.identity))
        if record.own_root and with_disk:
            Path(record.root).unlink(missing_ok=True)
        self.podman.console(record.name).unlink(missing_ok=True)
        self._path(record.identity).unlink(missing_ok=True)

    # --- volumes and links of a server that is there

    def attach_volume(self, record: Record, device: str, path: Path, identity: str) -> None:
        loop = disks.attach(path)
        if self.state(record) == RUNNING:
            show_disk(self.podman.root(record.name), loop, device)
            self.podman.name_disk(record.name, device, identity)
        record.volumes[device] = (str(path), identity)
        self.keep(record)

    def detach_volume(self, record: Record, device: str) -> None:
        known = record.volumes.pop(device, None)
        if known is None:
            return
        if self.state(record) == RUNNING:
            self.podman.forget_disk(record.name, known[1])
            hide_disk(self.podman.root(record.name), device)
        disks.detach(Path(known[0]))
        self.keep(record)

    def attach_link(self, record: Record, link: Link) -> None:
        record.links.append(link)
        self.keep(record)
        self._wired(record)

    def detach_link(self, record: Record, port: str) -> None:
        record.links = [link for link in record.links if link.port != port]
        self.keep(record)
        fabric.unplug(self.fabric.name, fabric.link_of(port))

    # --- parts

    def _mounted(self, record: Record) -> Path:
        root = self._root(record.identity)
        disks.mount(Path(record.root), root)
        return root

    def _wired(self, record: Record) -> str:
        """The server's namespace with all its links."""
        namespace = self.fabric.server(record.identity)
        fabric.make_namespace(namespace)
        present = fabric.devices(namespace)
        taken = {item["address"]: name for name, item in present.items() if "address" in item}
        free = (f"eth{n}" for n in range(64) if f"eth{n}" not in present)
        for link in record.links:
            device = taken.get(link.mac) or next(free)
            bridge = self.fabric.bridge(link.network)
            self.fabric.plug(
                namespace,
                device,
                fabric.link_of(link.port),
                bridge=bridge,
                mac=link.mac,
                mtu=link.mtu,
            )
            fabric.set_addresses(namespace, device, link.addresses)
            fabric.set_routes(namespace, link.routes)
        return namespace

    def _root(self, identity: str) -> Path:
        return self._folder / "roots" / identity

    @property
    def _records(self) -> Path:
        return self._folder / "servers"

    def _path(self, identity: str) -> Path:
        return self._records / f"{identity}.json"


def _set_nameservers(root: Path, nameservers: Iterable[str]) -> None:
    path = root / "etc" / "resolv.conf"
    path.unlink(missing_ok=True)  # it may lead to a file that only a running server has
    path.write_text("".join(f"nameserver {address}\n" for address in nameservers))


def link_from(vif: Any) -> tuple[Link, list[str]]:
    """A link, and the name servers of its network, from Nova's description of a network card."""
    network = vif["network"]
    addresses, routes, nameservers = [], [], []
    for subnet in network["subnets"]:
        prefix = str(subnet["cidr"]).rpartition("/")[2]
        addresses += [f"{ip['address']}/{prefix}" for ip in subnet["ips"]]
        gateway = (subnet.get("gateway") or {}).get("address")
        if gateway:
            routes.append(("default", str(gateway)))
        routes += [
            (str(route["cidr"]), str(route["gateway"]["address"]))
            for route in subnet.get("routes") or ()
        ]
        nameservers += [str(server["address"]) for server in subnet.get("dns") or ()]
    mtu = int(network["meta"].get("mtu") or 1500)
    link = Link(vif["id"], network["id"], vif["address"], addresses, routes, mtu)
    return link, nameservers

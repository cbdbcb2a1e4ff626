"""The links between servers: namespaces, bridges and pairs of virtual devices, by iproute2.

One network namespace per lab, the fabric, holds a bridge for every Neutron network. Every server
and every router has a namespace of its own and a link into a bridge. The machine itself has one
link into the external network, so that its user reaches floating addresses. Every function can be
called again: what is there stays.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kraj_lab_drivers.hosts.shell import ToolError, read, run

NAMESPACES: Final = Path("/run/netns")
_IDENTITY_CHARACTERS: Final = 11  #: of a UUID in a device's name: IFNAMSIZ leaves 15 in all


def bridge_of(network: str) -> str:
    """The bridge of a Neutron network."""
    return f"kb{network[:_IDENTITY_CHARACTERS]}"


def link_of(port: str, kind: str = "kt") -> str:
    """The fabric's end of a Neutron port's link.

    `kt` to a server, `kr` to a router, `kl` to a load balancer.
    """
    return f"{kind}{port[:_IDENTITY_CHARACTERS]}"


@dataclass(frozen=True, slots=True)
class Fabric:
    """The fabric of one lab; its namespaces begin with `name`."""

    name: str

    def server(self, identity: str) -> str:
        """Name of a server's namespace."""
        return f"{self.name}-s-{identity}"

    def router(self, identity: str) -> str:
        """Name of a router's namespace."""
        return f"{self.name}-r-{identity}"

    def balancer(self, identity: str) -> str:
        """Name of a load balancer's namespace."""
        return f"{self.name}-b-{identity}"

    def prepare(self) -> None:
        """The fabric's own namespace, in which bridged packets meet the rules."""
        make_namespace(self.name)
        for version in ("iptables", "ip6tables"):
            inside(self.name, "sysctl", "-qw", f"net.bridge.bridge-nf-call-{version}=1")

    def bridge(self, network: str) -> str:
        """The bridge of a network, made where it is not there."""
        name = bridge_of(network)
        if name not in devices(self.name):
            # Two processes may come at once: what counts is that it is there.
            with contextlib.suppress(ToolError):
                ip(self.name, "link", "add", name, "type", "bridge", "forward_delay", "0")
            ip(self.name, "link", "set", name, "up")
        return name

    def plug(
        self, namespace: str, device: str, link: str, *, bridge: str, mac: str, mtu: int = 1500
    ) -> None:
        """A link from a bridge into a namespace; one that is there already stays."""
        if device not in devices(namespace):
            unplug(self.name, link)
            ip(self.name, "link", "add", link, "type", "veth",
                "peer", "name", device, "netns", namespace, "address", mac,
            )  # fmt: skip
        ip(self.name, "link", "set", link, "master", bridge, "mtu", str(mtu), "up")
        ip(namespace, "link", "set", device, "mtu", str(mtu), "up")

    def reach_from_machine(self, device: str, network: str, addresses: Iterable[str]) -> None:
        """The machine's own link into a network, with these addresses (prefix lengths included)."""
        link = f"{device}-f"
        if device not in devices(""):
            unplug(self.name, link)
            ip("", "link", "add", device, "type", "veth", "peer", "name", link, "netns", self.name)
        bridge = self.bridge(network)
        ip(self.name, "link", "set", link, "master", bridge, "up")
        ip("", "link", "set", device, "up")
        for address in addresses:
            ip("", "address", "replace", address, "dev", device)

    def keep_only(self, prefix: str, identities: Collection[str]) -> None:
        """Remove the namespaces with that prefix whose objects are gone."""
        names = {f"{prefix}{identity}" for identity in identities}
        for path in sorted(NAMESPACES.iterdir()):
            if path.name.startswith(prefix) and path.name not in names:
                remove_namespace(path.name)

    def remove(self) -> None:
        """Every namespace of this lab, and with them all links."""
        if NAMESPACES.is_dir():
            for path in sorted(NAMESPACES.iterdir()):
                if path.name == self.name or path.name.startswith(f"{self.name}-"):
                    remove_namespace(path.name)


def make_namespace(name: str) -> None:
    """A network namespace with its loopback device up."""
    if not (NAMESPACES / name).exists():
        with contextlib.suppress(ToolError):
            run("ip", "netns", "add", name)
    ip(name, "link", "set", "lo", "up")


def remove_namespace(name: str) -> None:
    """Remove a namespace with its links, and end what runs in it."""
    if (NAMESPACES / name).exists():
        end_processes(name)
        for device in devices(name):
            if device != "lo":
                unplug(name, device)
        run("ip", "netns", "delete", name)


def end_processes(namespace: str) -> None:
    """End what runs in a namespace, as load balancers do."""
    for pid in processes(namespace):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGTERM)


def processes(namespace: str) -> list[str]:
    """The process ids in a namespace."""
    return run("ip", "netns", "pids", namespace).split()


def ip(namespace: str, *words: str) -> None:
    """Run iproute2 for a namespace; for the machine's own where the name is empty."""
    run("ip", *(("-n", namespace) if namespace else ()), *words)


def inside(namespace: str, *words: str, given: str | None = None) -> str:
    """Run a command in a namespace.

    Not by `ip netns exec`, which gives it mounts of its own: a program that goes on running, such
    as haproxy, would keep the disks of servers mounted that are gone.
    """
    return run("nsenter", f"--net={NAMESPACES}/{namespace}", "--", *words, given=given)


def unplug(namespace: str, device: str) -> None:
    """Take a link out by either of its ends; nothing where it is not there."""
    with contextlib.suppress(ToolError):
        ip(namespace, "link", "delete", device)


def devices(namespace: str) -> dict[str, dict[str, Any]]:
    """The devices of a namespace by name; the machine's own for an empty name."""
    where = ("-n", namespace) if namespace else ()
    return {item["ifname"]: item for item in read("ip", "-json", *where, "address", "show") if item}


def set_addresses(namespace: str, device: str, addresses: Iterable[str]) -> None:
    """These addresses (with prefix lengths) and no others, but for the link-local one."""
    wanted = set(addresses)
    for entry in devices(namespace)[device]["addr_info"]:
        present = f"{entry['local']}/{entry['prefixlen']}"
        if present in wanted:
            wanted.remove(present)
        elif entry.get("scope") != "link":
            ip(namespace, "address", "delete", present, "dev", device)
    for address in sorted(wanted):
        # Nobody else has it: Neutron gave it. Waiting for a proof would delay the first packet.
        proof = ("nodad",) if ":" in address else ()
        ip(namespace, "address", "add", address, "dev", device, *proof)


def set_routes(namespace: str, routes: Iterable[tuple[str, str]]) -> None:
    """These routes (destination or `default`, next hop); what is there besides stays."""
    for destination, hop in routes:
        version = "-6" if ":" in hop else "-4"
        ip(namespace, version, "route", "replace", destination, "via", hop)

"""The lab's network agent: makes bridges, routers and packet rules follow what Neutron is told.

Neutron's server says by one datagram that something has changed (`kraj_lab_drivers.neutron`); the
agent then reads all of it and makes it true. Changes that come together are one reading. It also
looks every 30 s by itself, so that nothing stays wrong that somebody broke by hand.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from pathlib import Path
from typing import Any, Final

import openstack
from keystoneauth1.exceptions import ClientException

from kraj_lab_drivers.hosts import fabric
from kraj_lab_drivers.hosts.fabric import Fabric
from kraj_lab_drivers.hosts.routers import EXTERNAL, Router, translation
from kraj_lab_drivers.hosts.rules import ruleset
from kraj_lab_drivers.hosts.shell import ToolError, run
from kraj_lab_drivers.hosts.wishes import Lists, Wishes, wishes

LOG: Final = logging.getLogger("kraj-lab-network-agent")
_LISTS: Final = {
    "networks": "networks",
    "subnets": "subnets",
    "ports": "ports",
    "rules": "security-group-rules",
    "routers": "routers",
    "floating": "floatingips",
}
#: The machine's own device in the external network.
MACHINE: Final = "kraj-public"
_LOOK_SECONDS: Final = 30.0
#: Changes within this time are read together.
_TOGETHER_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = 2.0


class Agent:
    """Follows one Neutron."""

    def __init__(self, connection: Any, name: str) -> None:
        self._network = connection.network
        self._fabric = Fabric(name)
        self._rules = ""  #: as they were set last
        self._routers: dict[str, Router] = {}  #: as they were made last

    def make_true(self, *, thorough: bool) -> None:
        """Read everything and make it so; `thorough` does not trust what was done before.

        Raises ToolError and what the requests raise.
        """
        wanted = wishes(self._lists())
        if thorough:
            self._rules = ""
            self._routers.clear()
            self._fabric.prepare()
            self._reach(wanted)
        self._set_bridges(wanted)
        self._set_rules(wanted)
        self._set_routers(wanted)

    def _lists(self) -> Lists:
        found: dict[str, tuple[Any, ...]] = {}
        for field, path in _LISTS.items():
            answer = self._network.get(f"/{path}")
            openstack.exceptions.raise_from_response(answer)
            found[field] = tuple(answer.json()[path.replace("-", "_")])
        return Lists(**found)

    def _set_bridges(self, wanted: Wishes) -> None:
        present = {name for name in fabric.devices(self._fabric.name) if name.startswith("kb")}
        bridges = {fabric.bridge_of(network): network for network in wanted.networks}
        for name in bridges.keys() - present:
            self._fabric.bridge(bridges[name])
        for name in present - bridges.keys():
            fabric.unplug(self._fabric.name, name)

    def _set_rules(self, wanted: Wishes) -> None:
        text = ruleset(wanted.fabric)
        if text != self._rules:
            fabric.inside(self._fabric.name, "nft", "-f", "-", given=text)
            self._rules = text

    def _set_routers(self, wanted: Wishes) -> None:
        for router in wanted.routers:
            if self._routers.get(router.identity) != router:
                self._make_router(router)
                self._routers[router.identity] = router
        names = {self._fabric.router(router.identity) for router in wanted.routers}
        for path in fabric.NAMESPACES.iterdir():
            if path.name.startswith(self._fabric.router("")) and path.name not in names:
                fabric.remove_namespace(path.name)

    def _make_router(self, router: Router) -> None:
        namespace = self._fabric.router(router.identity)
        fabric.make_namespace(namespace)
        for setting in ("ipv4.ip_forward", "ipv6.conf.all.forwarding"):
            fabric.inside(namespace, "sysctl", "-qw", f"net.{setting}=1")
        wanted = {interface.device for interface in router.interfaces}
        for device in fabric.devices(namespace).keys() - wanted - {"lo"}:
            fabric.unplug(namespace, device)
        for interface in router.interfaces:
            self._fabric.plug(
                namespace,
                interface.device,
                interface.link,
                bridge=interface.bridge,
                mac=interface.mac,
            )
            own = [*interface.addresses]
            if interface.device == EXTERNAL:
                own += [f"{floating}/32" for floating, _fixed in router.floating]
            fabric.set_addresses(namespace, interface.device, own)
        hops = [("default", gateway) for gateway in router.gateways]
        fabric.set_routes(namespace, [*hops, *router.routes])
        fabric.inside(namespace, "nft", "-f", "-", given=translation(router))

    def _reach(self, wanted: Wishes) -> None:
        for network, addresses in wanted.machine.items():
            self._fabric.reach_from_machine(MACHINE, network, addresses)
        for destination, hop in wanted.machine_routes:
            run("ip", "route", "replace", destination, "via", hop, "dev", MACHINE)


def follow(agent: Agent, calls: socket.socket) -> None:
    """Work for ever: at every call, and thoroughly every 30 s."""
    thorough = True
    while True:
        try:
            agent.make_true(thorough=thorough)
            pause = _LOOK_SECONDS
        except (ToolError, openstack.exceptions.SDKException, ClientException) as error:
            # Something vanished while it was looked at, or Neutron restarts: the next look sees.
            LOG.warning("%s", error)
            pause = _RETRY_SECONDS
        thorough = not _called(calls, pause)


def _called(calls: socket.socket, seconds: float) -> bool:
    """Whether a call comes within that time; those that come with it are one with it."""
    calls.settimeout(seconds)
    try:
        calls.recv(1)
    except TimeoutError:
        return False
    time.sleep(_TOGETHER_SECONDS)
    calls.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            calls.recv(1)
    return True


def main() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    address = Path(os.environ["KRAJ_LAB_CALLS"])
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as calls:
        calls.bind(str(address))
        connection = openstack.connect(cloud="lab")
        follow(Agent(connection, os.environ["KRAJ_LAB_FABRIC"]), calls)


if __name__ == "__main__":
    main()

"""The lab's network agent: makes bridges, routers and packet rules follow what Neutron is told.

Neutron's server says by one datagram that something has changed (`kraj_lab_drivers.neutron`); the
agent then reads all of it and makes it true. Changes that come together are one reading. Every 30 s
it also makes all of it anew, however many calls come, so that nothing stays wrong that somebody
broke by hand.
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

from kraj_lab_drivers.calls import BALANCERS, VARIABLE
from kraj_lab_drivers.hosts import fabric
from kraj_lab_drivers.hosts.balancers import Balancer, configuration
from kraj_lab_drivers.hosts.fabric import Fabric
from kraj_lab_drivers.hosts.routers import EXTERNAL, Router, translation
from kraj_lab_drivers.hosts.rules import ruleset
from kraj_lab_drivers.hosts.shell import ToolError, run
from kraj_lab_drivers.hosts.wishes import BalancerLists, Lists, Wishes, wishes

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

    def __init__(self, connection: Any, name: str, folder: Path) -> None:
        self._network = connection.network
        self._load_balancer = connection.load_balancer
        self._folder = folder  #: of the load balancers' files
        self._fabric = Fabric(name)
        self._rules = ""  #: as they were set last
        self._routers: dict[str, Router] = {}  #: as they were made last
        self._balancers: dict[str, Balancer] = {}
        self._balancer_lists = BalancerLists()
        self._machine: tuple[Any, ...] = ()  #: the machine's own way in, as it was made last

    def make_true(self, *, thorough: bool, balancers: bool = True) -> None:
        """Read everything and make it so; `thorough` does not trust what was done before.

        Octavia is asked only where `balancers` says that something of it may have changed.

        Raises ToolError and what the requests raise.
        """
        if balancers:
            self._balancer_lists = self._look_at_balancers()
        wanted = wishes(self._lists(), self._balancer_lists)
        if thorough:
            self._rules = ""
            self._routers.clear()
            self._balancers.clear()
            self._machine = ()
            self._fabric.prepare()
        self._set_bridges(wanted)
        self._set_rules(wanted)
        self._set_routers(wanted)
        self._set_balancers(wanted)
        self._reach(wanted)

    def _lists(self) -> Lists:
        found: dict[str, tuple[Any, ...]] = {}
        for field, path in _LISTS.items():
            answer = self._network.get(f"/{path}")
            openstack.exceptions.raise_from_response(answer)
            found[field] = tuple(answer.json()[path.replace("-", "_")])
        return Lists(**found)

    def _look_at_balancers(self) -> BalancerLists:
        def listed(path: str, key: str) -> tuple[Any, ...]:
            answer = self._load_balancer.get(f"/lbaas/{path}")
            openstack.exceptions.raise_from_response(answer)
            return tuple(answer.json()[key])

        pools = listed("pools", "pools")
        return BalancerLists(
            listed("loadbalancers", "loadbalancers"),
            listed("listeners", "listeners"),
            pools,
            listed("healthmonitors", "healthmonitors"),
            {pool["id"]: listed(f"pools/{pool['id']}/members", "members") for pool in pools},
        )

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
        self._fabric.keep_only(
            self._fabric.router(""), {router.identity for router in wanted.routers}
        )

    def _set_balancers(self, wanted: Wishes) -> None:
        for balancer in wanted.balancers:
            if self._balancers.get(balancer.identity) != balancer:
                self._make_balancer(balancer)
                self._balancers[balancer.identity] = balancer
        self._fabric.keep_only(
            self._fabric.balancer(""), {balancer.identity for balancer in wanted.balancers}
        )

    def _make_balancer(self, balancer: Balancer) -> None:
        namespace = self._fabric.balancer(balancer.identity)
        fabric.make_namespace(namespace)
        link = fabric.link_of(balancer.port, "kl")
        bridge = self._fabric.bridge(balancer.network)
        self._fabric.plug(namespace, "eth0", link, bridge=bridge, mac=balancer.mac)
        fabric.set_addresses(namespace, "eth0", [balancer.address])
        if balancer.gateway:
            fabric.set_routes(namespace, [("default", balancer.gateway)])
        path = self._folder / f"{balancer.identity}.cfg"
        text = configuration(balancer, str(self._folder))
        before = fabric.processes(namespace)
        if before and path.exists() and path.read_text() == text:
            return
        path.write_text(text)
        if any(listener.pool for listener in balancer.listeners):
            # The old process ends its connections and goes.
            old = ("-sf", *before) if before else ()
            fabric.inside(namespace, "haproxy", "-D", "-f", str(path), *old)

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
        machine = (wanted.machine, wanted.machine_routes)
        if machine == self._machine:
            return
        for network, addresses in wanted.machine.items():
            self._fabric.reach_from_machine(MACHINE, network, addresses)
        for destination, hop in wanted.machine_routes:
            run("ip", "route", "replace", destination, "via", hop, "dev", MACHINE)
        self._machine = machine


def follow(agent: Agent, calls: socket.socket) -> None:
    """Work for ever: at every call, and thoroughly every 30 s."""
    due, about = 0.0, b""
    while True:
        thorough = time.monotonic() >= due
        try:
            agent.make_true(thorough=thorough, balancers=thorough or BALANCERS in about)
            if thorough:
                due = time.monotonic() + _LOOK_SECONDS
            pause = max(_TOGETHER_SECONDS, due - time.monotonic())
        except (ToolError, openstack.exceptions.SDKException, ClientException) as error:
            # Something vanished while it was looked at, or Neutron restarts: the next look sees.
            LOG.warning("%s", error)
            due, pause = 0.0, _RETRY_SECONDS
        about = _called(calls, pause)


def _called(calls: socket.socket, seconds: float) -> bytes:
    """What a call within that time is about, and those that come with it; empty without one."""
    calls.settimeout(seconds)
    try:
        about = calls.recv(1)
    except TimeoutError:
        return b""
    time.sleep(_TOGETHER_SECONDS)
    calls.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            about += calls.recv(1)
    return about


def main() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    address = Path(os.environ[VARIABLE])
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as calls:
        calls.bind(str(address))
        connection = openstack.connect(cloud="lab")
        folder = Path(os.environ["KRAJ_LAB_HOSTS"]) / "balancers"
        folder.mkdir(parents=True, exist_ok=True)
        follow(Agent(connection, os.environ["KRAJ_LAB_FABRIC"], folder), calls)


if __name__ == "__main__":
    main()

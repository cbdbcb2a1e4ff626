"""Brings a lab up, step by step, and down again. Every step can be repeated after a crash.

The order follows from who needs whom: stores before tables, tables before services, the identity
service before the catalogue, the catalogue before everything that asks for endpoints.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence

import psutil

from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter
from kraj.lab import cloud, database, packages
from kraj.lab.configuration import write_configuration
from kraj.lab.errors import (
    BUSY,
    NOT_CREATED,
    PORT_TAKEN,
    SERVICE_FAILED,
    UNKNOWN_SERVICE,
    UNSUPPORTED,
)
from kraj.lab.qcow2 import ensure_empty_disk
from kraj.lab.services import APIS, IDENTITY, STORES, WORKERS, Service, all_services
from kraj.lab.settings import LabSettings
from kraj.lab.status import LabStatus, ServiceStatus, memory_mib
from kraj.lab.supervision import Supervision

ACTION = "lab up"
SERVICE_SECONDS = 120.0
LOG_LINES = 12

#: Images that the example region asks for; at API depth an empty disk stands for each.
IMAGES = (
    "debian-12-genericcloud-amd64.qcow2",
    "debian-13-genericcloud-amd64.qcow2",
    "ubuntu-24.04-server-cloudimg-amd64.img",
)
IMAGE_GIB = 2


class Lab:
    """One lab in one folder."""

    def __init__(self, settings: LabSettings) -> None:
        self.settings = settings
        self._supervision = Supervision(settings)
        self._services = all_services(settings)

    def up(self, report: Reporter) -> None:
        """Install, prepare and start everything. Raises KRJ5xx; can then simply be called again."""
        if not sys.platform.startswith("linux"):
            raise KrajError(UNSUPPORTED, f"this system is {sys.platform}")
        with self._exclusive():
            steps = self._steps()
            started = time.monotonic()
            report(Event(EventKind.STARTED, ACTION, "lab", "starting", total=len(steps)))
            for number, (name, step) in enumerate(steps):
                report(
                    Event(
                        EventKind.PROGRESS, ACTION, "lab", name, completed=number, total=len(steps)
                    )
                )
                try:
                    step()
                except KrajError as error:
                    report(Event(EventKind.FAILED, ACTION, "lab", f"{name}: {error.message}"))
                    raise
            took = time.monotonic() - started
            report(
                Event(
                    EventKind.DONE, ACTION, "lab", "ready", completed=len(steps), total=len(steps),
                    seconds=took,
                )
            )  # fmt: skip

    def _steps(self) -> list[tuple[str, Callable[[], None]]]:
        settings = self.settings
        steps: list[tuple[str, Callable[[], None]]] = [
            ("checking ports", self._check_ports),
            ("installing database and message queue", packages.install_servers),
            ("installing OpenStack", lambda: packages.install_openstack(settings)),
            ("writing configuration", self._configure),
            ("starting the stores", lambda: self._start(STORES)),
            ("creating tables", self._prepare_databases),
            ("starting the identity service", lambda: self._start(IDENTITY)),
            ("filling the catalogue", self._fill_catalogue),
            ("starting the services", lambda: self._start(APIS, WORKERS)),
            ("waiting for compute and volume services", self._wait_for_workers),
            ("making zones and the external network", self._make_cloud),
        ]
        if "swift" in settings.with_services:
            rings = ("building the object store's rings", lambda: database.build_rings(settings))
            steps.insert(4, rings)
        return steps

    def down(self, report: Reporter) -> None:
        """Stop every process; keep everything that is stored."""
        with self._exclusive():
            report(Event(EventKind.STARTED, "lab down", "lab", "stopping"))
            started = time.monotonic()
            self._supervision.stop()
            took = time.monotonic() - started
            report(Event(EventKind.DONE, "lab down", "lab", "stopped", seconds=took))

    def destroy(self, report: Reporter) -> None:
        """Stop every process and delete the lab's folder."""
        if self.settings.folder.exists():
            self.down(report)
            shutil.rmtree(self.settings.folder)
        report(Event(EventKind.DONE, "lab destroy", "lab", "nothing is left"))

    def status(self) -> LabStatus:
        """What runs now."""
        exists = LabSettings.load(self.settings.folder) is not None
        states = self._supervision.states()
        found = []
        for service in self._services if exists else ():
            state = states.get(service.name)
            found.append(
                ServiceStatus(
                    service.name,
                    state.state if state else "STOPPED",
                    service.port,
                    memory_mib(state.pid) if state and state.pid else 0,
                )
            )
        return LabStatus(self.settings.folder, exists, tuple(found), self.settings.clouds_file)

    def logs(self, service: str, lines: int) -> list[str]:
        """The last lines of a service's log. Raises KRJ506, KRJ507."""
        if LabSettings.load(self.settings.folder) is None:
            raise KrajError(NOT_CREATED, f"no lab in {self.settings.folder}")
        names = [item.name for item in self._services]
        if service not in names:
            raise KrajError(
                UNKNOWN_SERVICE, f"no service {service!r}; the lab has {', '.join(names)}"
            )
        return self._supervision.log_tail(service, lines)

    # --- steps ------------------------------------------------------------------------------------

    def _check_ports(self) -> None:
        if self._supervision.running():
            return
        # What an earlier run left behind after a crash would hold our own ports.
        self._supervision.stop()
        taken = [
            (name, port) for name, port in self.settings.used_ports.items() if not _is_free(port)
        ]
        if taken:
            name, port = taken[0]
            more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
            raise KrajError(
                PORT_TAKEN, f"port {port} for {name} is held by {_holder(port)}{more}",
                details={"ports": dict(taken)},
            )  # fmt: skip

    def _configure(self) -> None:
        write_configuration(self.settings)
        self.settings.save()
        for name in IMAGES:
            ensure_empty_disk(self.settings.images / name, IMAGE_GIB)
        database.create_server_files(self.settings)
        self._supervision.start()

    def _prepare_databases(self) -> None:
        stamp = self.settings.data / f".tables-{packages.locked_versions()[:12]}"
        done = stamp.with_name(f"{stamp.name}-{'-'.join(sorted(self.settings.with_services))}")
        if done.exists():
            return
        database.create_accounts(self.settings)
        database.migrate(self.settings, lambda _name: None)
        database.create_cell(self.settings)
        database.bootstrap_keystone(self.settings)
        done.touch()

    def _fill_catalogue(self) -> None:
        # Part of the name: other ports or services need other endpoints.
        words = (*sorted(self.settings.with_services), str(self.settings.port_offset))
        done = self.settings.data / f".catalogue-{'-'.join(words)}"
        if not done.exists():
            cloud.fill_catalogue(self.settings)
            done.touch()

    def _wait_for_workers(self) -> None:
        cloud.wait_for_workers(self.settings)
        done = self.settings.data / ".hosts-mapped"
        if not done.exists():
            database.discover_hosts(self.settings)
            # The scheduler knows the cells since its start: before the hosts were mapped.
            self._supervision.restart_services(["nova-scheduler"])
            done.touch()
        if "designate" in self.settings.with_services:
            database.update_dns_pools(self.settings)

    def _make_cloud(self) -> None:
        done = self.settings.data / ".cloud-made"
        if not done.exists():
            cloud.make_availability_zones(self.settings)
            cloud.make_external_network(self.settings)
            done.touch()

    # --- processes --------------------------------------------------------------------------------

    def _start(self, *phases: int) -> None:
        services = [item for item in self._services if item.phase in phases]
        # epmd first: RabbitMQ would start one of its own, on all addresses.
        early = [item for item in services if item.name == "epmd"]
        for group in (early, services):
            self._supervision.start_services(item.name for item in group)
            self._wait(group)

    def _wait(self, services: Sequence[Service]) -> None:
        deadline = time.monotonic() + SERVICE_SECONDS
        waiting = [item for item in services if item.port is not None]
        while waiting:
            waiting = [item for item in waiting if not _answers(item)]
            if not waiting:
                return
            self._raise_where_ended(services)
            if time.monotonic() > deadline:
                self._fail(waiting[0].name, f"does not answer on port {waiting[0].port}")
            time.sleep(0.2)

    def _raise_where_ended(self, services: Sequence[Service]) -> None:
        states = self._supervision.states()
        for item in services:
            if item.name in states and states[item.name].state in ("FATAL", "EXITED"):
                self._fail(item.name, f"ended ({states[item.name].detail})")

    def _fail(self, name: str, what: str) -> None:
        lines = self._supervision.log_tail(name, LOG_LINES)
        raise KrajError(
            SERVICE_FAILED,
            f"{name} {what}",
            causes=tuple(lines),
            hint=f"All of its log: kraj lab logs {name} -n 200. Then run `kraj lab up` again.",
        )

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Only one kraj at a time works on a lab; the lock ends with its process."""
        self.settings.folder.parent.mkdir(parents=True, exist_ok=True)
        path = self.settings.folder.with_name(f".{self.settings.folder.name}.lock")
        with path.open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                holder = lock.read().strip() or "another kraj"
                raise KrajError(BUSY, f"{self.settings.folder} is held by {holder}") from error
            lock.truncate(0)
            lock.write(f"process {os.getpid()}")
            lock.flush()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _holder(port: int) -> str:
    """The program that listens there, as well as it may be known."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                process = psutil.Process(connection.pid)
                return f"{process.name()} (process {process.pid})"
    except psutil.Error:
        # Other users' sockets are hidden from an ordinary user.
        return "a program of another user"
    return "another program"


def _answers(service: Service) -> bool:
    if service.port is None:
        return True
    if service.http:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/", timeout=5):
                return True
        except urllib.error.HTTPError as answer:
            return answer.code < 500
        except OSError:
            return False
    try:
        with socket.create_connection(("127.0.0.1", service.port), timeout=1):
            return True
    except OSError:
        return False

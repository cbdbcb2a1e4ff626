"""The steps that bring a lab up, in order. Every step can be taken again after a crash.

The order follows from who needs whom: stores before tables, tables before services, the identity
service before the catalogue, the catalogue before everything that asks for endpoints.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType

from kraj.errors import KrajError
from kraj.lab import database, packages, stores
from kraj.lab.bootable import ensure_bootable_image
from kraj.lab.configuration import write_configuration
from kraj.lab.errors import PORT_TAKEN, SERVICE_FAILED
from kraj.lab.folders import NEW_LAB_BYTES, START_BYTES, check_room
from kraj.lab.probes import answers, holder, is_free
from kraj.lab.qcow2 import ensure_empty_disk
from kraj.lab.servers import check_network
from kraj.lab.services import APIS, IDENTITY, STORES, WORKERS, Service, all_services
from kraj.lab.settings import LabSettings
from kraj.lab.supervision import Supervision

#: How long a service may take until it answers; the slowest needs 15 s alone on one processor, and
#: twenty neighbours may want that processor too. One that ends is told at once.
SERVICE_SECONDS = 300.0
POLL_SECONDS = 0.2
LOG_LINES = 20
SHOWN_PORTS = 3
ENDED = ("EXITED", "FATAL", "BACKOFF")

#: Images that the example region asks for; at API depth an empty disk stands for each.
IMAGES = (
    "debian-12-genericcloud-amd64.qcow2",
    "debian-13-genericcloud-amd64.qcow2",
    "ubuntu-24.04-server-cloudimg-amd64.img",
)
IMAGE_GIB = 2

Step = tuple[str, Callable[[], None]]


class Startup:
    """One start of a lab. `progress` is called with what happens inside a step."""

    def __init__(
        self, settings: LabSettings, supervision: Supervision, progress: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._supervision = supervision
        self._progress = progress
        self._services = all_services(settings)
        self._stamps = settings.data / "done"
        #: Process ids of what this start launched, as first seen.
        self._launched: dict[str, int] = {}

    def steps(self) -> list[Step]:
        """Name and action of each step."""
        settings = self._settings
        found: list[Step] = [
            ("checking ports and disk", self._check_machine),
            (
                "installing database and message queue",
                lambda: packages.install_servers(settings),
            ),
            ("installing OpenStack", self._install),
            ("writing configuration", self._configure),
            ("starting the stores", self._start_stores),
            ("creating tables", self._prepare_databases),
            ("starting the identity service", lambda: self._start_all(self._of(IDENTITY))),
            ("filling the catalogue", self._fill_catalogue),
            ("starting the services", self._start_services),
            ("waiting for workers", self._wait_for_workers),
            ("making zones and the external network", self._make_cloud),
        ]
        if settings.boots:
            image = ("building the image of servers", self._build_image)
            found.insert(4, image)
        if "swift" in settings.with_services:
            rings = ("building the object store's rings", lambda: database.build_rings(settings))
            found.insert(4, rings)
        if any(stores.users_stores(settings)):
            found.insert(4, ("signing in to your servers", lambda: stores.sign_in(settings)))
            found.insert(1, ("reaching your servers", lambda: stores.reach(settings)))
        return found

    def _check_machine(self) -> None:
        settings = self._settings
        installed = packages.is_installed(settings)
        check_room(settings.folder, START_BYTES if installed else NEW_LAB_BYTES)
        if settings.boots:
            check_network(settings)
        if not self._supervision.running():
            self._check_ports()

    def _check_ports(self) -> None:
        # What an earlier run left behind after a crash would hold our own ports.
        self._supervision.stop()
        wanted = self._settings.used_ports
        taken = {name: port for name, port in wanted.items() if not is_free(port)}
        if not taken:
            return
        shown = [
            f"port {port} for {name} is held by {holder(port)}"
            for name, port in list(taken.items())[:SHOWN_PORTS]
        ]
        if len(taken) > SHOWN_PORTS:
            shown.append(f"{len(taken) - SHOWN_PORTS} more are taken")
        raise KrajError(PORT_TAKEN, "; ".join(shown), details={"ports": taken})

    def _install(self) -> None:
        if not packages.is_installed(self._settings):
            # Services must not load half of the old and half of the new versions.
            self._supervision.stop()
            packages.install_openstack(self._settings)
        if self._settings.virtual:
            packages.lend_libvirt(self._settings)

    def _configure(self) -> None:
        write_configuration(self._settings)
        for name in IMAGES:
            ensure_empty_disk(self._settings.images / name, IMAGE_GIB)
        if not self._settings.database_url:
            database.create_server_files(self._settings)
        self._supervision.start()

    def _build_image(self) -> None:
        ensure_bootable_image(self._settings, self._progress)

    def _start_stores(self) -> None:
        # epmd first: RabbitMQ would start one of its own, on all addresses.
        self._start_all(item for item in self._of(STORES) if item.name == "epmd")
        self._launch(self._of(STORES))
        # RabbitMQ, the slowest, is waited for where it is needed: before the services.
        self._wait([item for item in self._of(STORES) if item.name not in ("epmd", "rabbitmq")])
        if self._is_done(self._catalogue_stamp):
            # Tables and catalogue are there: all APIs can load while the queue starts.
            self._launch(self._of(IDENTITY, APIS))

    def _start_services(self) -> None:
        self._wait([item for item in self._of(STORES) if item.name == "rabbitmq"])
        self._start_all(self._of(APIS))
        self._start_all(self._of(WORKERS))

    def _prepare_databases(self) -> None:
        self._once("accounts", lambda: database.create_accounts(self._settings))
        database.migrate(self._settings, self._progress)

    @property
    def _catalogue_stamp(self) -> str:
        return "-".join(("catalogue", *self._settings.with_services))

    def _fill_catalogue(self) -> None:
        self._once(self._catalogue_stamp, lambda: _cloud().fill_catalogue(self._settings))

    def _wait_for_workers(self) -> None:
        _cloud().wait_for_workers(self._settings, self._starts, self._progress)
        self._once("hosts", self._map_hosts)
        if "designate" in self._settings.with_services:
            self._once("dns-pools", lambda: database.update_dns_pools(self._settings))

    def _starts(self) -> dict[str, float]:
        """When each process began. Raises KRJ505 where one has ended."""
        self._raise_where_ended()
        return {name: process.started for name, process in self._supervision.states().items()}

    def _map_hosts(self) -> None:
        database.discover_hosts(self._settings)
        # The scheduler knows the cells since its start: before the hosts were mapped.
        self._supervision.restart_services(["nova-scheduler"])
        del self._launched["nova-scheduler"]

    def _make_cloud(self) -> None:
        self._once("zones", lambda: _cloud().make_availability_zones(self._settings))
        self._once("external-network", lambda: _cloud().make_external_network(self._settings))

    def _is_done(self, name: str) -> bool:
        return (self._stamps / name).exists()

    def _once(self, name: str, step: Callable[[], None]) -> None:
        """Take a step that the lab remembers as done; every step can be taken twice."""
        if not self._is_done(name):
            step()
            self._stamps.mkdir(exist_ok=True)
            (self._stamps / name).touch()

    # --- processes --------------------------------------------------------------------------------

    def _of(self, *phases: int) -> list[Service]:
        return [item for item in self._services if item.phase in phases]

    def _start_all(self, services: Iterable[Service]) -> None:
        wanted = list(services)
        self._launch(wanted)
        self._wait(wanted)

    def _launch(self, services: Sequence[Service]) -> None:
        self._supervision.start_services(item.name for item in services)
        states = self._supervision.states()
        for item in services:
            self._launched.setdefault(item.name, states[item.name].pid)

    def _wait(self, services: Sequence[Service]) -> None:
        """Wait until all of them answer. Raises KRJ505 for one that ended or takes too long."""
        deadline = time.monotonic() + SERVICE_SECONDS
        waiting = [item for item in services if item.port is not None]
        while True:
            for item in [item for item in waiting if answers(item)]:
                waiting.remove(item)
                self._progress(f"{item.name} answers")
            self._raise_where_ended()
            if not waiting:
                return
            if time.monotonic() > deadline:
                self._fail(waiting[0].name, f"does not answer on port {waiting[0].port}")
            time.sleep(POLL_SECONDS)

    def _raise_where_ended(self) -> None:
        """Raise KRJ505 for a service that ended since this start launched it.

        Supervisor starts it again, so a second process is as telling as none.
        """
        for name, process in self._supervision.states().items():
            if name not in self._launched:
                continue
            known = self._launched[name] = self._launched[name] or process.pid
            if process.state in ENDED or process.pid not in (0, known):
                self._fail(name, f"ended ({process.detail})")

    def _fail(self, name: str, what: str) -> None:
        lines = self._supervision.log_tail(name, LOG_LINES)
        raise KrajError(
            SERVICE_FAILED,
            f"{name} {what}",
            causes=tuple(lines),
            hint=f"All of its log: kraj lab logs {name} -n 200. Then run `kraj lab up` again.",
        )


def _cloud() -> ModuleType:
    # Imported when it is needed: openstacksdk would cost every command 0.6 s.
    from kraj.lab import cloud  # noqa: PLC0415

    return cloud

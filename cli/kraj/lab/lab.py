"""A lab as one thing: bring it up, look at it, take it down, delete it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter
from kraj.lab import database
from kraj.lab.errors import (
    BUSY,
    FOREIGN_FOLDER,
    NOT_CREATED,
    UNKNOWN_SERVICE,
    UNSUPPORTED,
)
from kraj.lab.folders import told_plainly
from kraj.lab.probes import listens
from kraj.lab.programs import end_leftovers
from kraj.lab.servers import check_machine, end_servers, unmount_below
from kraj.lab.services import all_services
from kraj.lab.settings import DEPTHS, LabSettings
from kraj.lab.startup import Startup
from kraj.lab.status import LabStatus, ServiceStatus, memory_mib
from kraj.lab.supervision import Supervision


@dataclass
class _Teller:
    """Tells a reporter where a start is."""

    report: Reporter
    total: int = 0
    number: int = 0  #: steps that are done
    step: str = ""
    started: float = field(default_factory=time.monotonic)

    def tell(self, kind: EventKind, text: str) -> None:
        ended = kind in (EventKind.DONE, EventKind.FAILED)
        seconds = time.monotonic() - self.started if ended else None
        self.report(
            Event(
                kind, "lab up", "lab", text,
                completed=self.number, total=self.total, seconds=seconds,
            )
        )  # fmt: skip

    def inside(self, detail: str) -> None:
        """Something has happened inside the step."""
        self.tell(EventKind.PROGRESS, f"{self.step}: {detail}")


class Lab:
    """One lab in one folder."""

    def __init__(self, settings: LabSettings) -> None:
        """Open a lab, made or not; an existing one keeps its settings. Raises KRJ510, KRJ512."""
        folder = settings.folder.absolute()
        self.settings = replace(settings, folder=folder).joined(LabSettings.load(folder))
        self._supervision = Supervision(self.settings)
        self._services = all_services(self.settings)

    @property
    def exists(self) -> bool:
        """Whether the folder holds a lab, running or not."""
        return LabSettings.load(self.settings.folder) is not None

    def up(self, report: Reporter) -> None:
        """Install, prepare and start everything. Raises KRJ5xx; can then simply be called again."""
        if not sys.platform.startswith("linux"):
            raise KrajError(UNSUPPORTED, f"this system is {sys.platform}")
        if self.settings.boots:
            check_machine()
        with told_plainly(self.settings.folder), self._exclusive():
            end_leftovers(self.settings.folder)
            self.settings.claim()
            self._walk(report)

    def _walk(self, report: Reporter) -> None:
        teller = _Teller(report)
        steps = Startup(self.settings, self._supervision, teller.inside).steps()
        teller.total = len(steps)
        teller.tell(EventKind.STARTED, "starting")
        for teller.number, (teller.step, take) in enumerate(steps):
            teller.tell(EventKind.PROGRESS, teller.step)
            try:
                take()
            except KrajError as error:
                teller.tell(EventKind.FAILED, f"{teller.step}: {error.message}")
                raise
        teller.number = len(steps)
        teller.tell(EventKind.DONE, "ready")

    def down(self, report: Reporter) -> None:
        """Stop every process; keep everything that is stored. Raises KRJ508."""
        if not self.exists:
            report(Event(EventKind.DONE, "lab down", "lab", f"no lab in {self.settings.folder}"))
            return
        with told_plainly(self.settings.folder), self._exclusive():
            self._stop(report)

    def _stop(self, report: Reporter) -> None:
        report(Event(EventKind.STARTED, "lab down", "lab", "stopping"))
        started = time.monotonic()
        end_leftovers(self.settings.folder)
        self._supervision.stop()
        end_servers(self.settings)
        unmount_below(self.settings.folder.resolve())
        took = time.monotonic() - started
        report(Event(EventKind.DONE, "lab down", "lab", "stopped", seconds=took))

    def destroy(self, report: Reporter) -> None:
        """Stop every process and delete the lab's folder.

        Raises KRJ511 where the folder is not a lab's, KRJ504 where the user's own database server
        does not give the lab's databases back.
        """
        folder = self.settings.folder
        if not folder.exists():
            report(Event(EventKind.DONE, "lab destroy", "lab", f"no lab in {folder}"))
        else:
            if LabSettings.load(folder) is None and any(folder.iterdir()):
                raise KrajError(FOREIGN_FOLDER, f"{folder} holds no lab and is kept")
            with told_plainly(folder), self._exclusive():
                self._stop(report)
                end_servers(self.settings, remove=True)
                database.drop_databases(self.settings)
                self.settings.socket("mariadb.sock").unlink(missing_ok=True)
                # What tells that the folder is a lab's goes last: a stopped deletion can go on.
                for path in folder.iterdir():
                    if path.is_dir():
                        shutil.rmtree(path)
                shutil.rmtree(folder)
            report(Event(EventKind.DONE, "lab destroy", "lab", "nothing is left"))

    def status(self) -> LabStatus:
        """What runs now."""
        exists = self.exists
        states = self._supervision.states()
        found: list[ServiceStatus] = []
        for service in self._services if exists else ():
            process = states.get(service.name)
            state = process.state if process else "STOPPED"
            if state == "RUNNING" and service.port and not listens(service.port):
                # The process lives, but nobody can talk to it yet (or any more).
                state = "STARTING"
            memory = memory_mib(process.pid) if process and process.pid else 0
            found.append(ServiceStatus(service.name, state, service.port, memory))
        return LabStatus(
            self.settings.folder,
            exists,
            tuple(found),
            self.settings.clouds_file,
            self.settings.depth or DEPTHS[0],
        )

    def logs(self, service: str, lines: int) -> list[str]:
        """The last lines of a service's log. Raises KRJ506, KRJ507."""
        if not self.exists:
            raise KrajError(NOT_CREATED, f"no lab in {self.settings.folder}")
        names = [item.name for item in self._services]
        if service not in names:
            raise KrajError(
                UNKNOWN_SERVICE, f"no service {service!r}; the lab has {', '.join(names)}"
            )
        return self._supervision.log_tail(service, lines)

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Only one kraj at a time works on a lab; the lock ends with its process. Raises KRJ508."""
        self.settings.folder.parent.mkdir(parents=True, exist_ok=True)
        path = self.settings.folder.with_name(f".{self.settings.folder.name}.lock")
        with path.open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                holder = lock.read().strip() or "another kraj"
                raise KrajError(BUSY, f"{self.settings.folder} is held by {holder}") from error
            if not path.exists() or not os.path.samestat(path.stat(), os.fstat(lock.fileno())):
                # Its last holder deleted the file between our opening and locking it.
                raise KrajError(BUSY, f"{self.settings.folder} was released this moment")
            # For the message above only: where the disk is full the lab can be deleted still.
            with contextlib.suppress(OSError):
                lock.truncate(0)
                os.write(lock.fileno(), f"process {os.getpid()}".encode())
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

"""The state of a lab as a value: services, ports, memory."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 1024**2


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service."""

    name: str
    state: str  #: supervisor's word: RUNNING, STARTING, STOPPED, BACKOFF, FATAL, EXITED
    port: int | None
    memory_mib: int  #: proportional set size: shared pages counted by share


@dataclass(frozen=True, slots=True)
class LabStatus:
    """The whole lab."""

    folder: Path
    exists: bool
    services: tuple[ServiceStatus, ...]
    clouds_file: Path
    depth: str = "api"  #: one of `kraj.lab.settings.DEPTHS`

    @property
    def running(self) -> bool:
        """Whether every service runs."""
        return bool(self.services) and all(item.state == "RUNNING" for item in self.services)

    @property
    def memory_mib(self) -> int:
        return sum(item.memory_mib for item in self.services)


def memory_mib(pid: int) -> int:
    """Proportional set size of a process with all below it, MiB; 0 where it is gone."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += member.memory_full_info().pss
    return round(total / MIB)

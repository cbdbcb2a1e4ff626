"""What came of configuring servers: plain values, per server and per task.

Made by `kraj.configure.following` from what Ansible tells; read by reports and documents.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kraj.errors import KrajError, Location

#: Tasks that a report lists as the slowest.
SLOWEST: Final = 10


class HostStatus(enum.StrEnum):
    """What became of a server as a whole."""

    OK = "ok"  #: everything was as it should be
    CHANGED = "changed"  #: something was put right (with `--check`: would be)
    FAILED = "failed"  #: a task failed, and the rest was not done
    UNREACHABLE = "unreachable"  #: there was no way in, or it was lost
    NOT_RUN = "not_run"  #: Ansible ended before it came to this server


class Outcome(enum.StrEnum):
    """What became of one task on one server, in Ansible's words."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    IGNORED = "ignored"  #: failed, and the role goes on
    FAILED = "failed"  #: unless the role rescues it, the server ends with it
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a role or a playbook."""

    role: str  #: empty for a playbook's own
    name: str
    module: str
    place: Location | None = None

    @property
    def title(self) -> str:
        """As Ansible shows it: `role : name`."""
        return f"{self.role} : {self.name}" if self.role else self.name


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What one task did on one server."""

    task: Task
    outcome: Outcome
    seconds: float = 0.0
    message: str = ""
    diff: str = ""  #: unified, of what it changed in files


@dataclass(frozen=True, slots=True)
class TaskTime:
    """How long a task took, from its first server's start to its last one's end."""

    task: Task
    seconds: float
    hosts: int


@dataclass(frozen=True, slots=True)
class Host:
    """A server that is to be configured."""

    name: str
    stack: str  #: `centre` or `tenant:<slug>`
    service: str
    roles: tuple[str, ...]
    has_role: bool  #: whether its service has a role yet


@dataclass(frozen=True, slots=True)
class HostResult:
    """What came of one server."""

    host: Host
    status: HostStatus
    counts: Mapping[str, int]  #: Ansible's own: ok, changed, failed, skipped, ignored, rescued
    tasks: tuple[TaskResult, ...] = ()
    seconds: float = 0.0
    error: KrajError | None = None

    @property
    def changes(self) -> tuple[TaskResult, ...]:
        return tuple(task for task in self.tasks if task.outcome is Outcome.CHANGED)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What came of all servers of one run."""

    region: str
    check: bool  #: nothing was changed, only looked
    hosts: tuple[HostResult, ...]
    slowest: tuple[TaskTime, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())  #: Ansible's warnings

    @property
    def changed(self) -> bool:
        return any(result.changes for result in self.hosts)

    @property
    def errors(self) -> tuple[KrajError, ...]:
        return tuple(result.error for result in self.hosts if result.error is not None)

    @property
    def without_role(self) -> dict[str, int]:
        """Services that have no role yet, and how many servers of each were left."""
        return _counted(one.host.service for one in self.hosts if not one.host.has_role)


def _counted(words: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return dict(sorted(found.items()))

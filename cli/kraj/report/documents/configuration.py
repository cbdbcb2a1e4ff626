"""The document of `kraj configure`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kraj.configure.results import (
    Configuration,
    HostResult,
    HostStatus,
    Outcome,
    Task,
    TaskResult,
    TaskTime,
)
from kraj.report.documents.base import REGION, Document, Part, named, stack_field
from kraj.report.documents.failures import ErrorEntry

#: Outcomes of tasks that the document lists; of the others it has the number.
_LISTED = (Outcome.CHANGED, Outcome.IGNORED, Outcome.FAILED, Outcome.UNREACHABLE)


class TaskEntry(Part):
    """One task of a role."""

    role: str = Field(description="The role; empty for a playbook's own tasks.")
    name: str = Field(description="What the task is called.")
    module: str = Field(description="Ansible's module.")
    file: str | None = Field(description="Where it is written; null where Ansible does not tell.")
    line: int | None = Field(ge=0, description="Line in the file from 1.")

    @classmethod
    def of(cls, task: Task) -> TaskEntry:
        place = task.place
        return cls(
            role=task.role,
            name=task.name,
            module=task.module,
            file=place.file if place else None,
            line=place.line if place else None,
        )


class TaskResultEntry(Part):
    """A task that did something on a server, or failed there."""

    task: TaskEntry = Field(description="Which one.")
    outcome: Outcome = Field(description="What became of it, in Ansible's words.")
    seconds: float = Field(ge=0, description="Duration in seconds.")
    message: str = Field(description="Why it failed; empty where it did not.")
    diff: str = Field(description="Unified differences of files; empty without --diff.")

    @classmethod
    def of(cls, result: TaskResult) -> TaskResultEntry:
        return cls(
            task=TaskEntry.of(result.task),
            outcome=result.outcome,
            seconds=result.seconds,
            message=result.message,
            diff=result.diff,
        )


class TaskTimeEntry(Part):
    """How long a task took over all servers."""

    task: TaskEntry = Field(description="Which one.")
    seconds: float = Field(ge=0, description="From its first server's start to its last one's end.")
    hosts: int = Field(ge=1, description="Servers that it ran on.")

    @classmethod
    def of(cls, time: TaskTime) -> TaskTimeEntry:
        return cls(task=TaskEntry.of(time.task), seconds=round(time.seconds, 3), hosts=time.hosts)


class TaskCounts(Part):
    """Tasks of one server, as Ansible counts them."""

    ok: int = Field(ge=0, description="Did well, those that changed something too.")
    changed: int = Field(ge=0, description="Changed something; with `check`, would change it.")
    skipped: int = Field(ge=0, description="Did not apply.")
    failed: int = Field(ge=0, description="Failed.")
    ignored: int = Field(ge=0, description="Failed, and the role goes on.")
    rescued: int = Field(ge=0, description="Failed, and the role mended it.")
    unreachable: int = Field(ge=0, description="Found no way to the server.")


class HostEntry(Part):
    """One server."""

    name: str = Field(description="Its name in the cloud.")
    stack: str = stack_field()
    service: str = Field(description="Its service, or its pool of the centre.")
    roles: tuple[str, ...] = Field(description="Roles that it has got, in their order.")
    has_role: bool = Field(description="Whether its service has a role yet.")
    status: HostStatus = Field(description="What became of it as a whole.")
    counts: TaskCounts = Field(description="How many tasks.")
    seconds: float = Field(ge=0, description="Time that its tasks took, in seconds.")
    tasks: tuple[TaskResultEntry, ...] = Field(
        description="Tasks that changed something or failed, in their order."
    )
    error: ErrorEntry | None = Field(description="Why it failed or was not reached; else null.")

    @classmethod
    def of(cls, result: HostResult) -> HostEntry:
        listed = (task for task in result.tasks if task.outcome in _LISTED)
        return cls(
            name=result.host.name,
            stack=result.host.stack,
            service=result.host.service,
            roles=result.host.roles,
            has_role=result.host.has_role,
            status=result.status,
            counts=TaskCounts(**result.counts),
            seconds=result.seconds,
            tasks=tuple(TaskResultEntry.of(task) for task in listed),
            error=ErrorEntry.of(result.error) if result.error else None,
        )


class ConfigureDocument(Document):
    """What Ansible has done on the servers, or with `check`, would do."""

    schema_: Literal["kraj.configure/1"] = named("kraj.configure/1")
    region: str = Field(description=REGION)
    check: bool = Field(description="Whether it only looked.")
    changed: bool = Field(description="Whether any task has changed something, or would.")
    failed: bool = Field(description="Whether any server failed or was not reached.")
    seconds: float = Field(ge=0, description="Duration of the whole in seconds.")
    hosts: tuple[HostEntry, ...] = Field(description="One entry per server.")
    without_role: dict[str, int] = Field(
        description="Services that have no role yet, with the number of their servers."
    )
    slowest: tuple[TaskTimeEntry, ...] = Field(description="The ten tasks that took longest.")
    notes: tuple[str, ...] = Field(description="Warnings of Ansible.")

    @classmethod
    def of(cls, done: Configuration) -> ConfigureDocument:
        return cls(
            region=done.region,
            check=done.check,
            changed=done.changed,
            failed=bool(done.errors),
            seconds=round(done.seconds, 3),
            hosts=tuple(HostEntry.of(result) for result in done.hosts),
            without_role=done.without_role,
            slowest=tuple(TaskTimeEntry.of(time) for time in done.slowest),
            notes=done.notes,
        )

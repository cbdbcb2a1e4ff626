"""Follows a run of Ansible: its events, as ansible-runner hands them on, become results and ours.

One `Follower` takes the events of one run. It tells a `Reporter` what happens on each server, and
remembers what the report needs. Nothing of what modules say goes on as it is: texts lose the
secrets that are known, and differences of files are kept only where they were asked for.
"""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kraj.configure.failures import failed_task, lost_server, words_of
from kraj.configure.results import (
    SLOWEST,
    Host,
    HostResult,
    HostStatus,
    Outcome,
    Task,
    TaskResult,
    TaskTime,
)
from kraj.errors import KrajError, Location
from kraj.events import Event, EventKind, Reporter
from kraj.model.sources import display
from kraj.secrecy import without_secrets

ACTION: Final = "configure"
#: Events with which a task has ended on a server.
_ENDED: Final = {
    "runner_on_ok": Outcome.OK,
    "runner_on_skipped": Outcome.SKIPPED,
    "runner_on_failed": Outcome.FAILED,
    "runner_on_unreachable": Outcome.UNREACHABLE,
}
#: Output beside the events: warnings, and the reason where Ansible cannot begin.
_WORDS: Final = ("verbose", "error", "warning", "system_warning", "deprecated")
_LAST_WORDS: Final = 30  #: lines of it that are kept
_COUNTS: Final = {"ok": "ok", "changed": "changed", "failures": "failed", "skipped": "skipped",
                  "ignored": "ignored", "rescued": "rescued", "dark": "unreachable"}  # fmt: skip


@dataclass(slots=True)
class _Span:
    """When a task was at work, over all servers."""

    begin: datetime
    end: datetime
    hosts: int = 1


@dataclass(slots=True)
class Follower:
    """Takes the events of one run."""

    hosts: Mapping[str, Host]
    report: Reporter
    known_hosts: Path  #: named in errors about host keys
    _results: dict[str, list[TaskResult]] = field(default_factory=dict)
    _errors: dict[str, KrajError] = field(default_factory=dict)
    _spans: dict[tuple[Task, str], _Span] = field(default_factory=dict)
    _stats: Mapping[str, Mapping[str, int]] | None = None
    _words: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_WORDS))

    def take(self, event: Mapping[str, Any]) -> None:
        """Take one event of ansible-runner's."""
        kind, data = event["event"], event.get("event_data") or {}
        if kind == "runner_on_start":
            self._tell(EventKind.STARTED, data["host"], _task(data))
        elif kind in _ENDED:
            self._ended(_outcome(_ENDED[kind], data), data)
        elif kind == "playbook_on_stats":
            self._stats = data
        elif kind in _WORDS and event.get("stdout"):
            self._words.extend(without_secrets(event["stdout"]).splitlines())

    @property
    def complete(self) -> bool:
        """Whether Ansible came to its end and has counted."""
        return self._stats is not None

    @property
    def last_words(self) -> tuple[str, ...]:
        """What Ansible said beside its events, last lines last."""
        return tuple(line for line in self._words if line.strip())

    def results(self) -> tuple[HostResult, ...]:
        """What came of each server, in the order in which they were given."""
        return tuple(self._result(host) for host in self.hosts.values())

    def slowest(self) -> tuple[TaskTime, ...]:
        """The tasks that took longest, each one's runs added up."""
        found: dict[Task, TaskTime] = {}
        for (task, _run), span in self._spans.items():
            before = found.get(task, TaskTime(task, 0.0, 0))
            seconds = before.seconds + (span.end - span.begin).total_seconds()
            found[task] = TaskTime(task, seconds, max(before.hosts, span.hosts))
        return tuple(sorted(found.values(), key=lambda one: -one.seconds)[:SLOWEST])

    def _ended(self, outcome: Outcome, data: Mapping[str, Any]) -> None:
        host, task, answer = data["host"], _task(data), data.get("res") or {}
        message = "" if outcome in (Outcome.OK, Outcome.CHANGED) else words_of(answer)[0]
        if outcome is Outcome.FAILED:
            self._errors[host] = failed_task(host, task, answer)
        elif outcome is Outcome.UNREACHABLE:
            self._errors[host] = lost_server(host, answer, self.known_hosts)
            message = self._errors[host].message.removeprefix(f"{host}: ")
        result = TaskResult(
            task, outcome, round(data.get("duration") or 0.0, 3), message, _difference(answer)
        )
        self._results.setdefault(host, []).append(result)
        self._remember_time(task, data)
        broken = outcome in (Outcome.FAILED, Outcome.UNREACHABLE)
        kind = EventKind.FAILED if broken else EventKind.DONE
        self._tell(kind, host, task, outcome, message if broken else "", result.seconds)

    def _tell(
        self,
        kind: EventKind,
        host: str,
        task: Task,
        outcome: Outcome | None = None,
        message: str = "",
        seconds: float | None = None,
    ) -> None:
        place = {"place": str(task.place)} if task.place else {}
        self.report(
            Event(
                kind,
                ACTION,
                host,
                message,
                resource=task.title,
                resource_type=task.module,
                operation=outcome.value if outcome else "",
                seconds=seconds,
                details=place,
            )
        )

    def _remember_time(self, task: Task, data: Mapping[str, Any]) -> None:
        if not data.get("start") or not data.get("end"):
            return
        begin, end = (datetime.fromisoformat(data[key]) for key in ("start", "end"))
        key = (task, str(data.get("task_uuid")))
        span = self._spans.get(key)
        if span is None:
            self._spans[key] = _Span(begin, end)
        else:
            span.begin, span.end = min(span.begin, begin), max(span.end, end)
            span.hosts += 1

    def _result(self, host: Host) -> HostResult:
        stats = self._stats or {}
        counts = {
            ours: int((stats.get(theirs) or {}).get(host.name, 0))
            for theirs, ours in _COUNTS.items()
        }
        tasks = tuple(self._results.get(host.name, ()))
        status = _status(counts)
        broken = status in (HostStatus.FAILED, HostStatus.UNREACHABLE)
        return HostResult(
            host,
            status,
            counts,
            tasks,
            round(sum(task.seconds for task in tasks), 3),
            self._errors.get(host.name) if broken else None,
        )


def _status(counts: Mapping[str, int]) -> HostStatus:
    if counts["unreachable"]:
        return HostStatus.UNREACHABLE
    if counts["failed"]:
        return HostStatus.FAILED
    if not any(counts.values()):
        return HostStatus.NOT_RUN
    return HostStatus.CHANGED if counts["changed"] else HostStatus.OK


def _outcome(found: Outcome, data: Mapping[str, Any]) -> Outcome:
    if found is Outcome.OK and (data.get("res") or {}).get("changed"):
        return Outcome.CHANGED
    if found is Outcome.FAILED and data.get("ignore_errors"):
        return Outcome.IGNORED
    return found


def _task(data: Mapping[str, Any]) -> Task:
    file, colon, line = str(data.get("task_path") or "").rpartition(":")
    place = Location(display(Path(file)), int(line), 1) if colon and line.isdigit() else None
    return Task(
        role=data.get("role") or "",
        name=without_secrets(str(data.get("task") or "")),
        module=data.get("resolved_action") or data.get("task_action") or "",
        place=place,
    )


def _difference(answer: Mapping[str, Any]) -> str:
    """The differences that a task reports, as one unified text without known secrets."""
    parts = answer.get("results") if isinstance(answer.get("results"), list) else [answer]
    lines: list[str] = []
    for part in parts or ():
        if not isinstance(part, Mapping) or not part.get("diff"):
            continue
        given = part["diff"]
        for one in given if isinstance(given, list) else [given]:
            lines += _unified(one) if isinstance(one, Mapping) else ()
    return without_secrets("\n".join(lines))


def _unified(one: Mapping[str, Any]) -> Iterator[str]:
    if "prepared" in one:
        yield from str(one["prepared"]).splitlines()
        return
    before, after = (_lines(one.get(key)) for key in ("before", "after"))
    old, new = (str(one.get(f"{key}_header") or key) for key in ("before", "after"))
    yield from difflib.unified_diff(before, after, old, new, lineterm="")


def _lines(value: Any) -> Sequence[str]:
    if isinstance(value, Mapping):
        return [f"{key}: {item}" for key, item in sorted(value.items())]
    return str(value or "").splitlines()

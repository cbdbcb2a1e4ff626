"""Readers of the event stream: live view for terminals, plain lines for logs, JSON for programs.

On a terminal each stack (or the lab) has one line that is redrawn; elsewhere each start, resource
and end is one line, so that a log file never holds control characters.
"""

from __future__ import annotations

import json
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column

from kraj.events import Event, EventKind
from kraj.report.documents.stacks import EventDocument

_MARKS = {
    "create": "[green]+[/]",
    "update": "[yellow]~[/]",
    "replace": "[magenta]±[/]",
    "delete": "[red]-[/]",
    "refresh": "[cyan]↻[/]",
    "read": "[cyan]→[/]",
    "changed": "[yellow]~[/]",
}


#: Operations that a log is not told of: nothing has happened.
_UNCHANGED = ("same", "refresh", "read", "ok", "skipped")


class ConsoleProgress(AbstractContextManager["ConsoleProgress"]):
    """Shows events to a person. Use as a context manager and pass `report` as the reporter.

    Without `resources`, lines for logs tell of stacks alone.
    """

    def __init__(
        self, console: Console, events_file: Path | None = None, *, resources: bool = True
    ) -> None:
        self._console = console
        self._resources = resources
        self._live = console.is_terminal
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._done: dict[str, int] = {}
        self._events_file = events_file
        self._events: IO[str] | None = None
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("[bold]{task.fields[subject]}", justify="left"),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            # What is done now gives way where the terminal is narrow; the counters stay whole.
            TextColumn(
                "[dim]{task.fields[step]}",
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
            console=console,
            transient=False,
            expand=True,
        )

    def __enter__(self) -> Self:
        if self._events_file is not None:
            self._events = self._events_file.open("a", encoding="utf-8")
        if self._live:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._progress.stop()
        if self._events is not None:
            self._events.close()

    def report(self, event: Event) -> None:
        """Take one event; safe to call from several threads."""
        with self._lock:
            if self._events is not None:
                line = EventDocument.of(event).as_dict()
                self._events.write(json.dumps(line, ensure_ascii=False) + "\n")
                self._events.flush()
            if self._live:
                self._draw(event)
            else:
                self._print_line(event)

    def _draw(self, event: Event) -> None:
        if event.subject not in self._tasks:
            self._tasks[event.subject] = self._progress.add_task(
                event.action, total=event.total, subject=event.subject, step=""
            )
            self._done[event.subject] = 0
        task = self._tasks[event.subject]
        if event.kind is EventKind.STARTED and not event.resource:
            self._progress.update(task, total=event.total, step=escape(event.message))
            return
        if event.resource and event.kind is EventKind.DONE:
            self._done[event.subject] += 1
        completed = event.completed if event.completed is not None else self._done[event.subject]
        self._progress.update(
            task,
            completed=completed,
            total=event.total if event.total is not None else self._total_of(task),
            step=escape(_step_of(event)),
        )
        if not event.resource and event.kind in (EventKind.DONE, EventKind.FAILED):
            total = self._total_of(task) or completed or 1
            self._progress.update(
                task,
                total=total,
                completed=total if event.kind is EventKind.DONE else completed,
                step="" if event.kind is EventKind.DONE else f"[red]{escape(event.message)}[/]",
            )
            self._progress.stop_task(task)

    def _total_of(self, task: TaskID) -> float | None:
        return next(item.total for item in self._progress.tasks if item.id == task)

    def _print_line(self, event: Event) -> None:
        finished = event.kind in (EventKind.DONE, EventKind.FAILED)
        # A plan's steps are printed whole at its end; a log needs them once.
        planned = event.action == "preview" and event.kind is not EventKind.FAILED
        dull = planned or not finished or event.operation in _UNCHANGED
        if event.resource and event.kind is not EventKind.FAILED and (dull or not self._resources):
            return
        if event.kind is EventKind.PROGRESS and not event.message:
            return
        took = f"({event.seconds:.1f} s)" if event.seconds is not None else ""
        step = _step_of(event)
        mark = _MARKS.get(event.operation, "")
        words = [event.subject, mark, escape(step), event.kind.value if not step else "", took]
        if event.kind is EventKind.FAILED:
            words.insert(1, "[red]failed[/]")
        self._console.print(
            " ".join(word for word in words if word), soft_wrap=True, highlight=False
        )


def _step_of(event: Event) -> str:
    if not event.resource:
        return event.message
    name = event.resource.rsplit("::", 1)[-1]
    kind = event.resource_type.rsplit(":", 1)[-1].rsplit(".", 1)[-1]
    words = " ".join(word for word in (event.operation, kind, name) if word)
    return words + (f": {event.message}" if event.message else "")

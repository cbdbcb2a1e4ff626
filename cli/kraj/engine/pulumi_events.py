"""Pulumi's event stream, turned into kraj's events, steps and remarks of one run.

The stream comes from the real engine over gRPC; `Recorder` gives it the meaning that the contract
has (`kraj.engine.base`): a replacement is one step, a refresh counts only where that was asked for,
default providers are not told of.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulumi.automation import DiagnosticEvent, EngineEvent, OpType, StepEventMetadata

from kraj.engine.base import Operation, PropertyChange, Step
from kraj.engine.changes import property_changes
from kraj.engine.local.urns import STACK_TYPE, is_provider, name_of
from kraj.engine.local.values import SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN_SENTINEL
from kraj.events import Event, EventKind, Reporter
from kraj.secrecy import without_secrets

_OPERATIONS: Final[Mapping[OpType, Operation]] = {
    OpType.SAME: Operation.SAME,
    OpType.CREATE: Operation.CREATE,
    OpType.UPDATE: Operation.UPDATE,
    OpType.DELETE: Operation.DELETE,
    OpType.REPLACE: Operation.REPLACE,
    OpType.CREATE_REPLACEMENT: Operation.REPLACE,
    OpType.DELETE_REPLACED: Operation.DELETE,
    OpType.READ: Operation.READ,
    OpType.READ_REPLACEMENT: Operation.READ,
    OpType.REFRESH: Operation.REFRESH,
    OpType.IMPORT: Operation.IMPORT,
    OpType.IMPORT_REPLACEMENT: Operation.IMPORT,
}

#: Steps of the engine that are part of another step, or that nothing happens in.
_SILENT: Final = frozenset(
    {OpType.REPLACE, OpType.DISCARD, OpType.DISCARD_REPLACED, OpType.REMOVE_PENDING_REPLACE}
)

_PROVIDER_PREFIX: Final = re.compile(
    r"^(sdk-v2/\S+: sdk\.helper_schema|(creating|updating|deleting|reading) urn:\S+): "
)
_PROVIDER_SUFFIX: Final = re.compile(r": provider=\S+$")
_COUNT: Final = re.compile(r"\d+ errors? occurred:")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error or a warning of program, provider or engine."""

    message: str
    urn: str = ""


class Recorder:
    """Takes the events of one run; called from the threads of the event server."""

    def __init__(self, action: str, label: str, report: Reporter) -> None:
        self.errors: list[Diagnostic] = []
        self.failed: list[Step] = []
        self.remarks: list[str] = []
        self.outputs: dict[str, Any] = {}
        self._action = action
        self._label = label
        self._report = report
        self._steps: dict[str, Step] = {}
        self._running: dict[tuple[str, OpType], float] = {}
        self._done: set[str] = set()
        self._lock = threading.Lock()

    @property
    def steps(self) -> tuple[Step, ...]:
        with self._lock:
            return tuple(self._steps.values())

    def __call__(self, event: EngineEvent) -> None:
        with self._lock:
            if event.diagnostic_event is not None:
                self._take_diagnostic(event.diagnostic_event)
            elif event.resource_pre_event is not None:
                self._take_start(event.resource_pre_event.metadata)
            elif event.res_outputs_event is not None:
                self._take_end(event.res_outputs_event.metadata)
            elif event.res_op_failed_event is not None:
                self._take_failure(event.res_op_failed_event.metadata)
            elif event.summary_event is not None:
                self._end_all()

    def note(self, message: str) -> None:
        """Keep a remark of kraj's own and report it."""
        with self._lock:
            self._remark(message)

    def tell_errors(self) -> None:
        """Errors in a run that succeeded, which a program has logged: they are remarks."""
        with self._lock:
            for error in self.errors:
                self._remark(f"error: {error.message}", error.urn)

    # -- remarks

    def _take_diagnostic(self, event: DiagnosticEvent) -> None:
        message = without_secrets(event.message.strip())
        if not message or event.ephemeral or event.severity == "debug":
            return
        if event.severity == "info#err" and self.errors:
            return  # the program's traceback of being stopped, after an error elsewhere
        if event.severity == "error":
            text = _provider_words(message) if event.urn else message
            self.errors.append(Diagnostic(text, event.urn or ""))
        else:
            prefix = "warning: " if event.severity == "warning" else ""
            self._remark(prefix + message, event.urn or "")

    def _remark(self, message: str, urn: str = "") -> None:
        self.remarks.append(message)
        self._report(Event(EventKind.PROGRESS, self._action, self._label, message, resource=urn))

    # -- steps

    def _take_start(self, metadata: StepEventMetadata) -> None:
        step = _step_of(metadata, self._action)
        if step is None:
            return
        self._record(metadata, step)
        if metadata.op in _SILENT:
            return
        self._running[metadata.urn, metadata.op] = time.monotonic()
        if step.operation is not Operation.SAME:
            self._emit(EventKind.STARTED, step)

    def _take_end(self, metadata: StepEventMetadata) -> None:
        if metadata.type == STACK_TYPE and metadata.new is not None:
            self.outputs = {
                key: _shown(value) for key, value in (metadata.new.outputs or {}).items()
            }
        step = _step_of(metadata, self._action)
        if step is None:
            return
        # What a refresh found is told by the operation at its end: same, update or delete.
        refreshing = self._running.pop((metadata.urn, OpType.REFRESH), None)
        started = self._running.pop((metadata.urn, metadata.op), refreshing)
        if (refreshing is not None) == (self._action == "refresh"):
            self._record(metadata, step)
        if started is not None:
            self._emit(EventKind.DONE, step, seconds=time.monotonic() - started)

    def _take_failure(self, metadata: StepEventMetadata) -> None:
        step = _step_of(metadata, self._action)
        if step is None:
            return
        self._running.pop((metadata.urn, metadata.op), None)
        self.failed.append(step)
        message = next((e.message for e in self.errors if e.urn == metadata.urn), "")
        self._emit(EventKind.FAILED, step, message)

    def _end_all(self) -> None:
        """No event tells the end of components without outputs and of a preview's failures."""
        for (urn, operation), started in list(self._running.items()):
            step = self._steps.get(urn)
            if step is None or operation is OpType.REFRESH:
                continue
            message = next((e.message for e in self.errors if e.urn == urn), "")
            if message and not any(item.urn == urn for item in self.failed):
                self.failed.append(step)
                self._emit(EventKind.FAILED, step, message)
            elif not message:
                self._emit(EventKind.DONE, step, seconds=time.monotonic() - started)
        self._running.clear()

    def _record(self, metadata: StepEventMetadata, step: Step) -> None:
        if metadata.op in (OpType.REFRESH, OpType.DELETE_REPLACED) or (
            metadata.op in _SILENT and metadata.op is not OpType.REPLACE
        ):
            return
        known = self._steps.get(step.urn)
        if known is None:
            self._steps[step.urn] = step
            return
        replaced = Operation.REPLACE in (known.operation, step.operation)
        self._steps[step.urn] = Step(
            operation=Operation.REPLACE if replaced else step.operation,
            urn=step.urn,
            type=step.type,
            name=step.name,
            id=step.id or known.id,
            changed=_joined(known.changed, step.changed),
            replaced_by=_joined(known.replaced_by, step.replaced_by),
            protected=step.protected or known.protected,
            changes=tuple({item.path: item for item in (*known.changes, *step.changes)}.values()),
        )

    def _emit(
        self, kind: EventKind, step: Step, message: str = "", *, seconds: float | None = None
    ) -> None:
        if kind is EventKind.DONE and step.urn in self._steps:
            self._done.add(step.urn)
        lists = {"changed": step.changed, "replaced_by": step.replaced_by}
        self._report(
            Event(
                kind,
                self._action,
                self._label,
                message,
                resource=step.urn,
                resource_type=step.type,
                operation=step.operation.value,
                completed=len(self._done),
                seconds=None if seconds is None else round(seconds, 3),
                details={name: list(paths) for name, paths in lists.items() if paths},
            )
        )


def _step_of(metadata: StepEventMetadata, action: str) -> Step | None:
    """The step in kraj's words; None for what is not told of."""
    if is_provider(metadata.type) and name_of(metadata.urn).startswith("default"):
        return None
    old, new = metadata.old, metadata.new
    if metadata.op is OpType.REFRESH and old is not None and not old.custom:
        return None  # a component has nothing to be read
    detailed = metadata.detailed_diff or {}
    replaces = [path for path, diff in detailed.items() if diff.diff_kind.endswith("replace")]
    state = new or old
    changed = tuple(detailed or metadata.diffs or ())
    return Step(
        operation=_OPERATIONS.get(metadata.op, Operation.SAME),
        urn=metadata.urn,
        type=metadata.type,
        name=name_of(metadata.urn),
        id=(new.id if new else "") or (old.id if old else ""),
        changed=changed,
        replaced_by=tuple(replaces or metadata.keys or ()),
        protected=bool(state and state.protect),
        changes=_changes(metadata, changed, action),
    )


def _changes(
    metadata: StepEventMetadata, paths: Sequence[str], action: str
) -> tuple[PropertyChange, ...]:
    """The values at the paths; what a refresh found are outputs, what a program wants inputs."""
    old, new = metadata.old, metadata.new
    if old is None or new is None:
        return ()
    olds = [_shown(values or {}) for values in (old.outputs, old.inputs)]
    news = new.outputs if action == "refresh" else new.inputs
    return property_changes(paths, olds, _shown(news or {}))


def _provider_words(message: str) -> str:
    """A provider's message without the places in its source and without its counting."""
    lines = (line.strip().removeprefix("* ") for line in message.splitlines())
    points = (_PROVIDER_SUFFIX.sub("", _PROVIDER_PREFIX.sub("", line)) for line in lines)
    return "; ".join(point for point in points if point and not _COUNT.fullmatch(point))


def _joined(first: Sequence[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _shown(value: Any) -> Any:
    """A value of the event stream, which holds no secrets, as it is shown."""
    if isinstance(value, dict):
        if value.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
            return "[secret]"
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return "[unknown]" if value == UNKNOWN_SENTINEL else value

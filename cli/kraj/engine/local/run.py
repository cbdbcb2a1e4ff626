"""One run of one stack: what all its steps share.

It counts and reports steps, limits how many run at once, keeps the first failures and says when
nothing new may begin (after a failure or Ctrl-C). It knows no provider and no program.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from kraj.engine.base import Operation, PropertyChange, StackSpec, Step
from kraj.engine.errors import RESOURCE_FAILED
from kraj.engine.local.journal import Journal
from kraj.engine.local.providers import ProviderError
from kraj.engine.local.state import ResourceState
from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter
from kraj.secrecy import without_secrets

Item = TypeVar("Item")
_LOOK_SECONDS = 0.2  #: how often a waiting thread looks whether it is needed no more


class Stopped(Exception):  # noqa: N818 - a way out, not an error: the error is kept by the run
    """Nothing new may begin in this run."""


class Run:
    """Thread-safe. `preview` runs change nothing, neither in the cloud nor on disk."""

    def __init__(
        self,
        spec: StackSpec,
        action: str,
        journal: Journal,
        report: Reporter,
        *,
        preview: bool,
        parallel: int,
    ) -> None:
        self.spec = spec
        self.action = action
        self.journal = journal
        self.preview = preview
        self.steps: list[Step] = []
        self.diagnostics: list[str] = []
        self.failures: list[KrajError] = []
        self.fault: Exception | None = None
        #: Creations of an earlier run of which nothing was found, by URN: it may appear late.
        self.absent: dict[str, ResourceState] = {}
        self._report = report
        self._slots = threading.BoundedSemaphore(parallel)
        self._stopped = threading.Event()
        self.released = threading.Event()  #: the run has ended, or is to be left to itself
        self.interrupted = False
        self.on_abandon: Callable[[], None] = lambda: None  #: ends what providers wait for
        self._changed = threading.Condition()
        self._active = 0

    # -- going on or not

    @property
    def stopping(self) -> bool:
        return self._stopped.is_set()

    def stop(self) -> None:
        """Let nothing new begin; what runs may end."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Ctrl-C: the first lets running steps end, the second leaves them to themselves."""
        if self.interrupted:
            # Providers that are told to give up report failures, of which nothing must be made.
            self.journal.close()
            self.released.set()
            self.on_abandon()
            return
        self.interrupted = True
        self.stop()
        self.note("stopping: running steps may end; interrupt again to leave them to themselves")

    def release(self) -> None:
        """The run has ended."""
        self.released.set()

    def wait_until_stopping(self, ended: threading.Event) -> None:
        """Return when the run is stopping or `ended` is set."""
        while not self._stopped.wait(_LOOK_SECONDS) and not ended.is_set():
            pass

    def fail(self, error: KrajError) -> None:
        """Keep a failure and stop."""
        with self._changed:
            self.failures.append(error)
        self.stop()

    def crash(self, error: Exception) -> None:
        """Keep an error that is a fault of kraj itself, to be raised as it is, and stop."""
        self.fault = self.fault or error
        self.stop()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Whatever goes wrong inside is kept with the run, which then stops."""
        try:
            yield
        except Stopped:
            pass
        except KrajError as error:
            self.fail(error)
        except Exception as error:
            self.crash(error)

    def ensure_going(self) -> None:
        """Raises Stopped once the run is stopping."""
        if self._stopped.is_set():
            raise Stopped

    @contextlib.contextmanager
    def activity(self) -> Iterator[None]:
        """Something that has to end before the run does."""
        with self._changed:
            self._active += 1
        try:
            yield
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def wait_for_activities(self) -> None:
        """Return when all activities have ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._active == 0)

    # -- steps

    @contextlib.contextmanager
    def step(
        self, step: Step, *, recorded: bool = True, told: bool = True, ends: bool = True
    ) -> Iterator[None]:
        """Do one step: at most `parallel` at once, reported as it begins and ends.

        A failure inside is kept and reported, and Stopped goes on to the caller. What is not
        `told` is reported only where it fails; without `ends`, the caller records what came of it.
        """
        self.ensure_going()
        with self.activity(), self._slots:
            self.ensure_going()
            started = time.monotonic()
            if told:
                self._emit(EventKind.STARTED, step)
            try:
                yield
            except (ProviderError, KrajError) as error:
                failure = describe_failure(step, error)
                self._emit(EventKind.FAILED, step, str(failure), seconds=time.monotonic() - started)
                self.fail(failure)
                raise Stopped from error
            if told and ends:
                self.record(step, recorded=recorded, seconds=time.monotonic() - started)

    def refuse(self, step: Step, error: KrajError) -> None:
        """Report a step that cannot be; the caller raises the error."""
        self._emit(EventKind.STARTED, step)
        self._emit(EventKind.FAILED, step, str(error))

    def instant(self, step: Step, *, recorded: bool = True) -> None:
        """Count and report a step for which no provider is asked."""
        if step.operation is not Operation.SAME:
            self._emit(EventKind.STARTED, step)
        self.record(step, recorded=recorded)

    def record(self, step: Step, *, recorded: bool = True, seconds: float | None = None) -> None:
        """Count and report a step that is done."""
        with self._changed:
            if recorded:
                self.steps.append(step)
            self._emit(EventKind.DONE, step, seconds=seconds)

    def _emit(
        self, kind: EventKind, step: Step, message: str = "", *, seconds: float | None = None
    ) -> None:
        details = {"changed": list(step.changed)} if step.changed else {}
        if step.replaced_by:
            details["replaced_by"] = list(step.replaced_by)
        self.emit(
            Event(
                kind,
                self.action,
                self.spec.label,
                message,
                resource=step.urn,
                resource_type=step.type,
                operation=step.operation.value,
                completed=len(self.steps),
                seconds=None if seconds is None else round(seconds, 3),
                details=details,
            )
        )

    def emit(self, event: Event) -> None:
        """Report, one event at a time."""
        with self._changed:
            self._report(event)

    def note(self, message: str, *, urn: str = "") -> None:
        """Keep a remark for the result and report it."""
        with self._changed:
            self.diagnostics.append(without_secrets(message))
        self.emit(Event(EventKind.PROGRESS, self.action, self.spec.label, message, resource=urn))

    def each(self, items: Iterable[Item], work: Callable[[Item], None]) -> None:
        """Do `work` on all items in parallel threads; errors are kept by the run."""

        def guarded(item: Item) -> None:
            with self.kept():
                work(item)

        threads = [threading.Thread(target=guarded, args=(item,), daemon=True) for item in items]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def step_of(
    operation: Operation,
    resource: ResourceState,
    changed: Iterable[str] = (),
    replaced_by: Iterable[str] = (),
    changes: Sequence[PropertyChange] = (),
) -> Step:
    """The step that does `operation` to a resource."""
    return Step(
        operation=operation,
        urn=resource.urn,
        type=resource.type,
        name=resource.urn.split("::", 3)[3],
        id=resource.id,
        changed=tuple(changed),
        replaced_by=tuple(replaced_by),
        protected=resource.protect,
        changes=changes,
    )


def describe_failure(step: Step, error: ProviderError | KrajError) -> KrajError:
    """The error of a step, naming the resource; an error of kraj keeps its code and hint."""
    own = error if isinstance(error, KrajError) else error.error
    where = f"{step.type} {step.name!r}"
    details = {"urn": step.urn, "operation": step.operation.value, "id": step.id}
    if own is None:
        partial = error.partial if isinstance(error, ProviderError) else None
        return KrajError(
            RESOURCE_FAILED,
            f"cannot {step.operation.value} {where}: {error}",
            causes=partial.reasons if partial else (),
            details=details,
        )
    return KrajError(
        own.code,
        own.message if step.name in own.message else f"{where}: {own.message}",
        location=own.location,
        hint=own.hint,
        causes=own.causes,
        details={**details, **own.details},
    )

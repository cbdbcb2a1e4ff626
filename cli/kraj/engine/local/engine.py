"""The local engine: previews, applies, refreshes and destroys stacks in this process.

`LocalEngine` puts the parts together for one run: lock, state, program, session, history. What a
step does is in `stepper`, `deletion` and `refreshing`. Several stacks may be worked on at once
from several threads; each has a program process and a journal of its own.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kraj
from kraj.engine.base import HistoryEntry, Result, StackSpec, Together
from kraj.engine.errors import BAD_STACK, STACK_NOT_EMPTY, STATE_UNREADABLE, interrupted
from kraj.engine.local.backups import KEPT
from kraj.engine.local.buckets.base import Bucket, changed_meanwhile
from kraj.engine.local.buckets.files import FileBucket
from kraj.engine.local.crypto import KeyRing
from kraj.engine.local.history import history_entry, history_record
from kraj.engine.local.hosts import ProgramHosts
from kraj.engine.local.journal import Journal
from kraj.engine.local.lock import break_lock, stack_lock
from kraj.engine.local.program import Program
from kraj.engine.local.salts import salt_of_existing
from kraj.engine.local.state import (
    PendingOperation,
    ResourceState,
    StackState,
    crypter_of,
    dump_deployment,
    load_deployment,
)
from kraj.engine.local.store import KNOWN_VERSIONS, StateStore
from kraj.engine.local.urns import STACK_TYPE
from kraj.engine.local.values import Properties, redact, reveal
from kraj.engine.passphrase import resolve_passphrase
from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter, ignore

if TYPE_CHECKING:
    # Loaded late: these load Pulumi's SDK, which takes as long as the program needs for the same.
    from kraj.engine.local.providers import ProviderFactory
    from kraj.engine.local.run import Run
    from kraj.engine.local.session import Session

PARALLEL_STEPS = 16  #: provider calls at once in one stack


class LocalEngine:
    """Applies stacks without Pulumi's command line. Implements `kraj.engine.base.Engine`.

    `providers` maps package names to factories of ResourceProvider servicers; None takes kraj's own
    (`openstack`). `environ` is where the passphrase is looked up. `hosts` may be shared by engines.
    States are in `bucket`; None takes the files below `state_dir`. Of each, `backups` copies from
    before changes are kept.
    """

    name = "local"
    version = kraj.__version__

    def __init__(
        self,
        state_dir: Path,
        *,
        providers: Mapping[str, ProviderFactory] | None = None,
        environ: Mapping[str, str] = os.environ,
        parallel: int = PARALLEL_STEPS,
        hosts: ProgramHosts | None = None,
        bucket: Bucket | None = None,
        backups: int = KEPT,
    ) -> None:
        self._state_dir = state_dir
        self._backups = backups
        self._bucket = bucket or FileBucket(state_dir)
        self._providers = {"openstack": _openstack} if providers is None else providers
        self._parallel = parallel
        self._hosts = hosts or ProgramHosts()
        self._keys = KeyRing(
            lambda: resolve_passphrase(state_dir, environ), lambda: salt_of_existing(self._bucket)
        )
        self._runs: set[Run] = set()
        self._stopping = False
        self._rehearsed: set[tuple[Any, ...]] = set()  #: what was previewed by this engine
        self._lock = threading.Lock()

    # -- the contract

    @property
    def place(self) -> str:
        return self._bucket.url

    def preview(self, spec: StackSpec, report: Reporter, *, refresh: bool = False) -> Result:
        with _reported(spec, report, "preview") as started:
            started.result = self._update(spec, report, "preview", started, refresh=refresh)
            self._rehearsed.add(_fingerprint(spec))
            return started.result

    def up(self, spec: StackSpec, report: Reporter, *, refresh: bool = False) -> Result:
        """As the contract says. What this engine has not previewed is rehearsed first: what is not
        supported or not valid is an error before anything is touched."""
        store, notes = self._store(spec), _Notes()
        with _reported(spec, report, "up") as started, stack_lock(store, notes):
            if _fingerprint(spec) not in self._rehearsed:
                self._update(spec, ignore, "preview", _Started())
            started.result = self._update(spec, report, "up", started, refresh=refresh, notes=notes)
            return started.result

    def refresh(
        self,
        spec: StackSpec,
        report: Reporter,
        *,
        preview_only: bool = False,
        together: Together | None = None,
    ) -> Result:
        def work(session: Session) -> Callable[[list[PendingOperation]], None]:
            return lambda pending: session.refresh(pending, together)

        return self._without_program(spec, report, "refresh", work, preview=preview_only)

    def destroy(self, spec: StackSpec, report: Reporter, *, preview_only: bool = False) -> Result:
        return self._without_program(
            spec, report, "destroy", lambda session: session.destroy, preview=preview_only
        )

    def outputs(self, spec: StackSpec, *, show_secrets: bool = False) -> dict[str, Any]:
        found = self._outputs_of(spec.project, spec.stack) or {}
        return dict(reveal(found) if show_secrets else redact(found))

    def exists(self, spec: StackSpec) -> bool:
        return self._store(spec).exists()

    def history(self, spec: StackSpec) -> list[HistoryEntry]:
        records = self._store(spec).read_history()
        return [history_entry(at, record) for at, record in enumerate(records, 1)][::-1]

    def export_state(self, spec: StackSpec) -> dict[str, Any]:
        return {"version": 3, "deployment": self._store(spec).load() or {}}

    def import_state(
        self,
        spec: StackSpec,
        deployment: Mapping[str, Any],
        *,
        instead_of: Mapping[str, Any] | None = None,
    ) -> None:
        inner = deployment.get("deployment")
        if deployment.get("version") not in KNOWN_VERSIONS or not isinstance(inner, dict):
            raise KrajError(
                STATE_UNREADABLE,
                f"not an export of version 3 or 4 (its version is {deployment.get('version')!r})",
            )
        store = self._store(spec)
        started = time.time()
        with stack_lock(store, lambda _message: None):
            if instead_of is not None and instead_of["deployment"] != (store.load() or {}):
                raise changed_meanwhile(f"the state of {spec.label}")
            state = load_deployment(inner, crypter_of(inner, self._keys))
            _refuse_foreign(state, spec)
            store.save(dump_deployment(state.resources, state.pending, state.crypter))
            store.add_history(history_record("import", started, "succeeded", {}))

    def cancel(self, spec: StackSpec) -> None:
        break_lock(self._store(spec))

    def remove(self, spec: StackSpec) -> None:
        store = self._store(spec)
        with stack_lock(store, lambda _message: None):
            left = (store.load() or {}).get("resources") or []
            if left:
                raise KrajError(
                    STACK_NOT_EMPTY, f"{spec.label} still has {len(left)} resources in its state"
                )
            store.remove()

    def stop(self) -> None:
        """As Ctrl-C for all stacks, also those yet to begin; a second call abandons them."""
        with self._lock:
            self._stopping = True
            runs = list(self._runs)
        for run in runs:
            run.interrupt()

    # -- one run

    def _without_program(
        self,
        spec: StackSpec,
        report: Reporter,
        action: str,
        work: Callable[[Session], Callable[[list[PendingOperation]], None]],
        *,
        preview: bool,
    ) -> Result:
        store, notes = self._store(spec), _Notes()
        lock = contextlib.nullcontext() if preview else stack_lock(store, notes)
        with _reported(spec, report, action) as started, lock:
            started.result = self._run(
                spec,
                report,
                action,
                started,
                lambda session, state: work(session)(state.pending),
                preview=preview,
                notes=notes,
            )
            return started.result

    def _update(
        self,
        spec: StackSpec,
        report: Reporter,
        action: str,
        started: _Started,
        *,
        refresh: bool = False,
        notes: _Notes | None = None,
    ) -> Result:
        """Run the program for a preview or an update; the latter's caller holds the lock."""
        notes = notes or _Notes()
        preview = action == "preview"
        self._hosts.load_ahead(_modules_of(self._store(spec).load()))
        with contextlib.closing(Program(spec, self._hosts, notes)) as program:

            def work(session: Session, state: StackState) -> None:
                session.update(program, state.pending, refresh=refresh)

            return self._run(spec, report, action, started, work, preview=preview, notes=notes)

    def _run(
        self,
        spec: StackSpec,
        report: Reporter,
        action: str,
        started: _Started,
        work: Callable[[Session, StackState], None],
        *,
        preview: bool,
        notes: _Notes,
    ) -> Result:
        store = self._store(spec)
        deployment = store.load()
        crypter = crypter_of(deployment, self._keys)
        crypter.prepare()
        from kraj.engine.local.run import Run  # noqa: PLC0415
        from kraj.engine.local.session import Session, carry_out  # noqa: PLC0415

        state = load_deployment(deployment, crypter)
        journal = Journal(store, state, writes=not preview)
        run = Run(spec, action, journal, report, preview=preview, parallel=self._parallel)
        notes.attach(run.note)
        session = Session(run, self._providers, self._outputs_of, parallel=self._parallel)
        with self._stoppable(run), _remembered(run, store, started.at):
            carry_out(run, lambda: work(session, state))
        return Result(
            stack=spec.label,
            operation=action,
            steps=tuple(run.steps),
            outputs=redact(_stack_outputs(journal.resources()) or {}),
            diagnostics=tuple(run.diagnostics),
            seconds=time.time() - started.at,
        )

    @contextlib.contextmanager
    def _stoppable(self, run: Run) -> Iterator[None]:
        with self._lock:
            self._runs.add(run)
            stopping = self._stopping
        if stopping:  # Ctrl-C came while this run was being prepared
            run.interrupt()
        try:
            yield
        finally:
            with self._lock:
                self._runs.discard(run)

    def _store(self, spec: StackSpec) -> StateStore:
        return StateStore(self._bucket, spec.project, spec.stack, self._state_dir, self._backups)

    def _outputs_of(self, project: str, stack: str) -> Properties | None:
        """Outputs of a stack; None where it has never been applied."""
        deployment = StateStore(self._bucket, project, stack, self._state_dir).load()
        if deployment is None:
            return None
        state = load_deployment(deployment, crypter_of(deployment, self._keys))
        return _stack_outputs(state.resources) or {}


class _Started:
    """When a run began, and its result as soon as there is one."""

    def __init__(self) -> None:
        self.at = time.time()
        self.result: Result | None = None


@contextlib.contextmanager
def _reported(spec: StackSpec, report: Reporter, action: str) -> Iterator[_Started]:
    """Report the stack as started, and as done or failed."""
    started = _Started()
    report(Event(EventKind.STARTED, action, spec.label))
    try:
        yield started
    except (KrajError, KeyboardInterrupt) as caught:
        error = caught if isinstance(caught, KrajError) else interrupted(action, spec.label)
        seconds = round(time.time() - started.at, 3)
        report(Event(EventKind.FAILED, action, spec.label, str(error), seconds=seconds))
        raise error from (None if error is caught else caught)
    counts = started.result.counts if started.result else {}
    report(
        Event(
            EventKind.DONE,
            action,
            spec.label,
            seconds=round(time.time() - started.at, 3),
            details={"changes": {operation.value: n for operation, n in counts.items()}},
        )
    )


@contextlib.contextmanager
def _remembered(run: Run, store: StateStore, started: float) -> Iterator[None]:
    """Add a run that is no preview to the stack's history, however it ends."""
    result = "failed"
    try:
        yield
        result = "succeeded"
    finally:
        if not run.preview:
            counts = Counter(step.operation.value for step in run.steps)
            # The state itself is safe; a full disk has been reported by whoever wrote that.
            with contextlib.suppress(KrajError):
                store.add_history(history_record(run.action, started, result, counts))


def _fingerprint(spec: StackSpec) -> tuple[Any, ...]:
    """What a preview is valid for: the specification, and the program's files as they are."""
    files = sorted(spec.program.glob("*.py")) if spec.program.is_dir() else []
    settings = (spec.config, spec.secret_config, spec.environment)
    return (
        spec.project,
        spec.stack,
        spec.program,
        *(tuple(sorted(setting.items())) for setting in settings),
        *((path.name, path.stat().st_mtime_ns) for path in files),
    )


def _modules_of(deployment: Mapping[str, Any] | None) -> set[str]:
    """The modules of Pulumi's packages that a program with these resources will import."""
    types = {str(item.get("type")) for item in (deployment or {}).get("resources") or ()}
    tokens = [type_.split(":") for type_ in types if type_.count(":") == 2]
    return {
        f"pulumi_{package}.{module.partition('/')[0]}"
        for package, module, _name in tokens
        if package != "pulumi"
    }


class _Notes:
    """Remarks from before a run exists, handed on as soon as it does."""

    def __init__(self) -> None:
        self._early: list[str] = []
        self._sink: Callable[[str], None] | None = None
        self._lock = threading.Lock()

    def __call__(self, message: str) -> None:
        with self._lock:
            if self._sink is None:
                self._early.append(message)
                return
        self._sink(message)

    def attach(self, sink: Callable[[str], None]) -> None:
        with self._lock:
            self._sink = sink
        for message in self._early:
            sink(message)


def _stack_outputs(resources: Sequence[ResourceState]) -> Properties | None:
    found = (item.outputs for item in resources if item.type == STACK_TYPE and not item.delete)
    return next(found, None)


def _refuse_foreign(state: StackState, spec: StackSpec) -> None:
    """Raises KRJ314 where a state is another stack's."""
    wanted = f"urn:pulumi:{spec.stack}::{spec.project}::"
    for resource in (*state.resources, *(item.resource for item in state.pending)):
        if not resource.urn.startswith(wanted):
            raise KrajError(
                BAD_STACK, f"the state is of another stack than {spec.label}: it has {resource.urn}"
            )


def _openstack(report: Reporter, environment: Mapping[str, str]) -> Any:
    """kraj's own provider for the package `openstack`."""
    from kraj.openstack.provider import OpenStackProvider  # noqa: PLC0415

    return OpenStackProvider(report, environment)

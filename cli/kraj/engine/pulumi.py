"""The engine over Pulumi's Automation API, with the real command line and the real provider.

The same programs and, with the file backend, the same state folder as the local engine. What the
command line needs for a stack is in `pulumi_workspace`; how its events and errors become kraj's, in
`pulumi_events` and `pulumi_failures`; its installation in `pulumi_install`.

The Automation API takes half a second to load, so it is imported only when something is to be run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kraj.engine.base import HistoryEntry, Result, StackSpec, Together
from kraj.engine.choice import without_password
from kraj.engine.errors import BAD_STACK, NO_PULUMI, STATE_UNREADABLE
from kraj.engine.local.buckets.base import Bucket, changed_meanwhile
from kraj.engine.local.buckets.files import FileBucket
from kraj.engine.local.crypto import KeyRing
from kraj.engine.local.lock import refuse_if_locked
from kraj.engine.local.salts import salt_of_existing
from kraj.engine.local.store import KNOWN_VERSIONS
from kraj.engine.passphrase import resolve_passphrase
from kraj.engine.pulumi_cli import CliInfo, ensure_usable, find_cli
from kraj.engine.pulumi_install import engine_status, install_cli
from kraj.engine.pulumi_workspace import (
    Backend,
    config_file,
    environment,
    prepare_folder,
    work_folder,
)
from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter

if TYPE_CHECKING:
    from kraj.engine.pulumi_events import Recorder
    from kraj.engine.pulumi_stack import PulumiStack

__all__ = ["CliInfo", "PulumiEngine", "engine_status", "find_cli", "install_cli"]

PARALLEL_STEPS = 16  #: provider calls at once in one stack, as in the local engine


class PulumiEngine:
    """Applies stacks with Pulumi's command line. Implements `kraj.engine.base.Engine`.

    States are kept in `bucket` (None: below `state_dir`), or where PULUMI_BACKEND_URL of `environ`
    says. Raises KRJ312 without a command, KRJ350 with one that cannot be used.
    """

    name = "pulumi"

    def __init__(
        self,
        state_dir: Path,
        *,
        environ: Mapping[str, str] = os.environ,
        parallel: int = PARALLEL_STEPS,
        bucket: Bucket | None = None,
    ) -> None:
        cli = find_cli(environ)
        if cli is None:
            raise KrajError(NO_PULUMI, "no `pulumi` command was found on PATH")
        self.version = ensure_usable(cli).version
        self._cli = cli
        self._state_dir = state_dir
        self._environ = environ
        own = bucket or FileBucket(state_dir)
        self._backend = Backend(state_dir, environ, own)
        self._parallel = parallel
        self._keys = KeyRing(self._passphrase, lambda: salt_of_existing(own))
        self._running: set[PulumiStack] = set()
        self._stopping = False
        self._lock = threading.Lock()

    # -- the contract: runs

    def preview(self, spec: StackSpec, report: Reporter, *, refresh: bool = False) -> Result:
        """Raises KRJ302 to KRJ304, KRJ310, KRJ314, KRJ351, KRJ355 to KRJ358."""
        return self._run(spec, report, "preview", preview=True, refresh=refresh)

    def up(self, spec: StackSpec, report: Reporter, *, refresh: bool = False) -> Result:
        """Raises what `preview` raises, KRJ305, KRJ306 (locked) and KRJ307 (Ctrl-C)."""
        return self._run(spec, report, "up", preview=False, refresh=refresh)

    def refresh(
        self,
        spec: StackSpec,
        report: Reporter,
        *,
        preview_only: bool = False,
        together: Together | None = None,  # noqa: ARG002 - the CLI reads each stack by itself
    ) -> Result:
        """Raises what `up` raises."""
        return self._run(spec, report, "refresh", preview=preview_only)

    def destroy(self, spec: StackSpec, report: Reporter, *, preview_only: bool = False) -> Result:
        """Raises what `up` raises."""
        return self._run(spec, report, "destroy", preview=preview_only)

    def stop(self) -> None:
        """As Ctrl-C for all stacks, also those yet to begin; a second call abandons them."""
        with self._lock:
            self._stopping = True
            running = list(self._running)
        for stack in running:
            stack.interrupt()

    # -- the contract: state

    @property
    def place(self) -> str:
        return without_password(self._backend.url)

    def outputs(self, spec: StackSpec, *, show_secrets: bool = False) -> dict[str, Any]:
        if not self.exists(spec):
            return {}
        with self._stack(spec, "reading the outputs") as stack:
            return stack.read_outputs(show_secrets=show_secrets)

    def exists(self, spec: StackSpec) -> bool:
        store = self._backend.store(spec)
        if store is not None:
            return store.exists()
        with self._stack(spec, "looking for the state") as stack:
            return stack.exists()

    def history(self, spec: StackSpec) -> list[HistoryEntry]:
        if not self.exists(spec):
            return []
        with self._stack(spec, "reading the history") as stack:
            entries = stack.history(show_secrets=False)
        # The file backend counts no versions; like the local engine, count from the oldest.
        return [
            HistoryEntry(
                version=len(entries) - index,
                kind=entry.kind,
                result=entry.result,
                started_at=_iso(entry.start_time),
                ended_at=_iso(entry.end_time) if entry.end_time else None,
                message=entry.message,
                changes={str(key): n for key, n in (entry.resource_changes or {}).items()},
            )
            for index, entry in enumerate(entries)
        ]

    def export_state(self, spec: StackSpec) -> dict[str, Any]:
        if not self.exists(spec):
            return {"version": 3, "deployment": {}}
        with self._stack(spec, "the export") as stack:
            return stack.export_encrypted()

    def import_state(
        self,
        spec: StackSpec,
        deployment: Mapping[str, Any],
        *,
        instead_of: Mapping[str, Any] | None = None,
    ) -> None:
        """Raises KRJ306, KRJ309 for another version, KRJ310, KRJ314 for another stack's state.

        Pulumi's import compares nothing: between the look here and its own lock, a run would have
        to begin and end unseen, which is less time than the shortest run takes.
        """
        inner = deployment.get("deployment")
        if deployment.get("version") not in KNOWN_VERSIONS or not isinstance(inner, Mapping):
            raise KrajError(
                STATE_UNREADABLE,
                f"not an export of version 3 or 4 (its version is {deployment.get('version')!r})",
            )
        _refuse_foreign(inner, spec)
        if instead_of is not None and self.export_state(spec) != instead_of:
            raise changed_meanwhile(f"the state of {spec.label}")
        self._refuse_locked(spec, lambda _message: None)
        exists = self.exists(spec)
        with self._stack(spec, "the import") as stack:
            if not exists:
                stack.initialise()
            stack.import_document(deployment)

    def cancel(self, spec: StackSpec) -> None:
        if self.exists(spec):
            with self._stack(spec, "breaking the lock") as stack:
                stack.cancel()

    def remove(self, spec: StackSpec) -> None:
        """Raises KRJ306, KRJ311."""
        self._refuse_locked(spec, lambda _message: None)
        if self.exists(spec):
            with self._stack(spec, "the removal") as stack:
                stack.workspace.remove_stack(spec.stack)
        # What Pulumi leaves of it: the history, the checkpoint before, their attributes.
        store = self._backend.store(spec)
        if store is not None:
            store.remove()
        shutil.rmtree(work_folder(spec, self._state_dir), ignore_errors=True)

    # -- one run

    def _run(
        self,
        spec: StackSpec,
        report: Reporter,
        action: str,
        *,
        preview: bool,
        refresh: bool = False,
    ) -> Result:
        from kraj.engine.pulumi_events import Recorder  # noqa: PLC0415

        recorder = Recorder(action, spec.label, report)
        started = time.monotonic()
        with _reported(spec, report, action, recorder):
            if not preview:
                self._refuse_locked(spec, recorder.note)
            exists = self.exists(spec)
            if exists or action in ("preview", "up"):
                self._apply(spec, action, recorder, exists, preview=preview, refresh=refresh)
                recorder.tell_errors()
        return Result(
            stack=spec.label,
            operation=action,
            steps=recorder.steps,
            outputs=recorder.outputs,
            diagnostics=tuple(recorder.remarks),
            seconds=round(time.monotonic() - started, 3),
        )

    def _apply(
        self,
        spec: StackSpec,
        action: str,
        recorder: Recorder,
        exists: bool,
        *,
        preview: bool,
        refresh: bool,
    ) -> None:
        with self._stack(spec, action, recorder) as stack:
            if not exists:
                stack.initialise()
            try:
                with config_file(spec, stack.folder, self._backend, self._keys) as config:
                    stack.apply(
                        action,
                        preview=preview,
                        refresh=refresh,
                        config=config,
                        parallel=self._parallel,
                    )
            finally:
                if not exists and preview:
                    stack.discard()  # a preview leaves nothing behind

    @contextlib.contextmanager
    def _stack(
        self, spec: StackSpec, action: str, recorder: Recorder | None = None
    ) -> Iterator[PulumiStack]:
        """The stack, ready for commands; their failures become errors of kraj."""
        from pulumi.automation import CommandError  # noqa: PLC0415

        from kraj.engine.pulumi_command import Command  # noqa: PLC0415
        from kraj.engine.pulumi_failures import Failure, explain  # noqa: PLC0415
        from kraj.engine.pulumi_stack import PulumiStack  # noqa: PLC0415

        variables = environment(spec, self._backend, self._environ)
        folder = prepare_folder(spec, self._state_dir)
        command = Command(self._cli, variables, self._passphrase())
        stack = PulumiStack(spec, folder, command, recorder)
        with self._lock:
            self._running.add(stack)
            stopping = self._stopping
        if stopping:  # Ctrl-C came while this stack was being prepared
            stack.interrupt()
        try:
            yield stack
        except CommandError as error:
            failure = Failure(spec, action, stack.last_words, stack.interrupted, recorder)
            raise explain(failure) from error
        finally:
            with self._lock:
                self._running.discard(stack)

    def _passphrase(self) -> str:
        return resolve_passphrase(self._state_dir, self._environ)

    def _refuse_locked(self, spec: StackSpec, note: Callable[[str], None]) -> None:
        """Raises KRJ306. Pulumi looks itself; this names the command and clears dead locks."""
        store = self._backend.store(spec)
        if store is not None:
            refuse_if_locked(store, note)


@contextlib.contextmanager
def _reported(spec: StackSpec, report: Reporter, action: str, recorder: Recorder) -> Iterator[None]:
    """Report the stack as started, and as done or failed."""
    started = time.monotonic()
    report(Event(EventKind.STARTED, action, spec.label))
    try:
        yield
    except KrajError as error:
        seconds = round(time.monotonic() - started, 3)
        report(Event(EventKind.FAILED, action, spec.label, str(error), seconds=seconds))
        raise
    changes = Counter(step.operation.value for step in recorder.steps)
    report(
        Event(
            EventKind.DONE,
            action,
            spec.label,
            seconds=round(time.monotonic() - started, 3),
            details={"changes": dict(changes)},
        )
    )


def _refuse_foreign(deployment: Mapping[str, Any], spec: StackSpec) -> None:
    """Raises KRJ314 where a state is another stack's."""
    wanted = f"urn:pulumi:{spec.stack}::{spec.project}::"
    for resource in deployment.get("resources") or ():
        if not str(resource.get("urn")).startswith(wanted):
            raise KrajError(
                BAD_STACK,
                f"the state is of another stack than {spec.label}: it has {resource.get('urn')}",
            )


def _iso(moment: datetime) -> str:
    """A time of Pulumi, which is in UTC without saying so."""
    return moment.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")

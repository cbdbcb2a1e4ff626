"""Deleting resources: dependents before what they depend on, as many at once as may be.

For the end of an update, for destroy, and for the deletions that a delete-before-replace needs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from kraj.engine.base import Operation
from kraj.engine.errors import PROTECTED
from kraj.engine.local.packages import Packages, is_default
from kraj.engine.local.providers import ProviderError
from kraj.engine.local.run import Run, step_of
from kraj.engine.local.state import ResourceState
from kraj.engine.local.urns import is_provider
from kraj.errors import KrajError


class Deleter:
    """Deletes resources of the previous state in one run."""

    def __init__(self, run: Run, packages: Packages) -> None:
        self._run = run
        self._packages = packages

    def delete_all(self, condemned: Sequence[ResourceState]) -> None:
        """Delete for good. Raises Stopped after a failure, KRJ305 before anything is deleted."""
        self._refuse_protected([state for state in condemned if not state.delete])
        urns = {state.urn for state in condemned}
        _Order(self._run, condemned).work(lambda state: self._delete(state, urns))
        self._run.ensure_going()

    def delete_for_replacement(self, victims: Sequence[ResourceState]) -> None:
        """Delete resources that will be made anew; they stay in the state as to be replaced."""
        self._refuse_protected(victims)
        _Order(self._run, victims).work(self._delete_for_replacement)
        self._run.ensure_going()

    def _refuse_protected(self, condemned: Sequence[ResourceState]) -> None:
        protected = [state for state in condemned if state.protect and not state.external]
        if protected:
            steps = [step_of(Operation.DELETE, state) for state in protected]
            names = ", ".join(f"{step.type} {step.name!r}" for step in steps)
            error = KrajError(
                PROTECTED,
                f"the change would delete what is protected: {names}",
                details={"urns": [state.urn for state in protected]},
            )
            for step in steps:
                self._run.refuse(step, error)
            raise error

    def _delete(self, state: ResourceState, condemned: set[str]) -> None:
        run, journal = self._run, self._run.journal
        step = step_of(Operation.DELETE, state)
        if state.external or state.pending_replacement:
            journal.end(None, drop=state)
        elif not state.custom or is_provider(state.type):
            if not (state.custom and is_default(state.urn)):
                run.instant(step, recorded=not state.delete)
            journal.end(None, drop=state)
        elif state.retain_on_delete or state.deleted_with in condemned:
            run.instant(step, recorded=not state.delete)
            journal.end(None, drop=state)
        else:
            with run.step(step, recorded=not state.delete):
                self._call(state)
                if run.preview:
                    journal.end(None, drop=state)

    def _delete_for_replacement(self, state: ResourceState) -> None:
        with self._run.step(step_of(Operation.DELETE, state), recorded=False):
            self._call(state, keep=True)

    def _call(self, state: ResourceState, *, keep: bool = False) -> None:
        """Have the provider delete a resource, with the journal before and after.

        A deletion whose outcome is open stays on record: the next run looks what came of it.
        """
        if self._run.preview:
            state.pending_replacement = keep
            return
        journal = self._run.journal
        operation = journal.begin("deleting", state)
        try:
            if not (keep and state.retain_on_delete):
                provider = self._packages.for_state(state)
                provider.delete(state, timeout=state.custom_timeouts.get("delete", 0))
        except BaseException as error:
            if not (isinstance(error, ProviderError) and error.unsure):
                journal.end(operation)
            raise
        state.pending_replacement = keep
        journal.end(operation, drop=None if keep else state)


class _Order:
    """Works on resources in parallel, each when all that need it are done."""

    def __init__(self, run: Run, states: Sequence[ResourceState]) -> None:
        self._run = run
        self._waiting = {id(state): state for state in states}
        self._blockers = {
            id(state): {
                id(other) for other in states if other is not state and state.urn in other.needs()
            }
            for state in states
        }
        self._changed = threading.Condition()
        self._running = 0

    def work(self, act: Callable[[ResourceState], None]) -> None:
        """Do `act` on all; returns when nothing runs any more, also where the run is stopping."""
        with self._changed:
            while self._running or (self._waiting and not self._run.stopping):
                for state in self._ready():
                    del self._waiting[id(state)]
                    self._running += 1
                    threading.Thread(target=self._one, args=(state, act), daemon=True).start()
                self._changed.wait()

    def _ready(self) -> list[ResourceState]:
        if self._run.stopping:
            return []
        ready = [state for key, state in self._waiting.items() if not self._blockers[key]]
        if not ready and not self._running and self._waiting:
            # References in a circle (a damaged state): the last one goes first.
            ready = [list(self._waiting.values())[-1]]
        return ready

    def _one(self, state: ResourceState, act: Callable[[ResourceState], None]) -> None:
        done = False
        with self._run.kept():
            act(state)
            done = True
        with self._changed:
            self._running -= 1
            if done:
                for blockers in self._blockers.values():
                    blockers.discard(id(state))
            self._changed.notify_all()

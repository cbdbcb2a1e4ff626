"""Reading resources back: the state becomes what the providers find.

A resource that is gone is dropped from the state, so that the next update makes it again. Only what
has changed from what the program wanted counts as a change.
"""

from __future__ import annotations

from kraj.engine.base import Operation, Step, Together
from kraj.engine.changes import property_changes
from kraj.engine.local.packages import Packages
from kraj.engine.local.providers import Provider, ReadResult
from kraj.engine.local.run import Run, step_of
from kraj.engine.local.state import ResourceState, now
from kraj.engine.local.urns import is_provider
from kraj.engine.local.values import changed_paths, mark_secrets


class Refresher:
    """Refreshes resources of the previous state in one run."""

    def __init__(
        self,
        run: Run,
        packages: Packages,
        *,
        recorded: bool = True,
        together: Together | None = None,
    ) -> None:
        self._run = run
        self._packages = packages
        self._recorded = recorded
        self._together = together
        self._gone: list[ResourceState] = []

    def refresh(self, resources: list[ResourceState]) -> None:
        """Read all the given resources again, in parallel. Raises Stopped after a failure.

        Nothing is dropped then: who may not read one object may be told that another one does not
        exist (Neutron answers 404 for what a user must not see), and it would be made twice.
        """
        readable = [state for state in resources if _can_be_read(state)]
        with self._packages.reading(readable, self._together):
            self._run.each(readable, self._read)
        if self._run.stopping:
            self._gone.clear()
        for state in self._gone:
            self._run.journal.end(None, drop=state)
        self._run.journal.prune({state.urn for state in self._gone})
        if self._gone or not self._recorded:
            self._run.journal.commit()
        self._run.ensure_going()

    def _read(self, state: ResourceState) -> None:
        run = self._run
        run.ensure_going()
        timeout = state.custom_timeouts.get("read", 0)
        # Before an update, the update's own steps say what comes of it; else this is the step.
        step = step_of(Operation.REFRESH, state)
        with run.step(step, recorded=False, ends=not self._recorded):
            provider = self._packages.for_state(state)
            found = provider.read(state.urn, state.id, state.inputs, state.outputs, timeout=timeout)
            before = state.outputs
            drifted = () if found is None else self._take(state, found, provider)
        if found is None:
            self._gone.append(state)
            self._record(step_of(Operation.DELETE, state))
            return
        changes = property_changes(drifted, (before,), state.outputs)
        operation = Operation.UPDATE if drifted else Operation.SAME
        self._record(step_of(operation, state, drifted, changes=changes))

    def _take(self, state: ResourceState, found: ReadResult, provider: Provider) -> tuple[str, ...]:
        """Take over what was found; gives the paths that an update would set right again.

        What only the cloud decides (a port's device once it is plugged in) is new, but no drift:
        as in Pulumi, the provider's Diff between what is there and the inputs of before tells.
        """
        wanted = state.inputs
        if not changed_paths(state.outputs, found.outputs):
            return ()
        state.modified = now()
        state.outputs = mark_secrets(
            mark_secrets(found.outputs, state.outputs, state.additional_secret_outputs), wanted, ()
        )
        if found.inputs:
            state.inputs = mark_secrets(found.inputs, wanted, ())
        difference = provider.diff(state, wanted, state.ignore_changes)
        own = tuple(changed_paths(state.inputs, wanted))
        changes = bool(own) if difference.changes is None else difference.changes
        return (difference.changed or own) if changes else ()

    def _record(self, step: Step) -> None:
        if self._recorded:
            self._run.record(step)


def _can_be_read(state: ResourceState) -> bool:
    return (
        state.custom
        and bool(state.id)
        and not is_provider(state.type)
        and not state.delete
        and not state.pending_replacement
    )

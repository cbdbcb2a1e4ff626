"""Creations that a run began and of which nobody saw the end: killed, cut off, left to themselves.

Before anything else the next run asks the provider what such a creation has made. What is found
becomes part of the state, so that the run keeps, finishes, replaces or deletes it like anything
else; where nothing is found, the creation never happened. Deciding what fits is the provider's;
one that cannot look leaves the matter to the user, who is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from kraj.engine.base import Operation
from kraj.engine.errors import ORPHANS_AMBIGUOUS
from kraj.engine.local.journal import Journal
from kraj.engine.local.packages import Packages
from kraj.engine.local.providers import ReadResult
from kraj.engine.local.run import Run, step_of
from kraj.engine.local.state import PendingOperation, ResourceState
from kraj.engine.local.values import mark_secrets
from kraj.errors import KrajError

#: A service may still be at work on a request whose sender has died; nothing counts as absent
#: before the request is this old.
_AT_WORK_SECONDS: Final = 5.0


class Orphans:
    """Settles the pending creations of one run."""

    def __init__(
        self, run: Run, packages: Packages, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._run = run
        self._packages = packages
        self._sleep = sleep

    def settle(self, pending: Sequence[PendingOperation]) -> None:
        """Adopt what exists, forget what does not. Raises Stopped after a failure.

        A preview does the same with its own view of the state, and writes nothing.
        """
        creations = [item for item in pending if item.type == "creating"]
        if not creations:
            return
        self._run.each(creations, self._settle)
        self._run.journal.commit()
        self._run.ensure_going()

    def _settle(self, operation: PendingOperation) -> None:
        run, resource = self._run, operation.resource
        with run.step(step_of(Operation.READ, resource), recorded=False, told=False):
            found = self._found(resource)
        if found is None:
            self._tell(
                resource,
                "if it exists in the cloud, it is not in the state: look for it there and "
                "delete it",
                warning=True,
            )
        elif not found:
            run.journal.abandon(operation)
            self._tell(resource, "the cloud has nothing of it")
        else:
            self._adopt(operation, found[0])
            self._tell(resource, f"the cloud has it, and the state takes it over ({found[0].id})")

    def _found(self, resource: ResourceState) -> list[ReadResult] | None:
        """What the provider finds, at most one. Raises ProviderError, KRJ325."""
        since = _seconds(resource.created)
        provider = self._packages.for_state(resource)
        known = _known_ids(self._run.journal, resource)
        found = provider.find_existing(resource, since, known)
        left = 0.0 if since is None else since + _AT_WORK_SECONDS - time.time()
        if found == [] and 0 < left <= _AT_WORK_SECONDS:
            self._sleep(left)
            found = provider.find_existing(resource, since, known)
        if found and len(found) > 1:
            ids = [item.id for item in found]
            raise KrajError(
                ORPHANS_AMBIGUOUS,
                f"an interrupted creation may have made any of {', '.join(ids)}",
                details={"ids": ids},
            )
        return found

    def _adopt(self, operation: PendingOperation, found: ReadResult) -> None:
        resource = operation.resource
        resource.id = found.id
        resource.outputs = mark_secrets(
            found.outputs, resource.inputs, resource.additional_secret_outputs
        )
        self._run.journal.adopt(operation, resource)

    def _tell(self, resource: ResourceState, outcome: str, *, warning: bool = False) -> None:
        name = resource.urn.rpartition("::")[2]
        self._run.note(
            f"{'warning: ' if warning else ''}an earlier run was interrupted while it created "
            f"{resource.type} {name!r}; {outcome}",
            urn=resource.urn,
        )


def _known_ids(journal: Journal, resource: ResourceState) -> frozenset[str]:
    """The ids that resources of the type have in the state."""
    states = journal.resources()
    return frozenset(state.id for state in states if state.type == resource.type and state.id)


def _seconds(moment: str) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None

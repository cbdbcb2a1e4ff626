"""Creations that a run began and of which nobody saw the end: killed, cut off, left to themselves.

Before anything else the next run asks the provider what such a creation has made. What is found
becomes part of the state, so that the run keeps, finishes, replaces or deletes it like anything
else; where nothing is found, the creation never happened. Deciding what fits is the provider's;
one that cannot look leaves the matter to the user, who is told.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
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
from kraj.engine.local.values import mark_secrets, reveal
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
        self._taken: set[str] = set()
        self._choosing = threading.Lock()
        self._twins: Counter[str] = Counter()

    def settle(self, pending: Sequence[PendingOperation]) -> None:
        """Adopt what exists, forget what does not. Raises Stopped after a failure.

        A preview does the same with its own view of the state, and writes nothing.
        """
        creations = [item for item in pending if item.type == "creating"]
        if not creations:
            return
        self._twins = Counter(_wanted(item.resource) for item in creations)
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
            run.absent[resource.urn] = resource
            self._tell(resource, "the cloud has nothing of it")
        else:
            self._adopt(operation, found[0])
            self._tell(resource, f"the cloud has it, and the state takes it over ({found[0].id})")

    def _found(self, resource: ResourceState) -> list[ReadResult] | None:
        """What the provider finds, at most one. Raises ProviderError, KRJ325."""
        since = _seconds(resource.created)
        provider = self._packages.for_state(resource)
        known, owned = _ids(self._run.journal, resource)
        found = provider.find_existing(resource, since, known, owned)
        left = 0.0 if since is None else since + _AT_WORK_SECONDS - time.time()
        if found == [] and 0 < left <= _AT_WORK_SECONDS:
            self._sleep(left)
            found = provider.find_existing(resource, since, known, owned)
        return found and self._chosen(resource, found)

    def _chosen(self, resource: ResourceState, found: list[ReadResult]) -> list[ReadResult]:
        """At most one of what fits, and none that was given to another. Raises KRJ325.

        Creations that asked for the same may share what they have made in any way.
        """
        with self._choosing:
            if len(found) > self._twins[_wanted(resource)]:
                ids = [item.id for item in found]
                raise KrajError(
                    ORPHANS_AMBIGUOUS,
                    f"an interrupted creation may have made any of {', '.join(ids)}",
                    details={"ids": ids},
                )
            free = [item for item in found if item.id not in self._taken][:1]
            self._taken.update(item.id for item in free)
        return free

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
            f"{'warning: ' if warning else ''}an earlier run did not see the end of its creation "
            f"of {resource.type} {name!r}; {outcome}",
            urn=resource.urn,
        )


def _ids(journal: Journal, resource: ResourceState) -> tuple[frozenset[str], frozenset[str]]:
    """The ids that resources of the type have in the state, and those of all it has made."""
    states = [state for state in journal.resources() if state.id]
    known = frozenset(state.id for state in states if state.type == resource.type)
    return known, frozenset(state.id for state in states if not state.external)


def _wanted(resource: ResourceState) -> str:
    """What a creation asked for; the same for those whose objects cannot be told apart."""
    return json.dumps([resource.type, reveal(resource.inputs)], sort_keys=True, default=str)


def _seconds(moment: str) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None

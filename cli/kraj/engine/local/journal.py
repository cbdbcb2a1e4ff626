"""What has been done, kept true on disk: the state of a stack while it is being changed.

Every step is written before it begins (as a pending operation) and after it ended. Steps that end
together share one write. The file always holds what was registered in this run, in order, followed
by what is left of the previous state, so that everything comes after what it needs.
"""

from __future__ import annotations

import threading

from kraj.engine.local.state import PendingOperation, ResourceState, StackState, dump_deployment
from kraj.engine.local.store import StateStore


class Journal:
    """The state of one stack during one run. Thread-safe. A preview's journal never writes."""

    def __init__(self, store: StateStore, state: StackState, *, writes: bool) -> None:
        self._store = store
        self._crypter = state.crypter
        self._writes = writes
        self._closed = False
        if writes:
            store.keep_room()
        self._done: list[ResourceState] = []
        self._base = list(state.resources)
        # What an earlier run left open stays on record until somebody has seen what came of it.
        self._pending = list(state.pending)
        self._lock = threading.RLock()
        self._write_lock = threading.Lock()
        self._wanted = 0
        self._written = 0

    # -- reading

    def previous(self, urn: str) -> ResourceState | None:
        """The live resource of the previous state under a URN, unless it was dealt with."""
        with self._lock:
            found = (old for old in self._base if old.urn == urn and not old.delete)
            return next(found, None)

    def registered(self, urn: str) -> ResourceState | None:
        """The resource registered in this run under a URN."""
        with self._lock:
            return next((new for new in self._done if new.urn == urn), None)

    def remaining(self) -> list[ResourceState]:
        """What is left of the previous state, in its order."""
        with self._lock:
            return list(self._base)

    def resources(self) -> list[ResourceState]:
        """Everything, as it would be written now."""
        with self._lock:
            return [*self._done, *self._base]

    # -- changing

    def begin(self, kind: str, resource: ResourceState) -> PendingOperation:
        """Record that a step begins; returns when that is on disk. Raises KRJ308."""
        operation = PendingOperation(resource, kind)
        with self._lock:
            self._pending.append(operation)
            ticket = self._ticket()
        try:
            self._flush(ticket)
        except BaseException:
            with self._lock:
                self._pending = [item for item in self._pending if item is not operation]
            raise
        return operation

    def end(
        self,
        operation: PendingOperation | None,
        *,
        add: ResourceState | None = None,
        drop: ResourceState | None = None,
        replaces: ResourceState | None = None,
    ) -> None:
        """Record that a step ended, with what it added and what it ended. Raises KRJ308.

        What is replaced waits for its deletion from the same write on: no state that a dying
        process leaves has two live resources of one name.
        """
        with self._lock:
            if self._closed:
                return
            self._pending = [
                item
                for item in self._pending
                if item is not operation and not _settles(item, add, drop)
            ]
            if drop is not None:
                self._remove(drop)
            if add is not None:
                if replaces is not None:
                    replaces.delete = True
                self._done.append(add)
            ticket = self._ticket()
        if operation is not None:
            self._flush(ticket)

    def _remove(self, resource: ResourceState) -> None:
        # By identity: two states of one URN may be equal while one waits for its deletion.
        self._base = [old for old in self._base if old is not resource]
        self._done = [new for new in self._done if new is not resource]

    def adopt(self, operation: PendingOperation, resource: ResourceState) -> None:
        """A creation whose end was not seen has made this: the state knows it from now on.

        It takes the place of what it was to replace, which is to be deleted where it still exists.
        """
        with self._lock:
            self._forget(operation)
            found = (at for at, old in enumerate(self._base) if old.urn == resource.urn)
            at = next((at for at in found if not self._base[at].delete), len(self._base))
            if at < len(self._base):
                old = self._base[at]
                if old.pending_replacement or old.external:
                    del self._base[at]
                else:
                    old.delete = True
            self._base.insert(at, resource)

    def abandon(self, operation: PendingOperation) -> None:
        """A creation whose end was not seen has made nothing."""
        with self._lock:
            self._forget(operation)

    def _forget(self, operation: PendingOperation) -> None:
        self._pending = [item for item in self._pending if item is not operation]

    def rename(self, old: str, new: str) -> None:
        """Follow an alias: everything that refers to `old` refers to `new` from now on."""
        with self._lock:
            for resource in (*self._done, *self._base):
                resource.rename(old, new)

    def prune(self, gone: set[str]) -> None:
        """Drop references to resources that were found not to exist."""
        with self._lock:
            for resource in (*self._done, *self._base):
                resource.forget(gone)

    def pending(self) -> list[ResourceState]:
        """Resources whose step began and has not ended."""
        with self._lock:
            return [item.resource for item in self._pending]

    def close(self) -> None:
        """Take note of nothing any more: steps that are left to themselves stay pending."""
        with self._lock:
            self._closed = True
        with self._write_lock:
            if self._writes:
                self._store.free_room()
            self._writes = False

    def settle(self) -> None:
        """The run is complete: nothing is pending any more, not even from earlier runs."""
        with self._lock:
            self._pending = []

    # -- writing

    def commit(self) -> None:
        """Write the state as it is now. Raises KRJ308."""
        with self._lock:
            ticket = self._ticket()
        self._flush(ticket)

    def _ticket(self) -> int:
        self._wanted += 1
        return self._wanted

    def _flush(self, ticket: int) -> None:
        if not self._writes:
            return
        with self._write_lock:
            if self._written >= ticket:
                return  # another thread's write has held this change already
            with self._lock:
                covered = self._wanted
                document = dump_deployment(self.resources(), self._pending, self._crypter)
            self._store.save(document)
            self._written = covered


def _settles(
    pending: PendingOperation, added: ResourceState | None, dropped: ResourceState | None
) -> bool:
    """Whether what was added or dropped says how an interrupted step has ended.

    That the old resource is dropped says nothing of a creation that is to replace it.
    """
    known = (added,) if pending.type == "creating" else (added, dropped)
    return any(item is not None and item.urn == pending.resource.urn for item in known)

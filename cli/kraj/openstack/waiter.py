"""Waiting until an object of the cloud reaches a state, with few requests.

All waits for one collection share a poller: many objects in flight are looked at with one list
request. The first look comes when the quickest object of its kind so far was nearly done, later
looks at intervals in proportion to the age of the wait: late by a few per cent, never a flood.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from kraj.errors import KrajError
from kraj.openstack.errors import FAILED_STATE, TIMEOUT

#: Objects due within this time of each other are looked at together.
_TOGETHER_SECONDS: Final = 0.3
#: Look again after this share of the time waited so far, within the bounds.
_SHARE_OF_AGE: Final = 0.08
_SHORTEST_SECONDS: Final = 0.3
_LONGEST_SECONDS: Final = 5.0
#: Every so many looks of a wait shows the object itself, even where a brief list says "not yet".
_THOROUGH_EVERY: Final = 8
#: First look at this share of the quickest time seen.
_SHARE_OF_QUICKEST: Final = 0.9


class Asks(Protocol):
    """What the waiter needs of a cloud."""

    def find(self, service: str, path: str, **options: Any) -> dict[str, Any] | None: ...

    def get(self, service: str, path: str, **options: Any) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What to wait for in one collection; the same for all objects of a type and action."""

    service: str
    path: str  #: of the collection: `servers`
    singular: str = ""  #: key of the object in an answer; empty: the answer is the object
    plural: str = ""  #: key of the list in an answer
    list_path: str = ""  #: where many are listed with all fields; empty: they are not
    list_parameters: Callable[[Sequence[str]], Sequence[tuple[str, Any]]] | None = None
    #: Query by which `path` lists, in brief, objects that are ready or failed: most looks of a wait
    #: find nothing new, and a list of ids costs the service a fraction of showing the objects.
    settled_parameters: Callable[[Sequence[str]], Sequence[tuple[str, Any]]] | None = None
    microversion: str | None = None
    state: str = "status"  #: field with the state
    ready: frozenset[str] = frozenset({"ACTIVE"})
    failed: frozenset[str] = frozenset({"ERROR"})
    gone: bool = False  #: wait until the object does not exist, or `is_ready` says it is as good
    first_look_seconds: float = 0.5  #: before anything is known of the cloud
    action: str = "create"  #: for messages and for what is learned
    is_ready: Callable[[dict[str, Any]], bool] | None = None  #: instead of `ready`
    fault: Callable[[dict[str, Any]], str] | None = None  #: the cloud's words on a failure

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.service, self.path, self.action)

    def judge(self, seen: dict[str, Any] | None, identity: str) -> bool:
        """Whether the wait is over. Raises KRJ409 where it can no longer succeed."""
        if seen is None:
            if self.gone:
                return True
            raise KrajError(FAILED_STATE, f"{self.path} {identity} vanished while it was awaited")
        state = str(seen.get(self.state, ""))
        if state in self.failed:
            reason = self.fault(seen) if self.fault else ""
            words = f"{self.path} {identity} is in state {state}" + (
                f": {reason}" if reason else ""
            )
            raise KrajError(FAILED_STATE, words, details={"object": seen})
        if self.is_ready:
            return self.is_ready(seen)
        return not self.gone and state in self.ready


@dataclass(slots=True)
class _Entry:
    watch: Watch
    identity: str
    started: float
    due: float
    deadline: float
    done: threading.Event = field(default_factory=threading.Event)
    looks: int = 0
    seen: dict[str, Any] | None = None
    error: BaseException | None = None


class Waiter:
    """Shared by all operations on one cloud; safe for many threads."""

    def __init__(self, cloud: Asks) -> None:
        self._cloud = cloud
        self._lock = threading.Condition()
        self._entries: dict[tuple[str, str, str], list[_Entry]] = {}
        self._quickest: dict[tuple[str, str, str], float] = {}
        self._cancelled = False

    def wait(self, watch: Watch, identity: str, timeout_seconds: float) -> dict[str, Any]:
        """The object once it is ready; empty where its absence was awaited.

        Raises KRJ409 (error state), KRJ410 (time limit) and what the requests raise.
        """
        now = time.monotonic()
        quickest = self._quickest.get(watch.key)
        first = watch.first_look_seconds if quickest is None else quickest * _SHARE_OF_QUICKEST
        due = now + min(first, timeout_seconds)
        entry = _Entry(watch, identity, now, due, now + timeout_seconds)
        with self._lock:
            waiting = self._entries.setdefault(watch.key, [])
            waiting.append(entry)
            if len(waiting) == 1:
                name = f"wait {'/'.join(watch.key)}"
                threading.Thread(
                    target=self._poll, args=(watch.key,), name=name, daemon=True
                ).start()
            self._lock.notify_all()
        entry.done.wait()
        if entry.error is not None:
            raise entry.error
        return entry.seen or {}

    def cancel(self) -> None:
        """End all waits with an error; the objects go on by themselves."""
        with self._lock:
            self._cancelled = True
            self._lock.notify_all()

    def _poll(self, key: tuple[str, str, str]) -> None:
        """The loop of one collection; ends when nobody waits any more."""
        while True:
            with self._lock:
                due = self._await_due(key)
                if not self._entries[key]:
                    return
            self._look(due)
            with self._lock:
                self._entries[key] = [e for e in self._entries[key] if not e.done.is_set()]
                if not self._entries[key]:
                    return

    def _await_due(self, key: tuple[str, str, str]) -> list[_Entry]:
        """Sleep until a look is due; the lock is held on entry and return."""
        while True:
            waiting = self._entries[key]
            if self._cancelled:
                return list(waiting)
            now = time.monotonic()
            next_due = min(entry.due for entry in waiting)
            if next_due <= now:
                return [entry for entry in waiting if entry.due <= now + _TOGETHER_SECONDS]
            self._lock.wait(next_due - now)

    def _look(self, entries: list[_Entry]) -> None:
        """Ask the cloud once for all entries and settle those that are over."""
        try:
            if self._cancelled:
                raise KrajError(TIMEOUT, "the wait was cancelled")
            seen = self._ask(entries)
        except BaseException as error:  # every waiting thread gets it
            for entry in entries:
                entry.error = error
                entry.done.set()
            return
        now = time.monotonic()
        for entry in entries:
            self._settle(entry, seen.get(entry.identity), now)

    def _settle(self, entry: _Entry, seen: dict[str, Any] | None, now: float) -> None:
        age = now - entry.started
        try:
            over = entry.watch.judge(seen, entry.identity)
        except KrajError as error:
            entry.seen, entry.error = seen, error
            entry.done.set()
            return
        if over:
            key = entry.watch.key
            self._quickest[key] = min(age, self._quickest.get(key, age))
            entry.seen = seen
            entry.done.set()
        elif now >= entry.deadline:
            state = (seen or {}).get(entry.watch.state) or (
                "there" if entry.watch.gone else "not ready"
            )
            words = f"{entry.watch.path} {entry.identity} is still {state} after {age:.0f} s"
            entry.error = KrajError(TIMEOUT, words)
            entry.done.set()
        else:
            pause = min(max(_SHORTEST_SECONDS, age * _SHARE_OF_AGE), _LONGEST_SECONDS)
            entry.due = min(now + pause, entry.deadline)

    def _ask(self, entries: list[_Entry]) -> dict[str, dict[str, Any]]:
        """What the cloud shows of the objects, by id; absent ones are left out."""
        watch = entries[0].watch
        found: dict[str, dict[str, Any]] = {identity: {} for identity in self._pending(entries)}
        wanted = [entry.identity for entry in entries if entry.identity not in found]
        if len(wanted) > 1 and watch.list_path and watch.list_parameters is not None:
            answer = self._cloud.get(
                watch.service,
                watch.list_path,
                parameters=watch.list_parameters(wanted),
                microversion=watch.microversion,
            )
            found |= {item["id"]: item for item in answer.get(watch.plural, [])}
        for identity in wanted:
            if identity not in found:
                alone = self._alone(watch, identity)
                if alone is not None:
                    found[identity] = alone
        return found

    def _pending(self, entries: list[_Entry]) -> set[str]:
        """Ids of the objects that a brief list shows to be neither ready nor failed."""
        watch = entries[0].watch
        if watch.settled_parameters is None:
            return set()
        brief = []
        for entry in entries:
            entry.looks += 1
            if entry.looks % _THOROUGH_EVERY:
                brief.append(entry.identity)
        if not brief:
            return set()
        answer = self._cloud.get(
            watch.service, watch.path, parameters=watch.settled_parameters(brief)
        )
        return set(brief) - {item["id"] for item in answer[watch.plural]}

    def _alone(self, watch: Watch, identity: str) -> dict[str, Any] | None:
        answer = self._cloud.find(
            watch.service, f"{watch.path}/{identity}", microversion=watch.microversion
        )
        if answer is None:
            return None
        return answer[watch.singular] if watch.singular else answer

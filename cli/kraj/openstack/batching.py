"""Reading many objects with few requests: collections are listed once for all that is wanted.

For refreshes. Whoever reads says beforehand which requests it will make; `Lists` then answers them
out of lists that it asks for at once and in parallel. The lists are those of one refresh, never of
an earlier one. An object that its list does not show is asked for alone before it is called gone,
and so is everything where a service refuses to list. How collections are listed is in
`listings`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeVar

from kraj.errors import KrajError
from kraj.openstack.cloud import Call
from kraj.openstack.errors import status_of
from kraj.openstack.listings import PAGE, Collection, Item, Pairs, Target, pairs_of, target_of

Found = TypeVar("Found")
#: Ids in one request: with their names 4 KiB, half of what web servers take in a line.
_IDS_PER_LIST: Final = 100
#: A list with more pages is given up: what it did not show is asked for alone.
_MOST_PAGES: Final = 20


class Asks(Protocol):
    """What is needed of a cloud."""

    @property
    def project_id(self) -> str:
        """The project that the credentials are for."""
        ...

    def answer(self, call: Call) -> dict[str, Any] | None:
        """The content of an answer; None where what is asked for does not exist."""
        ...


class Lists:
    """What one refresh reads of one cloud with one set of credentials. Thread-safe.

    `stacks` is how many stacks with about the same resources share it. For a single one, lists show
    just the objects that are wanted, where the API can; for several, whose wants are not known
    beforehand, all objects of the credentials' project.
    """

    def __init__(self, stacks: int = 1) -> None:
        self._stacks = max(1, stacks)
        self._lock = threading.Lock()
        self._wanted: dict[Hashable, set[str]] = {}  #: ids by group
        self._parts: dict[tuple[Hashable, str], _Part] = {}  #: of lists of chosen objects
        self._whole: dict[Hashable, _Part] = {}  #: of lists that show all there is
        self._alone: dict[Hashable, Future[dict[str, Any] | None]] = {}

    def expect(
        self, cloud: Asks, calls: Iterable[Call], foreign: frozenset[str] = frozenset()
    ) -> None:
        """Begin to list what these requests will ask for; `foreign` ids are of other projects."""
        targets = [target for call in calls if (target := target_of(call)) is not None]
        project = cloud.project_id if self._stacks > 1 else ""
        with self._lock:
            parts = self._new_parts(targets, project, foreign)
        for part in parts:
            name = f"list {part.listing.path}"
            # What goes wrong is raised where the list is needed.
            threading.Thread(target=part.prefetch, args=(cloud,), name=name, daemon=True).start()

    def answer(self, cloud: Asks, call: Call) -> dict[str, Any] | None:
        """What the cloud answers to a request for reading; None where there is no such object."""
        target = target_of(call)
        part = None if target is None else self._part_of(target)
        if part is not None and target is not None:
            shown = part.shown(cloud, target.identity)
            if shown is not None:
                return shown
        return self._alone_once(cloud, call)

    def _part_of(self, target: Target) -> _Part | None:
        group = target.group
        with self._lock:
            return self._parts.get((group, target.identity)) or self._whole.get(group)

    def _alone_once(self, cloud: Asks, call: Call) -> dict[str, Any] | None:
        """Several servers have one flavour and one image: it is asked for once."""
        parameters = tuple(pairs_of(call.parameters))
        key = (call.service, call.method, call.path, call.microversion, parameters)
        with self._lock:
            future = self._alone.get(key)
            first = future is None
            if future is None:
                future = self._alone[key] = Future()
        return _settled(future, first, lambda: cloud.answer(call))

    # --- planning

    def _new_parts(
        self, targets: list[Target], project: str, foreign: frozenset[str]
    ) -> list[_Part]:
        """The lists to make for what is wanted now; the lock is held."""
        groups: dict[Hashable, list[Target]] = {}
        for target in targets:
            new = target.identity not in self._wanted.setdefault(target.group, set())
            self._wanted[target.group].add(target.identity)
            if new:
                groups.setdefault(target.group, []).append(target)
        result: list[_Part] = []
        for group, wanted in groups.items():
            collection = wanted[0].collection
            if collection.only is None:
                result += self._all(group, collection, wanted[0].listing)
            elif not (project and collection.owner):
                result += self._chosen(group, wanted)
            else:
                others = [one for one in wanted if one.identity in foreign]
                result += self._chosen(group, others)
                if len(others) < len(wanted):
                    own = [(collection.owner, project), ("limit", PAGE)]
                    parameters = [*pairs_of(wanted[0].listing.parameters), *own]
                    listing = replace(wanted[0].listing, parameters=parameters)
                    result += self._all(group, collection, listing)
        return result

    def _chosen(self, group: Hashable, wanted: list[Target]) -> list[_Part]:
        """Lists of just these objects, as many in each as fit into a request."""
        collection = wanted[0].collection if wanted else None
        if collection is None or collection.only is None or len(wanted) < collection.fewest:
            return []
        result = []
        for start in range(0, len(wanted), _IDS_PER_LIST):
            ids = [target.identity for target in wanted[start : start + _IDS_PER_LIST]]
            listing = wanted[0].listing
            parameters = [*pairs_of(listing.parameters), *collection.only(ids)]
            part = _Part(collection, replace(listing, parameters=parameters))
            self._parts |= {(group, identity): part for identity in ids}
            result.append(part)
        return result

    def _all(self, group: Hashable, collection: Collection, listing: Call) -> list[_Part]:
        """The list of all objects, where it spares requests."""
        expected = len(self._wanted[group]) * self._stacks
        if group in self._whole or expected < collection.fewest:
            return []
        self._whole[group] = _Part(collection, listing)
        return [self._whole[group]]


@dataclass(slots=True)
class _Part:
    """One list, asked for once."""

    collection: Collection
    listing: Call
    _items: Future[Mapping[str, Any]] = field(default_factory=Future)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _begun: bool = False

    def prefetch(self, cloud: Asks) -> None:
        """Ask for the list; a failure is kept for who needs it."""
        with self._lock:
            first, self._begun = not self._begun, True
        if first:
            _keep(self._items, lambda: self._load(cloud))

    def shown(self, cloud: Asks, identity: str) -> dict[str, Any] | None:
        """The answer about one object as the list shows it; None where it does not.

        Raises KRJ4xx.
        """
        self.prefetch(cloud)
        found = self._items.result().get(identity)
        if found is None:
            return None
        if self.collection.many:
            return {self.collection.plural: found}
        return {self.collection.singular: found} if self.collection.singular else found

    def _load(self, cloud: Asks) -> Mapping[str, Any]:
        items: dict[str, Any] = {}
        try:
            entries, complete = _pages(cloud, self.listing, self.collection)
        except KrajError as error:
            # Who may not list, or not in this way, may still be shown single objects; and a service
            # that fails over a list need not fail over them, unlike one that is not there.
            if not 400 <= status_of(error) <= 500:
                raise
            return items
        for entry in entries:
            item = entry[self.collection.inner] if self.collection.inner else entry
            key = self.collection.key(item)
            if self.collection.many:
                items.setdefault(key, []).append(item)
            else:
                items[key] = item
        return items if complete or not self.collection.many else {}


def _pages(cloud: Asks, listing: Call, collection: Collection) -> tuple[list[Item], bool]:
    """All entries of a list, and whether these are all."""
    entries: list[Item] = []
    parameters = pairs_of(listing.parameters)
    marker: Pairs = []
    for _page in range(_MOST_PAGES):
        content = cloud.answer(replace(listing, parameters=[*parameters, *marker])) or {}
        found = content.get(collection.plural) or []
        entries += found
        if not found or not _goes_on(content):
            return entries, True
        last = found[-1]
        last = last[collection.inner] if collection.inner else last
        marker = [("marker", last.get("id") or last.get("name"))]
    return entries, False


def _goes_on(content: Mapping[str, Any]) -> bool:
    """Whether an answer has the address of a next page, in the manner of any service."""
    if content.get("next") or (
        isinstance(content.get("links"), dict) and content["links"].get("next")
    ):
        return True
    links = (value for key, value in content.items() if key.endswith("_links"))
    return any(link.get("rel") == "next" for found in links for link in found or [])


def _settled(future: Future[Found], first: bool, work: Callable[[], Found]) -> Found:
    """The future's result; who came first works for all the others."""
    if first:
        _keep(future, work)
    return future.result()


def _keep(future: Future[Found], work: Callable[[], Found]) -> None:
    try:
        result = work()
    except BaseException as error:  # everybody who waits gets it
        future.set_exception(error)
    else:
        future.set_result(result)

"""How many requests of this process one cloud answers at a time, and who is next.

All stacks share a cloud's APIs. More requests at once than its services have workers make each of
them slower and the whole no faster. Who waits stands in the line of its own stack's provider, and
the lines take turns: a stack with a thousand resources does not hold up one with ten. Repeating
and waiting for states is not here (`retry`, `waiter`). Uploads and log-ins do not
count: the former last long and cost little, of the latter there is one for each set of credentials.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from kraj.errors import KrajError
from kraj.openstack.errors import CLOUD_NOT_CONFIGURED

if TYPE_CHECKING:
    from openstack.config import cloud_region

#: The environment's word on the limit.
VARIABLE: Final = "KRAJ_CLOUD_REQUESTS"
#: One stack alone sends sixteen; three side by side share half as many again.
#: benchmarks/engine/in_flight.py shows what a cloud is worth.
DEFAULT_REQUESTS: Final = 24

_GATES: Final[dict[tuple[str, str], Gate]] = {}
_LOCK: Final = threading.Lock()


class Gate:
    """Admits at most `limit` holders at a time. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._inside = 0
        self._lines: OrderedDict[Hashable, deque[threading.Event]] = OrderedDict()

    @contextlib.contextmanager
    def turn(self, owner: Hashable) -> Iterator[None]:
        """Wait in the owner's line, then be inside."""
        self._enter(owner)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, owner: Hashable) -> None:
        with self._lock:
            if self._inside < self.limit:
                self._inside += 1
                return
            admitted = threading.Event()
            self._lines.setdefault(owner, deque()).append(admitted)
        try:
            admitted.wait()
        except BaseException:  # Ctrl-C while waiting
            self._step_out(owner, admitted)
            raise

    def _leave(self) -> None:
        """Hand the place on to the line whose turn it is."""
        with self._lock:
            if not self._lines:
                self._inside -= 1
                return
            owner, line = self._lines.popitem(last=False)
            admitted = line.popleft()
            if line:
                self._lines[owner] = line  # now the last of the lines
            admitted.set()

    def _step_out(self, owner: Hashable, admitted: threading.Event) -> None:
        with self._lock:
            line = self._lines.get(owner, deque())
            if admitted in line:
                line.remove(admitted)
                if not line:
                    del self._lines[owner]
                return
        self._leave()


def gate_of(region: cloud_region.CloudRegion, environment: Mapping[str, str]) -> Gate:
    """The one gate of this process to a cloud. Raises KRJ412 for a limit that is none."""
    url = str(region.config.get("auth", {}).get("auth_url", ""))
    key = (url.rstrip("/"), str(region.region_name or ""))
    limit = _limit(environment)
    with _LOCK:
        gate = _GATES.setdefault(key, Gate(limit))
        gate.limit = limit
        return gate


def _limit(environment: Mapping[str, str]) -> int:
    given = environment.get(VARIABLE, "")
    if not given:
        return DEFAULT_REQUESTS
    if given.isascii() and given.isdigit() and int(given) > 0:
        return int(given)
    raise KrajError(
        CLOUD_NOT_CONFIGURED,
        f"{VARIABLE} is {given!r}, which is no number of requests from 1 upwards",
        hint=f"Take {VARIABLE} away, or set it to the requests that the cloud may get at once.",
    )

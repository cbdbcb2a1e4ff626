"""Faults that a seed chooses: how a cloud behaves on a bad day, the same at each repetition.

What a request meets depends on the seed, on its method and path (ids left out) and on how many of
the kind came before: not on the order in which threads send them.
"""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.lab.faults import Answer, Close, Cut, Expire, Fault, Slow

_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_LOG_IN = re.compile(r"/auth/tokens$")
_LONG_AGO = "Sun, 17 Mar 2002 17:46:50 GMT"
_CONFLICT = '{"NeutronError": {"type": "Conflict", "message": "injected: it is in use"}}'
_IMMUTABLE = '{"faultstring": "injected: Load Balancer is immutable and cannot be updated."}'
_UNAUTHORIZED = '{"error": {"code": 401, "message": "injected: the token is not valid"}}'
#: Of all requests, the share that meets a fault: from a good day to one on which little works.
_SHARES = (0.02, 0.05, 0.1, 0.2, 0.35)
#: Repetitions of a fault on requests of one kind, mostly fewer than a client has attempts.
_BURSTS = (1, 1, 1, 1, 1, 1, 2, 3, 4, 12)


def chance(seed: str) -> random.Random:
    """Numbers that are the same at each repetition."""
    return random.Random(seed)  # noqa: S311 - nothing is to be kept secret


def _lost(_rng: random.Random) -> Fault:
    return Close(after_forwarding=True)


def _not_sent(_rng: random.Random) -> Fault:
    return Close()


def _cut(rng: random.Random) -> Fault:
    return Cut(rng.choice((0.0, 0.1, 0.5, 0.95)), "whole", rng.random() < 0.5)


def _cut_unnoticed(rng: random.Random) -> Fault:
    return Cut(rng.choice((0.1, 0.5, 0.95)), "sent")


def _slow(rng: random.Random) -> Fault:
    return Slow(rng.uniform(0, 0.3), rng.randint(1, 4), 0.02)


def _too_many(rng: random.Random) -> Fault:
    waits = ({}, {"Retry-After": "1"}, {"Retry-After": "0"}, {"Retry-After": "soon"})
    dates = ({"Retry-After": "{date}"}, {"Retry-After": _LONG_AGO})
    return Answer(429, dict(rng.choice((*waits, *dates))))


def _failing(rng: random.Random) -> Fault:
    headers = {"Retry-After": "{date}"} if rng.random() < 0.3 else {}
    status = rng.choice((500, 500, 502, 503, 504))
    html = "<html><body><h1>Bad Gateway</h1></body></html>"
    body = html if rng.random() < 0.3 else '{"error": {"message": "injected"}}'
    # Who says when to ask again has not taken the request.
    unheard = rng.random() < 0.4 and not (status == 503 and headers)
    return Answer(status, headers, body, after_forwarding=unheard)


def _unauthorized(_rng: random.Random) -> Fault:
    return Answer(401, body=_UNAUTHORIZED)


def _expired(_rng: random.Random) -> Fault:
    return Expire()


_ANYWHERE: tuple[tuple[Callable[[random.Random], Fault], int], ...] = (
    (_lost, 4),
    (_not_sent, 2),
    (_cut, 3),
    (_cut_unnoticed, 1),
    (_slow, 2),
    (_too_many, 3),
    (_failing, 6),
)
_WITH_A_TOKEN = ((_unauthorized, 1), (_expired, 1))


@dataclass
class Weather:
    """The faults of one phase of a life in one service; give it to a proxy as `choose`."""

    seed: str
    service: str
    name: str = ""  #: another one in each run, that is left out of what requests are told by
    share: float = -1.0  #: of requests that meet a fault; below 0: the seed says it
    met: list[str] = field(default_factory=list)  #: what was done to which request
    _counts: Counter[str] = field(default_factory=Counter)
    _bursts: dict[str, tuple[Fault, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.share < 0:
            self.share = chance(f"{self.seed} share").choice(_SHARES)

    def __call__(self, method: str, path: str) -> Fault | None:
        plain = urlsplit(path).path.replace(self.name, "*") if self.name else urlsplit(path).path
        kind = f"{method} {_ID.sub('*', plain)}"
        with self._lock:
            number = self._counts[kind] = self._counts[kind] + 1
            fault = self._going_on(kind) or self._new(kind, number)
            if fault is not None:
                self.met.append(f"{self.service} {kind} #{number}: {fault}")
        return fault

    def _going_on(self, kind: str) -> Fault | None:
        fault, left = self._bursts.get(kind, (None, 0))
        if left:
            self._bursts[kind] = (fault, left - 1)
        return fault if left else None

    def _new(self, kind: str, number: int) -> Fault | None:
        rng = chance(f"{self.seed} {self.service} {kind} {number}")
        if rng.random() >= self.share:
            return None
        method, _, path = kind.partition(" ")
        choices = list(_ANYWHERE)
        if not _LOG_IN.search(path):
            choices += _WITH_A_TOKEN
        fault = rng.choices([c for c, _ in choices], [weight for _, weight in choices])[0](rng)
        if method != "GET" and rng.random() < 0.1 and self.service in ("network", "load-balancer"):
            body = _CONFLICT if self.service == "network" else _IMMUTABLE
            fault = Answer(409, body=body)
        burst = rng.choice(_BURSTS)
        if burst > 1:
            self._bursts[kind] = (fault, burst - 1)
        return fault

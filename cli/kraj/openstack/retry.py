"""When a request is sent again, and after how long.

Idempotent requests (GET, PUT, PATCH, DELETE) are repeated after server errors, rate limits and
broken connections. A POST is repeated only when the service is known not to have taken it: the
connection was refused, or the answer is 429 or 503 with Retry-After; what else may be done about
one is for `kraj.openstack.creating`. Attempts and total time are bounded.
"""

from __future__ import annotations

import email.utils
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

_SERVER_ERRORS: Final = frozenset({500, 502, 503, 504})


class Response(Protocol):
    """What is read of an answer."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


Answer = TypeVar("Answer", bound=Response)


class ConnectionLostError(Exception):
    """No answer came. `taken` says whether the service may have processed the request."""

    def __init__(self, message: str, *, taken: bool) -> None:
        super().__init__(message)
        self.taken = taken


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds in attempts and seconds."""

    attempts: int = 9
    total_seconds: float = 180.0
    first_delay_seconds: float = 0.25
    longest_delay_seconds: float = 15.0
    longest_retry_after_seconds: float = 90.0
    #: Before each look for what a creation without an answer may have made. The first ones are long
    #: enough for a service to end what it does for a client that is gone; all together a minute, as
    #: long as a restart of a service takes.
    look_delays_seconds: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)


@dataclass(frozen=True, slots=True)
class Again:
    """One repetition, for reporting."""

    attempt: int
    delay_seconds: float
    reason: str


def send(
    request: Callable[[], Answer],
    *,
    idempotent: bool,
    policy: Policy,
    notify: Callable[[Again], None],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    retry_statuses: frozenset[int] = frozenset(),
) -> Answer:
    """Send until there is a final answer or the bounds are reached; returns the last answer.

    `retry_statuses` names further statuses that mean "busy, ask again" for this very request.
    Raises ConnectionLostError where the last attempt brought no answer.
    """
    started = clock()
    attempt = 0
    while True:
        attempt += 1
        lost: ConnectionLostError | None = None
        answer: Answer | None = None
        try:
            answer = request()
        except ConnectionLostError as error:
            lost = error
        delay = _delay(answer, lost, attempt, idempotent, policy, retry_statuses)
        over = delay is None or attempt >= policy.attempts
        if over or clock() - started + (delay or 0) > policy.total_seconds:
            if lost is not None:
                raise lost
            assert answer is not None  # noqa: S101 - one of both is always set
            return answer
        reason = str(lost) if answer is None else f"HTTP {answer.status_code}"
        notify(Again(attempt, delay or 0, reason))
        sleep(delay or 0)


def _delay(
    answer: Response | None,
    lost: ConnectionLostError | None,
    attempt: int,
    idempotent: bool,
    policy: Policy,
    retry_statuses: frozenset[int],
) -> float | None:
    """Seconds until the next attempt; None for a final answer."""
    backoff = policy.first_delay_seconds * 2 ** (attempt - 1)
    backoff = min(backoff, policy.longest_delay_seconds) * random.uniform(0.8, 1.2)  # noqa: S311
    if answer is None:
        return float(backoff) if idempotent or (lost is not None and not lost.taken) else None
    status = answer.status_code
    asked = retry_after_seconds(answer.headers)
    busy = status == 429 or (status == 503 and asked is not None) or status in retry_statuses
    if not busy and not (idempotent and status in _SERVER_ERRORS):
        return None
    if asked is None:
        return float(backoff)
    # Who asks for no pause, or for one that is over, must not be sent all attempts at once.
    return float(max(min(asked, policy.longest_retry_after_seconds), backoff))


def retry_after_seconds(
    headers: Mapping[str, str], now: Callable[[], float] = time.time
) -> float | None:
    """Seconds that a Retry-After header asks for: a number or a date (RFC 9110, section 10.2.3).

    A date is compared with the answer's own one, as the clock here may differ from the service's.
    """
    asked = headers.get("Retry-After", "")
    try:
        seconds = float(asked)
    except ValueError:
        moment = http_date(asked)
        if moment is None:
            return None
        sent = http_date(headers.get("Date", ""))
        seconds = moment - (now() if sent is None else sent)
    return None if math.isnan(seconds) else max(0.0, seconds)


def http_date(header: str) -> float | None:
    """A date in a header, in seconds; None where it is none."""
    try:
        return email.utils.parsedate_to_datetime(header).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def is_idempotent(method: str) -> bool:
    """Whether sending a request twice has the effect of sending it once."""
    return method.upper() != "POST"

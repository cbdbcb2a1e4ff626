"""A creation whose outcome is not known: the object is looked for before it is asked for again.

A service may answer with a server error, or a connection may break, after the object was made.
Then what was made since the request is recognised by its name and all that was asked for, and
taken; where there is nothing of the kind, the request is sent again. What cannot be told apart is
never taken and never made twice: the error says where to look.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from kraj.errors import KrajError
from kraj.openstack.errors import UNSURE, status_of
from kraj.openstack.retry import Policy, http_date

Object = dict[str, Any]
#: Services tell times in whole seconds, and those of their hosts differ a little.
_SLACK_SECONDS: Final = 2.0
_TIMES: Final = ("created_at", "created")
_CONFLICT: Final = 409
_DELAYS: Final = Policy().look_delays_seconds


class Listing(Protocol):
    """What is read of the answer to a listing."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def json(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to recognise an object that was asked for."""

    body: Mapping[str, Any]  #: what was asked for, without its envelope
    keys: Sequence[str]  #: fields that tell it from others; a field not in `body` must be null
    project: Callable[[], str]  #: the one that it belongs to, where the body names none
    marked_by: str = ""  #: field of the body that no other object has the same value in

    @property
    def criteria(self) -> dict[str, Any]:
        """Parameters of a listing that finds it."""
        return {key: self.body[key] for key in self.keys if self.body.get(key) not in (None, "")}

    @property
    def recognisable(self) -> bool:
        """Whether the program gave the most important of the keys."""
        return bool(self.keys) and self.body.get(self.keys[0]) not in (None, "")

    def fits(self, found: Mapping[str, Any]) -> bool:
        """Whether an object is as it was asked for, as far as the API tells."""
        if any(found.get(key) != self.body.get(key) for key in self.keys):
            return False
        owner = found.get("project_id") or found.get("tenant_id")
        asked = self.body.get("project_id") or self.body.get("tenant_id")
        if owner and owner != (asked or self.project()):
            return False
        # Services spell flags in different ways; texts and numbers come back as they were sent.
        plain = {key: value for key, value in self.body.items() if type(value) in (str, int)}
        return all(
            found[key] == value
            for key, value in plain.items()
            if value != "" and found.get(key) is not None
        )


def create(
    send: Callable[[], Object],
    look: Callable[[Mapping[str, Any]], Listing],
    wanted: Wanted,
    *,
    delays: Sequence[float] = _DELAYS,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Object:
    """Send until the object is there; returns it as the API shows it.

    `send` raises KrajErrors; those whose detail `unsure` is true leave open what has happened, and
    so does a conflict after one of them: it may be with what was made unheard.
    """
    started = clock()
    unsure = False
    for delay in (*delays, None):
        try:
            return send()
        except KrajError as error:
            conflict = status_of(error) == _CONFLICT
            if unsure and conflict:
                error.details["unsure"] = True
            unsure = bool(error.details.get("unsure"))
            if not unsure or conflict or not wanted.recognisable or delay is None:
                raise
            sleep(delay)
            found = _look(look, wanted, started, clock, error)
            if found is not None:
                return found
    raise AssertionError("the last attempt returns or raises")


def _look(
    look: Callable[[Mapping[str, Any]], Listing],
    wanted: Wanted,
    started: float,
    clock: Callable[[], float],
    error: KrajError,
) -> Object | None:
    """What was made since the start; None: nothing was. The outcome stays open where it fails."""
    try:
        listing = look(wanted.criteria)
    except KrajError as failure:
        failure.details["unsure"] = True
        failure.hint = UNSURE
        raise
    return _found(listing, wanted, started, clock, error)


def _found(
    listing: Listing,
    wanted: Wanted,
    started: float,
    clock: Callable[[], float],
    error: KrajError,
) -> Object | None:
    """What was made since the start; None: nothing was. Raises the error where it is not clear."""
    begun = _service_time(listing) - (clock() - started) - _SLACK_SECONDS
    fitting = [item for item in items_of(listing.json()) if wanted.fits(item)]
    if mark := wanted.body.get(wanted.marked_by):
        return next((item for item in fitting if item.get(wanted.marked_by) == mark), None)
    times = [made_at(item) for item in fitting]
    pairs = zip(fitting, times, strict=True)
    made = [item for item, moment in pairs if moment is None or moment >= begun]
    if not made:
        return None
    if len(made) > 1 or None in times:
        ids = ", ".join(str(item.get("id")) for item in made)
        error.hint = f"{UNSURE} It may be {ids}."
        raise error
    return made[0]


def items_of(content: Any) -> list[Object]:
    """The objects of a listing, whatever the API calls them."""
    lists = [
        value
        for key, value in content.items()
        if isinstance(value, list) and not key.endswith("links")
    ]
    return lists[0] if lists else []


def _service_time(listing: Listing) -> float:
    """The service's clock, in seconds; ours where the answer has no date."""
    told = http_date(listing.headers.get("Date", ""))
    return time.time() if told is None else told


def made_at(found: Mapping[str, Any]) -> float | None:
    """When an object was made, in seconds; None where its API does not tell."""
    told = next((found[name] for name in _TIMES if found.get(name)), None)
    if told is None:
        return None
    moment = datetime.fromisoformat(str(told))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

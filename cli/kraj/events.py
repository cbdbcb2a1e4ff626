"""What long actions report while they run: one stream for console, JSON lines and portal alike.

Producers call a `Reporter`; they never print. Events are plain values without secrets.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from kraj.secrecy import without_secrets


class EventKind(enum.StrEnum):
    """Where in its life the thing reported on is."""

    STARTED = "started"
    PROGRESS = "progress"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    `action` names the long action (`lab up`, `preview`, `up`, `verify`, …); `subject` what it acts
    on (a stack, a lab service, a server); `resource` and `operation` are filled for one resource of
    a stack, and for one task on a server.
    """

    kind: EventKind
    action: str
    subject: str
    message: str = ""
    resource: str = ""  #: URN; role and name of a task
    resource_type: str = ""  #: Pulumi type token; module of a task
    operation: str = ""  #: same, create, update, replace, delete, read, refresh; ok, changed, …
    completed: int | None = None  #: steps done, where they can be counted
    total: int | None = None  #: steps in all, where known
    seconds: float | None = None  #: duration, on `done` and `failed`
    details: dict[str, Any] = field(default_factory=dict)
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", without_secrets(self.message))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, without empty fields."""
        return {key: value for key, value in asdict(self).items() if value not in ("", None, {})}


Reporter = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """A reporter for callers that want silence."""

"""The life of published images, as decisions about plain values: nothing is asked or changed here.

active → deprecated → hidden → deleted. The newest version of an image is active. Older ones that
are kept are deprecated: servers may still be made from them. What is older is hidden first, so
that nobody starts with it, and deleted by a later run. An image that a server or a volume still
uses is never deleted.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final


class Stage(enum.StrEnum):
    """Where in its life a published image is."""

    ACTIVE = "active"
    DEPRECATED = "deprecated"
    HIDDEN = "hidden"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Published:
    """An image in Glance."""

    id: str
    image: str
    version: str
    created: str  #: ISO 8601, by which versions are put in order
    stage: Stage
    provided_until: str = ""  #: a date, or `none`, `notice`
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """A server or a volume that was made from an image."""

    image_id: str
    kind: str  #: `server` or `volume`
    id: str
    name: str
    project: str


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one image."""

    published: Published
    stage: Stage
    reason: str

    @property
    def changes(self) -> bool:
        return self.stage is not self.published.stage


#: How long before the end of support its users are named.
NEAR_DAYS: Final = 60


def decide(found: Iterable[Published], uses: Iterable[Use], keep: int) -> tuple[Step, ...]:
    """The next stage of every image, where `keep` versions of each stay visible (1 or more)."""
    used: dict[str, list[Use]] = {}
    for use in uses:
        used.setdefault(use.image_id, []).append(use)
    by_name: dict[str, list[Published]] = {}
    for item in found:
        by_name.setdefault(item.image, []).append(item)
    steps = []
    for name in sorted(by_name):
        newest_first = sorted(by_name[name], key=_age, reverse=True)
        for rank, item in enumerate(newest_first):
            steps.append(_step(item, rank, keep, used.get(item.id, ())))
    return tuple(steps)


def _age(item: Published) -> tuple[str, str, str]:
    """Glance counts whole seconds; of the same one, the higher version is the newer."""
    return item.created, item.version, item.id


def _step(item: Published, rank: int, keep: int, uses: Sequence[Use]) -> Step:
    if rank == 0:
        return Step(item, Stage.ACTIVE, "the newest")
    if rank < keep:
        return Step(item, Stage.DEPRECATED, f"one of the {keep} that are kept")
    if item.stage is not Stage.HIDDEN:
        return Step(item, Stage.HIDDEN, f"older than the {keep} that are kept")
    if uses:
        named = ", ".join(f"{use.kind} {use.name or use.id}" for use in uses[:3])
        more = f" and {len(uses) - 3} more" if len(uses) > 3 else ""
        return Step(item, Stage.HIDDEN, f"still used by {named}{more}")
    return Step(item, Stage.DELETED, "hidden before, and nobody uses it")


@dataclass(frozen=True, slots=True)
class Overdue:
    """Somebody who runs an image whose support ends, or one that was followed by a newer."""

    use: Use
    published: Published
    ends: date | None  #: last day of support; None where no day is promised
    reason: str


def overdue(
    found: Iterable[Published], uses: Iterable[Use], today: date, near_days: int = NEAR_DAYS
) -> tuple[Overdue, ...]:
    """Users of images whose support is over or ends soon, or that are not to be used any more."""
    images = {item.id: item for item in found}
    named = []
    for use in uses:
        item = images.get(use.image_id)
        if item is None:
            continue
        ends = _day(item.provided_until)
        reason = _reason(item, ends, today, near_days)
        if reason:
            named.append(Overdue(use, item, ends, reason))
    return tuple(sorted(named, key=lambda o: (o.ends or date.max, o.use.project, o.use.name)))


def _reason(item: Published, ends: date | None, today: date, near_days: int) -> str:
    if ends is not None and ends < today:
        return f"support ended {ends.isoformat()}"
    if ends is not None and ends <= today + timedelta(days=near_days):
        return f"support ends {ends.isoformat()}"
    return "the image is hidden, newer versions are there" if item.stage is Stage.HIDDEN else ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:  # `none` or `notice`
        return None

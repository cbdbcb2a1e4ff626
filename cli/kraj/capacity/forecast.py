"""When something is full, from what grew when; and how near it is. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from kraj.capacity.usage import Made

#: Looked at for the rate: long enough for a town's ups and downs, short enough for this year.
WINDOW: Final = timedelta(days=180)
#: With what is made in its first days a pool begins, it does not grow; and less tells no rate.
_SHORTEST: Final = timedelta(days=14)
_MONTH: Final = timedelta(days=365.25 / 12)
WARNING_PERCENT, ALERT_PERCENT, CRITICAL_PERCENT = 70, 85, 95


class Level(enum.StrEnum):
    """How near a pool is to being full."""

    FINE = "fine"
    WARNING = "warning"  #: from 70 % on: plan what to do
    ALERT = "alert"  #: from 85 % on: do it
    CRITICAL = "critical"  #: from 95 % on: orders are about to be refused


def level_of(percent: float | None) -> Level:
    """The level of a share of what may be promised; None where nothing may be."""
    if percent is None or percent >= CRITICAL_PERCENT:
        return Level.CRITICAL
    if percent >= ALERT_PERCENT:
        return Level.ALERT
    return Level.WARNING if percent >= WARNING_PERCENT else Level.FINE


def growth_per_month(made: Iterable[Made], now: datetime) -> float | None:
    """GiB per month that were made within the window and are still there.

    None where the oldest is too young to tell a rate. What was deleted since is not known: it is
    neither growth nor there.
    """
    every = list(made)
    if not every:
        return None
    began = min(one.created for one in every) + _SHORTEST
    start = max(began, now - WINDOW)
    if now - start < _SHORTEST:
        return None
    grown = sum(one.size_gib for one in every if one.created > start)
    return grown / ((now - start) / _MONTH)


def months_until(limit: float, used: float, growth: float | None) -> float | None:
    """Months until `used` reaches the limit; 0 where it has, None where that is not in sight."""
    if used >= limit:
        return 0.0
    return (limit - used) / growth if growth and growth > 0 else None

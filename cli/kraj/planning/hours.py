"""Service hours: when a service is attended, in the region's time zone, without public holidays.

`5x12` is Monday to Friday, 07:00 to 19:00 local time. Changes of clocks are handled by working in
local time of the IANA zone and comparing instants in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from kraj.errors import KrajError
from kraj.model.region import Region
from kraj.planning.errors import UNKNOWN_HOLIDAYS

#: A service that opens on no day within so many days is misconfigured.
SEARCH_DAYS = 60


@cache
def _holidays(country: str, year: int) -> Mapping[date, str]:
    """National public holidays; those of parts of a country are not among them."""
    found = holidays.country_holidays(country, years=year)
    return {day: str(name) for day, name in found.items()}


def _aware(instant: datetime) -> datetime:
    """Refuse what Python would silently take as the machine's own local time."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone")
    return instant


@dataclass(frozen=True, slots=True)
class ServiceCalendar:
    """The regime of one region.

    All instants must carry a time zone, such as `2026-11-23T07:00:00+01:00` (ISO 8601); ValueError
    where one does not.
    """

    country: str  #: ISO 3166-1 alpha-2
    zone: ZoneInfo
    days_per_week: int
    opens_at: time
    hours_per_day: int
    closed_on_holidays: bool

    @classmethod
    def of(cls, region: Region) -> ServiceCalendar:
        """Raises KRJ230 where the country's holidays are needed and not known."""
        hours = region.service_hours
        closed = hours.public_holidays == "closed"
        if closed and region.country not in holidays.list_supported_countries():
            raise KrajError(
                UNKNOWN_HOLIDAYS, f"the public holidays of {region.country!r} are not known"
            )
        return cls(
            country=region.country,
            zone=ZoneInfo(region.time_zone),
            days_per_week=hours.days_per_week,
            opens_at=hours.opens_at,
            hours_per_day=hours.hours_per_day,
            closed_on_holidays=closed,
        )

    def holiday(self, day: date) -> str | None:
        """Name of the public holiday, in the country's language."""
        return _holidays(self.country, day.year).get(day)

    def is_attended(self, day: date) -> bool:
        """Whether the service is attended on that day at all."""
        if day.isoweekday() > self.days_per_week:
            return False
        return not (self.closed_on_holidays and self.holiday(day))

    def window(self, day: date) -> tuple[datetime, datetime] | None:
        """Opening and closing of a day in UTC; None where it is not attended."""
        if not self.is_attended(day):
            return None
        opening = datetime.combine(day, self.opens_at, self.zone)
        if self.hours_per_day == 24:
            closing = datetime.combine(day + timedelta(days=1), time(0), self.zone)
        else:
            # Local clock time, also on the days when clocks change.
            closing = opening + timedelta(hours=self.hours_per_day)
        return opening.astimezone(UTC), closing.astimezone(UTC)

    def is_open(self, instant: datetime) -> bool:
        """Whether the service is attended at that instant."""
        window = self.window(_aware(instant).astimezone(self.zone).date())
        return window is not None and window[0] <= instant < window[1]

    def next_opening(self, instant: datetime) -> datetime:
        """The first opening at or after that instant, in the region's zone."""
        day = _aware(instant).astimezone(self.zone).date()
        for offset in range(SEARCH_DAYS):
            window = self.window(day + timedelta(days=offset))
            if window is not None and window[0] >= instant:
                return window[0].astimezone(self.zone)
        raise ValueError(f"no opening within {SEARCH_DAYS} days of {instant.isoformat()}")

    def open_minutes(self, start: datetime, end: datetime) -> float:
        """Attended minutes between two instants: what availability is measured over."""
        day = _aware(start).astimezone(self.zone).date()
        last = _aware(end).astimezone(self.zone).date()
        # Python subtracts two times of one zone by their clocks, as if no hour were ever skipped.
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        total = timedelta()
        while day <= last:
            window = self.window(day)
            if window is not None:
                total += max(timedelta(), min(end, window[1]) - max(start, window[0]))
            day += timedelta(days=1)
        return total.total_seconds() / 60

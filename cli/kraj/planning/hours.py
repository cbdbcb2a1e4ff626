"""Service hours: when a service is attended, in the region's time zone, without public holidays.

`5x12` is Monday to Friday, 07:00 to 19:00 local time. Changes of clocks are handled by working in
local time of the IANA zone and comparing instants in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from kraj.model.region import Region

#: A service that opens on no day within so many days is misconfigured.
SEARCH_DAYS = 60


@dataclass(frozen=True, slots=True)
class ServiceCalendar:
    """The regime of one region. All instants must carry a time zone (ISO 8601)."""

    country: str  #: ISO 3166-1 alpha-2
    zone: ZoneInfo
    days_per_week: int
    opens_at: time
    hours_per_day: int
    closed_on_holidays: bool

    @classmethod
    def of(cls, region: Region) -> ServiceCalendar:
        hours = region.service_hours
        return cls(
            country=region.country,
            zone=ZoneInfo(region.time_zone),
            days_per_week=hours.days_per_week,
            opens_at=hours.opens_at,
            hours_per_day=hours.hours_per_day,
            closed_on_holidays=hours.public_holidays == "closed",
        )

    def holiday(self, day: date) -> str | None:
        """Name of the public holiday, in the country's language."""
        found = holidays.country_holidays(self.country, years=day.year).get(day)
        return str(found) if found else None

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
        window = self.window(instant.astimezone(self.zone).date())
        return window is not None and window[0] <= instant < window[1]

    def next_opening(self, instant: datetime) -> datetime:
        """The first opening at or after that instant, in the region's zone."""
        day = instant.astimezone(self.zone).date()
        for offset in range(SEARCH_DAYS):
            window = self.window(day + timedelta(days=offset))
            if window is not None and window[0] >= instant:
                return window[0].astimezone(self.zone)
        raise ValueError(f"no opening within {SEARCH_DAYS} days of {instant.isoformat()}")

    def open_minutes(self, start: datetime, end: datetime) -> float:
        """Attended minutes between two instants: what availability is measured over."""
        day, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        total = timedelta()
        while day <= last:
            window = self.window(day)
            if window is not None:
                total += max(timedelta(), min(end, window[1]) - max(start, window[0]))
            day += timedelta(days=1)
        return total.total_seconds() / 60

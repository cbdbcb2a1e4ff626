"""Service hours in local time, with holidays and changes of clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraj.errors import KrajError
from kraj.planning.hours import ServiceCalendar
from tests.unit.planning.regions import example_region

PRAGUE = ZoneInfo("Europe/Prague")
CALENDAR = ServiceCalendar.of(example_region().region)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PRAGUE)


def test_a_working_day_is_attended_from_seven_to_nineteen() -> None:
    assert not CALENDAR.is_open(at("2026-11-23T06:59:59"))
    assert CALENDAR.is_open(at("2026-11-23T07:00:00"))
    assert CALENDAR.is_open(at("2026-11-23T18:59:59"))
    assert not CALENDAR.is_open(at("2026-11-23T19:00:00"))


def test_weekends_and_public_holidays_are_not_attended() -> None:
    assert not CALENDAR.is_open(at("2026-11-22T12:00"))
    assert CALENDAR.holiday(at("2026-11-17T12:00").date()) is not None
    assert not CALENDAR.is_open(at("2026-11-17T12:00"))


def test_the_next_opening_skips_a_long_weekend() -> None:
    # Friday evening before Easter Monday 2026 (6 April): the next working day is Tuesday.
    assert CALENDAR.next_opening(at("2026-04-03T19:00")) == at("2026-04-07T07:00")


def test_a_day_is_twelve_hours_long_when_clocks_change() -> None:
    week_of_change = CALENDAR.open_minutes(at("2026-03-27T00:00"), at("2026-03-31T00:00"))
    assert week_of_change == 2 * 12 * 60


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.integers(0, 20 * 24 * 60),
    st.integers(0, 20 * 24 * 60),
)
def test_attended_minutes_add_up(start: datetime, first: int, second: int) -> None:
    begin = start.replace(tzinfo=UTC)
    middle = begin + timedelta(minutes=first)
    end = middle + timedelta(minutes=second)
    whole = CALENDAR.open_minutes(begin, end)
    parts = CALENDAR.open_minutes(begin, middle) + CALENDAR.open_minutes(middle, end)
    assert abs(whole - parts) < 1e-6
    assert 0 <= whole <= first + second


def test_a_day_of_24_hours_is_as_long_as_the_clocks_make_it() -> None:
    always = replace(CALENDAR, days_per_week=7, opens_at=time(0), hours_per_day=24)
    always = replace(always, closed_on_holidays=False)
    # 29 March 2026 has 23 hours, 25 October has 25.
    assert always.open_minutes(at("2026-03-29T00:00"), at("2026-03-30T00:00")) == 23 * 60
    assert always.open_minutes(at("2026-10-25T00:00"), at("2026-10-26T00:00")) == 25 * 60
    assert always.is_open(at("2026-12-24T23:59:59"))


def test_an_instant_without_a_time_zone_is_refused() -> None:
    naive = datetime(2026, 11, 23, 12)
    for question in (CALENDAR.is_open, CALENDAR.next_opening):
        with pytest.raises(ValueError, match="no time zone"):
            question(naive)
    with pytest.raises(ValueError, match="no time zone"):
        CALENDAR.open_minutes(naive, at("2026-11-23T13:00"))


def test_a_country_without_known_holidays_is_refused_unless_they_are_attended() -> None:
    region = example_region().region.model_copy(update={"country": "XX"})
    with pytest.raises(KrajError, match="'XX'"):
        ServiceCalendar.of(region)
    hours = region.service_hours.model_copy(update={"public_holidays": "open"})
    attended = ServiceCalendar.of(region.model_copy(update={"service_hours": hours}))
    assert attended.is_open(at("2026-11-17T12:00"))

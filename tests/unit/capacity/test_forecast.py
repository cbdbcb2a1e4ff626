"""When a pool is full, and how near it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kraj.capacity.forecast import Level, growth_per_month, level_of, months_until
from kraj.capacity.usage import Made

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def made(*sizes_and_days: tuple[float, float]) -> list[Made]:
    """Sizes in GiB, and how many days ago."""
    return [Made(size, NOW - timedelta(days=days)) for size, days in sizes_and_days]


def test_what_came_within_half_a_year_is_the_rate() -> None:
    volumes = made((1000, 400), (60, 179), (60, 100), (60, 1), (5, 181))
    assert growth_per_month(volumes, NOW) == pytest.approx(180 / (180 / 30.4375))


def test_a_young_region_grows_after_its_first_two_weeks() -> None:
    volumes = made((500, 60), (500, 59), (500, 47), (46, 40))
    assert growth_per_month(volumes, NOW) == pytest.approx(46 / (46 / 30.4375))


@pytest.mark.parametrize("volumes", [[], made((1, 0)), made((1, 27.9), (50, 1))])
def test_of_what_is_too_young_no_rate_is_told(volumes: list[Made]) -> None:
    assert growth_per_month(volumes, NOW) is None


def test_what_stays_as_it_is_never_fills() -> None:
    growth = growth_per_month(made((500, 300)), NOW)
    assert growth == 0
    assert months_until(1000, 500, growth) is None
    assert months_until(1000, 500, None) is None


def test_months_are_what_is_left_over_the_rate() -> None:
    assert months_until(1000, 400, 50) == 12
    assert months_until(1000, 1000, 50) == 0
    assert months_until(1000, 1200, None) == 0


@pytest.mark.parametrize(
    ("percent", "level"),
    [
        (0, Level.FINE),
        (69.9, Level.FINE),
        (70, Level.WARNING),
        (84.9, Level.WARNING),
        (85, Level.ALERT),
        (95, Level.CRITICAL),
        (120, Level.CRITICAL),
        (None, Level.CRITICAL),
    ],
)
def test_levels_begin_at_70_85_and_95_per_cent(percent: float | None, level: Level) -> None:
    assert level_of(percent) is level

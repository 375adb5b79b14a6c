from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbx.routing.errors import ScheduleError
from pbx.routing.schedule import DAYS, format_days, format_time, holds, parse_days, parse_time


def moment(day: str, clock: str) -> datetime:
    """That time in the week of Monday 2026-12-07."""
    return datetime.combine(date(2026, 12, 7 + DAYS.index(day)), parse_time(clock), UTC)


@pytest.mark.parametrize(
    ("window", "days", "at", "open_"),
    [
        ("09:00-18:00", "mon-fri", "tue 09:00", True),
        ("09:00-18:00", "mon-fri", "tue 17:59", True),
        ("09:00-18:00", "mon-fri", "tue 18:00", False),
        ("09:00-18:00", "mon-fri", "tue 08:59", False),
        ("09:00-18:00", "mon-fri", "sat 12:00", False),
        ("18:00-09:00", "mon-fri", "tue 18:00", True),
        ("18:00-09:00", "mon-fri", "tue 08:59", True),
        ("18:00-09:00", "mon-fri", "tue 14:20", False),
        ("18:00-09:00", "mon-fri", "mon 03:00", False),  # began on Sunday
        ("18:00-09:00", "mon-fri", "sat 03:00", True),  # began on Friday
        ("18:00-09:00", "mon-fri", "sat 18:00", False),
        ("18:00-09:00", "sun", "mon 03:00", True),
        ("18:00-24:00", "mon-fri", "fri 23:59", True),
        ("18:00-24:00", "mon-fri", "sat 00:00", False),
        ("00:00-24:00", "sat,sun", "sat 00:00", True),
        ("00:00-24:00", "sat,sun", "sun 23:59", True),
        ("00:00-24:00", "sat,sun", "mon 00:00", False),
        ("12:00-12:00", "mon", "tue 11:59", True),
        ("12:00-12:00", "mon", "tue 12:00", False),
    ],
)
def test_window_belongs_to_the_day_on_which_it_begins(window: str, days: str, at: str, open_: bool) -> None:
    start, end = map(parse_time, window.split("-"))
    assert holds(start, end, parse_days(days), moment(*at.split())) is open_


def test_window_follows_the_wall_clock_through_summer_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before, after = (datetime(2026, 3, day, 9, 0, tzinfo=berlin) for day in (27, 30))
    assert before.utcoffset() != after.utcoffset()
    assert holds(time(9), time(10), parse_days("mon-fri"), before)
    assert holds(time(9), time(10), parse_days("mon-fri"), after)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("sat,sun", {5, 6}),
        ("mon-wed,fri", {0, 1, 2, 4}),
        ("fri-mon", {4, 5, 6, 0}),
        (" Mon - Tue , SUN", {0, 1, 6}),
        ("wed", {2}),
        ("wed-wed", {2}),
        ("mon-sun", set(range(7))),
    ],
)
def test_days_are_read_as_people_write_them(text: str, days: set[int]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "monday", "mon-", "mon,,tue", "1-5", "mon-tue-wed"])
def test_days_that_cannot_be_read_are_named(text: str) -> None:
    with pytest.raises(ScheduleError, match="names no weekdays"):
        parse_days(text)


@pytest.mark.parametrize(
    ("days", "text"),
    [
        ({0, 1, 2, 3, 4}, "mon-fri"),
        ({5, 6}, "sat,sun"),
        ({0, 1, 2, 4}, "mon-wed,fri"),
        ({0, 6}, "mon,sun"),
        ({3}, "thu"),
        (set(range(7)), "mon-sun"),
    ],
)
def test_days_are_printed_as_people_write_them(days: set[int], text: str) -> None:
    assert format_days(days) == text


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_days_that_are_printed_can_be_read(days: frozenset[int]) -> None:
    assert parse_days(format_days(days)) == days


@given(st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0)))
def test_times_that_are_printed_can_be_read(at: time) -> None:
    assert parse_time(format_time(at)) == at


@pytest.mark.parametrize("text", ["", "9", "25:00", "24:01", "09:60", "9:5", "09.00", "-1:00", "٠٩:٠٠"])
def test_times_that_cannot_be_read_are_named(text: str) -> None:
    with pytest.raises(ScheduleError, match="is no time of day"):
        parse_time(text)

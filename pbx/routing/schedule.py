"""Times of day and weekdays of forwarding rules.

The only place that thinks in local time: `at` is an aware datetime in the zone of the organisation,
and its wall clock is compared as it stands, so a window keeps its hours when summer time begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, time

from pbx.routing.errors import ScheduleError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")


def holds(start: time, end: time, days: frozenset[int], at: datetime) -> bool:
    """Whether the window from `start` up to but without `end` is open at `at`.

    A window whose end is not after its start runs over midnight and belongs to the day on which it
    begins: Friday 18:00-09:00 lasts until Saturday morning. 00:00-00:00 is the whole day.
    """
    clock, today = at.time(), at.weekday()
    if start < end:
        return start <= clock < end and today in days
    if clock >= start:
        return today in days
    return clock < end and (today - 1) % 7 in days


def parse_time(text: str) -> time:
    """HH:MM; 24:00 is the midnight at which a day ends.

    Raises:
        ScheduleError: it is no time of day.
    """
    match = _TIME.fullmatch(text.strip())
    if match:
        hour, minute = int(match[1]), int(match[2])
        if (hour, minute) == (24, 0):
            return time(0)
        if hour < 24 and minute < 60:
            return time(hour, minute)
    raise ScheduleError(f"{text!r} is no time of day: write it as 09:00 or 18:30")


def format_time(moment: time) -> str:
    return f"{moment:%H:%M}"


def parse_days(text: str) -> frozenset[int]:
    """Weekdays as `mon-fri`, `sat,sun` or `mon-wed,fri`; a range may run over Sunday, as `fri-mon`.

    Raises:
        ScheduleError: a part of it names no weekday.
    """
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin = _day(first, text)
        finish = _day(last, text) if dash else begin
        days.update((begin + offset) % 7 for offset in range((finish - begin) % 7 + 1))
    return frozenset(days)


def format_days(days: Iterable[int], names: Sequence[str] = DAYS) -> str:
    """The shortest list that `parse_days` reads as these days: `mon-fri`, `sat,sun`. `names` begin with Monday."""
    parts: list[str] = []
    run: list[int] = []
    for day in [*sorted(days), None]:
        if run and (day is None or day != run[-1] + 1):
            if len(run) > 2:
                parts.append(f"{names[run[0]]}-{names[run[-1]]}")
            else:
                parts.extend(names[each] for each in run)
            run = []
        if day is not None:
            run.append(day)
    return ",".join(parts)


def _day(name: str, text: str) -> int:
    try:
        return DAYS.index(name.strip().lower())
    except ValueError:
        raise ScheduleError(
            f"{text!r} names no weekdays: write them as mon-fri or sat,sun ({', '.join(DAYS)})"
        ) from None

"""A clock that moves only when a test says so."""

import heapq
from collections.abc import Callable
from itertools import count

_MOST_AT_ONE_INSTANT = 100_000


class Handle:
    """A callback that waits for its time, as `call_at` of an event loop gives it."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """What an event loop offers of time; seconds pass by `advance`."""

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start
        self._order = count()
        self._waiting: list[tuple[float, int, Handle]] = []

    def time(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], None], /) -> Handle:
        """Runs `callback` once the clock has reached `when`; at the next `advance` when that is past."""
        handle = Handle(when, callback)
        heapq.heappush(self._waiting, (when, next(self._order), handle))
        return handle

    def advance(self, seconds: float) -> None:
        """Lets `seconds` pass, running what is due in the order of its time.

        Each callback sees the time that it asked for. Fails when callbacks ask for the same instant without end.
        """
        end = self._now + seconds
        repeated = 0
        while self._waiting and self._waiting[0][0] <= end:
            when, _, handle = heapq.heappop(self._waiting)
            if handle.callback is None:
                continue
            repeated = repeated + 1 if when <= self._now else 0
            if repeated > _MOST_AT_ONE_INSTANT:
                raise AssertionError(f"time stands still at {self._now}")
            self._now = max(self._now, when)
            callback, handle.callback = handle.callback, None
            callback()
        self._now = end

    @property
    def pending(self) -> int:
        """How many callbacks wait, cancelled ones not counted."""
        return sum(handle.callback is not None for _, _, handle in self._waiting)

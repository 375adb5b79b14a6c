"""Timer values of RFC 3261 §17 and the queues that run them.

Thousands of transactions start timers of the same few durations and hardly ever need them, so there is one
first-in-first-out queue per duration, sorted by construction, instead of a heap; a timer that is not needed any
more is marked and skipped when its turn comes.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Timers:
    """The base values in seconds (RFC 3261 table 4); the others follow from them."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    timer_d: float = 32.0

    @property
    def transaction(self) -> float:
        """64·T1: timers B, F, H, J, L and M."""
        return 64 * self.t1


class Timer:
    """A started timer. `cancel` it, or its callback runs once."""

    __slots__ = ("argument", "callback", "deadline")

    def __init__(self, deadline: float, callback: Callable[[Any], None], argument: Any) -> None:
        self.deadline = deadline
        self.callback: Callable[[Any], None] | None = callback
        self.argument = argument

    def cancel(self) -> None:
        self.callback = None
        self.argument = None

    def __repr__(self) -> str:
        return f"<Timer at {self.deadline}{'' if self.callback else ' cancelled'}>"


class TimerQueues:
    """All pending timers; knows no clock: the caller says what time it is, and asks when to come again."""

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: dict[float, deque[Timer]] = {}

    def start(self, now: float, seconds: float, callback: Callable[[Any], None], argument: Any = None) -> Timer:
        """Runs `callback(argument)` once `seconds` have passed after `now`."""
        timer = Timer(now + seconds, callback, argument)
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = deque()
        queue.append(timer)
        return timer

    def run(self, now: float, report: Callable[[Exception], None] | None = None) -> None:
        """Runs everything that is due at `now`, the earliest first.

        What a callback raises goes to `report`, so that the others run all the same; without it, it is raised.
        """
        due: list[Timer] = []
        empty: list[float] = []
        for seconds, queue in self._queues.items():
            while queue and (queue[0].callback is None or queue[0].deadline <= now):
                timer = queue.popleft()
                if timer.callback is not None:
                    due.append(timer)
            if not queue:
                empty.append(seconds)
        for seconds in empty:
            del self._queues[seconds]
        due.sort(key=_deadline)
        for timer in due:
            callback = timer.callback
            if callback is not None:  # an earlier one of this round may have cancelled it
                argument = timer.argument
                timer.cancel()
                try:
                    callback(argument)
                except Exception as error:
                    if report is None:
                        raise
                    report(error)

    def next_deadline(self) -> float | None:
        """When `run` is needed next; None when nothing is pending."""
        earliest: float | None = None
        for queue in self._queues.values():
            while queue and queue[0].callback is None:
                queue.popleft()
            if queue and (earliest is None or queue[0].deadline < earliest):
                earliest = queue[0].deadline
        return earliest

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())


def _deadline(timer: Timer) -> float:
    return timer.deadline

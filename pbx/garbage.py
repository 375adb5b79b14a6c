"""When the cyclic garbage collector runs: often and briefly over what is young, over all else when nobody waits.

What our processes make is freed by counting references; the collector is for the rest, such as an exception that
refers to the frame which holds it. Such cycles die young. A collection costs what it looks through, and with
thresholds made for programs that end soon a server at work stops for a third of a second to look through calls and
connections that are all alive (measured with 400 calls a second).
"""

import gc
import time
from collections.abc import Callable

YOUNG = 3_000  # objects made and not freed before the young are looked through: one or two milliseconds
NEVER = 1_000_000_000
LOOK_EVERY = 30.0  # s
QUIET = 0.1  # of a processor; with less work than that, a pause is no matter
AT_MOST_EVERY = 600.0  # s
AT_LEAST_EVERY = 3600.0  # s


def settle(*, middle: int = NEVER) -> None:
    """To be called once a process has started: what is there now stays, and is never looked through again.

    `middle` is after how many collections of the young those who survived them are looked through too, for processes
    whose libraries leave cycles behind that live as long as a request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, middle, NEVER)


class QuietCollection:
    """Collects all that is not frozen: every ten minutes while there is little to do, once an hour at the latest.

    `now` and `used` are clocks in seconds: of time, and of the processor's time that this process has used.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, used: Callable[[], float] = time.process_time
    ) -> None:
        self._now = now
        self._used = used
        self._looked = self._collected = now()
        self._used_before = used()

    def look(self) -> bool:
        """To be called every `LOOK_EVERY`; tells whether it has collected."""
        now, used = self._now(), self._used()
        quiet = used - self._used_before < QUIET * (now - self._looked)
        self._looked, self._used_before = now, used
        if now - self._collected < (AT_MOST_EVERY if quiet else AT_LEAST_EVERY):
            return False
        gc.collect()
        self._collected = now
        # What the collection itself has used is no work.
        self._used_before = self._used()
        return True

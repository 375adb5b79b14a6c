"""How much somebody may ask for: so much at once, and so much a second in the long run."""

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

from web.errors import TooMany

SECONDS_AT_ONCE = 10  # how many seconds' worth a user may ask for at once
MOST = 10_000  # users who are remembered; whoever was forgotten begins anew


@dataclass(slots=True)
class Allowance:
    """What is left of it, for one who asks. Times are in seconds of any clock.

    Args:
        burst: requests at once.
        per_second: and in the long run.
    """

    burst: float
    per_second: float
    left: float
    counted_at: float | None = None

    def wait(self, now: float) -> float:
        """Takes one; 0, or the seconds after which there is one again."""
        earned = max(now - self.counted_at, 0.0) * self.per_second if self.counted_at is not None else 0.0
        self.left = min(self.left + earned, self.burst)
        self.counted_at = now
        if self.left < 1.0:
            return (1.0 - self.left) / self.per_second
        self.left -= 1.0
        return 0.0


class Pace:
    """That of changes, by user: whatever they ask for, in however many browsers."""

    def __init__(self, per_second: int) -> None:
        self._per_second = float(per_second)
        self._allowances: OrderedDict[str, Allowance] = OrderedDict()

    def take(self, number: str, now: float) -> None:
        """Counts one change that a user asks for. Raises TooMany."""
        allowance = self._allowances.get(number)
        if allowance is None:
            burst = self._per_second * SECONDS_AT_ONCE
            allowance = self._allowances[number] = Allowance(burst, self._per_second, burst)
            if len(self._allowances) > MOST:
                self._allowances.popitem(last=False)
        self._allowances.move_to_end(number)
        seconds = allowance.wait(now)
        if seconds:
            raise TooMany("you ask for too many changes at once: slow down", retry_after=ceil(seconds))

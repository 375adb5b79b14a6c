"""What one party and we tell each other about a stream, beside the stream: for round trip and loss on that leg."""

from collections import OrderedDict
from secrets import token_hex

from pbx.media.relay.rtcp import Block

REMEMBERED = 16  # sender reports for which an answer is waited for
LONGEST_ROUND_TRIP = 10.0  # seconds; more is somebody's wrong arithmetic


class Correspondence:
    """The RTCP between us and one party about one stream.

    Attributes:
        round_trip: in seconds, None while nothing is known.
        remote_lost: what the party says it has not got of what we sent.
        heard: the middle of the party's last sender report, and when it came.
        relayed: when the party was last sent a report that came from across.
        name: our CNAME.
    """

    __slots__ = ("_asked", "_own", "_sent", "heard", "name", "relayed", "remote_lost", "reported", "round_trip")

    def __init__(self) -> None:
        self.round_trip: float | None = None
        self.remote_lost = 0
        self.heard: tuple[int, float] = (0, 0.0)
        self.relayed = 0.0
        self.reported = 0.0
        self.name = token_hex(8)
        self._sent: OrderedDict[int, float] = OrderedDict()
        self._own = -1
        self._asked = 0

    def sent(self, ntp: int, now: float, *, own: bool = False) -> None:
        """A sender report with that time has gone to the party; an `own` one has not come from across."""
        middle = ntp >> 16 & 0xFFFFFFFF
        if own:
            self._own = middle
        self._sent[middle] = now
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    def answered(self, block: Block, now: float) -> None:
        """The party reports how our stream arrives."""
        self.remote_lost = max(0, block.lost)
        when = self._sent.get(block.last)
        if block.last and when is not None:
            trip = now - when - block.delay / 65_536
            if -0.01 < trip < LONGEST_ROUND_TRIP:
                self.round_trip = max(trip, 0.0)

    def is_own(self, middle: int) -> bool:
        """Whether that is the middle of the time of our own last report."""
        return middle == self._own

    def next_request(self) -> int:
        """The number of the next FIR."""
        self._asked += 1
        return self._asked

"""How a stream arrives: what is missing, how evenly it comes, and what a listener would say of it.

Counting is for every packet, so it costs a few additions; everything else is worked out when somebody asks.
"""

from dataclasses import dataclass

LARGEST_GAP = 3000  # RFC 3550 appendix A.1, MAX_DROPOUT: a larger one is a sender that began anew
PLAYOUT = 40.0  # ms that a phone waits beyond twice the jitter, with the packet's own 20


class Reception:
    """The packets that have come from one source (RFC 3550 §6.4.1, appendix A.3 and A.8).

    The hot path of `Stream` counts in these fields itself; `expected` spans from `base` to `highest`, both extended
    by `cycles` of 65536.
    """

    __slots__ = (
        "base",
        "cycles",
        "expected_before",
        "highest",
        "jitter",
        "lost_earlier",
        "octets",
        "packets",
        "packets_before",
        "packets_earlier",
        "rate",
        "transit",
    )

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.packets = 0
        self.octets = 0
        self.jitter = 0.0  # in units of the clock
        self.transit = 0.0
        self.base = self.highest = -1  # nothing has come
        self.cycles = 0
        self.packets_earlier = self.lost_earlier = 0  # of sources before this one
        self.packets_before = self.expected_before = 0  # at the last report

    def begin(self, sequence: int) -> None:
        """Another source: what was counted stays, the numbers begin with `sequence`."""
        self.lost_earlier = self.lost
        self.packets_earlier = self.packets
        self.base = self.highest = sequence
        self.cycles = 0
        self.transit = 0.0
        self.packets_before, self.expected_before = self.packets, 0

    def pause(self) -> None:
        """Nothing can be said about loss until the next `begin`."""
        if self.base >= 0:
            self.lost_earlier = self.lost
            self.base = self.highest = -1
            self.cycles = 0
        self.packets_earlier = self.packets + 1

    def out_of_order(self, sequence: int) -> bool:
        """Takes a packet that is not the next one, before it is counted. False when its source began anew."""
        step = (sequence - self.highest) & 0xFFFF
        if step < LARGEST_GAP:
            if sequence < self.highest:
                self.cycles += 65_536
            self.highest = sequence
            return True
        return step > 65_536 - LARGEST_GAP  # a late one, or a second copy

    @property
    def extended(self) -> int:
        """The highest sequence number with the cycles in front."""
        return (self.cycles + max(self.highest, 0)) & 0xFFFFFFFF

    @property
    def expected(self) -> int:
        """How many packets this source has sent as far as we know."""
        return 0 if self.base < 0 else self.cycles + self.highest - self.base + 1

    @property
    def lost(self) -> int:
        """How many have not come; copies can't make it negative."""
        return self.lost_earlier + max(0, self.expected - (self.packets - self.packets_earlier))

    @property
    def jitter_ms(self) -> float:
        return 1000.0 * self.jitter / self.rate

    def fraction_lost(self) -> int:
        """The share of packets lost since the last call, in 1/256, as a report block has it."""
        expected, packets = self.expected, self.packets
        wanted, got = expected - self.expected_before, packets - self.packets_before
        self.expected_before, self.packets_before = expected, packets
        return 0 if wanted <= 0 or got >= wanted else min(255, ((wanted - got) << 8) // wanted)


@dataclass(frozen=True, slots=True)
class Impairment:
    """What a codec takes away from speech (ITU-T G.113): `ie` always, and per lost packet the less the larger `bpl`."""

    ie: float
    bpl: float


# G.113 appendix I for G.711 with concealment; G.722 and Opus have no figures on the narrowband scale and are put
# level with it, so that a value of ours compares calls with each other and does not reward bandwidth.
IMPAIRMENTS = {
    "pcmu": Impairment(0.0, 25.1),
    "pcma": Impairment(0.0, 25.1),
    "g722": Impairment(0.0, 25.1),
    "opus": Impairment(0.0, 25.1),
    "g729": Impairment(11.0, 19.0),
    "gsm": Impairment(20.0, 10.0),
}
_UNKNOWN = Impairment(11.0, 19.0)


def mean_opinion(codec: str, *, loss: float, jitter: float, round_trip: float | None) -> float:
    """What listeners would probably say, 1 to 4.5, by the E-model with its defaults (ITU-T G.107).

    Args:
        loss: the share of lost packets, 0 to 1.
        jitter, round_trip: in milliseconds; a round trip that nobody knows counts as none.
    """
    impairment = IMPAIRMENTS.get(codec.lower(), _UNKNOWN)
    delay = (round_trip or 0.0) / 2 + 2 * jitter + PLAYOUT
    percent = 100 * min(max(loss, 0.0), 1.0)
    by_loss = impairment.ie + (95 - impairment.ie) * percent / (percent + impairment.bpl)
    # The usual simplification of Id: beyond 177.3 ms conversations begin to suffer.
    by_delay = 0.024 * delay + (0.11 * (delay - 177.3) if delay > 177.3 else 0.0)
    rating = 93.2 - by_delay - by_loss
    if rating <= 0:
        return 1.0
    if rating >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)

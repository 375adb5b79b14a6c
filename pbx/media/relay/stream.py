"""One m= line of one leg: what comes from its party is counted, renumbered and handed to the stream across.

Each stream sends under an SSRC of its own and one row of sequence numbers, whoever feeds it: the party across, the
one that took its place after a transfer, or a player. So a phone sees one steady source, and SRTP one context.

`receive` is the way of every packet. Most take a shorter one to the same end (`express.py`), which has to do the same.
"""

import time
from collections.abc import Callable
from secrets import randbits
from sys import byteorder
from typing import Protocol

from pbx.media.relay.correspondence import Correspondence
from pbx.media.relay.formats import CONVERT, DROP, Exchange, counterpart
from pbx.media.relay.packet import BUFFER, HEADER, NUMBERS, WORDS, blank_extensions, load, strip_extension
from pbx.media.relay.srtp import Protection
from pbx.media.relay.statistics import Reception


class Feed(Protocol):
    """What fills a stream: another stream, a converter, a player."""

    def position(self) -> tuple[int, int, float]:
        """Sequence number and timestamp of the last packet that it has sent, and when that was."""


class Transport(Protocol):
    """What carries a stream to its party and back."""

    @property
    def is_open(self) -> bool:
        """Whether what is sent gets to the party: its address is known, and the keys are."""

    def send(self, start: int, end: int) -> None:
        """Sends the packet that stands between those places of the buffer."""

    def send_rtcp(self, packet: bytes) -> None:
        """Sends a compound packet."""


class Nowhere:
    """The transport of a stream that isn't connected."""

    is_open = False

    def send(self, start: int, end: int) -> None:
        """Nothing is sent."""

    def send_rtcp(self, packet: bytes) -> None:
        """Nothing is sent."""


Converter = Callable[[int, int, int], None]


class Stream:
    """A stream of a leg. `across` is the stream that gets what comes here: the other party's, or itself for an echo.

    Attributes:
        map: by payload type, what a packet is sent on as; DROP, or CONVERT for what `convert` takes.
        exchange: what was negotiated with the party of this stream.
        source: the SSRC of the packets that come.
        ssrc: the SSRC of the packets that we send; `ssrc_word` is the same as it is written into the buffer.
        feed: what fills this stream at present.
        keeps: numbers of header extensions that may stay in packets to this party; None for all of them.
        transport: what carries this stream. It may say how packets get to the party without it:
        write: sends a packet as it is; None where only `transport.send` can do it.
        outbound: what a packet is encrypted with before it is written; None for nothing.
        shifted: whether what comes is sent on under other numbers, by `sequence_shift` and `timestamp_shift`.
    """

    __slots__ = (
        "_arrival",
        "_timestamp",
        "across",
        "convert",
        "correspondence",
        "exchange",
        "feed",
        "index",
        "keeps",
        "kind",
        "map",
        "outbound",
        "player",
        "reception",
        "sent",
        "sent_octets",
        "sequence_shift",
        "shifted",
        "source",
        "ssrc",
        "ssrc_word",
        "timestamp_shift",
        "transport",
        "write",
    )

    def __init__(self, kind: str, index: int) -> None:
        self.kind = kind
        self.index = index
        self.transport: Transport = Nowhere()
        self.write: Callable[[memoryview], object] | None = None
        self.outbound: Protection | None = None
        self.exchange = Exchange()
        self.map = [DROP] * 128
        self.convert: Converter | None = None
        self.across: Stream | None = None
        self.keeps: frozenset[int] | None = frozenset()
        self.reception = Reception(8000 if kind == "audio" else 90_000)
        self.source = -1
        self.feed: Feed | None = None
        self.player: Feed | None = None
        self.ssrc = randbits(32)
        self.ssrc_word = int.from_bytes(self.ssrc.to_bytes(4, "big"), byteorder)
        self.sent = self.sent_octets = 0
        self.correspondence = Correspondence()
        self.sequence_shift = self.timestamp_shift = 0
        self.shifted = False
        self._timestamp = 0
        self._arrival = 0.0

    def receive(self, length: int) -> None:
        """Takes the packet in the buffer, decrypted, at least a header long and from where it should come."""
        first, second, sequence, timestamp, ssrc = HEADER.unpack_from(BUFFER)
        mapped = self.map[second & 0x7F]
        out = self.across
        if mapped == DROP or out is None:
            self._count_unwanted(second & 0x7F, length)
            return
        if ssrc != self.source:
            self._begin(ssrc, sequence)
        reception = self.reception
        if sequence and (sequence - reception.highest) & 0xFFFF == 1:
            reception.highest = sequence
        elif not reception.out_of_order(sequence):
            # Its row began anew, ours goes on: SRTP takes a number from before for a repetition.
            self._begin(ssrc, sequence)
        reception.packets += 1
        reception.octets += length
        if not sequence & 3:
            self.measure(timestamp)
        if mapped == CONVERT:
            if self.convert is not None:
                self.convert(length, sequence, timestamp)
            return
        if out.feed is not self and not self._take_over(out, sequence, timestamp):
            return
        BUFFER[1] = (second & 0x80) | mapped
        WORDS[2] = out.ssrc_word
        if self.shifted:
            NUMBERS.pack_into(
                BUFFER,
                2,
                (sequence + self.sequence_shift) & 0xFFFF,
                (timestamp + self.timestamp_shift) & 0xFFFFFFFF,
            )
        start = 0
        if first & 0x10 and out.keeps is not None:
            start = self._fit_extension(out.keeps, length)
            if start < 0:
                return
        out.sent += 1
        out.sent_octets += length - start
        out.transport.send(start, length)

    def position(self) -> tuple[int, int, float]:
        """As a feed: the number of the last packet as the party across has got it; a timestamp of about then."""
        return (
            (self.reception.highest + self.sequence_shift) & 0xFFFF,
            (self._timestamp + self.timestamp_shift) & 0xFFFFFFFF,
            self._arrival,
        )

    def measure(self, timestamp: int) -> None:
        """What is measured on every fourth packet only: how evenly they come (RFC 3550 §6.4.1), and when."""
        now = time.monotonic()
        self._timestamp = timestamp
        self._arrival = now
        reception = self.reception
        rate = reception.rate
        transit = now * rate - timestamp
        difference = transit - reception.transit
        reception.transit = transit
        # More than a second is no jitter but a new beginning, or the timestamp's overflow.
        if -rate < difference < rate:
            reception.jitter += (abs(difference) - reception.jitter) * 0.0625

    def emit(self, second: int, sequence: int, timestamp: int, payload: bytes) -> None:
        """Sends a packet of our own making: a player's, a converter's. `second` is the marker and payload type."""
        length = load(HEADER.pack(0x80, second, sequence, timestamp, self.ssrc) + payload)
        self.sent += 1
        self.sent_octets += length
        self.transport.send(0, length)

    def original(self, sequence: int) -> int:
        """The number that the source has given to the packet which left for the party across as `sequence`."""
        return (sequence - self.sequence_shift) & 0xFFFF

    def shifted_timestamp(self, timestamp: int) -> int:
        """A timestamp of the source as the party across knows it."""
        return (timestamp + self.timestamp_shift) & 0xFFFFFFFF

    @property
    def is_carried(self) -> bool:
        """Whether there is a transport, be it open or not."""
        return not isinstance(self.transport, Nowhere)

    @property
    def clock(self) -> int:
        """The clock of what is sent to the party, in Hz: of the first codec that both sides have agreed to."""
        theirs, ours = self.exchange.theirs, self.exchange.ours
        spoken = [codec.rate for codec in theirs if not codec.is_companion and counterpart(codec, ours) is not None]
        return spoken[0] if spoken else self.reception.rate

    @property
    def is_relayed(self) -> bool:
        """Whether what comes here goes on as it is, so that reports about it mean the same on both sides."""
        return self.across is not None and self.across.feed is self

    def continue_as(self, feed: Feed) -> tuple[int, int]:
        """Lets `feed` fill this stream from now on; the sequence number and timestamp that its next packet has."""
        previous, self.feed = self.feed, feed
        if previous is None:
            return randbits(15), randbits(31)
        sequence, timestamp, when = previous.position()
        passed = int((time.monotonic() - when) * self.clock)
        return (sequence + 1) & 0xFFFF, (timestamp + max(passed, 1)) & 0xFFFFFFFF

    def connect(self, across: "Stream | None") -> None:
        """Hands what comes here to that stream from now on."""
        if across is not self.across:
            self.across = across
            self.shifted = False
            self.sequence_shift = self.timestamp_shift = 0

    def set_rate(self, rate: int) -> None:
        """The clock of what comes, in Hz, as the preferred codec has it."""
        if rate != self.reception.rate:
            self.reception.jitter *= rate / self.reception.rate
            self.reception.rate = rate
            self.reception.transit = 0.0

    def _begin(self, ssrc: int, sequence: int) -> None:
        """Another source of the same party: it began anew, or another phone stands behind it now."""
        if self.across is not None and self.across.feed is self:
            self.across.feed = _Past(*self.position())
        self.reception.begin(sequence)
        self.source = ssrc

    def _take_over(self, out: "Stream", sequence: int, timestamp: int) -> bool:
        """Begins to fill `out`; False while a player does, which goes first."""
        if out.player is not None:
            return False
        previous, out.feed = out.feed, self
        now = time.monotonic()
        self._timestamp, self._arrival = timestamp, now
        if previous is None:
            # The first that fills it keeps its own numbers.
            self.sequence_shift = self.timestamp_shift = 0
        else:
            last_sequence, last_timestamp, when = previous.position()
            passed = int((now - when) * self.reception.rate)
            self.sequence_shift = (last_sequence + 1 - sequence) & 0xFFFF
            self.timestamp_shift = (last_timestamp + max(passed, 1) - timestamp) & 0xFFFFFFFF
        self.shifted = bool(self.sequence_shift or self.timestamp_shift)
        return True

    def _fit_extension(self, keeps: frozenset[int], length: int) -> int:
        if not keeps:
            return strip_extension(length)
        return 0 if blank_extensions(length, keeps) else -1

    def _count_unwanted(self, payload_type: int, length: int) -> None:
        """What is not sent on, because the far side is on hold, absent, or didn't agree to it, has still arrived."""
        if self.exchange.expects(payload_type):
            if self.source >= 0 and self.across is not None and self.across.feed is self:
                self.across.feed = _Past(*self.position())
            self.source = -1
            self.reception.pause()
            self.reception.packets += 1
            self.reception.octets += length


class _Past:
    """A feed that feeds no more: where it ended."""

    __slots__ = ("_position",)

    def __init__(self, sequence: int, timestamp: int, when: float) -> None:
        self._position = sequence, timestamp, when

    def position(self) -> tuple[int, int, float]:
        return self._position

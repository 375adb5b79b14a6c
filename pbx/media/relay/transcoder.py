"""Speech between two parties that share no codec: decoded, encoded anew, with its timestamps on the other clock.

There is no jitter buffer: a packet is converted when it comes, and the listener's own buffer evens out what there
is. Gaps stay gaps. Telephone events are not decoded, but their times are on the stream's clock and are converted.
"""

import time

from pbx.media.relay.formats import convertible
from pbx.media.relay.packet import BUFFER, payload
from pbx.media.relay.speech import Decoder, Encoder
from pbx.media.relay.stream import Stream
from sip.sdp.codecs import Codec

GAP = 2.0  # seconds that timestamps may jump; beyond, the sender began anew
# Speech that may come at once, after a network has held it up, in seconds; and how much faster than it is spoken it may
# come for long. What is beyond, would take the processor from all other calls.
MOST_AT_ONCE = 2.0
HASTE = 1.25
EVENT_LENGTH = 4  # octets of a telephone event, RFC 4733 §2.3


class Transcoder:
    """What a stream's packets become for the stream across, which is filled by this (a `Feed`) from the first on."""

    def __init__(self, source: Stream, target: Stream) -> None:
        self._source = source
        self._target = target
        chosen = convertible(target.exchange.theirs)
        assert chosen is not None  # or no payload type would be marked CONVERT
        self._payload_type = chosen.payload_type
        self._encoder = Encoder(chosen.name)
        self._events = next((codec for codec in target.exchange.theirs if codec.is_telephone_event), None)
        self._known = {codec.payload_type: codec for codec in (*source.exchange.theirs, *source.exchange.ours)}
        self._decoders: dict[int, Decoder] = {}
        self._sequence = 0
        self._here = 0  # a timestamp of the source ...
        self._there = 0  # ... and what it is on the target's clock
        self._latest = 0  # of the source
        self._pending = 0  # samples of the target's clock that wait in the encoder
        self._last = (0, 0, 0.0)
        self._allowance = MOST_AT_ONCE
        self._refilled = time.monotonic()

    def position(self) -> tuple[int, int, float]:
        """As a feed."""
        return self._last

    def convert(self, length: int, sequence: int, timestamp: int) -> None:  # noqa: ARG002  as `Stream.convert` is called
        """Takes the packet in the buffer."""
        codec = self._known.get(BUFFER[1] & 0x7F)
        if codec is None:
            return
        marker, content = BUFFER[1] & 0x80, payload(length)
        if not self._place(timestamp):
            return
        if codec.is_telephone_event:
            self._pass_event(codec, marker, timestamp, content)
        else:
            self._pass_speech(codec, marker, timestamp, content)

    def _place(self, timestamp: int) -> bool:
        """Makes sure that timestamps can be translated; False while a player has the stream."""
        clock = self._source.reception.rate
        ahead = _signed(timestamp - self._latest)
        if self._target.feed is not self:
            if self._target.player is not None:
                return False
            self._sequence, self._there = self._target.continue_as(self)
            self._here = timestamp
        elif abs(ahead) > GAP * clock:
            _, last, when = self._last
            passed = int((time.monotonic() - when) * self._encoder.coding.clock)
            self._here, self._there = timestamp, (last + max(passed, self._encoder.step)) & 0xFFFFFFFF
            self._pending = 0
        self._latest = timestamp
        return True

    def _translated(self, timestamp: int) -> int:
        passed = _signed(timestamp - self._here) * self._encoder.coding.clock // self._source.reception.rate
        return (self._there + passed) & 0xFFFFFFFF

    def _is_too_much(self) -> bool:
        """Whether more speech has come than there was time for."""
        now = time.monotonic()
        self._allowance = min(self._allowance + HASTE * (now - self._refilled), MOST_AT_ONCE)
        self._refilled = now
        return self._allowance <= 0

    def _pass_speech(self, codec: Codec, marker: int, timestamp: int, content: bytes) -> None:
        if self._is_too_much():
            return
        decoder = self._decoders.get(codec.payload_type)
        if decoder is None:
            decoder = self._decoders[codec.payload_type] = Decoder(codec.name)
        begins = self._translated(timestamp) - self._pending
        step, clock = self._encoder.step, self._encoder.coding.clock
        for frame in decoder.decode(content):
            self._allowance -= frame.samples / frame.sample_rate
            self._pending += frame.samples * clock // frame.sample_rate
            for packet in self._encoder.encode(frame):
                self._emit(marker | self._payload_type, begins & 0xFFFFFFFF, packet)
                begins += step
                self._pending -= step
                marker = 0
        # The resampler holds back a little at its beginning, which is no reason to drift.
        self._pending = min(max(self._pending, 0), step)

    def _pass_event(self, codec: Codec, marker: int, timestamp: int, content: bytes) -> None:
        events = self._events
        if events is None or len(content) < EVENT_LENGTH:
            return
        duration = int.from_bytes(content[2:4], "big") * events.rate // codec.rate
        scaled = content[:2] + min(duration, 0xFFFF).to_bytes(2, "big")
        self._emit(marker | events.payload_type, self._translated(timestamp), scaled)

    def _emit(self, second: int, timestamp: int, content: bytes) -> None:
        self._target.emit(second, self._sequence, timestamp, content)
        self._last = (self._sequence, timestamp, time.monotonic())
        self._sequence = (self._sequence + 1) & 0xFFFF


def _signed(difference: int) -> int:
    """A difference of timestamps, which count around at 2**32."""
    difference &= 0xFFFFFFFF
    return difference - (1 << 32) if difference >> 31 else difference

"""Plays a prompt to a party: 50 packets a second, in the party's codec, in place of what the other one says."""

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Callable

from pbx.media.relay.codings import CODINGS, PACKETS_A_SECOND, loading
from pbx.media.relay.prompts import RATE, samples
from pbx.media.relay.stream import Stream
from sip.sdp.codecs import Codec

PIECE = RATE // PACKETS_A_SECOND
LATE = 0.2  # seconds behind which a player doesn't hurry to catch up


class Player:
    """One prompt on its way (a `Feed`). Raises UnknownPrompt.

    Args:
        repeat: begins again at the end, until it is stopped.
        done: called once, when it has ended or was stopped.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        stream: Stream,
        codec: Codec,
        prompt: str,
        *,
        repeat: bool,
        done: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._stream = stream
        self._payload_type = codec.payload_type
        self._samples = samples(prompt)
        self._repeat = repeat
        self._done = done
        self._codec = codec
        self._step = CODINGS[codec.name.lower()].step
        self._encode: Callable[[array[int]], list[bytes]] = _too_early
        self._ready: deque[bytes] = deque()
        self._at = 0
        self._due = 0.0
        self._sequence = self._timestamp = 0
        self._last = (0, 0, 0.0)
        self._timer: asyncio.TimerHandle | None = None
        self._marker = 0x80

    def position(self) -> tuple[int, int, float]:
        """As a feed."""
        return self._last

    def start(self) -> None:
        """Begins; from now on the stream is filled by this alone."""
        self._stream.player = self
        self._sequence, self._timestamp = self._stream.continue_as(self)
        self._last = (self._sequence - 1) & 0xFFFF, self._timestamp, time.monotonic()
        loading.then(self._loop, self._begin)

    def stop(self) -> None:
        """Ends; whoever spoke before is heard again."""
        if self._stream.player is not self:
            return
        self._stream.player = None
        if self._timer is not None:
            self._timer.cancel()
        self._done()

    def _begin(self) -> None:
        if self._stream.player is not self:  # stopped meanwhile
            return
        from pbx.media.relay.speech import Encoder, frame_of

        encoder = Encoder(self._codec.name)
        self._encode = lambda piece: encoder.encode(frame_of(piece, RATE))
        self._due = self._loop.time()
        self._tick()

    def _tick(self) -> None:
        if not self._stream.transport.is_open:
            self._due = self._loop.time() + 1 / PACKETS_A_SECOND
            self._timer = self._loop.call_at(self._due, self._tick)
            return
        packet = self._next()
        if packet is None:
            self._timer = None
            self.stop()
            return
        self._stream.emit(self._marker | self._payload_type, self._sequence, self._timestamp, packet)
        self._last = self._sequence, self._timestamp, time.monotonic()
        self._marker = 0
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + self._step) & 0xFFFFFFFF
        now = self._loop.time()
        self._due += 1 / PACKETS_A_SECOND
        if now - self._due > LATE:
            self._due = now
        self._timer = self._loop.call_at(self._due, self._tick)

    def _next(self) -> bytes | None:
        while not self._ready:
            if self._at >= len(self._samples):
                if not self._repeat:
                    return None
                self._at = 0
            piece = self._samples[self._at : self._at + PIECE]
            self._at += PIECE
            if len(piece) < PIECE:
                piece.extend(array("h", bytes(2 * (PIECE - len(piece)))))
            self._ready.extend(self._encode(piece))
        return self._ready.popleft()


def _too_early(_: "array[int]") -> list[bytes]:
    raise AssertionError("nothing is asked of an encoder before it is there")

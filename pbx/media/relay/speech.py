"""Speech decoded and encoded: the codecs that browsers and telephones have, by PyAV.

Samples are 16 bits and one channel throughout; the encoder resamples to what its codec wants and hands out packets
of 20 ms.
"""

from array import array
from typing import Literal

from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.codec.context import CodecContext
from av.error import FFmpegError
from av.packet import Packet

from pbx.media.relay.codings import CODINGS, PACKETS_A_SECOND, Coding


class Decoder:
    """Decodes the payloads of one stream, in their order. `name` is the codec's, in any case."""

    def __init__(self, name: str) -> None:
        self.coding = CODINGS[name.lower()]
        self._context = _context(self.coding.decoder, "r", self.coding)

    def decode(self, payload: bytes) -> list[AudioFrame]:
        """The sound of a packet; nothing for what is malformed."""
        if not payload:  # some phones keep their way open so (RFC 6263 §4.1); to FFmpeg it is the end of the stream
            return []
        try:
            return self._context.decode(Packet(payload))
        except (FFmpegError, ValueError):
            return []


class Encoder:
    """Encodes one stream; what doesn't fill a packet waits for more."""

    def __init__(self, name: str) -> None:
        self.coding = CODINGS[name.lower()]
        self.step = self.coding.step
        samples = self.coding.rate // PACKETS_A_SECOND
        self._context = _context(self.coding.encoder, "w", self.coding)
        self._resampler = AudioResampler(format="s16", layout="mono", rate=self.coding.rate, frame_size=samples)

    def encode(self, frame: AudioFrame) -> list[bytes]:
        """The packets that are full with this."""
        frame.pts = None
        packets: list[bytes] = []
        for full in self._resampler.resample(frame):
            full.pts = None
            packets += [bytes(packet) for packet in self._context.encode(full)]
        return packets


def frame_of(samples: "array[int]", rate: int) -> AudioFrame:
    """Samples of 16 bits as the encoder takes them."""
    frame = AudioFrame(format="s16", layout="mono", samples=len(samples))
    frame.planes[0].update(samples.tobytes())
    frame.sample_rate = rate
    return frame


def _context(name: str, mode: Literal["r", "w"], coding: Coding) -> AudioCodecContext:
    context = CodecContext.create(name, mode)
    assert isinstance(context, AudioCodecContext)
    context.format = "s16"
    context.layout = "mono"
    context.sample_rate = coding.rate
    if coding.bit_rate and mode == "w":
        context.bit_rate = coding.bit_rate
        context.options = {"application": "voip"}
    return context

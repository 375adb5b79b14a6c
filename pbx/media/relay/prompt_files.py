"""Prompts as files, for a carrier that plays nothing else: rtpengine."""

import io
from functools import cache

import av
from av.audio.resampler import AudioResampler

from pbx.media.relay.prompts import RATE, samples
from pbx.media.relay.speech import frame_of

BIT_RATE = 24_000  # so that 15 s are within 64 KiB


@cache
def as_file(prompt: str) -> tuple[bytes, float]:
    """A prompt as an Ogg file that fits into a datagram, and its seconds. Raises UnknownPrompt."""
    sound = samples(prompt)
    written = io.BytesIO()
    with av.open(written, "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=48_000)
        stream.bit_rate = BIT_RATE
        stream.layout = "mono"
        resampler = AudioResampler(format="s16", layout="mono", rate=48_000, frame_size=960)
        for frame in [*resampler.resample(frame_of(sound, RATE)), *resampler.resample(None)]:
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return written.getvalue(), len(sound) / RATE

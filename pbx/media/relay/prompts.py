"""What can be played: tones, made here (ITU-T E.180 and E.182 say what they mean), so there are no files to lose."""

import io
import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import av
from av.audio.resampler import AudioResampler

from pbx.media.errors import UnknownPrompt
from pbx.media.relay.speech import frame_of

RATE = 8000
LOUD = 0.2  # of full scale, about -14 dBm0
SOFT = 0.08
FILE_BIT_RATE = 24_000  # so that 15 s are within 64 KiB
FADE = 0.004  # seconds in which a tone begins and ends, so that it doesn't click


@dataclass(frozen=True, slots=True)
class Sound:
    """A tone of some frequencies in hertz, mixed; none of them is silence. `seconds` long, `level` of full scale."""

    frequencies: tuple[float, ...]
    seconds: float
    level: float = LOUD


def _melody(notes: str) -> Iterator[Sound]:
    """Broken chords for waiting: a letter is a note, a point a rest."""
    scale = dict(zip("cdefgabCDEFG", (262, 294, 330, 349, 392, 440, 494, 523, 587, 659, 698, 784), strict=True))
    for note in notes:
        yield Sound((float(scale[note]),) if note in scale else (), 0.4, SOFT)


PROMPTS: dict[str, tuple[Sound, ...]] = {
    "ringing": (Sound((425.0,), 1.0), Sound((), 4.0)),
    "busy": (Sound((425.0,), 0.5), Sound((), 0.5)),
    "congestion": (Sound((425.0,), 0.25), Sound((), 0.25)),
    # The special information tone: what was dialled can't be reached (E.180, chapter 7).
    "unavailable": (
        Sound((950.0,), 0.33),
        Sound((1400.0,), 0.33),
        Sound((1800.0,), 0.33),
        Sound((), 1.0),
    ),
    "beep": (Sound((1000.0,), 0.3), Sound((), 0.1)),
    "confirmation": (Sound((440.0, 554.0, 659.0), 0.25), Sound((), 0.1)),
    "waiting": tuple(_melody("cegCgegc.dfaDafad.egCECgeg.fdagdgfd....")),
}


@cache
def samples(prompt: str) -> "array[int]":
    """The sound of a prompt, 16 bits at 8000 Hz. Raises UnknownPrompt."""
    sounds = PROMPTS.get(prompt)
    if sounds is None:
        raise UnknownPrompt(f"nothing is called {prompt}; there are {', '.join(PROMPTS)}")
    return array("h", _samples(sounds))


@cache
def as_file(prompt: str) -> tuple[bytes, float]:
    """A prompt as an Ogg file that fits into a datagram, and its seconds. Raises UnknownPrompt."""
    sound = samples(prompt)
    written = io.BytesIO()
    with av.open(written, "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=48_000)
        stream.bit_rate = FILE_BIT_RATE
        stream.layout = "mono"
        resampler = AudioResampler(format="s16", layout="mono", rate=48_000, frame_size=960)
        for frame in [*resampler.resample(frame_of(sound, RATE)), *resampler.resample(None)]:
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return written.getvalue(), len(sound) / RATE


def _samples(sounds: Iterable[Sound]) -> Iterator[int]:
    for sound in sounds:
        count = round(sound.seconds * RATE)
        steps = [2 * math.pi * hz / RATE for hz in sound.frequencies]
        scale = 32_767 * sound.level / max(len(steps), 1)
        fade = FADE * RATE
        for number in range(count):
            shape = min(1.0, number / fade, (count - number) / fade)
            yield round(scale * shape * sum(math.sin(step * number) for step in steps))

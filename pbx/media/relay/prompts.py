"""What can be played: tones, made here (ITU-T E.180 and E.182 say what they mean), and what somebody has recorded."""

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from pbx.media.errors import UnknownPrompt

RATE = 8000
LOUD = 0.2  # of full scale, about -14 dBm0
SOFT = 0.08
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
    "echo": (),  # before the echo test; only a recording says what that is
    "waiting": tuple(_melody("cegCgegc.dfaDafad.egCECgeg.fdagdgfd....")),
}


_recorded: dict[str, "array[int]"] = {}


def use_recorded(sounds: Mapping[str, "array[int]"]) -> None:
    """From now on these, by the names of prompts, are played in the place of tones."""
    _recorded.update(sounds)


def samples(prompt: str) -> "array[int]":
    """The sound of a prompt, 16 bits at 8000 Hz; empty where nothing is to be played. Raises UnknownPrompt."""
    recorded = _recorded.get(prompt)
    return _tones(prompt) if recorded is None else recorded


@cache
def _tones(prompt: str) -> "array[int]":
    sounds = PROMPTS.get(prompt)
    if sounds is None:
        raise UnknownPrompt(f"nothing is called {prompt}; there are {', '.join(PROMPTS)}")
    return array("h", _samples(sounds))


def _samples(sounds: Iterable[Sound]) -> Iterator[int]:
    for sound in sounds:
        count = round(sound.seconds * RATE)
        steps = [2 * math.pi * hz / RATE for hz in sound.frequencies]
        scale = 32_767 * sound.level / max(len(steps), 1)
        fade = FADE * RATE
        for number in range(count):
            shape = min(1.0, number / fade, (count - number) / fade)
            yield round(scale * shape * sum(math.sin(step * number) for step in steps))

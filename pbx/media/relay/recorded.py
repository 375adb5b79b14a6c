"""Sounds that somebody has recorded: WAV files, as prompts are played."""

import wave
from array import array
from collections.abc import Mapping
from pathlib import Path

from pbx.media.relay.prompts import RATE


def read_folder(folder: Path) -> Mapping[str, "array[int]"]:
    """The sounds of a folder by their names, 16 bits and one channel at 8000 Hz. Raises OSError, EOFError, wave.Error.

    What the configuration allows is what can be here: 8000, 16000 or 48000 Hz, 16 bits, one or two channels.
    """
    return {path.stem: read(path) for path in sorted(folder.glob("*.wav"))}


def read(path: Path) -> "array[int]":
    """One of them."""
    with wave.open(str(path), "rb") as file:
        rate, channels = file.getframerate(), file.getnchannels()
        octets = file.readframes(file.getnframes())
    if rate == RATE and channels == 1:
        return array("h", octets)
    # FFmpeg's libraries take 17 MB, which nobody has to give who has sounds as a telephone has them.
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler

    frame = AudioFrame(format="s16", layout="mono" if channels == 1 else "stereo", samples=len(octets) // 2 // channels)
    frame.planes[0].update(octets)
    frame.sample_rate = rate
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
    sound = array("h")
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        sound.frombytes(bytes(part.planes[0])[: 2 * part.samples])
    return sound

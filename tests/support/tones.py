"""Tones by which phones are told apart: write one as WAV, find it again in what somebody recorded.

Each phone of a test plays a sine of its own frequency. Who hears whom is then a measurement: the
frequency that dominates the recording. G.711 (ITU-T G.711, both laws) is here too, for peers which hand
over RTP payloads instead of a WAV file.

Units: frequencies in hertz, times in seconds, levels in dB below a full-scale sine.
"""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]
"""Mono audio, full scale is 1.0."""

WINDOW = 0.1  # a Hann window of 100 ms tells tones apart that differ by 40 Hz
HOP = 0.05
AUDIBLE = -45.0  # between the noise of G.711 coding (below -60) and a quiet talker (about -35)
SHARE = 0.3  # of a window's energy: two phones mixed at equal level are both heard, an overtone is not


@dataclass(frozen=True, slots=True)
class Recording:
    """Mono audio with its sampling rate."""

    rate: int
    samples: Samples

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class Tone:
    """A frequency and how loud it is."""

    hz: float
    level: float


def write_tone(path: Path, hz: float, *, seconds: float = 120.0, rate: int = 8000, level: float = -12.0) -> Path:
    """Write a mono WAV of 16 bits with a sine.

    The length is cut to whole periods, so that a player which repeats the file plays no click.
    """
    periods = max(1, int(seconds * hz))
    count = round(periods * rate / hz)
    wave_form = 10 ** (level / 20) * np.sin(2 * np.pi * hz * np.arange(count) / rate)
    write_wav(path, Recording(rate, wave_form))
    return path


def write_wav(path: Path, recording: Recording) -> None:
    """Write a mono WAV of 16 bits."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(recording.rate)
        out.writeframes((np.clip(recording.samples, -1, 1) * 32767).astype("<i2").tobytes())


def read_wav(path: Path) -> Recording:
    """Read PCM of 16 bits, also from a file which its writer still has open.

    A recorder writes the true lengths into the header when it closes the file. Until then they are zero or
    old, so a data chunk counts to the end of the file if it is the last one that the header knows of. Linphone
    keeps a place of 44 zeros for the whole header; such a file is taken for a mono one of 8000 Hz.

    Raises ValueError for anything that is no such WAV. A file without a complete header is an empty one.
    """
    data = path.read_bytes()
    if len(data) < 44:
        return Recording(8000, np.zeros(0))
    if not any(data[:44]):
        return Recording(8000, np.frombuffer(data, "<i2", (len(data) - 44) // 2, 44) / 32768)
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError(f"{path} is no WAV file")
    rate, channels, at = 0, 0, 12
    while at + 8 <= len(data):
        name, size, body = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little"), at + 8
        if name == b"fmt ":
            kind, channels = (int.from_bytes(data[body + i : body + i + 2], "little") for i in (0, 2))
            rate = int.from_bytes(data[body + 4 : body + 8], "little")
            bits = int.from_bytes(data[body + 14 : body + 16], "little")
            if kind not in (1, 0xFFFE) or bits != 16 or not channels:
                raise ValueError(f"{path} is no PCM of 16 bits (format {kind}, {bits} bits)")
        elif name == b"data":
            if not rate:
                raise ValueError(f"{path} has its data before its format")
            finished = size and body + size < len(data) and data[body + size : body + size + 4].isalpha()
            end = body + size if finished else len(data)
            whole = (end - body) // (2 * channels) * (2 * channels)
            frames = np.frombuffer(data, "<i2", whole // 2, body).reshape(-1, channels)
            return Recording(rate, frames.mean(axis=1) / 32768)
        at = body + size + size % 2
    return Recording(rate or 8000, np.zeros(0))


def windows(recording: Recording, *, since: float = 0.0) -> tuple[Samples, Samples]:
    """Return the power spectra of the recording's windows (one a row) and the frequencies of the columns.

    Power is relative to a full-scale sine: a row's sum is 1.0 for it.
    """
    size, hop = round(WINDOW * recording.rate), round(HOP * recording.rate)
    heard = recording.samples[round(since * recording.rate) :]
    frequencies = np.fft.rfftfreq(size, 1 / recording.rate).astype(np.float64)
    if len(heard) < size:
        return np.zeros((0, len(frequencies))), frequencies
    frames = np.lib.stride_tricks.sliding_window_view(heard, size)[::hop]
    shape = np.hanning(size)
    power = np.abs(np.fft.rfft(frames * shape, axis=1)) ** 2
    return power * (4 / (size * np.sum(shape**2))), frequencies


def dominant_tone(recording: Recording, *, since: float = 0.0) -> Tone | None:
    """Return the tone that carries most energy over the audible windows; None if all of them are silent."""
    power, frequencies = windows(recording, since=since)
    voiced = power[power.sum(axis=1) > 10 ** (AUDIBLE / 10)]
    if not len(voiced):
        return None
    spectrum = voiced.mean(axis=0)
    peak = int(np.argmax(spectrum))
    low, high = max(0, peak - 2), peak + 3
    around = spectrum[low:high]
    hz = float(np.sum(around * frequencies[low:high]) / np.sum(around))
    return Tone(hz, float(10 * np.log10(np.sum(around))))


def seconds_heard(recording: Recording, hz: float, *, since: float = 0.0) -> float:
    """Return for how long a tone was audible, whatever else was to be heard beside it."""
    power, frequencies = windows(recording, since=since)
    near = np.abs(frequencies - hz) <= 2.5 / WINDOW  # the main lobe of the window, and a phone's clock
    at_tone, total = power[:, near].sum(axis=1), power.sum(axis=1)
    return float(np.count_nonzero((at_tone > 10 ** (AUDIBLE / 10)) & (at_tone >= SHARE * total)) * HOP)


def hears(path: Path, hz: float, *, since: float = 0.0, at_least: float = 0.3) -> bool:
    """Tell whether a recording holds a tone for `at_least` seconds after `since`."""
    return path.exists() and seconds_heard(read_wav(path), hz, since=since) >= at_least


def _expand_mu_law() -> npt.NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)
    size = (((code & 0x0F).astype(np.int32) << 3) + 0x84) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, 0x84 - size, size - 0x84).astype(np.int16)


def _expand_a_law() -> npt.NDArray[np.int16]:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    mantissa, segment = (code & 0x0F).astype(np.int32) << 4, (code & 0x70).astype(np.int32) >> 4
    size = np.where(segment == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.int16)


PCMU, PCMA = 0, 8  # payload types, RFC 3551 section 6
_EXPANDED = {PCMU: _expand_mu_law(), PCMA: _expand_a_law()}


def decode_g711(payload: bytes, payload_type: int) -> Samples:
    """Decode the payload of an RTP packet. Raises KeyError for a payload type that is not G.711."""
    return _EXPANDED[payload_type][np.frombuffer(payload, np.uint8)] / 32768


def encode_g711(samples: Samples, payload_type: int) -> bytes:
    """Encode for RTP, each sample by the nearest value of the law. Raises KeyError as `decode_g711`."""
    law = _EXPANDED[payload_type].astype(np.float64)
    order = np.argsort(law, kind="stable")
    middle = (law[order][1:] + law[order][:-1]) / 2
    return order[np.searchsorted(middle, samples * 32768)].astype(np.uint8).tobytes()

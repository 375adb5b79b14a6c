"""Recorded sounds are played as they were recorded, whatever their rate and number of channels."""

import wave
from pathlib import Path

import numpy as np
import pytest

from pbx.media.relay.prompts import RATE, samples, use_recorded
from pbx.media.relay.recorded import read_folder
from tests.support.tones import Recording, dominant_tone

HZ = 620.0


def write(path: Path, rate: int, channels: int, seconds: float = 1.5) -> None:
    time = np.arange(int(rate * seconds)) / rate
    # Twice what telephony can carry is in it too, and must not come back as another tone.
    mono = 0.3 * np.sin(2 * np.pi * HZ * time) + (0.3 * np.sin(2 * np.pi * 7000 * time) if rate > 16_000 else 0.0)
    frames = np.repeat((mono * 32_767).astype("<i2"), channels)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(frames.tobytes())


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_sound_keeps_its_pitch_and_its_length(tmp_path: Path, rate: int, channels: int) -> None:
    write(tmp_path / "echo.wav", rate, channels)
    (sound,) = read_folder(tmp_path).values()
    heard = np.frombuffer(sound.tobytes(), "<i2") / 32_768
    assert len(heard) == pytest.approx(1.5 * RATE, abs=RATE / 100)
    tone = dominant_tone(Recording(RATE, heard))
    assert tone is not None
    assert tone.hz == pytest.approx(HZ, abs=5)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    alias = spectrum[int(990 / RATE * len(heard)) : int(1010 / RATE * len(heard))]
    assert alias.max() < 0.01 * spectrum.max()


def test_recorded_sound_takes_the_place_of_the_tone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbx.media.relay.prompts._recorded", {})
    assert not samples("echo")
    write(tmp_path / "echo.wav", 8000, 1)
    use_recorded(read_folder(tmp_path))
    assert len(samples("echo")) == 1.5 * RATE
    assert len(samples("beep")) > 0

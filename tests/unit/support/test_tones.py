import wave
from pathlib import Path

import numpy as np
import pytest

from tests.support.tones import (
    PCMA,
    PCMU,
    Recording,
    Samples,
    decode_g711,
    dominant_tone,
    encode_g711,
    hears,
    read_wav,
    seconds_heard,
    write_tone,
    write_wav,
)


def sine(hz: float, *, seconds: float = 1.0, rate: int = 8000, level: float = -12.0) -> Samples:
    wave_form: Samples = 10 ** (level / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return wave_form


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("hz", [300.0, 440.0, 697.0, 1000.0, 1633.0, 3200.0])
def test_written_tone_is_measured_again(tmp_path: Path, hz: float, rate: int) -> None:
    recording = read_wav(write_tone(tmp_path / "tone.wav", hz, seconds=1.0, rate=rate, level=-20.0))
    tone = dominant_tone(recording)
    assert recording.rate == rate
    assert tone is not None
    assert tone.hz == pytest.approx(hz, abs=2)
    assert tone.level == pytest.approx(-20.0, abs=0.5)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_tone_file_repeats_without_a_click(tmp_path: Path, rate: int) -> None:
    samples = read_wav(write_tone(tmp_path / "tone.wav", 697.0, seconds=0.5, rate=rate)).samples
    steps = np.abs(np.diff(np.concatenate([samples, samples])))
    assert steps[len(samples) - 1] <= 1.5 * steps[: len(samples) - 1].max()


@pytest.mark.parametrize(
    ("samples", "hz", "heard"),
    [
        (sine(1000), 1000, True),
        (sine(1000), 1005, True),  # a phone's clock may be off
        (sine(1000), 1100, False),
        (sine(1000), 900, False),
        (sine(1000, level=-60), 1000, False),
        (np.zeros(8000), 1000, False),
        (sine(600) + sine(1000), 600, True),
        (sine(600) + sine(1000), 1000, True),
        (sine(600) + sine(1000), 1600, False),
        (sine(600) + sine(1200, level=-30), 1200, False),  # an overtone
        (np.random.default_rng(1).normal(0, 0.1, 8000), 1000, False),
        (np.concatenate([np.zeros(8000), sine(1000, seconds=0.5)]), 1000, True),
        (np.concatenate([np.zeros(8000), sine(1000, seconds=0.1)]), 1000, False),
    ],
)
def test_tone_is_heard_for_what_it_is(tmp_path: Path, samples: Samples, hz: float, heard: bool) -> None:
    write_wav(tmp_path / "heard.wav", Recording(8000, samples))
    assert hears(tmp_path / "heard.wav", hz) is heard


def test_nothing_is_heard_in_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert not hears(tmp_path / "heard.wav", 1000)


def test_time_of_a_tone_is_counted_from_where_one_listens() -> None:
    recording = Recording(8000, np.concatenate([sine(600, seconds=2.0), sine(1000, seconds=1.0)]))
    assert seconds_heard(recording, 600) == pytest.approx(2.0, abs=0.1)
    assert seconds_heard(recording, 600, since=1.0) == pytest.approx(1.0, abs=0.1)
    assert seconds_heard(recording, 600, since=2.0) == 0.0
    assert seconds_heard(recording, 1000, since=2.0) == pytest.approx(1.0, abs=0.15)


def test_silence_has_no_dominant_tone() -> None:
    assert dominant_tone(Recording(8000, np.zeros(8000))) is None


@pytest.mark.parametrize("length", [0, 10, 43])
def test_file_whose_header_is_not_complete_yet_is_empty(tmp_path: Path, length: int) -> None:
    path = write_tone(tmp_path / "tone.wav", 1000, seconds=1.0)
    path.write_bytes(path.read_bytes()[:length])
    assert read_wav(path).seconds == 0.0


@pytest.mark.parametrize("size", [0, 100, 0xFFFFFFFF], ids=["none", "old", "endless"])
def test_file_that_is_still_being_written_counts_to_its_end(tmp_path: Path, size: int) -> None:
    path = write_tone(tmp_path / "tone.wav", 1000, seconds=1.0)
    data = bytearray(path.read_bytes())
    data[40:44] = size.to_bytes(4, "little")
    path.write_bytes(data)
    assert read_wav(path).seconds == pytest.approx(1.0, abs=0.01)


def test_file_with_room_for_its_header_is_read_at_8000_hertz(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "tone.wav", 1000, seconds=1.0)
    path.write_bytes(bytes(44) + path.read_bytes()[44:])
    assert hears(path, 1000)


def test_chunk_after_the_data_is_no_sound(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "tone.wav", 1000, seconds=1.0)
    before = read_wav(path).samples
    path.write_bytes(path.read_bytes() + b"LIST" + (400).to_bytes(4, "little") + bytes(400))
    assert len(read_wav(path).samples) == len(before)


def test_stereo_is_mixed(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "stereo.wav"), "wb") as out:
        out.setparams((2, 2, 8000, 0, "NONE", ""))
        frames = np.stack([sine(600), sine(1000)], axis=1)
        out.writeframes((frames * 32767).astype("<i2").tobytes())
    assert hears(tmp_path / "stereo.wav", 600)
    assert hears(tmp_path / "stereo.wav", 1000)


@pytest.mark.parametrize(
    "data", [b"OggS" + bytes(60), b"RIFF" + bytes(60), b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x07\0" + bytes(60)]
)
def test_what_is_no_pcm_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.wav").write_bytes(data)
    with pytest.raises(ValueError, match=r"x\.wav is no"):
        read_wav(tmp_path / "x.wav")


# ITU-T G.711, tables 1 and 2: a code and its value on the scale of 16 bits.
@pytest.mark.parametrize(
    ("payload_type", "code", "value"),
    [
        (PCMU, 0xFF, 0),
        (PCMU, 0x7F, 0),
        (PCMU, 0x80, 32124),
        (PCMU, 0x00, -32124),
        (PCMU, 0xFE, 8),
        (PCMU, 0xEF, 132),
        (PCMU, 0x8F, 16764),
        (PCMA, 0xD5, 8),
        (PCMA, 0x55, -8),
        (PCMA, 0xAA, 32256),
        (PCMA, 0x2A, -32256),
        (PCMA, 0xC5, 264),
        (PCMA, 0xF5, 528),
    ],
)
def test_g711_codes_have_the_values_of_the_standard(payload_type: int, code: int, value: int) -> None:
    assert decode_g711(bytes([code]), payload_type)[0] * 32768 == value


@pytest.mark.parametrize("payload_type", [PCMU, PCMA])
def test_g711_decodes_what_it_encodes(payload_type: int) -> None:
    codes = bytes(range(256))
    values = decode_g711(codes, payload_type)
    assert np.array_equal(decode_g711(encode_g711(values, payload_type), payload_type), values)


@pytest.mark.parametrize("payload_type", [PCMU, PCMA])
def test_g711_keeps_a_tone(payload_type: int) -> None:
    tone = dominant_tone(Recording(8000, decode_g711(encode_g711(sine(1000), payload_type), payload_type)))
    assert tone is not None
    assert tone.hz == pytest.approx(1000, abs=2)
    assert tone.level == pytest.approx(-12.0, abs=0.5)

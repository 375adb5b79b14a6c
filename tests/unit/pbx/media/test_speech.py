"""Tones through the codecs, and what can be played."""

from array import array

import numpy as np
import pytest

from pbx.media.errors import UnknownPrompt
from pbx.media.relay.codings import CODINGS
from pbx.media.relay.prompt_files import as_file
from pbx.media.relay.prompts import PROMPTS, RATE, samples
from pbx.media.relay.speech import Decoder, Encoder, frame_of
from tests.support.tones import Recording, dominant_tone, seconds_heard


def tone(hz: float, seconds: float, rate: int = 8000) -> "array[int]":
    wave = 8000 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)
    return array("h", wave.astype("<i2").tobytes())


@pytest.mark.parametrize("codec", CODINGS)
@pytest.mark.parametrize("rate", [8000, 48_000])
def test_tone_survives_the_codec(codec: str, rate: int) -> None:
    encoder, decoder = Encoder(codec), Decoder(codec)
    said, heard = tone(1000, 1.0, rate), []
    step = rate // 50
    packets = [packet for at in range(0, rate, step) for packet in encoder.encode(frame_of(said[at : at + step], rate))]
    assert 48 <= len(packets) <= 50, "packets of 20 ms"
    for packet in packets:
        for frame in decoder.decode(packet):
            heard.append(np.frombuffer(bytes(frame.planes[0])[: 2 * frame.samples], "<i2") / 32_768)
    recording = Recording(decoder.coding.rate, np.concatenate(heard))
    found = dominant_tone(recording, since=0.1)
    assert found is not None
    assert found.hz == pytest.approx(1000, abs=10)


@pytest.mark.parametrize("codec", CODINGS)
def test_noise_is_decoded_without_complaint(codec: str) -> None:
    decoder = Decoder(codec)
    for content in (b"", b"\xff", bytes(range(256)) * 4):
        decoder.decode(content)


@pytest.mark.parametrize("codec", CODINGS)
def test_empty_packet_is_not_the_end_of_the_speech(codec: str) -> None:
    """Some phones keep their way through a router open by packets without content (RFC 6263 §4.1)."""
    encoder, decoder = Encoder(codec), Decoder(codec)
    packets = [packet for _ in range(10) for packet in encoder.encode(frame_of(tone(1000, 0.02), 8000))]
    assert decoder.decode(packets[0])
    assert decoder.decode(b"") == []
    assert all(decoder.decode(packet) for packet in packets[1:])


@pytest.mark.parametrize("prompt", [name for name, sounds in PROMPTS.items() if sounds])
def test_every_prompt_is_heard_and_fits_into_a_datagram(prompt: str) -> None:
    sound = np.frombuffer(samples(prompt).tobytes(), "<i2") / 32_768
    assert np.abs(sound).max() < 0.5
    assert dominant_tone(Recording(RATE, sound)) is not None
    file, seconds = as_file(prompt)
    assert file.startswith(b"OggS")
    assert len(file) < 60_000
    assert seconds == pytest.approx(len(sound) / RATE)


def test_busy_tone_is_the_one_that_everybody_knows() -> None:
    sound = np.frombuffer(samples("busy").tobytes() * 4, "<i2") / 32_768
    assert seconds_heard(Recording(RATE, sound), 425) == pytest.approx(2.0, abs=0.5)


def test_unknown_prompt_names_those_that_there_are() -> None:
    with pytest.raises(UnknownPrompt, match="busy"):
        samples("nothing")

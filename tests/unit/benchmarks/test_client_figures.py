"""What the benchmark of the web client makes of its values, and of the packets that it sees."""

import struct

import numpy as np
import pytest

from tests.benchmarks.client_figures import Figure, Figures
from tests.benchmarks.client_wire import is_audible
from tests.support.tones import PCMA, PCMU, encode_g711

TONE = 0.25 * np.sin(2 * np.pi * 1000 * np.arange(160) / 8000)


def rtp(kind: int, payload: bytes, sources: int = 0) -> bytes:
    """A packet (RFC 3550 §5.1), with so many contributing sources."""
    return struct.pack("!BBHII", 0x80 | sources, kind, 7, 160, 1) + bytes(4 * sources) + payload


def test_median_decides_on_the_goal_and_the_row_shows_the_extremes() -> None:
    figure = Figure("ring", "ms", 300, [120.0, 999.0, 140.0])
    assert figure.row() == ["ring", "ms", "140 (120–999)", "< 300: met"]
    figure.values = [120.0, 999.0, 300.0]
    assert figure.verdict == "< 300: **not met**"


def test_seconds_have_a_digit_after_the_point_and_no_goal_is_no_verdict() -> None:
    assert Figure("build", "s", None, [12.34]).row() == ["build", "s", "12.3 (12.3–12.3)", "–"]


def test_table_leaves_out_what_was_not_measured() -> None:
    found = Figures(Figure("one", "ms", 5), Figure("other", "ms", 5))
    found.add("one", 4)
    assert "one" in found.markdown()
    assert "other" not in found.markdown()
    assert list(found.lines()) == ["one  ms  4 (4–4)  < 5: met"]


def test_value_under_a_name_that_was_not_announced_is_refused() -> None:
    with pytest.raises(KeyError):
        Figures(Figure("one", "ms")).add("on", 1)


@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_tone_in_a_packet_is_audible_and_silence_is_not(law: int) -> None:
    assert is_audible(rtp(law, encode_g711(TONE, law)))
    assert is_audible(rtp(law, encode_g711(TONE, law), sources=2))
    assert not is_audible(rtp(law, encode_g711(np.zeros(160), law)))
    assert not is_audible(rtp(law, encode_g711(TONE * 0.02, law)))


def test_what_is_no_audio_of_a_known_law_is_not_audible() -> None:
    loud = encode_g711(TONE, PCMU)
    assert not is_audible(rtp(101, loud))  # telephone-event
    assert not is_audible(b"\x00\x01" + loud)  # STUN
    assert not is_audible(rtp(PCMU, b""))

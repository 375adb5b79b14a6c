"""Speech that has to be encoded anew, as one hostile or clumsy sender gives it: the others' calls go on."""

from array import array

import pytest

from pbx.media.relay.codings import PACKETS_A_SECOND
from pbx.media.relay.formats import CONVERT
from pbx.media.relay.packet import HEADER, load
from pbx.media.relay.speech import Encoder, frame_of
from pbx.media.relay.stream import Stream
from pbx.media.relay.transcoder import MOST_AT_ONCE, Transcoder
from sip.sdp.codecs import Codec
from tests.unit.pbx.media.test_reports import A, Wire, joined

PCMU, OPUS = Codec(0, "PCMU", 8000), Codec(111, "opus", 48_000, 2)


@pytest.fixture
def talk() -> tuple[Stream, Wire]:
    """A telephone that is heard by a party with nothing but Opus."""
    a, b, _, to_b = joined("audio")
    a.exchange.theirs = a.exchange.ours = (PCMU,)
    b.exchange.theirs = b.exchange.ours = (OPUS,)
    a.map = [CONVERT] * 128
    a.convert = Transcoder(a, b).convert
    return a, to_b


def say(stream: Stream, content: bytes, sequence: int, *, first: int = 0x80) -> None:
    stream.receive(load(HEADER.pack(first, 0, sequence & 0xFFFF, sequence * 160, A) + content))


def test_speech_goes_on_after_packets_without_content(talk: tuple[Stream, Wire]) -> None:
    a, to_b = talk
    for sequence in range(5):
        say(a, bytes(160), sequence)
    heard = len(to_b.packets)
    assert heard
    say(a, b"", 5)
    say(a, b"\0\0\0\x04", 6, first=0xA0)  # padding alone
    for sequence in range(7, 12):
        say(a, bytes(160), sequence)
    assert len(to_b.packets) >= heard + 5


def test_padding_brings_nobody_elses_speech_into_the_call(talk: tuple[Stream, Wire]) -> None:
    a, to_b = talk
    for sequence in range(5):
        say(a, b"\xff" * 160, sequence)  # silence
    heard = len(to_b.packets)
    load(bytes(range(256)) * 7)  # the packet of another call
    say(a, b"\xff", 5, first=0xA0)
    assert len(to_b.packets) == heard


def test_more_speech_than_there_is_time_for_is_not_encoded(talk: tuple[Stream, Wire]) -> None:
    a, to_b = talk
    for sequence in range(1000):
        say(a, bytes(1600), 10 * sequence)  # 200 ms each
    assert len(to_b.packets) < 2 * MOST_AT_ONCE * PACKETS_A_SECOND


def test_speech_that_was_held_up_by_the_network_is_heard_whole(talk: tuple[Stream, Wire]) -> None:
    a, to_b = talk
    encoder = Encoder("pcmu")
    (packet,) = encoder.encode(frame_of(array("h", [500] * 160), 8000))
    for sequence in range(75):
        say(a, packet, sequence)
    assert len(to_b.packets) >= 73

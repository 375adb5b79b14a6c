"""Frames of browsers: bounded, unmasked at once, refused where they are none."""

import pytest
from engineio import packet
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.web.client_frames import KEY, client_frame
from web.live.frames import LARGEST_FRAME, FrameError, Frames, framed, unmask


def taken(*pieces: bytes) -> list[tuple[int, bytes]]:
    frames = Frames()
    return [one for piece in pieces for one in frames.take(piece)]


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_unmasking_is_the_same_as_octet_by_octet(payload: bytes, mask: bytes) -> None:
    assert unmask(payload, mask) == bytes(octet ^ mask[place % 4] for place, octet in enumerate(payload))


@given(st.lists(st.tuples(st.sampled_from((1, 2)), st.binary(max_size=200)), max_size=4), st.integers(1, 50))
def test_messages_come_as_they_were_sent_however_they_are_cut(said: list[tuple[int, bytes]], size: int) -> None:
    octets = b"".join(client_frame(payload, opcode) for opcode, payload in said)
    assert taken(*(octets[at : at + size] for at in range(0, len(octets), size))) == said


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, LARGEST_FRAME])
def test_every_length_is_understood(size: int) -> None:
    assert taken(client_frame(b"x" * size)) == [(1, b"x" * size)]


def test_message_in_pieces_with_a_ping_between_is_put_together() -> None:
    word = "при".encode()
    octets = [client_frame(word[:3], fin=False), client_frame(b"hi", 9), client_frame(word[3:], 0), client_frame(b"x")]
    assert taken(*octets) == [(9, b"hi"), (1, word), (1, b"x")]


@pytest.mark.parametrize(
    "octets",
    [
        client_frame(b"", length=LARGEST_FRAME + 1),
        client_frame(b"", length=1 << 62),
        client_frame(b"", 9, length=126),
        client_frame(b"x", 9, fin=False),
        client_frame(b"x", masked=False),
        client_frame(b"x", 0),
        client_frame(b"x", 3),
        client_frame(b"a", fin=False) + client_frame(b"b"),
        bytes([0xC1, 0x81]) + KEY + b"x",
    ],
    ids=[
        "large",
        "enormous",
        "large ping",
        "ping in pieces",
        "not masked",
        "nothing to continue",
        "unknown",
        "text in text",
        "reserved",
    ],
)
def test_frame_that_breaks_the_rules_is_refused_before_it_has_come(octets: bytes) -> None:
    with pytest.raises(FrameError):
        taken(octets)


def test_pieces_that_grow_too_large_are_refused() -> None:
    with pytest.raises(FrameError):
        taken(client_frame(b"x" * LARGEST_FRAME, fin=False), client_frame(b"x", 0))


@pytest.mark.parametrize("size", [1, 124, 125, 65_534, 65_535])
def test_frame_of_ours_says_its_length_in_the_shortest_way(size: int) -> None:
    octets, length = framed(packet.Packet(packet.MESSAGE, "x" * size)), size + 1  # Engine.IO's own digit is before it
    begin = 2 if length < 126 else 4 if length < 1 << 16 else 10
    assert octets[0] == 0x81
    assert octets[1] == (length if length < 126 else 126 if length < 1 << 16 else 127)
    assert begin == 2 or int.from_bytes(octets[2:begin], "big") == length
    assert octets[begin:] == b"4" + b"x" * size


def test_event_for_many_is_put_into_its_frame_once() -> None:
    event = packet.Packet(packet.MESSAGE, "Привет")
    assert framed(event) is framed(event)
    assert framed(event)[2:].decode() == "4Привет"

"""Frames of browsers: bounded, unmasked at once, refused where they are none."""

import io
from typing import Any

import pytest
from geventwebsocket.exceptions import ProtocolError, WebSocketError
from hypothesis import given
from hypothesis import strategies as st

from web.websocket import LARGEST_FRAME, Link, unmask

KEY = b"\x37\xfa\x21\x3d"


class Wire:
    """A stream with what the client has sent; what is written is kept."""

    def __init__(self, octets: bytes) -> None:
        self._incoming = io.BytesIO(octets)
        self.written = b""

    def read(self, size: int) -> bytes:
        return self._incoming.read(size)

    def write(self, octets: bytes) -> None:
        self.written += octets


class NoHandler:
    """Stands for the handler, which a link only logs by."""

    class Nothing:
        def __getattr__(self, name: str) -> Any:
            return lambda *_: None

    logger = Nothing()
    server = type("Server", (), {"application": None})()


def frame(
    payload: bytes, opcode: int = 1, *, fin: bool = True, masked: bool = True, length: int | None = None
) -> bytes:
    size = len(payload) if length is None else length
    first = bytes([opcode | (0x80 if fin else 0)])
    bit = 0x80 if masked else 0
    if size < 126:
        head = first + bytes([bit | size])
    elif size < 1 << 16:
        head = first + bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head = first + bytes([bit | 127]) + size.to_bytes(8, "big")
    return head + (KEY + unmask(payload, KEY) if masked else payload)


def link(octets: bytes) -> tuple[Link, Wire]:
    wire = Wire(octets)
    return Link({}, wire, NoHandler()), wire


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_unmasking_is_the_same_as_octet_by_octet(payload: bytes, mask: bytes) -> None:
    assert unmask(payload, mask) == bytes(octet ^ mask[place % 4] for place, octet in enumerate(payload))


@given(st.text(max_size=200))
def test_text_comes_as_it_was_sent(text: str) -> None:
    assert link(frame(text.encode()))[0].receive() == text


def test_message_in_pieces_with_a_ping_between_is_put_together() -> None:
    octets = frame("при".encode()[:3], fin=False) + frame(b"hi", 9) + frame("при".encode()[3:], 0)
    one, wire = link(octets)
    assert one.receive() == "при"
    assert wire.written == b"\x8a\x02hi"


def test_octets_come_as_octets() -> None:
    assert link(frame(bytes(range(256)), 2))[0].receive() == bytes(range(256))


@pytest.mark.parametrize(
    "octets",
    [
        frame(b"x", length=LARGEST_FRAME + 1),
        frame(b"x", length=1 << 62),
        frame(b"x" * 200, 9),
        frame(b"x", masked=False),
        frame(b"x", 0),
        frame(b"x", 3),
        frame(b"a", fin=False) + frame(b"b"),
        bytes([0xC1, 0x81]) + KEY + b"x",
    ],
    ids=["large", "enormous", "large ping", "not masked", "nothing to continue", "unknown", "text in text", "reserved"],
)
def test_frame_that_breaks_the_rules_is_refused_before_it_is_read(octets: bytes) -> None:
    with pytest.raises((ProtocolError, WebSocketError)):
        link(octets)[0].read_message()


def test_pieces_that_grow_too_large_are_refused() -> None:
    octets = frame(b"x" * LARGEST_FRAME, fin=False) + frame(b"x", 0)
    with pytest.raises(ProtocolError):
        link(octets)[0].read_message()


def test_text_that_is_none_ends_the_connection() -> None:
    one, wire = link(frame(b"\xff\xfe"))
    assert one.receive() is None
    assert wire.written.startswith(b"\x88")  # a closing frame


def test_end_within_a_frame_is_noticed() -> None:
    with pytest.raises(WebSocketError):
        link(frame(b"whole")[:-2])[0].read_message()

"""WebSocket frames, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.transport.frames import (
    Close,
    Event,
    FrameReader,
    Opcode,
    Ping,
    Pong,
    apply_mask,
    encode_close,
    encode_frame,
    encode_message,
)

MASK = b"\x37\xfa\x21\x3d"


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, mask: bytes | None = MASK) -> bytes:
    """A frame whose first octet may be illegal."""
    whole = encode_frame(Opcode.TEXT, payload, mask)
    return bytes(((0x80 if final else 0) | opcode,)) + whole[1:]


def fed(reader: FrameReader, *pieces: bytes) -> list[Event]:
    return [event for piece in pieces for event in reader.receive(piece)]


SAMPLES: list[tuple[str, bool, list[Event]]] = [  # RFC 6455 §5.7
    ("8105 48656c6c6f", False, [b"Hello"]),
    ("8185 37fa213d 7f9f4d5158", True, [b"Hello"]),
    ("0103 48656c 8002 6c6f", False, [b"Hello"]),
    ("8905 48656c6c6f", False, [Ping(b"Hello")]),
    ("8a85 37fa213d 7f9f4d5158", True, [Pong(b"Hello")]),
    ("827e0100" + "2a" * 256, False, [b"*" * 256]),
    ("827f0000000000010000" + "2a" * 65536, False, [b"*" * 65536]),
]


@pytest.mark.parametrize(("octets", "masked", "events"), SAMPLES)
def test_samples_of_the_rfc_are_read(octets: str, masked: bool, events: list[Event]) -> None:
    assert fed(FrameReader(from_client=masked), bytes.fromhex(octets)) == events


def test_samples_of_the_rfc_are_written() -> None:
    assert encode_frame(Opcode.TEXT, b"Hello").hex() == "810548656c6c6f"
    assert encode_frame(Opcode.TEXT, b"Hello", MASK).hex() == "818537fa213d7f9f4d5158"
    assert encode_frame(Opcode.BINARY, b"*" * 256)[:4].hex() == "827e0100"
    assert encode_frame(Opcode.BINARY, b"*" * 65536)[:10].hex() == "827f0000000000010000"


CONVERSATIONS: list[tuple[str, bytes, list[Event]]] = [
    ("two messages", frame(1, b"one") + frame(2, b"two"), [b"one", b"two"]),
    ("fragments", frame(1, b"a", final=False) + frame(0, b"b", final=False) + frame(0, b"c"), [b"abc"]),
    (
        "a ping among fragments",
        frame(1, b"a", final=False) + frame(9, b"!") + frame(0, b"b"),
        [b"ab", Ping(b"!")],
    ),
    ("a character cut by fragments", frame(1, b"\xc3", final=False) + frame(0, b"\xbc"), ["ü".encode()]),
    ("octets that are no text", frame(2, b"\xff\xfe"), [b"\xff\xfe"]),
    ("empty messages", frame(1) + frame(2) + frame(1, b"x"), [b"x"]),
    ("a farewell", frame(8, b"\x03\xe8bye") + frame(1, b"too late"), [Close(1000, "bye")]),
    ("a farewell without status", frame(8), [Close(1005, "")]),
    ("a private code", frame(8, b"\x0f\xa0"), [Close(4000, "")]),
    ("126 octets", frame(1, b"x" * 126), [b"x" * 126]),
]


@pytest.mark.parametrize(
    ("octets", "events"), [row[1:] for row in CONVERSATIONS], ids=[row[0] for row in CONVERSATIONS]
)
def test_conversation_is_read_whole_by_octets_and_split_anywhere(octets: bytes, events: list[Event]) -> None:
    assert fed(FrameReader(), octets) == events
    assert by_kind(fed(FrameReader(), *[octets[at : at + 1] for at in range(len(octets))])) == by_kind(events)
    for at in range(len(octets)):
        assert by_kind(fed(FrameReader(), octets[:at], octets[at:])) == by_kind(events)


def by_kind(events: list[Event]) -> list[Event]:
    """A ping is reported after the messages of its own read, so only the order within a kind is certain."""
    return sorted(events, key=lambda event: isinstance(event, Ping))


BROKEN = [
    ("an unmasked frame", frame(1, b"x", mask=None), 1002),
    ("a reserved bit", frame(0x41, b"x"), 1002),
    ("an unknown opcode", frame(3, b"x"), 1002),
    ("an unknown control opcode", frame(11, b"x"), 1002),
    ("a fragmented ping", frame(9, b"x", final=False), 1002),
    ("a long ping", frame(9, b"x" * 126), 1002),
    ("a continuation of nothing", frame(0, b"x"), 1002),
    ("a message within a message", frame(1, b"x", final=False) + frame(1, b"y"), 1002),
    ("a length that is not the shortest", bytes.fromhex("81fe0005") + MASK, 1002),
    ("a long length that is not the shortest", bytes.fromhex("81ff000000000000ffff") + MASK, 1002),
    ("a farewell of one octet", frame(8, b"\x03"), 1002),
    ("a code for programs only", frame(8, b"\x03\xed"), 1002),
    ("a code that nobody defined", frame(8, b"\x07\xd0"), 1002),
    ("a reason that is no text", frame(8, b"\x03\xe8\xff"), 1007),
    ("text that is no text", frame(1, b"\xff"), 1007),
    ("text cut within a character", frame(1, b"\xc3"), 1007),
    ("a message too big", frame(1, b"x" * 101), 1009),
    ("fragments too big", frame(1, b"x" * 60, final=False) + frame(0, b"x" * 60), 1009),
    ("a length of nine exabytes", bytes.fromhex("82ff7fffffffffffffff"), 1009),
    ("a length with its highest bit set", bytes.fromhex("82ffffffffffffffffff"), 1009),
]


@pytest.mark.parametrize(("octets", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_frames_end_the_conversation(octets: bytes, code: int) -> None:
    for pieces in ([octets], [octets[at : at + 1] for at in range(len(octets))]):
        reader = FrameReader(max_message=100)
        (event,) = fed(reader, *pieces)
        assert isinstance(event, Close)
        assert event.broken
        assert event.code == code
        assert fed(reader, frame(1, b"more")) == []


def test_masked_frame_from_a_server_is_broken() -> None:
    (event,) = fed(FrameReader(from_client=False), frame(1, b"x"))
    assert isinstance(event, Close)
    assert event.broken


def test_flood_of_pings_gets_one_answer() -> None:
    assert fed(FrameReader(), frame(9, b"1") * 1000 + frame(9, b"last")) == [Ping(b"last")]


def test_endless_empty_fragments_take_no_memory() -> None:
    reader = FrameReader(max_message=100)
    assert fed(reader, frame(1, b"a", final=False), *[frame(0, final=False)] * 10_000) == []
    assert reader.partial
    assert fed(reader, frame(0, b"b")) == [b"ab"]
    assert not reader.partial


@pytest.mark.parametrize(("message", "opcode"), [(b"ascii", 0x81), ("имя".encode(), 0x81), (b"\xff", 0x82)])
def test_message_is_text_where_it_is_utf8(message: bytes, opcode: int) -> None:
    assert encode_message(message)[0] == opcode
    assert fed(FrameReader(), encode_message(message, MASK)) == [message]


@pytest.mark.parametrize(("code", "reason", "octets"), [(1000, "bye", "880503e8627965"), (1005, "", "8800")])
def test_farewell_is_written(code: int, reason: str, octets: str) -> None:
    assert encode_close(code, reason).hex() == octets


@given(st.binary(max_size=1000), st.binary(min_size=4, max_size=4))
def test_mask_is_its_own_inverse_and_octet_wise(payload: bytes, mask: bytes) -> None:
    masked = apply_mask(payload, mask)
    assert masked == bytes(octet ^ mask[at % 4] for at, octet in enumerate(payload))
    assert apply_mask(masked, mask) == payload


@given(st.lists(st.binary(max_size=100), max_size=20))
def test_any_octets_give_documented_events_only(pieces: list[bytes]) -> None:
    for event in fed(FrameReader(max_message=100), *pieces):
        assert isinstance(event, bytes | Ping | Pong | Close)

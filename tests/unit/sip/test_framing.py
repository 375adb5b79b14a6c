"""Where messages begin and end on a stream."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import ParseError
from sip.framing import Event, KeepAlive, StreamFramer, Unframed


def message(body: bytes = b"", *rows: str, length: str | None = None) -> bytes:
    headers = ["INVITE sip:102@example.org SIP/2.0", "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1", *rows]
    if length is None:
        length = f"Content-Length: {len(body)}"
    return "\r\n".join([*headers, *([length] if length else []), "", ""]).encode("latin-1") + body


ONE, TWO = message(b"v=0\r\n\r\no=-\r\n"), message()
PING, PONG = KeepAlive.PING, KeepAlive.PONG

STREAMS: list[tuple[str, bytes, list[Event]]] = [
    ("one message", ONE, [ONE]),
    ("pipelined messages", ONE + TWO + ONE, [ONE, TWO, ONE]),
    ("empty lines before the start line", b"\r\n" + ONE, [ONE]),
    ("an empty line between messages", ONE + b"\r\n" + TWO, [ONE, TWO]),
    ("a ping alone", b"\r\n\r\n", [PING]),
    ("a ping between messages", ONE + b"\r\n\r\n" + TWO, [ONE, PING, TWO]),
    ("a lone LF", b"\n" + ONE, [ONE]),
    ("octets that are no text", message(bytes(range(256))), [message(bytes(range(256)))]),
    ("the end of a head inside of a body", message(b"\r\n\r\n\r\n"), [message(b"\r\n\r\n\r\n")]),
]

LENGTHS = [
    ("Content-Length: 3", 3),
    ("content-length:3", 3),
    ("CONTENT-LENGTH \t:  3  ", 3),
    ("l: 3", 3),
    ("L:3", 3),
    ("Content-Length:\r\n  3", 3),
    ("Content-Length: 0003", 3),
    ("X-Content-Length: 9\r\nl: 3", 3),
    ("Subject: folded\r\n Content-Length: 9\r\nl: 3", 3),
    ("Subject: Content-Length: 9\r\nl: 3", 3),
]

BROKEN = [
    ("", 400, "no Content-Length on a stream"),
    ("Content-Length:", 400, "malformed Content-Length"),
    ("Content-Length: -999", 400, "malformed Content-Length"),
    ("Content-Length: +5", 400, "malformed Content-Length"),
    ("Content-Length: 5 5", 400, "malformed Content-Length"),
    ("Content-Length: five", 400, "malformed Content-Length"),
    ("Content-Length: \u00b2", 400, "malformed Content-Length"),
    ("Content-Length: 5\r\nContent-Length: 5", 400, "more than one Content-Length"),
    ("Content-Length: 5\r\nl: 6", 400, "more than one Content-Length"),
    ("Content-Length: 262145", 413, "body too large"),
    ("Content-Length: 99999999999999999999999999999999999", 413, "body too large"),
]


def fed(framer: StreamFramer, *pieces: bytes) -> list[Event]:
    return [event for piece in pieces for event in framer.receive(piece)]


@pytest.mark.parametrize(("octets", "events"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
class TestStreams:
    def test_whole(self, octets: bytes, events: list[Event]) -> None:
        assert fed(StreamFramer(), octets) == events

    def test_octet_by_octet(self, octets: bytes, events: list[Event]) -> None:
        framer = StreamFramer()
        assert fed(framer, *[octets[at : at + 1] for at in range(len(octets))]) == events
        assert not framer.partial

    def test_split_at_every_position(self, octets: bytes, events: list[Event]) -> None:
        for at in range(len(octets) + 1):
            assert fed(StreamFramer(), octets[:at], octets[at:]) == events

    def test_with_the_beginning_of_a_next_message(self, octets: bytes, events: list[Event]) -> None:
        framer = StreamFramer()
        assert fed(framer, octets + TWO[:10]) == events
        assert framer.partial
        assert fed(framer, TWO[10:]) == [TWO]


@pytest.mark.parametrize(("row", "length"), LENGTHS)
def test_body_ends_where_its_length_says_in_every_legal_spelling(row: str, length: int) -> None:
    head = message(length=row)
    assert fed(StreamFramer(), head + b"x" * length + TWO) == [head + b"x" * length, TWO]


@pytest.mark.parametrize(("row", "status", "problem"), BROKEN)
def test_wrong_length_ends_the_framing_with_a_head_to_answer(row: str, status: int, problem: str) -> None:
    framer = StreamFramer()
    head = message(length=row)
    first, last = fed(framer, TWO + head + b"whatever")
    assert first == TWO
    assert isinstance(last, Unframed)
    assert last.head == head
    assert last.error.status == status
    assert str(last.error) == problem
    assert fed(framer, TWO) == []
    assert not framer.partial


@pytest.mark.parametrize("ended", [True, False], ids=["with an end", "without an end"])
@pytest.mark.parametrize("step", [1, 7, 4096, 1_000_000])
def test_endless_head_is_refused_at_the_limit(step: int, ended: bool) -> None:
    framer = StreamFramer(max_head=1000)
    octets = message(b"", "Subject: " + "x" * 2000)[: None if ended else 1500]
    events = fed(framer, *[octets[at : at + step] for at in range(0, len(octets), step)])
    assert len(events) == 1
    assert isinstance(events[0], Unframed)
    assert events[0].error.status == 513
    assert events[0].head == octets[:1000]


def test_largest_head_and_body_pass() -> None:
    body = b"x" * 100
    head = message(length="l: 100")
    framer = StreamFramer(max_head=len(head) - 4, max_body=100)
    assert fed(framer, head + body) == [head + body]


def test_side_that_opened_the_connection_reads_every_empty_line_as_a_pong() -> None:
    framer = StreamFramer(opened=True)
    assert fed(framer, b"\r\n", b"\r", b"\n", b"\r\n" + TWO) == [PONG, PONG, PONG, TWO]


def test_flood_of_empty_lines_is_one_ping() -> None:
    assert fed(StreamFramer(), b"\r\n" * 10_000) == [PING]


def test_empty_lines_that_may_become_a_ping_are_no_unfinished_message() -> None:
    framer = StreamFramer()
    assert fed(framer, b"\r\n") == []
    assert not framer.partial
    assert fed(framer, b"\r\n") == [PING]


def test_garbage_that_ends_like_a_head_is_handed_over_for_judgement() -> None:
    (event,) = fed(StreamFramer(), b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
    assert isinstance(event, Unframed)
    assert event.head == b"\x16\x03\x01\x02\x00\x01\r\n\r\n"


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(0, 2000), max_size=10), st.binary())
def test_cuts_never_change_what_is_read(bodies: list[bytes], cuts: list[int], rest: bytes) -> None:
    octets = b"".join(map(message, bodies)) + rest.lstrip(b"\r\n")
    marks = sorted({0, len(octets), *[cut for cut in cuts if cut < len(octets)]})
    pieces = [octets[start:stop] for start, stop in pairwise(marks)]
    assert shape(fed(StreamFramer(), *pieces)) == shape(fed(StreamFramer(), octets))


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_octets_give_documented_events_only(pieces: list[bytes]) -> None:
    for event in fed(StreamFramer(max_head=100, max_body=100), *pieces):
        assert isinstance(event, bytes | KeepAlive) or isinstance(event.error, ParseError)


def shape(events: list[Event]) -> list[object]:
    """Events with errors compared by their text; pings left out, since a run of them counts as one per read."""
    return [
        (event.head, str(event.error)) if isinstance(event, Unframed) else event
        for event in events
        if event is not PING
    ]

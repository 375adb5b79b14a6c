"""Octets on a stream: `python -m tests.fuzz.fuzz_framing [-runs=N] [-max_total_time=SECONDS] [DIR]`.

Whatever comes, and in whatever pieces, the same messages come out, within their bounds; what cannot be framed ends the
stream with an answer that suits. The inputs that reached something new are kept for the next time: in DIR, or in a
folder `gorizont-fuzz-framing` among the temporary files.
"""

from sip.framing import Event, KeepAlive, StreamFramer, Unframed
from tests.fuzz.pieces import pieces
from tests.fuzz.running import fuzz
from tests.support.messages import SDP, request, response

MOST_HEAD, MOST_BODY = 512, 128  # small, so that the fuzzer comes to them
ANSWERS = {400, 413, 513}

SEEDS = {
    "pipelined": b"\0" + request("OPTIONS") + request("INVITE", body=SDP) + response(200, "OPTIONS"),
    "keep-alives": b"\1" + b"\r\n\r\n" + request("OPTIONS") + b"\r\n\r\n\r\n\r\n" + request("OPTIONS") + b"\r\n",
    "compact": b"\2" + request("OPTIONS").replace(b"Content-Length: 0", b"l:\r\n 0"),
    "two lengths": b"\3" + request("OPTIONS", "sip:h", "l: 5"),
    "no length": b"\4" + request("OPTIONS").replace(b"Content-Length: 0\r\n", b""),
    "huge": b"\5" + request("OPTIONS").replace(b"Length: 0", b"Length: 99999999999999999999999"),
}


def check_framing(data: bytes) -> None:
    """Frames `data`, whose first octet says how it is cut. Raises AssertionError, or what must not be raised."""
    seed, data = data[:1], data[1:]
    for opened in (False, True):
        whole = _said(_events(opened, [data]))
        assert _said(_events(opened, pieces(data, seed))) == whole
        assert _said(_events(opened, [data[place : place + 1] for place in range(len(data))])) == whole


def _events(opened: bool, parts: list[bytes]) -> list[Event]:
    framer = StreamFramer(opened=opened, max_head=MOST_HEAD, max_body=MOST_BODY)
    events: list[Event] = []
    for part in parts:
        new = framer.receive(part)
        assert not (new and events and isinstance(events[-1], Unframed)), "it goes on after its end"
        events += new
    if events and isinstance(events[-1], Unframed):
        assert not framer.partial
    return events


def _said(events: list[Event]) -> list[object]:
    """The messages and the end; how many keep-alives were seen in a run of them depends on the pieces."""
    said: list[object] = []
    for place, event in enumerate(events):
        if isinstance(event, bytes):
            head, blank, body = event.partition(b"\r\n\r\n")
            assert blank
            assert 0 < len(head) <= MOST_HEAD
            assert len(body) <= MOST_BODY
            said.append(event)
        elif isinstance(event, Unframed):
            assert place == len(events) - 1
            assert event.error.status in ANSWERS
            assert event.error.__traceback__ is None
            assert len(event.head) <= MOST_HEAD + 4
            said.append((event.head, event.error.status, event.error.reason))
        else:
            assert isinstance(event, KeepAlive)
    return said


if __name__ == "__main__":
    fuzz("framing")

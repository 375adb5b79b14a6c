"""What a browser says and hears over its connections, by hand: WebSocket (RFC 6455), Engine.IO 4, Socket.IO 5, HTTP.

A library for each of 5000 clients would take more of the processor than the server that is measured.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

TEXT, CLOSE = 0x1, 0x8
LIVE = "/socket.io/?EIO=4&transport=websocket"
COOKIE = "__Host-gorizont"

# Engine.IO's packets, with Socket.IO's within its messages ("4").
OPEN = b"0"
PING, PONG = b"2", b"3"
CONNECT, DISCONNECT, EVENT, ACKNOWLEDGEMENT, REFUSED = b"40", b"41", b"42", b"43", b"44"

_SENT = re.compile(rb'"type":\s*"message\.sent".*?"text":\s*"(\d+) ')
_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


class BadAnswer(Exception):
    """The server said something that no browser would understand."""


def frame(text: bytes) -> bytes:
    """A text as a client sends it: in one frame, masked with zeros, which the server has to take off all the same."""
    size = len(text)
    if size < 126:
        head = bytes((0x80 | TEXT, 0x80 | size))
    else:
        head = bytes((0x80 | TEXT, 0x80 | 126)) + size.to_bytes(2, "big")
    return head + bytes(4) + text


@dataclass(slots=True)
class Frames:
    """Reads what a server sends, in pieces of any length."""

    _waiting: bytes = b""

    def take(self, octets: bytes) -> Iterator[tuple[int, bytes]]:
        """The frames that are complete now: opcode and payload. Raises BadAnswer for one that is in fragments."""
        data, place = self._waiting + octets, 0
        while len(data) - place >= 2:
            first, size = data[place], data[place + 1]
            begin = place + 2
            if size >= 126:
                begin += 2 if size == 126 else 8
                if len(data) < begin:
                    break
                size = int.from_bytes(data[place + 2 : begin], "big")
            if not first & 0x80:
                raise BadAnswer("a frame in fragments")
            if len(data) < begin + size:
                break
            place = begin + size
            yield first & 0x0F, data[begin:place]
        self._waiting = data[place:]


@dataclass(slots=True)
class Answers:
    """Reads the answers of a connection of HTTP/1.1: the status and body of each."""

    _waiting: bytes = field(default=b"")

    def take(self, octets: bytes) -> Iterator[tuple[int, bytes]]:
        """The answers that are complete now. Raises BadAnswer."""
        self._waiting += octets
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head, length = self._waiting[: end + 2], 0
            status = _HEAD.match(head)
            if status is None:
                raise BadAnswer(f"no answer of HTTP/1.1: {head[:40]!r}")
            if int(status[1]) != 101:
                found = _LENGTH.search(head)
                if found is None:
                    raise BadAnswer("an answer without Content-Length")
                length = int(found[1])
            if len(self._waiting) < end + 4 + length:
                return
            body, self._waiting = self._waiting[end + 4 : end + 4 + length], self._waiting[end + 4 + length :]
            yield int(status[1]), body

    def rest(self) -> bytes:
        """What came behind the answers that were taken; it is somebody else's."""
        rest, self._waiting = self._waiting, b""
        return rest


def upgrade(place: str, token: str) -> bytes:
    """The request by which a browser opens its WebSocket."""
    return (
        f"GET {LIVE} HTTP/1.1\r\nHost: {place}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Origin: https://{place}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Cookie: {COOKIE}={token}\r\n\r\n"
    ).encode()


def post_message(place: str, token: str, conversation: int, message: dict[str, str]) -> bytes:
    """The request by which the web client sends a message."""
    body = json.dumps(message).encode()
    return (
        f"POST /api/v1/conversations/{conversation}/messages HTTP/1.1\r\nHost: {place}\r\nOrigin: https://{place}\r\n"
        f"X-Gorizont: 1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Cookie: {COOKIE}={token}\r\n\r\n"
    ).encode() + body


def ask_send(number: int, conversation: int, message: dict[str, str]) -> bytes:
    """The Socket.IO request "send", with the number that its acknowledgement will have."""
    asked = json.dumps(["send", {"conversation": conversation, **message}])
    return EVENT + str(number).encode() + asked.encode()


def message(number: int, run: str) -> dict[str, str]:
    """The number-th message of a run: as long as people's are, and known again by its first word."""
    return {"client_id": f"{run}-{number}", "text": f"{number} Could you take line 2 while I am at lunch? Спасибо!"}


def sent_number(event: bytes) -> int | None:
    """Which message an event brings; None for one of another kind."""
    found = _SENT.search(event)
    return int(found[1]) if found else None

"""Messages on a stream: where each one begins and ends (RFC 3261 §18.3), and the keep-alives between them.

Pure: octets go in as they come, whole messages come out. What has been read is not read again, so that a peer
who sends one octet at a time costs no more than one who sends all at once.
"""

import re
from dataclasses import dataclass
from enum import Enum

from sip.errors import ParseError
from sip.message import MAX_HEAD

# Octets of body taken on a connection. Kamailio's whole message is 65 535; pictures in MESSAGE need more.
MAX_BODY = 262_144

_BLANK_LINE = b"\r\n\r\n"
_CR, _LF = b"\r\n"
# The value may be folded (RFC 3261 §7.3.1); only a row that begins a line counts.
_CONTENT_LENGTH = re.compile(rb"\r\n(?:Content-Length|l)[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)(?=\r\n)", re.IGNORECASE)


class KeepAlive(Enum):
    """The empty lines that hold a connection open (RFC 5626 §4.4.1)."""

    PING = b"\r\n\r\n"  # whoever reads it must answer PONG
    PONG = b"\r\n"


@dataclass(frozen=True, slots=True)
class Unframed:
    """The stream makes no sense from here on.

    `head` is what was readable of the message's head, so that `error` can be answered before the connection is
    closed; its end may be missing.
    """

    head: bytes
    error: ParseError


Event = bytes | KeepAlive | Unframed


class StreamFramer:
    """One direction of one connection.

    `opened`: whether we opened the connection. Who opened it pings with an empty line pair and who accepted it
    answers with one empty line, so the same octets mean different things on the two sides. A message has at most
    `max_head` and `max_body` octets.
    """

    __slots__ = ("_buffer", "_failed", "_length", "_max_body", "_max_head", "_opened", "_searched")

    def __init__(self, *, opened: bool = False, max_head: int = MAX_HEAD, max_body: int = MAX_BODY) -> None:
        self._opened = opened
        self._max_head = max_head
        self._max_body = max_body
        self._buffer = bytearray()
        self._searched = 0  # octets of the unfinished head that hold no blank line
        self._length = 0  # of the unfinished message, once its head is known
        self._failed = False

    @property
    def partial(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._buffer) and self._buffer[0] != _CR and self._buffer[0] != _LF

    @property
    def held(self) -> int:
        """Octets of the message that has not ended."""
        return len(self._buffer)

    def receive(self, data: bytes) -> list[Event]:
        """What these octets complete, in order.

        After Unframed, which is the last event then, nothing more is taken. A run of pings counts as one.
        """
        events: list[Event] = []
        if self._failed or not data:
            return events
        buffer = self._buffer
        source: bytes | bytearray = data
        if buffer:
            buffer += data
            source = buffer
        start, end = 0, len(source)
        while start < end:
            if not self._length:
                if source[start] == _CR or source[start] == _LF:
                    after = self._empty_lines(source, start, events)
                    if after == start:
                        break
                    start = after
                    continue
                if not self._read_head(source, start, events):
                    break
            stop = start + self._length
            if stop > end:
                break
            events.append(bytes(source[start:stop]))
            start, self._length, self._searched = stop, 0, 0
        if self._failed:
            self._buffer = bytearray()
        elif source is buffer:
            del buffer[:start]
        elif start < end:
            buffer += data[start:] if start else data
        return events

    def _empty_lines(self, source: bytes | bytearray, start: int, events: list[Event]) -> int:
        """Takes the run of CR and LF at `start`; returns where it stops, or `start` while it may go on."""
        stop, end = start, len(source)
        while stop < end and (source[stop] == _CR or source[stop] == _LF):
            stop += 1
        if self._opened:
            if stop - start < len(KeepAlive.PONG.value) and stop == end:
                return start
            events.append(KeepAlive.PONG)
            return stop
        # RFC 3261 §7.5: empty lines before a start line mean nothing; only a pair of them is a ping.
        if stop - start >= len(KeepAlive.PING.value):
            events.append(KeepAlive.PING)
            return stop
        return start if stop == end else stop

    def _read_head(self, source: bytes | bytearray, start: int, events: list[Event]) -> bool:
        """Looks for the end of the head that begins at `start`, and what length it announces."""
        blank = source.find(_BLANK_LINE, start + self._searched)
        # Of an unfinished head the last octets may belong to the blank line already.
        size = (blank if blank >= 0 else len(source) - len(_BLANK_LINE) + 1) - start
        if size > self._max_head:
            head = bytes(source[start : start + self._max_head])
            return self._fail(events, head, ParseError("header section too large", 513, "Message Too Large"))
        if blank < 0:
            self._searched = max(size, 0)
            return False
        head = bytes(source[start : blank + len(_BLANK_LINE)])
        try:
            self._length = len(head) + self._body_length(head)
        except ParseError as error:
            return self._fail(events, head, error)
        return True

    def _body_length(self, head: bytes) -> int:
        rows = _CONTENT_LENGTH.findall(head)
        if not rows:
            # RFC 3261 §20.14: on a stream the header field must be there.
            raise ParseError("no Content-Length on a stream")
        if len(rows) > 1:
            raise ParseError("more than one Content-Length")
        digits = rows[0].strip(b" \t\r\n")
        if not digits.isdigit():
            raise ParseError("malformed Content-Length")
        if len(digits) > 20 or (length := int(digits)) > self._max_body:
            raise ParseError("body too large", 413, "Request Entity Too Large")
        return length

    def _fail(self, events: list[Event], head: bytes, error: ParseError) -> bool:
        self._failed = True
        # Without its traceback, whose frames have the events and all that was read: a cycle for the rare collection.
        events.append(Unframed(head, error.with_traceback(None)))
        return False

"""WebSocket frames (RFC 6455 §5), without I/O: octets in, whole messages and control frames out.

As RFC 7118 §5 uses them: one WebSocket message is one SIP message. No extensions.
"""

from dataclasses import dataclass
from enum import IntEnum

from sip.framing import MAX_BODY
from sip.message import MAX_HEAD

NORMAL, GOING_AWAY, PROTOCOL_ERROR, NO_STATUS, NOT_UTF8, TOO_BIG = 1000, 1001, 1002, 1005, 1007, 1009

_FINAL, _MASKED = 0x80, 0x80
_RESERVED = 0x70
_MOST_CONTROL_OCTETS = 125
# RFC 6455 §7.4: those that may be on the wire. 1004 to 1006 and 1015 are for programs only.
_CLOSE_CODES = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_OPCODES = frozenset(Opcode)


@dataclass(frozen=True, slots=True)
class Ping:
    """To be answered by a pong with the same payload."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The last event: the peer says farewell, or (`broken`) broke the rules. Either is answered by a close frame."""

    code: int
    reason: str
    broken: bool = False


Event = bytes | Ping | Pong | Close


def encode_frame(opcode: Opcode, payload: bytes, mask: bytes | None = None) -> bytes:
    """One unfragmented frame; clients must give four random octets as `mask` (RFC 6455 §5.3)."""
    size = len(payload)
    masked = 0 if mask is None else _MASKED
    if size < 126:
        head = bytes((_FINAL | opcode, masked | size))
    elif size < 65_536:
        head = bytes((_FINAL | opcode, masked | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FINAL | opcode, masked | 127)) + size.to_bytes(8, "big")
    return head + payload if mask is None else head + mask + apply_mask(payload, mask)


def encode_close(code: int, reason: str = "", mask: bytes | None = None) -> bytes:
    """A close frame; the answer to a close frame without a status has none either."""
    payload = b"" if code == NO_STATUS else code.to_bytes(2, "big") + reason.encode()[: _MOST_CONTROL_OCTETS - 2]
    return encode_frame(Opcode.CLOSE, payload, mask)


def apply_mask(payload: bytes, mask: bytes) -> bytes:
    """Masks or unmasks (RFC 6455 §5.3), as one operation on large integers."""
    size = len(payload)
    key = mask * (size // 4 + 1)
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key[:size], "little")).to_bytes(size, "little")


class _Broken(Exception):
    """The peer broke the protocol; answered with a close frame of this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class FrameReader:
    """What one peer sends. `from_client`: whether frames must be masked, or must not be (RFC 6455 §5.1).

    A message has at most `max_message` octets.
    """

    __slots__ = ("_buffer", "_ended", "_fragments", "_from_client", "_kind", "_max_message", "_needed")

    def __init__(self, *, from_client: bool = True, max_message: int = MAX_HEAD + MAX_BODY) -> None:
        self._from_client = from_client
        self._max_message = max_message
        self._buffer = bytearray()
        self._needed = 2  # octets without which nothing can be said about the next frame
        self._fragments = bytearray()
        self._kind: Opcode | None = None  # of the fragmented message
        self._ended = False

    @property
    def partial(self) -> bool:
        """Whether a frame or message has begun and not ended."""
        return bool(self._buffer) or self._kind is not None

    @property
    def held(self) -> int:
        """Octets of the frame and message that have not ended."""
        return len(self._buffer) + len(self._fragments)

    def receive(self, data: bytes) -> list[Event]:
        """What these octets complete, in order. After Close nothing more is taken.

        Empty messages say nothing and are left out. Of several pings only the last is there to be answered, as
        RFC 6455 §5.5.3 allows; a flood of them is not worth more.
        """
        events: list[Event] = []
        if self._ended:
            return events
        buffer = self._buffer
        buffer += data
        position = 0
        ping: Ping | None = None
        while len(buffer) - position >= self._needed and not self._ended:
            try:
                frame = self._frame(buffer, position)
                if frame is None:
                    continue
                opcode, final, payload, position = frame
                event = self._event(opcode, final, payload)
            except _Broken as error:
                event = Close(error.code, str(error), broken=True)
            if isinstance(event, Ping):
                ping = event
            elif event:
                events.append(event)
            self._ended = isinstance(event, Close)
        if self._ended:
            self._buffer, self._fragments, self._kind = bytearray(), bytearray(), None
        else:
            del buffer[:position]
        if ping is not None and not self._ended:
            events.append(ping)
        return events

    def _frame(self, buffer: bytearray, start: int) -> tuple[Opcode, bool, bytes, int] | None:
        """The frame at `start` with where it stops; None, and more octets needed, while it is not whole."""
        first, second = buffer[start], buffer[start + 1]
        if first & _RESERVED:
            raise _Broken(PROTOCOL_ERROR, "reserved bit set")
        if first & 0x0F not in _OPCODES:
            raise _Broken(PROTOCOL_ERROR, "unknown opcode")
        if bool(second & _MASKED) != self._from_client:
            raise _Broken(PROTOCOL_ERROR, "frame not masked" if self._from_client else "frame masked")
        opcode, final, size = Opcode(first & 0x0F), bool(first & _FINAL), second & 0x7F
        if opcode >= Opcode.CLOSE and (size > _MOST_CONTROL_OCTETS or not final):
            raise _Broken(PROTOCOL_ERROR, "control frame too long or fragmented")
        position = start + 2
        if size > _MOST_CONTROL_OCTETS:
            octets = 2 if size == 126 else 8
            if not self._has(buffer, start, position + octets):
                return None
            size = int.from_bytes(buffer[position : position + octets], "big")
            position += octets
            if size < 126 or (octets == 8 and size < 65_536):
                raise _Broken(PROTOCOL_ERROR, "length not in its shortest form")
        if size + len(self._fragments) > self._max_message:
            raise _Broken(TOO_BIG, "message too big")
        stop = position + size + (4 if self._from_client else 0)
        if not self._has(buffer, start, stop):
            return None
        self._needed = 2
        if not self._from_client:
            return opcode, final, bytes(buffer[position:stop]), stop
        mask = bytes(buffer[position : position + 4])
        return opcode, final, apply_mask(bytes(buffer[position + 4 : stop]), mask), stop

    def _has(self, buffer: bytearray, start: int, stop: int) -> bool:
        self._needed = stop - start
        return len(buffer) >= stop

    def _event(self, opcode: Opcode, final: bool, payload: bytes) -> Event | None:
        if opcode is Opcode.PING:
            return Ping(payload)
        if opcode is Opcode.PONG:
            return Pong(payload)
        if opcode is Opcode.CLOSE:
            return _farewell(payload)
        if (opcode is Opcode.CONTINUATION) != (self._kind is not None):
            raise _Broken(PROTOCOL_ERROR, "continuation out of place")
        kind = opcode if self._kind is None else self._kind
        if not final:
            self._kind = kind
            self._fragments += payload
            return None
        if self._kind is not None:
            payload = bytes(self._fragments + payload)
            self._fragments.clear()
            self._kind = None
        if kind is Opcode.TEXT and not payload.isascii() and not _is_utf8(payload):
            raise _Broken(NOT_UTF8, "text that is not UTF-8")
        return payload


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _farewell(payload: bytes) -> Close:
    if not payload:
        return Close(NO_STATUS, "")
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or (code not in _CLOSE_CODES and not 3000 <= code <= 4999):
        raise _Broken(PROTOCOL_ERROR, "malformed close frame")
    try:
        return Close(code, payload[2:].decode())
    except UnicodeDecodeError:
        raise _Broken(NOT_UTF8, "close reason that is not UTF-8") from None


def encode_message(message: bytes, mask: bytes | None = None) -> bytes:
    """A SIP message in one frame: text where it is UTF-8, else binary (RFC 7118 §5.2)."""
    text = message.isascii() or _is_utf8(message)
    return encode_frame(Opcode.TEXT if text else Opcode.BINARY, message, mask)

"""WebSocket frames (RFC 6455 §5), both ways; nothing here reads or writes a socket.

gevent-websocket reads a frame of any length that its sender announces, waits for it in a greenlet, unmasks octet by
octet and checks UTF-8 twice in Python. Here what has come is taken apart, with limits, and the rest is kept.
"""

from collections.abc import Iterator

from engineio import packet  # type: ignore[import-untyped]

LARGEST_FRAME = 256 << 10  # octets, of a message too; Socket.IO refuses messages from half of it on
LARGEST_CONTROL = 125  # octets, RFC 6455 §5.5

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, MASKED, CONTROL = 0x80, 0x80, 0x08
GOODBYE = b"\x88\x02\x03\xe8"  # a closing frame with 1000, "normal" (RFC 6455 §7.4.1)


class FrameError(Exception):
    """A client has broken the rules; its connection ends."""


class Frames:
    """What one client sends."""

    __slots__ = ("_octets", "_opcode", "_pieces")

    def __init__(self) -> None:
        self._octets = b""  # of a frame that has not come whole
        self._opcode = CONTINUATION  # of a message that has not
        self._pieces = b""

    def take(self, octets: bytes) -> Iterator[tuple[int, bytes]]:
        """The messages and control frames that are whole with these octets, each with its opcode. Raises FrameError."""
        self._octets += octets
        while (frame := self._next()) is not None:
            fin, opcode, payload = frame
            if opcode & CONTROL:
                yield opcode, payload
                continue
            continues = opcode == CONTINUATION
            if continues is (self._opcode == CONTINUATION) or opcode not in (CONTINUATION, TEXT, BINARY):
                raise FrameError(f"opcode {opcode} does not stand here")
            if len(self._pieces) + len(payload) > LARGEST_FRAME:
                raise FrameError(f"a message of more than {LARGEST_FRAME} octets")
            opcode, message = self._opcode or opcode, self._pieces + payload
            self._opcode, self._pieces = (CONTINUATION, b"") if fin else (opcode, message)
            if fin:
                yield opcode, message

    def _next(self) -> tuple[bool, int, bytes] | None:
        """The next frame: whether it is its message's last, opcode and payload; None where it has not come whole."""
        have = self._octets
        if len(have) < 2:
            return None
        fin, opcode, size, begin = bool(have[0] & FIN), have[0] & 0x0F, have[1] & 0x7F, 2
        if have[0] & 0x70:
            raise FrameError("reserved bits are set")
        if not have[1] & MASKED:
            raise FrameError("a frame from a client is masked (§5.1)")
        if opcode & CONTROL and not fin:
            raise FrameError("a control frame is whole (§5.5)")
        if size > LARGEST_CONTROL:
            begin = 4 if size == 126 else 10
            if len(have) < begin:
                return None
            size = int.from_bytes(have[2:begin], "big")
        if size > (LARGEST_CONTROL if opcode & CONTROL else LARGEST_FRAME):
            raise FrameError(f"a frame of {size} octets")
        end = begin + 4 + size
        if len(have) < end:
            return None
        self._octets = have[end:]
        return fin, opcode, unmask(have[begin + 4 : end], have[begin : begin + 4])


def unmask(payload: bytes, mask: bytes) -> bytes:
    """A payload as it was before the client masked it (§5.3)."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def frame(opcode: int, payload: bytes) -> bytes:
    """A frame of ours, which is whole and not masked."""
    size = len(payload)
    if size < 126:
        head = bytes((FIN | opcode, size))
    elif size < 1 << 16:
        head = bytes((FIN | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((FIN | opcode, 127)) + size.to_bytes(8, "big")
    return head + payload


def framed(pkt: packet.Packet) -> bytes:
    """The frame of a packet of Engine.IO, made once: the same packet is sent to many."""
    octets: bytes | None = pkt.__dict__.get("framed")
    if octets is None:
        said = pkt.encode()
        octets = frame(TEXT, said.encode()) if isinstance(said, str) else frame(BINARY, bytes(said))
        pkt.__dict__["framed"] = octets
    return octets

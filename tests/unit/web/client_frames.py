"""Frames as browsers send them, and as none should."""

from web.live.frames import unmask

KEY = b"\x37\xfa\x21\x3d"


def client_frame(
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

"""The one buffer in which every packet of this process is received, changed and sent.

A packet is dealt with completely before the next one is read, so nothing is copied and nothing allocated: SRTP works
in place, the header is overwritten where it stands. Whoever reads a datagram into `BUFFER` owns it until his call
returns; what is not sent by then, has to be copied out.
"""

from array import array
from struct import Struct

from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

# Media stays below an Ethernet frame. What is longer than this arrives cut off and is refused.
SIZE = 2048
HEADROOM = 160  # octets behind a packet that SRTP may add: tag, index and MKI, as libsrtp counts them
LONGEST = SIZE - HEADROOM


BUFFER = bytearray(SIZE)
VIEW = memoryview(BUFFER)
BUFFERS = [BUFFER]  # as os.readv wants it
WORDS = VIEW.cast("I")  # in the order of this machine: what is written there has been turned round once, beforehand
# Slicing costs as much as what is done with the slice, and nearly all packets begin where the buffer does.
PREFIXES = tuple(VIEW[:length] for length in range(SIZE + 1))
AREA = ffi.from_buffer("char[]", BUFFER)  # the same memory as libsrtp wants it
LENGTH = array("i", [0])  # of the packet, before and after libsrtp has worked on it
LENGTH_AREA = ffi.from_buffer("int[]", LENGTH)
LIBSRTP = lib

# RFC 3550 §5.1: version, padding, extension and CSRC count; marker and payload type; sequence; timestamp; SSRC.
HEADER = Struct("!BBHII")
HEADER_LENGTH = HEADER.size
NUMBERS = Struct("!HI")  # sequence and timestamp, from octet 2 on
ONE_BYTE = 0xBEDE  # RFC 8285 §4.2
TWO_BYTES = 0x100  # RFC 8285 §4.3, the upper twelve bits


def load(packet: bytes) -> int:
    """Puts a packet of our own into the buffer; its length."""
    BUFFER[: len(packet)] = packet
    return len(packet)


def payload_start(length: int, start: int = 0) -> int:
    """Where the payload of the packet in the buffer begins; 0 for a header that doesn't fit its length."""
    if length - start < HEADER_LENGTH or BUFFER[start] >> 6 != 2:
        return 0
    at = start + HEADER_LENGTH + 4 * (BUFFER[start] & 0x0F)
    if BUFFER[start] & 0x10:
        if at + 4 > length:
            return 0
        at += 4 + 4 * int.from_bytes(BUFFER[at + 2 : at + 4], "big")
    return at if at <= length else 0


def payload(length: int) -> bytes:
    """The payload of the packet in the buffer, without padding; empty where it is malformed."""
    start = payload_start(length)
    if not start:
        return b""
    end = length - BUFFER[length - 1] if BUFFER[0] & 0x20 else length
    # Padding that is longer than its packet must not reach into what the buffer held before: another call's speech.
    return bytes(BUFFER[start:end]) if end > start else b""


def strip_extension(length: int) -> int:
    """Takes the header extension out of the packet in the buffer. Where it begins now, or -1 if it is malformed."""
    after = HEADER_LENGTH + 4 * (BUFFER[0] & 0x0F)
    start = payload_start(length)
    if not start:
        return -1
    shift = start - after
    BUFFER[0] &= 0xEF
    BUFFER[shift : shift + after] = BUFFER[:after]
    return shift


def blank_extensions(length: int, allowed: frozenset[int]) -> bool:
    """Overwrites the elements whose numbers are not `allowed` by padding (RFC 8285 §4.1.2); False if malformed."""
    start = HEADER_LENGTH + 4 * (BUFFER[0] & 0x0F)
    end = payload_start(length)
    if not end:
        return False
    profile = int.from_bytes(BUFFER[start : start + 2], "big")
    short = profile == ONE_BYTE
    if not short and profile >> 4 != TWO_BYTES:
        BUFFER[start + 4 : end] = bytes(end - start - 4)
        return True
    at = start + 4
    while at < end:
        number = BUFFER[at] >> 4 if short else BUFFER[at]
        if BUFFER[at] == 0:
            at += 1
            continue
        if (short and number == 15) or (not short and at + 1 >= end):
            BUFFER[at:end] = bytes(end - at)
            break
        size = (BUFFER[at] & 0x0F) + 2 if short else BUFFER[at + 1] + 2
        if at + size > end:
            return False
        if number not in allowed:
            BUFFER[at : at + size] = bytes(size)
        at += size
    return True


def extension(length: int, wanted: int) -> bytes:
    """The value of the element with that number in the packet in the buffer; empty where there is none."""
    if not BUFFER[0] & 0x10:
        return b""
    start = HEADER_LENGTH + 4 * (BUFFER[0] & 0x0F)
    end = payload_start(length)
    if not end:
        return b""
    short = int.from_bytes(BUFFER[start : start + 2], "big") == ONE_BYTE
    at = start + 4
    while at + 1 < end:
        if BUFFER[at] == 0:
            at += 1
            continue
        number, size = (BUFFER[at] >> 4, (BUFFER[at] & 0x0F) + 2) if short else (BUFFER[at], BUFFER[at + 1] + 2)
        if number == wanted:
            value = at + (1 if short else 2)
            return bytes(BUFFER[value : min(at + size, end)])
        at += size
    return b""

"""WebSocket handshakes and frames: `python -m tests.fuzz.fuzz_frames [-runs=N] [-max_total_time=SECONDS] [DIR]`.

Whatever comes, and in whatever pieces, the same messages come out, within their bounds, or the connection ends by the
rules. The inputs that reached something new are kept for the next time: in DIR, or in a folder `gorizont-fuzz-frames`
among the temporary files.
"""

from sip.transport.frames import (
    NO_STATUS,
    Close,
    Event,
    FrameReader,
    Opcode,
    Ping,
    Pong,
    encode_close,
    encode_frame,
    encode_message,
)
from sip.transport.handshake import Handshake, HandshakeReader, Refused
from tests.fuzz.pieces import pieces
from tests.fuzz.running import fuzz
from tests.support.messages import request

MOST = 300  # small, so that the fuzzer comes to it
MASK = b"mask"
HANDSHAKE = (
    b"GET /sip HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nOrigin: https://h\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SEEDS = {
    "message": b"\0" + encode_message(request("OPTIONS")[:200], MASK),
    "too big": b"\1" + encode_message(request("OPTIONS") * 2, MASK),
    "binary": b"\2" + encode_message(bytes(range(256)), MASK),
    "ping": b"\3" + encode_frame(Opcode.PING, b"hello", MASK) * 2 + encode_frame(Opcode.PONG, b"", MASK),
    "fragments": b"\4" + b"\x01\x83mask" + b"abc" + b"\x89\x80mask" + b"\x00\x82mask" + b"de" + b"\x80\x80mask",
    "farewell": b"\5" + encode_close(1000, "bye", MASK) + b"rest",
    "no status": b"\6" + encode_close(NO_STATUS, "", MASK),
    "from a server": b"\7" + encode_message(b"hello") + encode_close(1001),
    "handshake": b"\x08" + HANDSHAKE,
}


def check_frames(data: bytes) -> None:
    """Reads `data`, whose first octet says how it is cut. Raises AssertionError, or what must not be raised."""
    seed, data = data[:1], data[1:]
    for from_client in (True, False):
        whole = _read(from_client, [data])
        assert _read(from_client, pieces(data, seed)) == whole
        assert _read(from_client, [data[place : place + 1] for place in range(len(data))]) == whole
    _check_handshake(data, seed)
    if data:
        (message,) = FrameReader(max_message=len(data)).receive(encode_message(data, MASK))
        assert message == data


def _read(from_client: bool, parts: list[bytes]) -> list[Event]:
    """The messages and the farewell; which pings and pongs are told of depends on the pieces."""
    reader = FrameReader(from_client=from_client, max_message=MOST)
    told: list[Event] = []
    for part in parts:
        for event in reader.receive(part):
            assert not (told and isinstance(told[-1], Close)), "it goes on after the farewell"
            if isinstance(event, Ping | Pong):
                assert len(event.payload) <= 125
                continue
            if isinstance(event, bytes):
                assert 0 < len(event) <= MOST
            told.append(event)
    if told and isinstance(told[-1], Close):
        assert not reader.partial
        answer = encode_close(told[-1].code, told[-1].reason)
        assert FrameReader(from_client=False).receive(answer)
    return told


def _check_handshake(data: bytes, seed: bytes) -> None:
    whole = _shaken([data])
    assert _shaken([data[place : place + 1] for place in range(len(data))])[:1] == whole[:1]
    assert _shaken(pieces(data, seed))[:1] == whole[:1]


def _shaken(parts: list[bytes]) -> list[object]:
    """The request that is granted, or the octets that refuse it; nothing while it is not whole."""
    reader = HandshakeReader()
    refused = b""
    for part in parts:
        try:
            shaken = reader.receive(part)
        except Refused as refusal:
            refused = refusal.response
            break
        if shaken is not None:
            handshake, _ = shaken
            assert isinstance(handshake, Handshake)
            assert handshake.response().startswith(b"HTTP/1.1 101 ")
            return [handshake]
    assert not refused or refused.startswith(b"HTTP/1.1 4")
    return [refused] if refused else []


if __name__ == "__main__":
    fuzz("frames")

"""The HTTP request that becomes a WebSocket."""

import pytest

from sip.transport.handshake import Handshake, HandshakeReader, Refused

ROWS = {
    "Host": "pbx.example.org",
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "sip",
    "Origin": "https://pbx.example.org",
}


def request(line: str | None = None, /, **changes: str | None) -> bytes:
    rows = dict(ROWS)
    for name, value in changes.items():
        name = name.replace("_", "-")
        if value is None:
            del rows[name]
        else:
            rows[name] = value
    return "\r\n".join(
        [line or "GET /sip HTTP/1.1", *[f"{name}: {value}" for name, value in rows.items()], "", ""]
    ).encode()


def read(octets: bytes) -> tuple[Handshake, bytes] | None:
    return HandshakeReader().receive(octets)


def test_sample_of_the_rfc_is_granted() -> None:
    """RFC 6455 §1.3."""
    whole = read(request())
    assert whole is not None
    handshake, rest = whole
    assert rest == b""
    assert handshake.path == "/sip"
    assert handshake.origin == "https://pbx.example.org"
    response = handshake.response()
    assert response.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in response
    assert b"\r\nSec-WebSocket-Protocol: sip\r\n" in response
    assert response.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": "WebSocket"},
        {"Connection": "upgrade"},
        {"Sec_WebSocket_Protocol": "chat, sip"},
        {"Origin": None},
    ],
)
def test_legal_variants_are_granted(changes: dict[str, str | None]) -> None:
    assert read(request(None, **changes)) is not None


@pytest.mark.parametrize("at", range(len(request())))
def test_request_in_two_pieces_is_read(at: int) -> None:
    reader = HandshakeReader()
    assert reader.receive(request()[:at]) is None
    whole = reader.receive(request()[at:] + b"\x81")
    assert whole is not None
    assert whole[1] == b"\x81"


@pytest.mark.parametrize(
    ("octets", "status", "row"),
    [
        (request("POST /sip HTTP/1.1"), 405, b"Allow: GET"),
        (request("GET /sip HTTP/1.0"), 400, b""),
        (request("GET /sip"), 400, b""),
        (request("GET  /sip HTTP/1.1"), 400, b""),
        (request("REGISTER sip:example.org SIP/2.0"), 400, b""),
        (request(Host=None), 400, b""),
        (request(Upgrade=None), 426, b"Upgrade: websocket"),
        (request(Upgrade="h2c"), 426, b"Upgrade: websocket"),
        (request(Connection="close"), 426, b""),
        (request(Sec_WebSocket_Version="8"), 426, b"Sec-WebSocket-Version: 13"),
        (request(Sec_WebSocket_Version=None), 426, b"Sec-WebSocket-Version: 13"),
        (request(Sec_WebSocket_Version="13\r\nSec-WebSocket-Version: 13"), 426, b""),
        (request(Sec_WebSocket_Key=None), 400, b""),
        (request(Sec_WebSocket_Key="c2hvcnQ="), 400, b""),
        (request(Sec_WebSocket_Key="!" * 24), 400, b""),
        (request(Sec_WebSocket_Key="\u00fc" * 24), 400, b""),
        (request(Sec_WebSocket_Protocol=None), 400, b""),
        (request(Sec_WebSocket_Protocol="chat"), 400, b""),
        (request(Origin="x\r\nno colon"), 400, b""),
        (request(Origin="x\r\nbad name: y"), 400, b""),
        (request(Origin="x\ny"), 400, b""),
        (request(Origin="x" * 9000), 431, b""),
        (b"x" * 9000, 431, b""),
        (b"\xff\x00\r\n\r\n", 400, b""),
    ],
)
def test_anything_else_is_refused_with_a_reason(octets: bytes, status: int, row: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        read(octets)
    head, _, body = refusal.value.response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert row in head
    assert b"Content-Length: %d" % len(body) in head
    assert b"Connection: close" in head

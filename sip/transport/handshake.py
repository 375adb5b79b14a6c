"""The HTTP request by which a connection becomes a WebSocket for SIP, and its answer (RFC 6455 §4.2, RFC 7118 §4)."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

SUBPROTOCOL = "sip"
VERSION = "13"
# A browser's request has 500 octets, with cookies perhaps 4000. nginx and Apache allow 8192.
MAX_REQUEST = 8192

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BLANK_LINE = b"\r\n\r\n"


class Refused(Exception):
    """No WebSocket; `response` says why, and the connection closes after it."""

    def __init__(self, status: str, reason: str, headers: str = "") -> None:
        super().__init__(reason)
        body = f"{reason}\n"
        self.response = (
            f"HTTP/1.1 {status}\r\n{headers}Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
            f"Connection: close\r\n\r\n{body}"
        ).encode()


@dataclass(frozen=True, slots=True)
class Handshake:
    """A request that may be granted; who listens may still judge `path` and `origin`.

    Names in `headers` are in lower case.
    """

    path: str
    headers: dict[str, str]
    key: str

    @property
    def origin(self) -> str:
        """The site whose script asks, as the browser says; "" for programs."""
        return self.headers.get("origin", "")

    def response(self) -> bytes:
        """The octets that grant it."""
        # RFC 6455 §4.2.2 names SHA-1; it protects nothing here.
        digest = hashlib.sha1(self.key.encode() + _GUID, usedforsecurity=False).digest()
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        ).encode()


class HandshakeReader:
    """Collects the request from octets as they come."""

    __slots__ = ("_buffer", "_searched")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0

    def receive(self, data: bytes) -> tuple[Handshake, bytes] | None:
        """The request and what came after it; None while it is not whole. Raises Refused."""
        buffer = self._buffer
        buffer += data
        end = buffer.find(_BLANK_LINE, self._searched)
        if max(end, len(buffer) - len(_BLANK_LINE) + 1 if end < 0 else 0) > MAX_REQUEST:
            raise Refused("431 Request Header Fields Too Large", "request too large")
        if end < 0:
            self._searched = max(len(buffer) - len(_BLANK_LINE) + 1, 0)
            return None
        return _check(buffer[:end].decode("latin-1")), bytes(buffer[end + len(_BLANK_LINE) :])


def _check(text: str) -> Handshake:
    """What RFC 6455 §4.2.1 asks for, in its order. Raises Refused."""
    request_line, *rows = text.split("\r\n")
    method, _, rest = request_line.partition(" ")
    path, _, version = rest.rpartition(" ")
    if not path or " " in path or not re.fullmatch(r"HTTP/1\.\d", version):
        raise Refused("400 Bad Request", "malformed request line")
    if method != "GET":
        raise Refused("405 Method Not Allowed", "a WebSocket begins with GET", "Allow: GET\r\n")
    if version == "HTTP/1.0":
        raise Refused("400 Bad Request", "HTTP/1.1 is needed")
    headers = _headers(rows)
    if "host" not in headers:
        raise Refused("400 Bad Request", "no Host")
    if "websocket" not in _words(headers, "upgrade") or "upgrade" not in _words(headers, "connection"):
        raise Refused("426 Upgrade Required", "WebSocket only", "Upgrade: websocket\r\n")
    if headers.get("sec-websocket-version") != VERSION:
        raise Refused("426 Upgrade Required", "unknown version", f"Sec-WebSocket-Version: {VERSION}\r\n")
    key = headers.get("sec-websocket-key", "")
    try:
        nonce = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        nonce = b""
    if len(nonce) != 16:
        raise Refused("400 Bad Request", "malformed Sec-WebSocket-Key")
    if SUBPROTOCOL not in _list(headers, "sec-websocket-protocol"):
        raise Refused("400 Bad Request", "the subprotocol must be sip")
    return Handshake(path, headers, key)


def _headers(rows: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for row in rows:
        name, colon, value = row.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or "\r" in value or "\n" in value:
            raise Refused("400 Bad Request", "malformed header field")
        name, value = name.lower(), value.strip(" \t")
        # Several rows are one list; where a list makes no sense the joined value fails its check.
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _list(headers: dict[str, str], name: str) -> list[str]:
    return [element.strip(" \t") for element in headers.get(name, "").split(",")]


def _words(headers: dict[str, str], name: str) -> list[str]:
    return [word.lower() for word in _list(headers, name)]

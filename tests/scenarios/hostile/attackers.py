"""Those who write to a server what they please, octet by octet, and read what it says.

None of them knows SIP beyond where a message ends: what they send is up to the test.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sip.framing import KeepAlive, StreamFramer, Unframed
from sip.transport.frames import Close, FrameReader, Opcode, Pong, encode_frame, encode_message
from tests.support.messages import request

PATIENCE = 10.0  # s; a server that is busy elsewhere on a small machine, not one that says nothing
# A loopback address of this test process alone: ports that messages name are free on it.
OWN_HOST = f"127.{1 + os.getpid() // 65536 % 250}.{os.getpid() // 256 % 256}.{1 + os.getpid() % 254}"


def address_of(text: str) -> tuple[str, int]:
    """`127.0.0.1:5060` as the socket module takes it."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def options(call_id: str, transport: str = "UDP", *, sent_by: str = "attacker.invalid") -> bytes:
    """The question that every living server answers."""
    return request(
        "OPTIONS",
        "sip:office.test",
        via=f"SIP/2.0/{transport} {sent_by};branch=z9hG4bK{call_id};rport",
        call_id=call_id,
        from_="<sip:tester@attacker.invalid>;tag=1",
        to="<sip:office.test>",
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """A message from the server, split and nothing more: what it repeats of a broken request may be broken.

    `status` is 0 for a request of the server's. Names in `rows` are as they came.
    """

    start: str
    rows: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def read(cls, data: bytes) -> Self:
        head, blank, body = data.partition(b"\r\n\r\n")
        assert blank, data
        start, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(start, tuple((name, value.strip()) for name, _, value in pairs), body)

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def reason(self) -> str:
        return self.start.split(" ", 2)[2]

    @property
    def call_id(self) -> str | None:
        return self.get("Call-ID")

    def get(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for given, value in self.rows if given == name), None)


class Datagrams:
    """A UDP socket of its own."""

    def __init__(self, server: str, host: str = OWN_HOST, port: int = 0) -> None:
        self.server = address_of(server)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((host, port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendto(data, self.server)

    def read(self, timeout: float = PATIENCE) -> Answer | None:
        """The next message; None when none comes in time."""
        self.socket.settimeout(timeout)
        try:
            return Answer.read(self.socket.recv(65_536))
        except TimeoutError:
            return None

    def final(self, call_id: str | None = None) -> Answer:
        """The next final response, to a message of this Call-ID where one is given."""
        deadline = time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            message = self.read(left)
            if message is not None and message.status >= 200 and call_id in (None, message.call_id):
                return message
        raise AssertionError(f"no final response to {call_id or 'anything'}")

    def all(self, call_id: str) -> list[Answer]:
        """What the server had to say before it answered an OPTIONS with this Call-ID, which is sent now.

        Over loopback, datagrams are read in the order of sending.
        """
        self.send(options(call_id))
        found: list[Answer] = []
        while True:
            message = self.read()
            assert message is not None, "no answer to OPTIONS"
            if message.call_id == call_id:
                return found
            found.append(message)


class Stream:
    """A connection by TCP or, with `context`, TLS."""

    def __init__(self, server: str, *, context: ssl.SSLContext | None = None, host: str = OWN_HOST) -> None:
        self.socket = socket.create_connection(address_of(server), PATIENCE, source_address=(host, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="office.test")
        self._framer = StreamFramer(opened=True, max_head=1 << 20, max_body=1 << 22)
        self._events: list[object] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Whether the server took all of it before it hung up."""
        try:
            self.socket.sendall(data)
        except (ConnectionError, ssl.SSLError):
            return False
        return True

    def octets(self, timeout: float = PATIENCE) -> bytes:
        """The next ones; empty when the server has closed the connection. Raises TimeoutError."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(65_536)
        except (ConnectionError, ssl.SSLError):
            return b""

    def event(self, timeout: float = PATIENCE) -> bytes | KeepAlive | None:
        """The next message or keep-alive; None when the server has closed. Raises TimeoutError."""
        while not self._events:
            data = self.octets(timeout)
            if not data:
                return None
            self._events += self._framer.receive(data)
        event = self._events.pop(0)
        assert not isinstance(event, Unframed), event
        assert isinstance(event, bytes | KeepAlive)
        return event

    def read(self, timeout: float = PATIENCE) -> Answer | None:
        """The next message; None when the server has closed. Raises TimeoutError."""
        while True:
            event = self.event(timeout)
            if event is None:
                return None
            if isinstance(event, bytes):
                return Answer.read(event)

    def final(self, call_id: str | None = None) -> Answer:
        """The next final response, to a message of this Call-ID where one is given."""
        while True:
            message = self.read()
            assert message is not None, "the server has hung up"
            if message.status >= 200 and call_id in (None, message.call_id):
                return message

    def rest(self) -> list[Answer]:
        """Everything until the server hangs up, which it must."""
        found = []
        while (message := self.read()) is not None:
            found.append(message)
        return found


class WebSocket(Stream):
    """A connection that has become a WebSocket for SIP."""

    def __init__(self, server: str, *, context: ssl.SSLContext | None = None) -> None:
        super().__init__(server, context=context)
        self._reader = FrameReader(from_client=False)
        self.send(HANDSHAKE)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.octets()
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        self._events += self._reader.receive(answer.partition(b"\r\n\r\n")[2])

    def say(self, message: bytes) -> bool:
        """One SIP message as a browser sends it."""
        return self.send(encode_message(message, b"mask"))

    def frame(self, opcode: Opcode, payload: bytes) -> bool:
        """One frame as a browser sends it."""
        return self.send(encode_frame(opcode, payload, b"mask"))

    def frames(self) -> bytes | Close | Pong | None:
        """The next message or control frame; None when the server has closed."""
        while not self._events:
            data = self.octets()
            if not data:
                return None
            self._events += self._reader.receive(data)
        event = self._events.pop(0)
        assert isinstance(event, bytes | Close | Pong)
        return event

    def read(self, timeout: float = PATIENCE) -> Answer | None:
        while True:
            event = self.frames()
            if event is None or isinstance(event, Close):
                return None
            if isinstance(event, bytes):
                return Answer.read(event)


HANDSHAKE = (
    b"GET /sip HTTP/1.1\r\nHost: office.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def trusting(authority: object) -> ssl.SSLContext:
    """For clients that trust the installation's own authority."""
    context = ssl.create_default_context(cafile=str(authority))
    with suppress(AttributeError):
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context

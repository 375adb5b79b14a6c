"""The two ends of a test on loopback: a receiver that remembers, and peers that speak octets."""

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

from sip.errors import ParseError
from sip.transport.addresses import plain
from sip.transport.base import Address, Flow
from sip.transport.connections import Connections, Limits
from sip.transport.frames import Event, FrameReader, Opcode, encode_frame
from sip.transport.sockets import listening_socket
from sip.transport.tcp import Connection
from sip.transport.websocket import WebSocketConnection

LOOPBACKS = ("127.0.0.1", "::1")


def message(body: bytes = b"", method: str = "MESSAGE") -> bytes:
    head = f"{method} sip:102@example.org SIP/2.0\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def exhaust(flow: Flow) -> None:
    """Sends more than all buffers on the way can hold."""
    for _ in range(1000):
        flow.send(b"x" * 100_000)


class Recorder:
    """A receiver. `answer`, where given, makes the reply that is sent from inside of `received`."""

    def __init__(self, answer: Callable[[bytes], bytes | None] = lambda _: None) -> None:
        self.answer = answer
        self.received_all: list[bytes] = []
        self.lost_all: list[Flow] = []
        self._messages: asyncio.Queue[tuple[bytes, Flow]] = asyncio.Queue()
        self._unframed: asyncio.Queue[tuple[bytes, Flow, ParseError]] = asyncio.Queue()
        self._lost: asyncio.Queue[Flow] = asyncio.Queue()
        self._undelivered: asyncio.Queue[tuple[bytes, Flow]] = asyncio.Queue()

    def received(self, data: bytes, flow: Flow) -> None:
        self.received_all.append(data)
        self._messages.put_nowait((data, flow))
        reply = self.answer(data)
        if reply is not None:
            flow.send(reply)

    def malformed(self, data: bytes, flow: Flow, error: ParseError) -> None:
        self._unframed.put_nowait((data, flow, error))
        flow.send(f"SIP/2.0 {error.status} {error.reason}\r\n\r\n".encode())

    def flow_lost(self, flow: Flow) -> None:
        self.lost_all.append(flow)
        self._lost.put_nowait(flow)

    def undelivered(self, data: bytes, flow: Flow) -> None:
        self._undelivered.put_nowait((data, flow))

    async def nobody_got(self) -> tuple[bytes, Flow]:
        return await self._undelivered.get()

    async def message(self) -> tuple[bytes, Flow]:
        return await self._messages.get()

    async def messages(self, count: int) -> list[bytes]:
        return [(await self._messages.get())[0] for _ in range(count)]

    async def unframed(self) -> tuple[bytes, Flow, ParseError]:
        return await self._unframed.get()

    async def lost(self) -> Flow:
        return await self._lost.get()


class FakeClock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Listening:
    """A table of connections on a fake clock, and a socket that fills it."""

    recorder: Recorder
    clock: FakeClock
    table: Connections
    address: Address = ("", 0)
    accepted: list[Connection] = field(default_factory=list)

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.table.tick()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Lets the event loop turn until `condition` holds; the test's deadline bounds it."""
        while not condition():
            await asyncio.sleep(0)


@asynccontextmanager
async def listening(
    transport: str,
    host: str = "127.0.0.1",
    *,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    recorder: Recorder | None = None,
) -> AsyncIterator[Listening]:
    loop = asyncio.get_running_loop()
    recorder, clock = recorder or Recorder(), FakeClock()
    server = Listening(recorder, clock, Connections(recorder, limits or Limits(), clock))
    kind = WebSocketConnection if transport in ("WS", "WSS") else Connection

    def accept() -> Connection:
        connection = kind(server.table, transport, tls if transport in ("TLS", "WSS") else None)
        server.accepted.append(connection)
        return connection

    socket = listening_socket(host, 0)
    server.address = socket.getsockname()[:2]
    acceptor = await loop.create_server(accept, sock=socket)
    try:
        yield server
    finally:
        acceptor.close()
        await server.table.close()


class Peer:
    """The other side of a stream: octets, nothing more."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def address(self) -> Address:
        return plain(self.writer.get_extra_info("sockname"))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive(self, size: int) -> bytes:
        return await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """All that comes until the end, which may be a reset."""
        received = bytearray()
        with suppress(ConnectionError, ssl.SSLError):
            while data := await self.reader.read(65536):
                received += data
        return bytes(received)

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, ssl.SSLError, TimeoutError):
            await self.writer.wait_closed()


@asynccontextmanager
async def connected(address: Address, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    # With a smaller buffer uvloop's own TLS loses what it holds back when the other side says farewell.
    peer = Peer(*await asyncio.open_connection(*address, ssl=tls, limit=2**24))
    try:
        yield peer
    finally:
        await peer.close()


class WebSocketPeer(Peer):
    """A client that has shaken hands."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._frames = FrameReader(from_client=False)
        self._events: list[Event] = []

    async def shake_hands(self, *rows: str) -> bytes:
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(
            "\r\n".join(
                (
                    "GET /sip HTTP/1.1",
                    "Host: pbx.example.org",
                    "Upgrade: websocket",
                    "Connection: Upgrade",
                    f"Sec-WebSocket-Key: {key}",
                    "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Protocol: sip",
                    *rows,
                    "\r\n",
                )
            ).encode()
        )
        return await self.reader.readuntil(b"\r\n\r\n")

    def send_frame(self, opcode: Opcode, payload: bytes) -> None:
        self.send(encode_frame(opcode, payload, os.urandom(4)))

    async def event(self) -> Event:
        while not self._events:
            data = await self.reader.read(65536)
            if not data:
                raise EOFError
            self._events += self._frames.receive(data)
        return self._events.pop(0)


@asynccontextmanager
async def web_socket(address: Address, tls: ssl.SSLContext | None = None) -> AsyncIterator[WebSocketPeer]:
    peer = WebSocketPeer(*await asyncio.open_connection(*address, ssl=tls))
    try:
        assert (await peer.shake_hands()).startswith(b"HTTP/1.1 101 ")
        yield peer
    finally:
        await peer.close()


class DatagramPeer(asyncio.DatagramProtocol):
    """A phone's UDP socket."""

    transport: asyncio.DatagramTransport

    def __init__(self) -> None:
        self._received: asyncio.Queue[bytes] = asyncio.Queue()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, _address: object) -> None:
        self._received.put_nowait(data)

    @property
    def address(self) -> Address:
        return plain(self.transport.get_extra_info("sockname"))

    def send(self, data: bytes, to: Address) -> None:
        self.transport.sendto(data, to)

    async def receive(self) -> bytes:
        return await self._received.get()


@asynccontextmanager
async def phone(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[DatagramPeer]:
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(DatagramPeer, local_addr=(host, port))
    try:
        yield peer
    finally:
        transport.close()
        await asyncio.sleep(0)

"""SIP over TCP and TLS: connections as flows, accepted or opened (RFC 3261 §18, RFC 5626).

A connection is a flow from the moment somebody asks for it: what is sent before it stands waits, within a bound.
Whoever does not finish what they began (handshake, message) is closed by a deadline.
"""

import asyncio
import ssl
from contextlib import suppress
from typing import cast

from sip.errors import FlowClosed, TransportError
from sip.framing import KeepAlive, StreamFramer, Unframed
from sip.transport.addresses import family_of, plain
from sip.transport.base import Address
from sip.transport.connections import Connections
from sip.transport.sockets import stream_socket
from sip.transport.tls import TlsSession

_LITTLE = 4096  # octets of an unfinished message that nobody counts


class Connection(asyncio.Protocol):
    """A connection as a flow; the event loop calls it as the protocol of its socket.

    `transport` is the Via token. With `context` the connection is encrypted; `name` is whom the certificate of a
    server that we connect to must name. One that we open has a `peer` and is `advertised` to it as `local`.
    """

    reliable = True

    def __init__(
        self,
        table: Connections,
        transport: str,
        context: ssl.SSLContext | None = None,
        *,
        peer: Address | None = None,
        advertised: Address = ("", 0),
        name: str | None = None,
    ) -> None:
        self.transport = transport
        self.remote: Address = peer or ("", 0)
        self.local: Address = advertised
        self.closed = False
        self._opened = peer is not None
        self._table = table
        self._context = context
        self._name = name
        self._tls: TlsSession | None = None
        self._pipe: asyncio.Transport | None = None
        self._connecting: asyncio.Task[bool] | None = None
        self._ready = False  # whether messages can be written
        self._waiting: list[bytes] = []  # messages sent before that
        self._known = self._opened  # whether the receiver has heard of us
        self._holds = False  # whether so much of a message waits for its end that the table knows of it
        self._deadline: float | None = None
        self._framer = StreamFramer(opened=self._opened, max_head=table.limits.max_head, max_body=table.limits.max_body)

    def __repr__(self) -> str:
        return f"<Connection {self.transport} {self.local} {self.remote}{' closed' if self.closed else ''}>"

    # ---- as a flow

    def send(self, data: bytes) -> None:
        if self.closed:
            raise FlowClosed(f"the connection to {self.remote[0]} port {self.remote[1]} is closed")
        if self._ready:
            self._write(self._encoded(data))
            return
        self._waiting.append(data)
        if sum(map(len, self._waiting)) > self._table.limits.unsent:
            self._give_up_on_reader()

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        if self._pipe is None:
            self.abort()
            return
        self._deadline = self._table.clock() + self._table.limits.farewell
        if self._tls is not None:
            self._tls.end()
            self._pipe.write(self._tls.outgoing())
        self._pipe.close()

    def abort(self) -> None:
        """Ends the connection now; what is unsent is lost."""
        self.closed = True
        if self._pipe is not None:
            self._pipe.abort()
        elif self._connecting is not None:
            self._connecting.cancel()

    # ---- opening

    def connect(self) -> None:
        """Starts to connect to the peer; a failure is reported as a lost flow."""
        self._deadline = self._table.clock() + self._table.limits.connect
        self._table.opened(self)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())
        self._connecting.add_done_callback(self._connect_ended)

    async def _connect(self) -> bool:
        """Whether the connection could be made."""
        loop = asyncio.get_running_loop()
        stream = stream_socket(family_of(self.remote[0]))
        try:
            await loop.sock_connect(stream, self.remote)
            await loop.create_connection(lambda: self, sock=stream)
        except OSError:
            stream.close()
            return False
        except asyncio.CancelledError:
            stream.close()
            raise
        return True

    def _connect_ended(self, task: asyncio.Task[bool]) -> None:
        """Also called for a task that was cancelled before it began."""
        self._connecting = None
        if task.cancelled() or not task.result():
            self.connection_lost(None)

    # ---- as a protocol

    def connection_made(self, pipe: asyncio.BaseTransport) -> None:
        self._pipe = cast(asyncio.Transport, pipe)
        if self.closed:
            self._pipe.abort()
            return
        if not self._opened:
            ends = self._ends(pipe)
            if ends is None:
                self._pipe.abort()
                return
            self.remote, self.local = ends
            self._deadline = self._table.clock() + self._table.limits.handshake
            self._table.accepted(self)
        if self._context is None:
            self._begin()
        elif self._opened:
            self._decrypt(b"")

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        if self._context is not None:
            data = self._decrypt(data)
        if data:
            self._arrived(data)
        if self._tls is not None and self._tls.ended:
            self.close()

    def eof_received(self) -> None:
        """Nobody who has stopped sending is still a way to a phone: the loop closes the connection now."""
        self.closed = True

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed = True
        self._pipe = None
        self._waiting.clear()
        self._table.remove(self)
        if self._known:
            self._known = False
            self._table.receiver.flow_lost(self)

    def tick(self, now: float) -> None:
        """Called once in a while to look at the deadline."""
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self._table.counters.expired += 1
            self.abort()

    def _ends(self, pipe: asyncio.BaseTransport) -> tuple[Address, Address] | None:
        """The addresses of the peer and ours; None when the connection was gone before we looked."""
        peer, here = pipe.get_extra_info("peername"), pipe.get_extra_info("sockname")
        return (plain(peer), plain(here)) if peer and here else None

    # ---- reading

    def _begin(self) -> None:
        """The connection stands, encrypted where it should be."""
        self._become_ready()

    def _become_ready(self) -> None:
        """Messages may flow from now on."""
        self._ready = True
        self._deadline = None if self._opened else self._table.clock() + self._table.limits.message
        waiting, self._waiting = self._waiting, []
        with suppress(TransportError):
            for data in waiting:
                self._write(self._encoded(data))

    def _decrypt(self, data: bytes) -> bytes:
        if self._tls is None:
            assert self._context is not None
            self._tls = TlsSession(self._context, (self._name or self.remote[0]) if self._opened else None)
        established = self._tls.established
        try:
            data = self._tls.receive(data)
        except TransportError:
            data = b""
            self._fail()
        assert self._pipe is not None
        if answer := self._tls.outgoing():
            self._pipe.write(answer)
        if self._tls.established and not established and not self.closed:
            self._begin()
        return data

    def _arrived(self, data: bytes) -> None:
        """Octets from the peer, decrypted."""
        delivered = False
        for event in self._framer.receive(data):
            if isinstance(event, bytes):
                delivered = True
                self._deliver(event)
            elif event is KeepAlive.PING:
                self._answer(KeepAlive.PONG.value)
            elif isinstance(event, Unframed):
                self._known = True
                self._table.receiver.malformed(event.head, self, event.error)
                self._fail()
            if self.closed:
                return
        self._progress(delivered, self._framer.partial, self._framer.held)

    def _deliver(self, message: bytes) -> None:
        self._known = True
        self._table.receiver.received(message, self)

    def _progress(self, delivered: bool, partial: bool, held: int) -> None:
        """Keeps the deadline: the first message must come, and one that has begun must end. `held`: its octets."""
        if held > _LITTLE or self._holds:
            self._holds = held > _LITTLE
            self._table.holds(self, held if self._holds else 0)
        if delivered:
            self._deadline = None
        if self._deadline is not None:
            return
        self._table.heard(self)
        if partial:
            self._deadline = self._table.clock() + self._table.limits.message

    def _fail(self) -> None:
        """The peer broke the rules of the connection itself."""
        self._table.counters.broken += 1
        self.close()

    # ---- writing

    def _encoded(self, data: bytes) -> bytes:
        """A message as it stands on the wire, before encryption."""
        return data

    def _answer(self, data: bytes) -> None:
        """Writes something that nobody misses when the connection fails."""
        with suppress(TransportError):
            self._write(data)

    def _write(self, data: bytes) -> None:
        pipe = self._pipe
        if pipe is None:
            raise FlowClosed("the connection is gone")
        if pipe.get_write_buffer_size() + len(data) > self._table.limits.unsent:
            self._give_up_on_reader()
        if self._tls is not None:
            self._tls.encrypt(data)
            data = self._tls.outgoing()
        pipe.write(data)

    def _give_up_on_reader(self) -> None:
        self._table.counters.too_slow += 1
        self.abort()
        raise TransportError(f"{self.remote[0]} port {self.remote[1]} reads too slowly")

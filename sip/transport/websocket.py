"""SIP over WebSocket, WS and WSS: each message a WebSocket message (RFC 7118). Only ever accepted, never opened."""

import ssl

from sip.framing import KeepAlive
from sip.transport.connections import Connections
from sip.transport.frames import (
    GOING_AWAY,
    Close,
    FrameReader,
    Opcode,
    Ping,
    encode_close,
    encode_frame,
    encode_message,
)
from sip.transport.handshake import Handshake, HandshakeReader, Refused
from sip.transport.tcp import Connection

_EMPTY_LINE_OCTETS = b"\r\n"


class WebSocketConnection(Connection):
    """A connection that a browser or softphone made.

    `handshake` is what it asked with, path and origin included, once that was granted.
    """

    def __init__(self, table: Connections, transport: str, context: ssl.SSLContext | None = None) -> None:
        super().__init__(table, transport, context)
        self.handshake: Handshake | None = None
        self._request = HandshakeReader()
        self._frames = FrameReader(max_message=table.limits.max_head + table.limits.max_body)
        self._last_heard = 0.0
        self._pinged = False

    def close(self) -> None:
        if self._ready and not self.closed:
            self._answer(encode_close(GOING_AWAY))
        super().close()

    def tick(self, now: float) -> None:
        """Pings a peer that has been silent: proxies close idle connections, and browsers vanish without a word."""
        super().tick(now)
        if self._ready and not self.closed and now >= self._last_heard + self._table.limits.ping:
            if self._pinged:
                self._table.counters.expired += 1
                self.abort()
                return
            self._pinged, self._last_heard = True, now
            self._answer(encode_frame(Opcode.PING, b""))

    def _begin(self) -> None:
        """Encrypted where it should be; but messages wait for the handshake."""

    def _arrived(self, data: bytes) -> None:
        self._pinged, self._last_heard = False, self._table.clock()
        if self.handshake is None:
            data = self._shake_hands(data)
        if data and not self.closed:
            self._read_frames(data)

    def _shake_hands(self, data: bytes) -> bytes:
        """Reads the request; returns what came after it."""
        try:
            whole = self._request.receive(data)
        except Refused as refusal:
            self._answer(refusal.response)
            self._fail()
            return b""
        if whole is None:
            return b""
        self.handshake, rest = whole
        self._granted(self.handshake)
        self._answer(self.handshake.response())
        if not self.closed:
            self._become_ready()
        return rest

    def _granted(self, handshake: Handshake) -> None:
        """The handshake is about to be granted."""

    def _read_frames(self, data: bytes) -> None:
        delivered = False
        pong = False
        for event in self._frames.receive(data):
            if isinstance(event, bytes):
                if event.strip(_EMPTY_LINE_OCTETS):
                    delivered = True
                    self._deliver(event)
                elif event == KeepAlive.PING.value:  # SIP.js pings with empty lines, having no ping frames
                    pong = True
            elif isinstance(event, Ping):
                self._answer(encode_frame(Opcode.PONG, event.payload))
            elif isinstance(event, Close):
                self._answer(encode_close(event.code, event.reason))
                self._end(broken=event.broken)
            if self.closed:
                return
        if pong:
            self._answer(self._encoded(KeepAlive.PONG.value))
        self._progress(delivered, self._frames.partial, self._frames.held)

    def _end(self, *, broken: bool) -> None:
        """Closes without another close frame."""
        if broken:
            self._table.counters.broken += 1
        super().close()

    def _encoded(self, data: bytes) -> bytes:
        return encode_message(data)

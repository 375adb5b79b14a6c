"""A browser's connection, as lean as thousands of them need it.

Engine.IO has a greenlet for what a browser says, another that writes what stands in its queue, and a third for each
heartbeat; each takes some ten kilobytes, and each message wakes one for each of its receivers. Here what is sent goes
to the socket at once: only where the socket takes no more does a greenlet come into being, which ends when all is
written. One heart beats for all. An event for many is put into its frame once.
"""

import logging
import socket
import ssl
import time
from collections import deque
from contextlib import suppress
from typing import Any

import gevent
from engineio import packet  # type: ignore[import-untyped]
from engineio.exceptions import SocketIsClosedError, UnknownPacketError  # type: ignore[import-untyped]
from engineio.socket import Socket  # type: ignore[import-untyped]

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 32 << 10  # octets; gevent writes longer ones in pieces, which TLS takes only from the beginning
MOST_HELD = 4 << 20  # octets that wait for a browser; one that reads so little comes back and asks what it missed
GOODBYE = b"\x88\x02\x03\xe8"  # a closing frame with 1000, "normal" (RFC 6455 §7.4.1)


def framed(pkt: packet.Packet) -> bytes:
    """The WebSocket frame of a packet; the same packet is sent to many."""
    octets: bytes | None = pkt.__dict__.get("framed")
    if octets is None:
        said = pkt.encode()
        payload = said.encode() if isinstance(said, str) else bytes(said)
        size = len(payload)
        first = 0x81 if isinstance(said, str) else 0x82
        if size < 126:
            head = bytes((first, size))
        elif size < 1 << 16:
            head = bytes((first, 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((first, 127)) + size.to_bytes(8, "big")
        octets = pkt.__dict__["framed"] = head + payload
    return octets


class Channel(Socket):  # type: ignore[misc]  # the library has no types
    """One connection. Made from Engine.IO's by `Channel.take`, before its WebSocket is there."""

    queue: Any  # for what is sent before the WebSocket is there
    closed: bool
    closing: bool
    _link: Any  # gevent-websocket's, None until it is there
    _wire: Any  # the socket below it

    @classmethod
    def take(cls, made: Socket) -> "Channel":
        """Has a new connection of Engine.IO behave as one of ours."""
        made.__class__ = cls
        made._link = made._wire = None
        made._waiting = deque()
        made._held = 0
        made._unanswered = False
        channel: Channel = made
        return channel

    # ---- writing

    def send(self, pkt: packet.Packet) -> None:
        """Sends a packet, to a browser that may be gone."""
        if self._link is None:
            self.queue.put(pkt)
        elif not self.closed:
            self._write(framed(pkt))

    def _write(self, octets: bytes) -> None:
        if not self._waiting:
            octets = self._at_once(octets)
            if not octets:
                return
            self._waiting.append(octets)
            gevent.spawn(self._flush)
        else:
            self._waiting.append(octets)
        self._held += len(octets)
        if self._held > MOST_HELD:
            logger.info("! a browser that reads nothing is let go")
            self._hang_up()

    def _at_once(self, octets: bytes) -> bytes:
        """Writes what can be written without waiting; the rest."""
        if len(octets) > MOST_AT_ONCE:
            return octets
        tls = getattr(self._wire, "_sslobj", None)  # gevent's own way waits, whatever timeout it is given
        try:
            if tls is None:
                return octets[self._wire.send(octets, 0, 0.0) :]
            tls.write(octets)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
            return octets
        except OSError:
            self._hang_up()
        return b""

    def _flush(self) -> None:
        try:
            while self._waiting:
                self._wire.sendall(self._waiting[0])
                self._held -= len(self._waiting.popleft())
        except (OSError, ValueError):
            self._waiting.clear()
            self._hang_up()
        if self.closed:
            self._hang_up()

    def _hang_up(self) -> None:
        """Ends the connection, and by that the loop that reads it."""
        with suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)

    # ---- reading

    def _websocket_handler(self, ws: Any) -> list[Any]:
        """Engine.IO's part of the connection, for as long as it lasts."""
        self._link = ws._sock
        self._wire = ws._sock.stream._link
        self.connected = self.upgraded = True
        while not self.queue.empty():
            self._write(framed(self.queue.get_nowait()))
        self.queue = None
        try:
            while (said := self._link.receive()) is not None:
                if len(said) > self.server.max_http_buffer_size:
                    break
                with suppress(UnknownPacketError):
                    self.receive(packet.Packet(encoded_packet=said))
        except SocketIsClosedError:
            pass
        except Exception as error:
            if not self.closed:
                logger.debug("< a browser is gone: %s", error)
        self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
        return []

    # ---- its end

    def close(self, wait: bool = True, abort: bool = False, reason: Any = None) -> None:
        """Ends it, with a word to the browser unless `abort`; there is nothing for which one could wait."""
        del wait
        if self.closed or self.closing:
            return
        self.closing = True
        why = reason or self.server.reason.SERVER_DISCONNECT
        self.server._trigger_event("disconnect", self.sid, why, run_async=False)
        if self._link is None:
            self.closed = True
            return
        if not abort:
            self.send(packet.Packet(packet.CLOSE))
            self._write(GOODBYE)
        self.closed = True
        if not self._waiting:
            self._hang_up()

    # ---- heartbeat

    def schedule_ping(self) -> None:
        """The browser is there: it has connected, or has answered."""
        self._unanswered = False

    def check_ping_timeout(self) -> bool:
        """Whether it is there; that it isn't is found by the heart."""
        return not self.closed

    def beat(self) -> None:
        """Asks whether it is there; one that has not answered the last time is let go."""
        if self._unanswered:
            self.close(wait=False, reason=self.server.reason.PING_TIMEOUT)
        else:
            self._unanswered = True
            self.send(packet.Packet(packet.PING))


class Heart:
    """Beats for all connections, `every` so many seconds for each; who does not answer is gone by the next beat."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._due: deque[tuple[float, Channel]] = deque()  # equal intervals: whoever was asked last is last
        self._runs = False

    def follow(self, channel: Channel) -> None:
        """Beats for one more, until it is closed."""
        self._due.append((time.monotonic() + self._every, channel))
        if not self._runs:
            self._runs = True
            gevent.spawn(self._run)

    def _run(self) -> None:
        while self._due:
            due, channel = self._due[0]
            ahead = due - time.monotonic()
            if ahead > 0:
                gevent.sleep(ahead)
                continue
            self._due.popleft()
            if not channel.closed:
                channel.beat()
                self._due.append((time.monotonic() + self._every, channel))
        self._runs = False

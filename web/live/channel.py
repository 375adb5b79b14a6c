"""A browser's connection, as lean as thousands of them need it.

Engine.IO has a greenlet for what a browser says, another that writes what stands in its queue, and a third for each
heartbeat; each takes some ten kilobytes, and each message wakes one for each of its receivers. Here a connection that
is silent has no greenlet at all: the loop watches its socket, and what comes is read and done in one that ends
with it. What is sent goes to the socket at once: only where the socket takes no more does a greenlet come into being,
which ends when all is written. One heart beats for all. An event for many is put into its frame once.
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
from engineio.exceptions import UnknownPacketError  # type: ignore[import-untyped]
from engineio.socket import Socket  # type: ignore[import-untyped]

from web.live.frames import CLOSE, GOODBYE, PING, PONG, TEXT, FrameError, Frames, frame, framed

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 32 << 10  # octets; gevent writes longer ones in pieces, which TLS takes only from the beginning
MOST_HELD = 4 << 20  # octets that wait for a browser; one that reads so little comes back and asks what it missed
READ_AHEAD = 4096  # octets that are read at once
LAST_WORDS = 5.0  # seconds in which a browser that is let go has to take what waits for it
READABLE = 1  # libev's EV_READ
# How messages of Socket.IO with binary parts begin. Nothing that is asked here has any, and a browser that announces a
# billion of them has all that it says afterwards kept until the last has come.
WITH_PARTS = (b"45", b"46")


class Channel(Socket):  # type: ignore[misc]  # the library has no types
    """One connection. Made from Engine.IO's by `Channel.take`, before its WebSocket is there."""

    queue: Any  # for what is sent before the WebSocket is there
    closed: bool
    closing: bool
    welcome: bool  # somebody is signed in there; a stranger holds a place until the first heartbeat
    _wire: Any  # the socket, None until the WebSocket is there
    _watcher: Any  # the loop's, of what can be read
    _frames: Frames
    _waiting: deque[bytes] | None  # what the socket did not take yet
    _held: int  # octets of it
    _gone: bool  # nothing is to be read or written any more
    _unanswered: bool

    @classmethod
    def take(cls, made: Socket) -> "Channel":
        """Has a new connection of Engine.IO behave as one of ours."""
        made.__class__ = cls
        made._wire = made._watcher = made._waiting = None
        made._held = 0
        made._gone = made._unanswered = made.welcome = False
        channel: Channel = made
        return channel

    # ---- writing

    def send(self, pkt: packet.Packet) -> None:
        """Sends a packet, to a browser that may be gone."""
        if self._wire is None:
            self.queue.put(pkt)
        elif not self.closed:
            self._write(framed(pkt))

    def _write(self, octets: bytes) -> None:
        if self._waiting is None:
            octets = self._at_once(octets)
            if not octets:
                return
            self._waiting = deque((octets,))
            gevent.spawn(self._flush)
        else:
            self._waiting.append(octets)
        self._held += len(octets)
        if self._held > MOST_HELD:
            logger.info("! a browser that reads nothing is let go")
            self._hang_up()

    def _at_once(self, octets: bytes) -> bytes:
        """Writes what can be written without waiting; the rest."""
        if self._gone:
            return b""
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
        waiting = self._waiting
        try:
            while waiting:
                self._wire.sendall(waiting[0])
                self._held -= len(waiting.popleft())
        except (OSError, ValueError):
            self._hang_up()
        self._waiting = None
        self._held = 0
        if self.closed:
            self._hang_up()

    def _hang_up(self) -> None:
        """Ends the connection, which the loop notices, and `_read` frees all of it."""
        if not self._gone:
            self._gone = True
            with suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)

    # ---- reading

    def _websocket_handler(self, ws: Any) -> list[Any]:
        """Takes the connection over from the greenlet that has read the request, and lets that end."""
        self._wire, ahead = ws._sock.handler.give_away()
        self._watcher = gevent.get_hub().loop.io(self._wire.fileno(), READABLE)
        self._frames = Frames()
        self.connected = self.upgraded = True
        while not self.queue.empty():
            self._write(framed(self.queue.get_nowait()))
        self.queue = None
        self._read(ahead)
        return []

    def _wake(self) -> None:
        """There is something to read, or the connection is at its end."""
        self._watcher.stop()
        gevent.spawn(self._read)

    def _read(self, ahead: bytes = b"") -> None:
        """Does what the browser has said, and has the loop watch for more; or ends all where nothing more comes."""
        if self._goes_on(ahead):
            self._watcher.start(self._wake)
        else:
            self._end()

    def _goes_on(self, ahead: bytes) -> bool:
        try:
            octets = ahead or self._received()
            while octets:
                for opcode, payload in self._frames.take(octets):
                    self._hear(opcode, payload)
                octets = self._received() if self._is_more_at_hand() else None
        except Exception as error:
            if not self.closed:
                logger.debug("< a browser is gone: %s", error)
            return False
        return octets is None

    def _received(self) -> bytes | None:
        """What has come; nothing at the end of the connection, None where nothing has come yet."""
        if self._gone:
            return b""
        tls = getattr(self._wire, "_sslobj", None)
        try:
            octets: bytes = self._wire._sock.recv(READ_AHEAD) if tls is None else tls.read(READ_AHEAD)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return None
        return octets

    def _is_more_at_hand(self) -> bool:
        """Whether TLS holds more, of which the loop knows nothing."""
        tls = getattr(self._wire, "_sslobj", None)
        return tls is not None and tls.pending() > 0

    def _hear(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._write(frame(PONG, payload))
        elif opcode == CLOSE:
            raise FrameError("it has said goodbye")
        elif opcode != PONG:
            if len(payload) > self.server.max_http_buffer_size:
                raise FrameError("a message is too large")
            if opcode != TEXT or payload.startswith(WITH_PARTS):
                raise FrameError("a message has binary parts")
            with suppress(UnknownPacketError):
                self.receive(packet.Packet(encoded_packet=payload.decode()))

    # ---- its end

    def close(self, wait: bool = True, abort: bool = False, reason: Any = None) -> None:
        """Ends it, with a word to the browser unless `abort`; there is nothing for which one could wait."""
        del wait
        if self.closed or self.closing:
            return
        self.closing = True
        why = reason or self.server.reason.SERVER_DISCONNECT
        self.server._trigger_event("disconnect", self.sid, why, run_async=False)
        if self._wire is None:
            self.closed = True
            return
        if not abort:
            self.send(packet.Packet(packet.CLOSE))
            self._write(GOODBYE)
        self.closed = True
        if self._waiting is None or abort:
            self._hang_up()
        else:
            gevent.spawn_later(LAST_WORDS, self._hang_up)

    def _end(self) -> None:
        """All is over: frees what the connection had."""
        self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
        self.server.sockets.pop(self.sid, None)
        self._watcher.stop()
        self._watcher.close()
        self._wire.close()

    # ---- heartbeat

    def schedule_ping(self) -> None:
        """The browser is there: it has connected, or has answered."""
        self._unanswered = False

    def check_ping_timeout(self) -> bool:
        """Whether it is there; that it isn't is found by the heart."""
        return not self.closed

    def beat(self) -> None:
        """Asks whether it is there; one that has not answered the last time, or never said who it is, is let go."""
        if self._unanswered or not self.welcome:
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

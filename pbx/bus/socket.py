"""The embedded bus: a Unix socket that the engine owns.

    = client          → engine                            engine → client
    command           {"id":1,"command":"ready"}          {"id":1,"reply":{...}}
    refused command                                       {"id":1,"error":{"code":...,"message":...}}
    subscription      {"id":2,"command":"subscribe"}      an envelope with the snapshot, then events

Commands of one connection are answered one after the other. A connection that does not read is not
read from either; if it subscribed and lets events pile up, it is cut off. Its client connects anew and
starts from a new snapshot, as it does after a restart of the engine.
"""

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import cast

from pbx.bus.base import SNAPSHOT, Envelope, Handler
from pbx.bus.errors import BadLine, BusError, CommandError
from pbx.bus.lines import MAX_REQUEST, Values, decode, encode

SUBSCRIBE = "subscribe"
MAX_QUEUED = 4 << 20  # octets of events that may wait for one subscriber, beyond its snapshot
GATHER = 0.05  # seconds in which events gather: each write costs both sides more than the events in it
BACKLOG = 128
LAST_WORDS = 1.0  # seconds that a connection has at the end to take what was written

logger = logging.getLogger(__name__)


class BusServer:
    """Publishes to the subscribers of a socket and answers the commands that come by it.

    Lives in one event loop; every method is called there.

    Args:
        path: of the socket; only the owner may use it.
        node: name of this engine, in every envelope.
        snapshot: what a new subscriber has to know before the next event; called in the loop.
        commands: handlers by command name.
        max_queued: octets of events that may wait for a slow subscriber.
        gather: seconds in which events gather before they are sent together.
    """

    def __init__(
        self,
        path: Path,
        node: str,
        snapshot: Callable[[], Values],
        commands: Mapping[str, Handler],
        *,
        max_queued: int = MAX_QUEUED,
        gather: float = GATHER,
    ) -> None:
        self.listening = False  # a plain attribute: asked for every event of the hot path
        self.path = path
        self.node = node
        self.commands = commands
        self.max_queued = max_queued
        self.gather = gather
        self._snapshot = snapshot
        self._seq = 0
        self._outbox: list[bytes] = []
        self._connections: set[_Connection] = set()
        self._subscribers: set[_Connection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._all_gone = asyncio.Event()  # true while there is no connection
        self._all_gone.set()

    async def start(self) -> None:
        """Listen. Raises BusError: another engine is there, or the path cannot be used."""
        self._loop = asyncio.get_running_loop()
        listener = _listen(self.path)
        self._server = await self._loop.create_unix_server(lambda: _Connection(self), sock=listener)

    async def close(self) -> None:
        """Stop listening, end all connections, remove the socket."""
        if self._server is None:
            return
        self._server.close()
        self._flush()
        for connection in list(self._connections):
            connection.hang_up()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_gone.wait(), LAST_WORDS)
        for connection in list(self._connections):
            connection.cut_off()
        self._server = None
        self.path.unlink(missing_ok=True)

    def publish(self, kind: str, data: Mapping[str, object]) -> None:
        """Tell all subscribers what happened; costs nothing where there are none."""
        if not self.listening:
            return
        self._seq += 1
        if not self._outbox and self._loop is not None:
            self._loop.call_later(self.gather, self._flush)
        self._outbox.append(Envelope(self.node, self._seq, kind, data).encode())

    def _flush(self) -> None:
        """Hand the events that have gathered to each subscriber in one piece."""
        if self._outbox:
            block = b"".join(self._outbox)
            self._outbox.clear()
            for subscriber in list(self._subscribers):
                subscriber.deliver(block)

    def _opened(self, connection: "_Connection") -> None:
        self._connections.add(connection)
        self._all_gone.clear()

    def _subscribe(self, connection: "_Connection") -> bytes:
        """The snapshot's line, after which the connection gets the events that follow."""
        self._flush()  # what waits is in the snapshot already
        line = Envelope(self.node, self._seq, SNAPSHOT, self._snapshot()).encode()
        self._subscribers.add(connection)
        self.listening = True
        return line

    def _closed(self, connection: "_Connection") -> None:
        self._unsubscribe(connection)
        self._connections.discard(connection)
        if not self._connections:
            self._all_gone.set()

    def _unsubscribe(self, connection: "_Connection") -> None:
        self._subscribers.discard(connection)
        self.listening = bool(self._subscribers)


class _Connection(asyncio.Protocol):
    """One client. Takes a request when the one before is answered and the answer is on its way."""

    def __init__(self, server: BusServer) -> None:
        self._server = server
        self._received = bytearray()
        self._allowance = server.max_queued
        self._answering: asyncio.Task[None] | None = None
        self._blocked = False  # the client does not read
        self._reading = True
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server._opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._server._closed(self)
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._work()

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        self._work()

    def deliver(self, block: bytes) -> None:
        """Send events, unless too many wait already: then the client has to start anew."""
        if self._transport.get_write_buffer_size() > self._allowance:
            logger.warning("! a subscriber of the bus reads too slowly: cut off")
            self._server._unsubscribe(self)
            self.cut_off()
        else:
            self._transport.write(block)

    def hang_up(self) -> None:
        """End the connection when what was written is sent."""
        self._transport.close()

    def cut_off(self) -> None:
        """End the connection now."""
        self._transport.abort()

    def _work(self) -> None:
        """Take as many requests as can be taken now, and read on only while that is so."""
        while not (busy := self._blocked or self._answering is not None) and not self._transport.is_closing():
            end = self._received.find(b"\n")
            if end < 0:
                break
            line = bytes(self._received[:end])
            del self._received[: end + 1]
            self._take(line)
        if not busy and len(self._received) > MAX_REQUEST:
            self._refuse_line(f"a request of more than {MAX_REQUEST} octets")
        self._read_on(not busy)

    def _read_on(self, wanted: bool) -> None:
        if wanted is not self._reading and not self._transport.is_closing():
            self._reading = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _take(self, line: bytes) -> None:
        try:
            request = decode(line)
        except BadLine as error:
            self._refuse_line(str(error))
            return
        match request:
            case {"id": int() | str() as number, "command": str(command), **others}:
                data = others.get("data", {})
                if isinstance(data, dict):
                    self._answer(number, command, data)
                    return
        self._refuse_line('a request is {"id": ..., "command": "...", "data": {...}}')

    def _refuse_line(self, message: str) -> None:
        """What follows such a line can't be trusted, so the connection ends with the answer."""
        self._transport.write(_error(None, "bad-request", message))
        self._transport.close()

    def _answer(self, number: int | str, command: str, data: Values) -> None:
        try:
            if command == SUBSCRIBE:
                line = self._server._subscribe(self)
                self._allowance = self._server.max_queued + len(line)
                self._transport.write(line)
                return
            handler = self._server.commands.get(command)
            if handler is None:
                known = ", ".join(sorted(self._server.commands))
                raise CommandError("unknown-command", f"the engine knows no command {command!r}, but {known}")
            reply = handler(data)
        except Exception as error:
            self._transport.write(_failure(number, command, error))
            return
        if isinstance(reply, Mapping):
            self._transport.write(_reply(number, command, reply))
        else:
            self._answering = asyncio.get_running_loop().create_task(self._finish(number, command, reply))

    async def _finish(self, number: int | str, command: str, reply: Awaitable[Values]) -> None:
        """Wait for a handler that takes its time, answer, and go on with the next request."""
        try:
            line = _reply(number, command, await reply)
        except Exception as error:
            line = _failure(number, command, error)
        self._answering = None
        if not self._transport.is_closing():
            self._transport.write(line)
            self._work()


def _reply(number: int | str, command: str, reply: Values) -> bytes:
    try:
        return encode({"id": number, "reply": reply})
    except (TypeError, ValueError) as error:
        return _failure(number, command, error)


def _failure(number: int | str, command: str, error: Exception) -> bytes:
    """The answer to a command that did not work out; what isn't a refusal is our fault, and logged."""
    if isinstance(error, CommandError):
        return _error(number, error.code, error.message)
    logger.error("! command %s failed", command, exc_info=error)
    return _error(number, "internal", f"command {command} failed in the engine; its log says why")


def _error(number: int | str | None, code: str, message: str) -> bytes:
    return encode({"id": number, "error": {"code": code, "message": message}})


def _listen(path: Path) -> socket.socket:
    """A listening socket that only the owner may use, in place of one that a killed engine left."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        mask = os.umask(0o177)
        try:
            listener.bind(os.fspath(path))
        finally:
            os.umask(mask)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise BusError(f"cannot listen on {path}: {error.strerror or error}") from error
    except BusError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the socket of an engine that is gone. Raises BusError if the engine is still there."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise BusError(f"{path} is in the way: it is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(os.fspath(path))
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise BusError(f"another engine already listens on {path}")

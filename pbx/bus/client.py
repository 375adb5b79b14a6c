"""The other end of the engine's socket: one command at a time, or the stream of events."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from pbx.bus.base import SNAPSHOT, Envelope
from pbx.bus.errors import BadLine, BusError, CommandError, NoAnswer, NotAllowed, NotRunning
from pbx.bus.lines import MAX_REPLY, Values, decode, encode

PIECE = 1 << 16  # octets a read takes at most
RETRY = 0.1  # seconds until a subscriber connects anew; doubles
RETRY_MAX = 5.0


def call(path: Path, command: str, data: Mapping[str, object] | None = None, timeout: float = 5.0) -> Values:
    """Give the engine a command and wait for its reply.

    Args:
        path: the engine's socket.
        timeout: seconds for all of it.

    Raises NotRunning, NotAllowed, NoAnswer, BadLine; CommandError when the engine refuses.
    """
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        try:
            link.settimeout(timeout)
            link.connect(str(path))
            link.sendall(encode({"id": 1, "command": command, "data": data or {}}))
            line = _read_line(link, deadline)
        except OSError as error:
            raise _explained(error, path, timeout) from error
    return _reply(decode(line))


def _read_line(link: socket.socket, deadline: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while size <= MAX_REPLY:
        link.settimeout(max(deadline - time.monotonic(), 0.001))
        piece = link.recv(PIECE)
        if not piece:
            raise ConnectionResetError
        pieces.append(piece)
        size += len(piece)
        if piece.endswith(b"\n"):  # nothing follows a reply before the next request
            return b"".join(pieces)
    raise BadLine(f"the engine's reply has more than {MAX_REPLY} octets")


def _explained(error: OSError, path: Path, timeout: float) -> BusError:
    """What a failure of the socket means to a person."""
    match error:
        case FileNotFoundError() | ConnectionRefusedError():
            return NotRunning(f"the server is not running (nothing listens on {path})")
        case ConnectionResetError() | BrokenPipeError():
            return NotRunning("the server stopped before it answered")
        case PermissionError():
            return NotAllowed(f"no permission to use {path}: run this as the account that runs the server")
        case TimeoutError() | BlockingIOError():
            return NoAnswer(f"the server did not answer within {timeout:g} s")
    return BusError(f"cannot use {path}: {error.strerror or error}")


def _reply(values: Values) -> Values:
    match values:
        case {"reply": dict(reply)}:
            return reply
        case {"error": {"code": str(code), "message": str(message)}}:
            raise CommandError(code, message)
    raise BadLine("the engine's answer is not a reply")


class SocketSubscriber:
    """Hears what the engine at a socket publishes, across restarts of the engine."""

    def __init__(self, path: Path, *, retry: float = RETRY) -> None:
        self._path = path
        self._retry = retry

    async def subscribe(self) -> AsyncGenerator[Envelope, None]:
        """A snapshot, then events without a gap; a new snapshot wherever some were missed.

        Goes on until it is closed: while the engine is away it keeps looking for it. Raises NotAllowed.
        """
        wait = self._retry
        while True:
            with contextlib.suppress(NotRunning, NoAnswer, BadLine):
                async with contextlib.aclosing(self._connected()) as envelopes:
                    async for envelope in envelopes:
                        wait = self._retry
                        yield envelope
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY_MAX)

    async def _connected(self) -> AsyncGenerator[Envelope, None]:
        """One connection's envelopes; ends when the engine goes away or cuts us off."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._path), limit=MAX_REPLY)
        except OSError as error:
            raise _explained(error, self._path, 0) from error
        request = encode({"id": 1, "command": "subscribe"})
        try:
            writer.write(request)
            expected: int | None = None  # None: a snapshot is on its way
            while line := await _next_line(reader):
                envelope = Envelope.decode(line)
                if envelope.type != SNAPSHOT and envelope.seq != expected:
                    if expected is not None:
                        writer.write(request)
                        expected = None
                    continue
                expected = envelope.seq + 1
                yield envelope
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _next_line(reader: asyncio.StreamReader) -> bytes:
    """The next complete line, or nothing at the end. Raises BadLine."""
    try:
        return await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    except asyncio.LimitOverrunError as error:
        raise BadLine(f"a line of more than {MAX_REPLY} octets") from error

"""Hearing the engine's events with blocking sockets: for threads, and for gevent, which makes them cooperative."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pbx.bus.base import SNAPSHOT, Envelope
from pbx.bus.client import PIECE, RETRY, RETRY_MAX
from pbx.bus.errors import BadLine
from pbx.bus.lines import MAX_REPLY, encode

logger = logging.getLogger(__name__)

_REQUEST = encode({"id": 1, "command": "subscribe"})


class BlockingSubscriber:
    """Hears what the engine at a socket publishes, across restarts of the engine.

    Args:
        path: the engine's socket.
        sleep: waits so many seconds; ends the subscription by raising.
        on_connection: called with True when a snapshot has come, with False when the engine went away.
    """

    def __init__(
        self,
        path: Path,
        *,
        sleep: Callable[[float], object] = time.sleep,
        on_connection: Callable[[bool], None] | None = None,
        retry: float = RETRY,
    ) -> None:
        self._path = path
        self._sleep = sleep
        self._on_connection = on_connection or (lambda _: None)
        self._retry = retry

    def subscribe(self) -> Iterator[Envelope]:
        """A snapshot, then events without a gap; a new snapshot wherever some were missed. Never ends by itself."""
        wait = self._retry
        while True:
            connected = False
            try:
                for envelope in self._connected():
                    if not connected:
                        connected = True
                        wait = self._retry
                        self._on_connection(True)
                    yield envelope
            except BadLine as error:
                logger.warning("! the bus: %s", error)
            except OSError:
                pass  # no engine, or not any more
            if connected:
                self._on_connection(False)
            self._sleep(wait)
            wait = min(wait * 2, RETRY_MAX)

    def _connected(self) -> Iterator[Envelope]:
        """One connection's envelopes; ends when the engine goes away. Raises OSError, BadLine."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.connect(str(self._path))
            link.sendall(_REQUEST)
            expected: int | None = None  # None: a snapshot is on its way
            for lines in _lines(link):
                for line in lines:
                    envelope = Envelope.decode(line)
                    if envelope.seq != expected and envelope.type != SNAPSHOT:
                        if expected is not None:
                            link.sendall(_REQUEST)
                            expected = None
                        continue
                    expected = envelope.seq + 1
                    yield envelope


def _lines(link: socket.socket) -> Iterator[list[bytes]]:
    """Complete lines, as many as come at once, until the other side closes. Raises BadLine for one that is too long."""
    rest: list[bytes] = []  # pieces of a line that is not complete
    size = 0
    while piece := link.recv(PIECE):
        *complete, last = piece.split(b"\n")
        if complete:
            complete[0] = b"".join([*rest, complete[0]])
            rest, size = [], 0
            yield complete
        rest.append(last)
        size += len(last)
        if size > MAX_REPLY:
            raise BadLine(f"a line of more than {MAX_REPLY} octets")

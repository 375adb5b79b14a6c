"""WebSockets that another process of this machine passes on to us by a Unix socket: those of browsers, who came to
the one origin that has everything.

The process passes the octets on as they are, and names whom it speaks for in `X-Forwarded-For`. Nobody else can
open the socket, so that is believed.
"""

import asyncio
import itertools
import os
import re
import socket
import stat
from functools import partial
from pathlib import Path

from sip.transport.addresses import canonical
from sip.transport.base import Address
from sip.transport.connections import Connections
from sip.transport.handshake import Handshake
from sip.transport.sockets import BACKLOG
from sip.transport.websocket import WebSocketConnection

_PORT = 443  # where a Host header names none
_HOST = re.compile(r"(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?")
_HERE: Address = ("127.0.0.1", _PORT)

# A browser's port is not known here. Each connection gets a number in its place, so that two are not taken for one.
_numbers = itertools.cycle(range(1, 65536))


class TunnelledConnection(WebSocketConnection):
    """A WebSocket over TLS as its browser has it: `remote` is the browser, `local` the origin that it speaks to."""

    def __init__(self, table: Connections) -> None:
        super().__init__(table, "WSS")

    def _ends(self, _pipe: asyncio.BaseTransport) -> tuple[Address, Address] | None:
        return ("127.0.0.1", next(_numbers)), _HERE

    def _granted(self, handshake: Handshake) -> None:
        client = handshake.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        self.remote = (canonical(client) or self.remote[0], self.remote[1])
        self.local = origin_of(handshake.headers["host"]) or self.local


def origin_of(host: str) -> Address | None:
    """The address in a Host header; None for something else."""
    found = _HOST.fullmatch(host)
    if found is None:
        return None
    return found["host"].strip("[]"), min(int(found["port"] or _PORT), 65535)


async def listen_on(path: Path, table: Connections) -> asyncio.Server:
    """Listens on a Unix socket that only this account may use. Raises OSError."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()  # of an engine that was killed: there is only one, as the supervisor and the bus see to
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        before = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"can't listen on {path}: {error.strerror}") from None
    return await asyncio.get_running_loop().create_unix_server(partial(TunnelledConnection, table), sock=listening)

"""The sockets on which the engine listens, held by the supervisor: they outlive an engine that dies.

What phones send meanwhile waits in the kernel instead of being refused. A phone that is refused once may stay away
for minutes.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from config.settings import Sip
from sip.transport.addresses import canonical
from sip.transport.sockets import Listener, bound_socket, listening_socket

SOCKETS = "GORIZONT_SOCKETS"


def listeners(sip: Sip) -> list[Listener]:
    """Everything on which [sip] says to listen."""
    named = (("UDP", sip.udp), ("TCP", sip.tcp), ("TLS", sip.tls), ("WS", sip.ws), ("WSS", sip.wss))
    return [(transport, address.host, address.port) for transport, addresses in named for address in addresses]


@contextmanager
def held(sip: Sip) -> Iterator[Mapping[Listener, int]]:
    """The sockets of [sip] as file descriptors, as long as the block runs; names are left to the engine.

    Raises OSError, naming the address, where that is impossible.
    """
    with ExitStack() as stack:
        sockets: dict[Listener, int] = {}
        for transport, host, port in listeners(sip):
            if canonical(host) is None or port == 0:
                continue
            try:
                opened = bound_socket(host, port) if transport == "UDP" else listening_socket(host, port)
            except OSError as error:
                problem = f"can't listen on {transport} {host} port {port}: {error.strerror}"
                raise OSError(error.errno, problem) from None
            stack.callback(opened.close)
            sockets[transport, host, port] = opened.fileno()
        yield sockets


def described(sockets: Mapping[Listener, int]) -> str:
    """The sockets in one environment variable, for the process that inherits them."""
    return " ".join(f"{transport},{host},{port}={number}" for (transport, host, port), number in sockets.items())


def inherited() -> dict[Listener, socket.socket]:
    """The sockets that this process was started with; none where nobody holds any."""
    found: dict[Listener, socket.socket] = {}
    for entry in os.environ.pop(SOCKETS, "").split():
        where, _, number = entry.partition("=")
        transport, host, port = where.split(",")
        found[transport, host, int(port)] = socket.socket(fileno=int(number))
    return found

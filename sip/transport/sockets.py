"""The sockets on which SIP is spoken, opened and set as they have to be.

Knows no event loop and loads next to nothing: the supervisor holds these sockets for the engine, and does no more.
"""

import socket
from contextlib import suppress

from sip.transport.addresses import family_of

Listener = tuple[str, str, int]  # transport, numeric host, port

BACKLOG = 1024

# A peer whose machine is gone: found after this many seconds when something waits to be sent to it,
USER_TIMEOUT = 30
# and otherwise by probes, whose first comes after IDLE seconds.
KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT = 60, 10, 3

# Asked of the kernel, which grants up to net.core.rmem_max: a second of 5000 messages while we are busy elsewhere.
RECEIVE_BUFFER = SEND_BUFFER = 4 * 1024 * 1024

# Linux, asm-generic/socket.h: a buffer beyond net.core.rmem_max, for those with CAP_NET_ADMIN.
_SO_RCVBUFFORCE = 33


def stream_socket(family: socket.AddressFamily) -> socket.socket:
    """A non-blocking TCP socket that finds out when its peer's machine is gone. Raises OSError.

    Sockets accepted from it inherit that.
    """
    stream = socket.socket(family, socket.SOCK_STREAM)
    stream.setblocking(False)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_COUNT)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT * 1000)
    return stream


def listening_socket(host: str, port: int) -> socket.socket:
    """Raises OSError."""
    listening = stream_socket(family_of(host))
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listening.family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def bound_socket(host: str, port: int) -> socket.socket:
    """A non-blocking datagram socket with large buffers. Raises OSError."""
    bound = socket.socket(family_of(host), socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        if bound.family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        with suppress(OSError):  # who may, gets it beyond the limit
            bound.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound

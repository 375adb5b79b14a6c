"""SIP over WebSocket through the origin of the web client: octets between the browser and the engine, untouched.

The engine listens on a Unix socket and speaks RFC 7118 from the handshake on. The tunnel writes the head of the
request again, with two differences: the address of the client is added as `X-Forwarded-For` (one that the client sent
is left out), and its cookies are, because they are none of the engine's business.

Anybody may use it: phones and JsSIP sign in by digest. But a page of another origin may not use a browser that is
signed in here, so a request with our cookie needs an `Origin` that is ours.
"""

import contextlib
import logging
import socket
from pathlib import Path
from typing import Any

import gevent
from gevent.socket import socket as gevent_socket

from web.auth.access import is_own_origin, token_in

logger = logging.getLogger(__name__)

_open: set[Any] = set()  # sockets to the engine, of the tunnels that there are

PIECE = 1 << 14  # octets that are passed on at once
PATIENCE = 5.0  # seconds for the engine to take the connection
LEFT_OUT = ("cookie", "x-forwarded-for")


def tunnel(handler: Any, engine: Path) -> None:
    """Passes one connection through, until either side ends it.

    Args:
        handler: the pywsgi handler that has read the head of the request.
        engine: the Unix socket of the engine.
    """
    environ = handler.environ
    cookies, origin = environ.get("HTTP_COOKIE", ""), environ.get("HTTP_ORIGIN")
    host = environ.get("HTTP_HOST", "")
    if token_in(cookies) is not None and not (origin is not None and is_own_origin(origin, host)):
        _refuse(handler, "403 Forbidden")
        return
    link = gevent_socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.settimeout(PATIENCE)
        link.connect(str(engine))
        link.sendall(head(handler.requestline, handler.headers.items(), environ.get("REMOTE_ADDR", "")))
    except OSError as error:
        link.close()
        logger.warning("! SIP cannot be passed to the engine: %s", error)
        _refuse(handler, "503 Service Unavailable")
        return
    link.settimeout(None)
    handler.socket.settimeout(None)
    handler.close_connection = True
    handler.status, handler.code = "101 Switching Protocols", 101
    client = handler.socket
    _open.add(link)
    up = gevent.spawn(_pass_on, handler.rfile.read1, link)
    down = gevent.spawn(_pass_on, link.recv, client)
    gevent.wait([up, down], count=1)  # a WebSocket of which one half is closed is over
    _open.discard(link)
    link.close()
    _end(client)
    gevent.joinall([up, down], timeout=1.0)
    gevent.killall([up, down])


def end_all() -> None:
    """Ends all tunnels, as when the process stops."""
    for link in list(_open):
        _end(link)


def head(requestline: str, headers: Any, client: str) -> bytes:
    """The request as the engine gets it."""
    lines = [requestline.strip()]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in LEFT_OUT]
    lines += [f"X-Forwarded-For: {client}", "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _pass_on(read: Any, to: Any) -> None:
    """Octets from `read` to a socket, until there are no more."""
    try:
        while octets := read(PIECE):
            to.sendall(octets)
    except (OSError, ValueError):
        pass  # the one side is gone; so is the tunnel


def _end(link: Any) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)


def _refuse(handler: Any, status: str) -> None:
    handler.close_connection = True
    handler.start_response(status, [("Content-Type", "text/plain"), ("Content-Length", "0"), ("Connection", "close")])
    handler.result = [b""]
    handler.process_result()

"""The WSGI handler of the server: HTTP by gevent, `/sip` as octets, the connections of Socket.IO given away.

gevent-websocket answers the request for a WebSocket. What comes after it is none of its business: `web.live.channel`
takes the connection over, and the greenlet that has read the request ends.
"""

import base64
import io
import logging
import ssl
from collections.abc import Mapping
from typing import Any

from gevent import Timeout
from gevent.pywsgi import WSGIHandler
from gevent.socket import socket
from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.websocket import WebSocket

from web import metrics
from web.sip_tunnel import tunnel

logger = logging.getLogger(__name__)
access = logging.getLogger("web.access")

HEAD_SECONDS = 10.0  # for each of the first line and the rest of a request's head
SIP_PATH = "/sip"
LIVE_PATH = "/socket.io/"


def is_whole(environ: Mapping[str, Any]) -> bool:
    """Whether a request for a WebSocket is whole (RFC 6455 §4.2.1); gevent-websocket stumbles over others."""
    try:
        key = base64.b64decode(environ.get("HTTP_SEC_WEBSOCKET_KEY", ""), validate=True)
    except ValueError:
        return False
    return (
        environ.get("REQUEST_METHOD") == "GET"
        and environ.get("SERVER_PROTOCOL") == "HTTP/1.1"
        and "upgrade" in environ.get("HTTP_CONNECTION", "").lower()
        and environ.get("HTTP_SEC_WEBSOCKET_VERSION") == "13"
        and len(key) == 16
    )


class Link(WebSocket):  # type: ignore[misc]  # the library has no types
    """Stands for a WebSocket where Engine.IO looks for one: whoever takes the connection over reads and writes it."""

    __slots__ = ()

    def close(self, *_: Any) -> None:
        """Says nothing to the client: the connection may have been given away."""


class Handler(WebSocketHandler):  # type: ignore[misc]  # the library has no types
    """One connection of a client, of a `web.listening.Listener`."""

    socket: Any  # pywsgi's, until it is given away
    rfile: Any
    headers: Any

    # A client that is gone before it has read its answer is no failure; with TLS, these say so.
    ignored_socket_errors = (*WSGIHandler.ignored_socket_errors, ssl.SSL_ERROR_EOF, ssl.SSL_ERROR_ZERO_RETURN)

    def get_environ(self) -> Any:
        """What is known of a request, with the browser's address where a proxy brought it."""
        environ = super().get_environ()
        self.server.proxies.apply(environ)
        return environ

    def run_application(self) -> None:
        secure = self.environ["wsgi.url_scheme"] == "https"  # others are led there by the application
        upgrade = secure and self.environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        path = self.environ.get("PATH_INFO", "")
        if upgrade and path == SIP_PATH and self.server.sip_socket is not None:
            tunnel(self, self.server.sip_socket)
        elif upgrade and path == LIVE_PATH and is_whole(self.environ):
            super().run_application()
        else:
            WSGIHandler.run_application(self)

    def upgrade_connection(self) -> Any:
        result = super().upgrade_connection()
        if hasattr(self, "websocket"):
            self.websocket.__class__ = Link  # same fields, other manners
        return result

    def run_websocket(self) -> None:
        """Has Socket.IO take the connection over; one that it refuses ends."""
        list(self.application(self.environ, lambda *_: None))

    def give_away(self) -> tuple[Any, bytes]:
        """The socket, for whoever goes on with the connection when this handler has ended; and what was read ahead."""
        wire, ahead = self.socket, self._let_go_of_reader()
        self.socket = None
        if not isinstance(wire, ssl.SSLSocket):  # the server closes the socket that it has accepted
            wire = socket(wire.family, wire.type, wire.proto, wire.detach())
        wire.settimeout(None)  # Socket.IO has its own heartbeat
        return wire, ahead

    def _let_go_of_reader(self) -> bytes:
        """Frees the 8 kB that every connection has for reading requests; what was read ahead is returned."""
        self.socket.settimeout(0)
        try:
            ahead = bytes(self.rfile.peek())
        except OSError:  # nothing has come
            ahead = b""
        self.rfile.close()
        self.rfile = self.wsgi_input.rfile = io.BytesIO()
        return ahead

    def read_requestline(self) -> str:
        """The first line of the next request, "" at the end. Once it has begun it has to come in time."""
        idle: set[Any] = self.server.idle
        idle.add(self.socket)
        try:
            begun = not self.server.closing and self.rfile.peek(1)
        finally:
            idle.discard(self.socket)
        if not begun:
            return ""
        try:
            with Timeout(HEAD_SECONDS):
                return str(super().read_requestline())
        except Timeout:
            return ""

    def read_request(self, raw_requestline: str) -> Any:
        """The rest of its head; False, which is answered with 400, where it does not come in time."""
        try:
            with Timeout(HEAD_SECONDS):
                return super().read_request(raw_requestline)
        except Timeout:
            self.close_connection = True
            return False

    def log_request(self) -> None:
        """One line for each request, at debug only; never its query, which may hold what people search for."""
        status = getattr(self, "code", None) or int(str(self.status or "0").split(" ", 1)[0] or 0)
        metrics.count_request(str(self.command or "?"), status)
        if access.isEnabledFor(logging.DEBUG):
            path = str(self.path or "").partition("?")[0]
            client = (self.environ or {}).get("REMOTE_ADDR", self.client_address[0])
            access.debug("< %s %s %s from %s", self.command, path, status, client)

    @property
    def logger(self) -> logging.Logger:
        return logger

"""The WSGI handler of the server: HTTP by gevent, WebSocket by gevent-websocket, `/sip` as octets.

gevent-websocket reads a frame of any length that its sender announces, unmasks octet by octet and checks UTF-8 twice
in Python; `Link` has a limit and does both at once.
"""

import io
import logging
from typing import Any

from gevent import Timeout
from gevent.pywsgi import WSGIHandler
from geventwebsocket.exceptions import ProtocolError, WebSocketError
from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.websocket import Header, WebSocket

from web import metrics
from web.sip_tunnel import tunnel

logger = logging.getLogger(__name__)
access = logging.getLogger("web.access")

LARGEST_FRAME = 256 << 10  # octets; Socket.IO refuses messages from half of it on
LARGEST_CONTROL = 125  # octets, RFC 6455 §5.5
READ_AHEAD = 2048  # octets; most frames come whole with their head
HEAD_SECONDS = 10.0  # for each of the first line and the rest of a request's head
KEPT = frozenset(
    "HTTP_HOST HTTP_ORIGIN HTTP_COOKIE HTTP_UPGRADE HTTP_CONNECTION HTTP_SEC_WEBSOCKET_KEY HTTP_SEC_WEBSOCKET_VERSION"
    " HTTP_SEC_WEBSOCKET_PROTOCOL".split()
)
SIP_PATH = "/sip"
LIVE_PATH = "/socket.io/"


class Link(WebSocket):  # type: ignore[misc]  # the library has no types
    """A WebSocket whose frames are of bounded length."""

    __slots__ = ()

    def read_frame(self) -> tuple[Any, bytes]:
        """One frame. Raises ProtocolError, WebSocketError."""
        header = Header.decode_header(self.stream)
        if header.flags:
            raise ProtocolError("reserved bits are set")
        if header.length > (LARGEST_CONTROL if header.opcode & 0x08 else LARGEST_FRAME):
            raise ProtocolError(f"a frame of {header.length} octets")
        if not header.mask:
            raise ProtocolError("a frame from a client is masked (RFC 6455 §5.1)")
        payload = self.raw_read(header.length) if header.length else b""
        if len(payload) != header.length:
            raise WebSocketError("the connection ended within a frame")
        return header, unmask(payload, bytes(header.mask))

    def read_message(self) -> Any:
        """One message; None at the end. Raises ProtocolError, WebSocketError, UnicodeError."""
        opcode, pieces, size = None, [], 0
        while True:
            header, payload = self.read_frame()
            if header.opcode == self.OPCODE_PING:
                self.handle_ping(header, payload)
                continue
            if header.opcode == self.OPCODE_PONG:
                continue
            if header.opcode == self.OPCODE_CLOSE:
                self.handle_close(header, payload)
                return None
            continues = header.opcode == self.OPCODE_CONTINUATION
            if continues is (opcode is None) or header.opcode not in (0, self.OPCODE_TEXT, self.OPCODE_BINARY):
                raise ProtocolError(f"opcode {header.opcode} does not stand here")
            opcode = opcode if continues else header.opcode
            pieces.append(payload)
            size += len(payload)
            if size > LARGEST_FRAME:
                raise ProtocolError(f"a message of more than {LARGEST_FRAME} octets")
            if header.fin:
                message = b"".join(pieces)
                return message.decode() if opcode == self.OPCODE_TEXT else message


class Octets:
    """What a client sends, read by number of octets, without a buffer that stands empty most of the time."""

    __slots__ = ("_ahead", "_link", "write")

    def __init__(self, link: Any, ahead: bytes = b"") -> None:
        self._link = link
        self._ahead = ahead
        self.write = link.sendall

    def read(self, size: int) -> bytes:
        """So many octets; fewer at the end of the connection."""
        while len(self._ahead) < size:
            piece = self._link.recv(max(size - len(self._ahead), READ_AHEAD))
            if not piece:
                break
            self._ahead += piece
        octets, self._ahead = self._ahead[:size], self._ahead[size:]
        return octets


def unmask(payload: bytes, mask: bytes) -> bytes:
    """A payload as it was before the client masked it (RFC 6455 §5.3)."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


class Handler(WebSocketHandler):  # type: ignore[misc]  # the library has no types
    """One connection of a client, of a `web.listening.Listener`."""

    rfile: Any  # pywsgi's, until a WebSocket reads by itself
    headers: Any

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
        elif upgrade and path == LIVE_PATH:
            self._keep_little()
            super().run_application()
        else:
            WSGIHandler.run_application(self)

    def upgrade_connection(self) -> Any:
        result = super().upgrade_connection()
        if hasattr(self, "websocket"):
            link = self.websocket
            link.__class__ = Link  # same fields, other reading
            link.stream = Octets(self.socket, self._let_go_of_reader())
            link.raw_read = link.stream.read
            self.socket.settimeout(None)  # Socket.IO has its own heartbeat
        return result

    def _keep_little(self) -> None:
        """Forgets the headers that nobody asks for, because Socket.IO keeps the rest as long as the connection."""
        for name in [name for name in self.environ if name.startswith("HTTP_") and name not in KEPT]:
            del self.environ[name]
        self.headers = None

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

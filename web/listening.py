"""The listening sockets: HTTPS for everything, HTTP for the way there."""

import contextlib
import errno
import logging
import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gevent import Timeout
from gevent.pool import Pool
from gevent.pywsgi import LoggingLogAdapter, WSGIServer

from config.kinds import Address
from web.proxies import PROXIED, Proxies
from web.websocket import Handler

logger = logging.getLogger(__name__)

BACKLOG = 1024
MOST_CONNECTIONS = 20_000
HANDSHAKE_SECONDS = 10.0
SILENCE_SECONDS = 75.0  # that a connection may say nothing; nginx keeps idle ones as long


class Listener(WSGIServer):  # type: ignore[misc]  # the library has no types
    """Takes connections, of bounded number and patience.

    `sip_socket` is the engine's, `proxies` those whose word is taken, `idle` the sockets of connections between two
    requests.
    """

    def __init__(
        self, address: Address, application: Any, sip_socket: Path | None, proxies: Proxies, **options: Any
    ) -> None:
        self.sip_socket = sip_socket
        self.proxies = proxies
        self.idle: set[Any] = set()
        self.closing = False
        super().__init__(
            _bound(address),
            application,
            handler_class=Handler,
            log=None,
            error_log=LoggingLogAdapter(logger, logging.DEBUG),
            spawn=Pool(MOST_CONNECTIONS),
            **options,
        )

    def stop_taking(self) -> None:
        """Takes nothing new: no connections, and no further requests on those that there are."""
        self.stop_accepting()
        self.closing = True
        for idle in list(self.idle):
            with contextlib.suppress(OSError):
                idle.shutdown(socket.SHUT_RDWR)

    def wrap_socket_and_handle(self, client_socket: Any, address: Any) -> Any:
        """TLS first, within a time; a stranger who only connects must not hold a place for ever."""
        try:
            with Timeout(HANDSHAKE_SECONDS):
                wrapped = self.wrap_socket(client_socket, **self.ssl_args)
        except (Timeout, OSError):
            client_socket.close()
            return None
        return self.handle(wrapped, address)

    def handle(self, sock: Any, address: Any) -> None:
        """One connection; a client that vanishes is nothing to tell of."""
        sock.settimeout(SILENCE_SECONDS)
        try:
            super().handle(sock, address)
        except OSError as error:
            logger.debug("< %s is gone: %s", address, error)


def https_server(
    address: Address, application: Any, tls: ssl.SSLContext, sip_socket: Path, proxies: Proxies
) -> Listener:
    """A server of the application. Raises OSError when the address is taken."""
    return Listener(address, only_https(application, address.port), sip_socket, proxies, ssl_context=tls)


def http_server(address: Address, application: Any, https_port: int, sip_socket: Path, proxies: Proxies) -> Listener:
    """A server that leads to HTTPS at `https_port` of the same host; a proxy whose browser speaks HTTPS is there.

    Raises OSError when the address is taken.
    """
    return Listener(address, only_https(application, https_port), sip_socket, proxies)


def only_https(application: Any, port: int) -> Any:
    """The application for browsers that speak HTTPS; others are led to it, at `port` of the same host."""

    def lead(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["wsgi.url_scheme"] == "https":
            return application(environ, start_response)
        # A proxy has ports of its own, of which the usual one is a better guess than ours.
        location = https_location(environ, 443 if PROXIED in environ else port)
        if location is None:
            start_response("400 Bad Request", [("Content-Length", "0"), ("Connection", "close")])
            return [b""]
        # 307, not 308: which port HTTPS has is a setting, and browsers keep 308 for good.
        start_response("307 Temporary Redirect", [("Location", location), ("Content-Length", "0")])
        return [b""]

    return lead


def https_location(environ: dict[str, Any], port: int) -> str | None:
    """Where the same page is by HTTPS; None for a request that does not say its host."""
    host = str(environ.get("HTTP_HOST", ""))
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    if not name or any(char in name for char in "/\\@?#"):
        return None
    shown = "" if port == 443 else f":{port}"
    query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
    path = str(environ.get("PATH_INFO", "/")).encode("latin-1")
    return f"https://{name}{shown}{quote(path)}{query}"


def _bound(address: Address) -> Any:
    """A listening socket. Raises OSError with the address in its text."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address.host, address.port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(f"cannot listen on {address}: another program uses this address") from error
        raise OSError(f"cannot listen on {address}: {error.strerror}") from error
    return listener

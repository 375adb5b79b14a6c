"""The client side of rtpengine's ng protocol: a request and its answer are one datagram each, paired by a cookie.

A datagram may be lost, so a request is repeated; rtpengine answers a cookie that it knows as it did before.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any

from pbx.media import bencode
from pbx.media.errors import MediaError, MediaUnavailable, NotAcceptable, UnknownSession

TRIES = (0.25, 0.5, 1.0, 1.0, 1.0)  # seconds to wait for an answer, each time
MOST_OCTETS = 65_507  # of a datagram

Values = Mapping[str, Any]
Reply = Callable[[Values | MediaError], None]


class NgClient:
    """Requests to the ng socket at `address`, and their answers."""

    def __init__(self, loop: asyncio.AbstractEventLoop, address: tuple[str, int]) -> None:
        self._loop = loop
        self._address = address
        self._prefix = token_hex(6)
        self._count = 0
        self._waiting: dict[bytes, tuple[Reply, asyncio.TimerHandle]] = {}
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Makes the socket. It isn't connected: libuv gives up one whose far end was closed for a moment."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        made.setblocking(False)
        self._socket = made
        self._loop.add_reader(made.fileno(), self._readable)

    def close(self) -> None:
        for _, timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def ask(self, request: Mapping[str, bencode.Value], reply: Reply) -> None:
        """Sends a request. `reply` is called once, with the answer or what is wrong."""
        self._count += 1
        cookie = f"{self._prefix}-{self._count}".encode()
        data = cookie + b" " + bencode.encode(request)
        if len(data) > MOST_OCTETS:
            self._loop.call_soon(reply, NotAcceptable("a request that no datagram holds"))
            return
        self._send(cookie, data, reply, 0)

    def _send(self, cookie: bytes, data: bytes, reply: Reply, tried: int) -> None:
        if tried == len(TRIES) or self._socket is None:
            self._waiting.pop(cookie, None)
            self._loop.call_soon(reply, MediaUnavailable("rtpengine does not answer"))
            return
        timer = self._loop.call_later(TRIES[tried], self._send, cookie, data, reply, tried + 1)
        self._waiting[cookie] = reply, timer
        try:
            self._socket.sendto(data, self._address)
        except OSError:  # no way there at the moment
            return

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data, source = self._socket.recvfrom(65_536)
        except OSError:
            return
        if source[:2] != self._address:
            return
        cookie, _, body = data.partition(b" ")
        reply, timer = self._waiting.pop(cookie, (None, None))
        if reply is None or timer is None:
            return
        timer.cancel()
        reply(_result(body))


def _result(body: bytes) -> Values | MediaError:
    """What an answer says, or what is wrong with the request or with rtpengine."""
    try:
        values = bencode.decode(body)
    except bencode.NotBencoded:
        values = {}
    if not isinstance(values, dict):
        return NotAcceptable("rtpengine refuses: no dictionary")
    result = values.get("result")
    if result in (b"ok", b"pong"):
        return values
    reason = values.get("message" if result == b"load limit" else "error-reason", b"no reason")
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    if result == b"load limit":
        return MediaUnavailable(f"rtpengine takes no more: {text}")
    return UnknownSession(text) if "unknown call" in text.lower() else NotAcceptable(f"rtpengine refuses: {text}")

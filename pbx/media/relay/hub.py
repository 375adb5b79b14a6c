"""The port on which all browsers of a media process arrive: one UDP port, for IPv4 and for IPv6.

A browser only believes an answer that comes from the address to which it has spoken, so there is a socket for each
address of the machine, not one for all of them. What comes is told apart by its first octet (RFC 7983): checks by
ICE find their transport by its user name, and make their source known; DTLS, RTP and RTCP find theirs by that
source. Everything else is dropped.
"""

import logging
import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple, Protocol

from pbx.media.errors import MediaUnavailable
from pbx.media.relay import ice
from pbx.media.relay.packet import BUFFER, HEADER_LENGTH, LONGEST
from pbx.media.relay.ports import bound
from pbx.media.relay.readiness import Readiness

RECEIVE_OCTETS = 4 << 20
BURST = 64  # packets that are read before other sockets get their turn
MOST_SOURCES = 16  # addresses of one browser that are known at the same time

logger = logging.getLogger(__name__)


class Path(NamedTuple):
    """A way to a browser: which of our sockets, and its address."""

    send: Callable[[bytes | memoryview, Any], int]
    address: ice.Address


class Guest(Protocol):
    """A transport that lives on the hub's port."""

    credentials: ice.Credentials

    def checked(self, check: ice.Check, path: Path) -> None:
        """An authentic check has come by that path, and has been answered."""

    def lives_at(self, source: ice.Address) -> bool:
        """Whether its browser is there, as it has shown a moment ago."""

    def take_dtls(self, datagram: bytes, path: Path) -> None:
        """DTLS from an address that has been checked."""

    def take_media(self, length: int) -> None:
        """The packet in the buffer, from an address that has been checked."""


class Hub:
    """The sockets, and who is behind which user name and which address.

    Attributes:
        port: where everybody arrives.
        dropped: packets from sources that nobody knows.
    """

    def __init__(self, readiness: Readiness, port: int) -> None:
        self.port = port
        self.dropped = 0
        self._readiness = readiness
        self._names: dict[str, Guest] = {}
        self._sources: dict[ice.Address, Guest] = {}
        self._sockets: dict[str, socket.socket] = {}

    def listen(self, hosts: Iterable[str]) -> None:
        """Listens on those addresses and no others. Raises MediaUnavailable when none of them can be used."""
        wanted = set(hosts)
        for host in self._sockets.keys() - wanted:
            self._close(host)
        for host in wanted - self._sockets.keys():
            try:
                made = bound(host, self.port, octets=RECEIVE_OCTETS)
            except OSError as error:
                logger.warning("! no media for browsers on [%s]:%d: %s", host, self.port, error.strerror)
                continue
            self._sockets[host] = made
            self._readiness.watch(made.fileno(), partial(self._readable, made.recvfrom_into, made.sendto))
        if not self._sockets:
            raise MediaUnavailable(f"port {self.port} can't be used for browsers")

    def admit(self, guest: Guest) -> None:
        """From now on checks for that transport are answered."""
        self._names[guest.credentials.ufrag] = guest

    def dismiss(self, guest: Guest) -> None:
        """Neither its name nor its addresses are known any more."""
        self.forget_name(guest.credentials.ufrag)
        for source in [source for source, known in self._sources.items() if known is guest]:
            del self._sources[source]

    def forget_name(self, ufrag: str) -> None:
        """After a restart of ICE the old credentials are worth nothing."""
        self._names.pop(ufrag, None)

    def close(self) -> None:
        for host in list(self._sockets):
            self._close(host)

    def _close(self, host: str) -> None:
        closed = self._sockets.pop(host)
        self._readiness.forget(closed.fileno())
        closed.close()

    def _readable(self, read, send) -> None:  # type: ignore[no-untyped-def]  # methods of a socket
        sources = self._sources
        for _ in range(BURST):
            try:
                length, source = read(BUFFER)
            except OSError:
                return
            if not length or length > LONGEST:
                continue
            first = BUFFER[0]
            if first < 4:
                self._take_check(bytes(BUFFER[:length]), source, send)
                continue
            guest = sources.get(source)
            if guest is None:
                self.dropped += 1
            elif first > 127:
                if first < 192 and length >= HEADER_LENGTH:
                    guest.take_media(length)
            elif 19 < first < 64:
                guest.take_dtls(bytes(BUFFER[:length]), Path(send, source))

    def _take_check(self, data: bytes, source: ice.Address, send) -> None:  # type: ignore[no-untyped-def]
        check = ice.read_check(data)
        guest = self._names.get(check.ours) if check is not None else None
        if check is None or guest is None or not ice.is_authentic(check, guest.credentials):
            self.dropped += 1
            return
        known = self._sources.get(source)
        if known is not guest:
            if known is not None and known.lives_at(
                source
            ):  # somebody who forges the address of another call's browser
                self.dropped += 1
                return
            self._know(source, guest)
        try:
            send(ice.answer(check, guest.credentials, source), source)
        except OSError:
            return
        if not check.conflicts:
            guest.checked(check, Path(send, source))

    def _know(self, source: ice.Address, guest: Guest) -> None:
        """The address belongs to that transport now, also if it was another's once: a browser reuses its ports."""
        known = [one for one, whose in self._sources.items() if whose is guest]
        if len(known) >= MOST_SOURCES:
            del self._sources[known[0]]
        self._sources.pop(source, None)
        self._sources[source] = guest

"""The port on which all browsers of a media process arrive: one UDP port, for IPv4 and for IPv6.

What comes is told apart by its first octet (RFC 7983): checks by ICE find their transport by its user name, and make
their source known; DTLS, RTP and RTCP find theirs by that source. Everything else is dropped.
"""

import asyncio
import logging
from typing import Protocol

from pbx.media.errors import MediaUnavailable
from pbx.media.relay import ice
from pbx.media.relay.packet import BUFFER, HEADER_LENGTH, LONGEST
from pbx.media.relay.ports import bound

RECEIVE_OCTETS = 4 << 20
BURST = 64  # packets that are read before other sockets get their turn
MOST_SOURCES = 16  # addresses of one browser that are known at the same time

logger = logging.getLogger(__name__)


class Guest(Protocol):
    """A transport that lives on the hub's port."""

    credentials: ice.Credentials

    def checked(self, check: ice.Check, source: ice.Address) -> None:
        """An authentic check has come, and has been answered."""

    def take_dtls(self, datagram: bytes, source: ice.Address) -> None:
        """DTLS from a source that has been checked."""

    def take_media(self, length: int, source: ice.Address) -> None:
        """The packet in the buffer, from a source that has been checked."""


class Hub:
    """The sockets, and who is behind which user name and which address.

    Attributes:
        port: where everybody arrives.
        dropped: packets from sources that nobody knows.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, hosts: tuple[str, ...] = ("0.0.0.0", "::")) -> None:  # noqa: S104
        self.port = port
        self.dropped = 0
        self._loop = loop
        self._names: dict[str, Guest] = {}
        self._sources: dict[ice.Address, Guest] = {}
        self._sockets = {}
        for host in hosts:
            try:
                made = bound(host, port, octets=RECEIVE_OCTETS)
            except OSError as error:
                logger.info("= no media for browsers on [%s]:%d: %s", host, port, error.strerror)
                continue
            self._sockets[":" in host] = made
            loop.add_reader(made.fileno(), self._readable, made.recvfrom_into, made.sendto)
        if not self._sockets:
            raise MediaUnavailable(f"port {port} can't be used for browsers")

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

    def send(self, packet: bytes | memoryview, target: ice.Address) -> None:
        """Sends a datagram; one that can't be sent is a lost one."""
        sending = self._sockets.get(len(target) > 2)
        if sending is None:
            return
        try:
            sending.sendto(packet, target)
        except OSError:
            return

    def close(self) -> None:
        for one in self._sockets.values():
            self._loop.remove_reader(one.fileno())
            one.close()

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
                    guest.take_media(length, source)
            elif 19 < first < 64:
                guest.take_dtls(bytes(BUFFER[:length]), source)

    def _take_check(self, data: bytes, source: ice.Address, send) -> None:  # type: ignore[no-untyped-def]
        check = ice.read_check(data)
        guest = self._names.get(check.ours) if check is not None else None
        if check is None or guest is None or not ice.is_authentic(check, guest.credentials):
            self.dropped += 1
            return
        if self._sources.get(source) is not guest:
            self._know(source, guest)
        try:
            send(ice.answer(check, guest.credentials, source), source)
        except OSError:
            return
        guest.checked(check, source)

    def _know(self, source: ice.Address, guest: Guest) -> None:
        """The address belongs to that transport now, also if it was another's: a browser reuses its ports."""
        known = [one for one, whose in self._sources.items() if whose is guest]
        if len(known) >= MOST_SOURCES:
            del self._sources[known[0]]
        self._sources.pop(source, None)
        self._sources[source] = guest

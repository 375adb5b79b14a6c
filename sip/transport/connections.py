"""All connections of the server, bounded: whoever opens ten thousand and says nothing harms only themselves.

When there are too many, the oldest that has never delivered a message goes first; only when there is none, the
one that has been silent longest. So a flood of half-open connections displaces itself, not the phones.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv6Network
from typing import Protocol

from sip.framing import MAX_BODY
from sip.message import MAX_HEAD
from sip.transport.base import Address, Receiver

log = logging.getLogger(__name__)

TICK = 1.0  # s; how exactly deadlines of connections are kept


@dataclass(frozen=True, slots=True)
class Limits:
    """What connections may use. Times in seconds, sizes in octets."""

    connections: int = 10_000  # of all kinds
    per_host: int = 1_000  # accepted from one address: an office behind NAT; IPv6: from one network of 64 bits
    # Addresses without that limit: a WebSocket proxy on this machine brings everybody's connections.
    unlimited_hosts: frozenset[str] = frozenset(("127.0.0.1", "::1"))
    max_head: int = MAX_HEAD
    max_body: int = MAX_BODY
    unfinished: int = 67_108_864  # in all messages together that have begun and not ended; two hundred largest ones
    unsent: int = 1_048_576  # what may wait for a peer that reads slowly; four largest messages
    handshake: float = 10.0  # TLS and WebSocket
    message: float = 30.0  # for the first message to come, and for each one from its first octet to its last
    connect: float = 8.0  # a quarter of timer B, so that a request can still be tried elsewhere
    farewell: float = 5.0  # for a closed connection to take what was sent to it
    ping: float = 25.0  # silence before a WebSocket is pinged, and then again before it is given up; proxies allow 60


@dataclass(slots=True)
class Counters:
    """What happened to connections since the start."""

    accepted: int = 0
    opened: int = 0
    shed: int = 0  # closed because there were too many
    expired: int = 0  # closed because they took too long
    too_slow: int = 0  # closed because they read too slowly
    broken: int = 0  # closed because TLS, WebSocket or message framing was broken


class Member(Protocol):
    """What the table needs of a connection."""

    remote: Address

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def tick(self, now: float) -> None: ...


@dataclass(slots=True)
class _Ranks:
    """Connections by how dispensable they are; dictionaries keep the order in which they were put in."""

    silent: dict[Member, None] = field(default_factory=dict)
    proven: dict[Member, None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.silent) + len(self.proven)

    def __contains__(self, member: Member) -> bool:
        return member in self.silent or member in self.proven

    def most_dispensable(self) -> Member:
        return next(iter(self.silent or self.proven))

    def promote(self, member: Member) -> None:
        self.remove(member)
        self.proven[member] = None

    def remove(self, member: Member) -> None:
        if member in self.proven:
            del self.proven[member]
        else:
            self.silent.pop(member, None)


class Connections:
    """The table of connections, with what they share: `receiver`, `limits`, `clock` (seconds), `counters`."""

    def __init__(self, receiver: Receiver, limits: Limits, clock: Callable[[], float]) -> None:
        self.receiver = receiver
        self.limits = limits
        self.clock = clock
        self.counters = Counters()
        self._all = _Ranks()
        self._by_place: dict[str, _Ranks] = {}
        self._places: dict[Member, str] = {}
        self._held: dict[Member, int] = {}  # octets of unfinished messages, where they are many
        self._unfinished = 0  # their sum
        self._shed_logged = 0
        self._emptied = asyncio.Event()

    def __len__(self) -> int:
        return len(self._all)

    def members(self) -> list[Member]:
        return [*self._all.silent, *self._all.proven]

    def accepted(self, member: Member) -> None:
        """Takes in a connection that a peer made, in place of another one when there are too many."""
        self.counters.accepted += 1
        place = _place(member.remote[0])
        if place not in self.limits.unlimited_hosts:
            neighbours = self._by_place.get(place)
            if neighbours is not None and len(neighbours) >= self.limits.per_host:
                self._shed(neighbours.most_dispensable())
            self._by_place.setdefault(place, _Ranks()).silent[member] = None
            self._places[member] = place
        self._make_room()
        self._all.silent[member] = None

    def opened(self, member: Member) -> None:
        """Takes in a connection that we make, which nobody else can force on us."""
        self.counters.opened += 1
        self._make_room()
        self._all.proven[member] = None

    def heard(self, member: Member) -> None:
        """This connection has delivered a message at some time, and is alive now."""
        if member in self._all:
            self._all.promote(member)
            place = self._places.get(member)
            if place is not None:
                self._by_place[place].promote(member)

    def holds(self, member: Member, octets: int) -> None:
        """So much of this connection's message has come. When all hold too much, who holds most goes."""
        self._unfinished += octets - self._held.pop(member, 0)
        if octets:
            self._held[member] = octets
        if self._unfinished > self.limits.unfinished:
            self._shed(max(self._held, key=self._held.__getitem__))

    def remove(self, member: Member) -> None:
        """Forgets a connection that is gone."""
        self._unfinished -= self._held.pop(member, 0)
        self._all.remove(member)
        if not self._all:
            self._emptied.set()
        place = self._places.pop(member, None)
        if place is not None:
            neighbours = self._by_place[place]
            neighbours.remove(member)
            if not neighbours:
                del self._by_place[place]

    def tick(self) -> None:
        """Once in TICK seconds: lets connections look at their deadlines."""
        now = self.clock()
        for member in self.members():
            member.tick(now)
        shed = self.counters.shed - self._shed_logged
        if shed:
            self._shed_logged = self.counters.shed
            log.warning("! %d connections shed, %d left", shed, len(self))

    async def close(self) -> None:
        """Closes all; those that have not taken what was sent to them within the time for farewells are cut off."""
        for member in self.members():
            member.close()
        await self._wait_until_empty()
        for member in self.members():
            member.abort()
        await self._wait_until_empty()

    async def _wait_until_empty(self) -> None:
        self._emptied.clear()
        if self._all:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), self.limits.farewell)

    def _make_room(self) -> None:
        if len(self._all) >= self.limits.connections:
            self._shed(self._all.most_dispensable())

    def _shed(self, member: Member) -> None:
        self.counters.shed += 1
        self.remove(member)
        member.abort()


def _place(host: str) -> str:
    """Whom an address stands for: with IPv6, whoever has one address has the whole network of 64 bits."""
    if ":" not in host or host == "::1":
        return host
    return str(IPv6Network((host, 64), strict=False))

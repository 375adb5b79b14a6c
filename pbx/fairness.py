"""Near overload, whom the server does not know may take a fair share of it, and no more.

One address that sends requests without end costs as much as thousands of phones: each is read, challenged, answered.
While datagrams pile up, those of addresses where no phone is registered or in a call are counted by sender, and what
goes beyond `rate` a second is dropped unread. As long as the server keeps up nobody is counted, so an office behind
one address may have any number of phones.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from pbx.registrar.guard import Block, network_of
from sip.transport.base import Address

logger = logging.getLogger(__name__)

NEAR = 1 / 32  # share of a receive buffer that waits, at two looks one after the other
FULL = 1 / 2  # at one look
BURST = 2.0  # s of the rate that a sender may use at once
CALM = 5.0  # s without anything dropped before nobody is counted any more; then the counts are forgotten
KNOWN_EVERY = 5.0  # s; the known addresses are gathered so often, while senders are counted
MOST_SENDERS = 10_000  # the oldest is forgotten first


class _Sender:
    """A token bucket. `dropped` messages since `since`, the last one at `last`."""

    __slots__ = ("at", "dropped", "last", "since", "tokens")

    def __init__(self, now: float, tokens: float) -> None:
        self.at = now
        self.tokens = tokens
        self.dropped = 0
        self.since = 0.0
        self.last = 0.0


class Fairness:
    """Says which datagrams are read while the server is near overload.

    Args:
        rate: messages a second from one address, or IPv6 network of 64 bits, that is not known.
        known: gathers the addresses of phones that are registered or in a call.
        now: seconds of the Unix epoch.
    """

    def __init__(self, rate: int, known: Callable[[], Collection[Address]], now: Callable[[], float]) -> None:
        self.engaged = False
        self.dropped = 0  # since the start
        self._rate = float(rate)
        self._gather = known
        self._now = now
        self._known: frozenset[Address] = frozenset()
        self._gathered = 0.0
        self._senders: dict[str, _Sender] = {}
        self._shut: dict[str, int] = {}  # hosts that have had their share since the last look, and what was dropped
        self._last = 0.0  # share at the last look
        self._busy = 0.0  # when something was dropped or waited last
        self._told = False
        self._dropped_before = 0

    def look(self, backlog: float) -> bool:
        """To be called several times a second with the share that waits; whether datagrams are to be asked for."""
        before, self._last = self._last, backlog
        now = self._now()
        self._settle(now)
        if backlog > FULL or (backlog > NEAR and before > NEAR):
            self._busy = now
            self.engaged = True
        elif self.engaged and not 0.0 <= now - self._busy < CALM:  # also when the clock was set back
            self._rest()
        if self.engaged and not 0.0 <= now - self._gathered < KNOWN_EVERY:
            self._gathered = now
            self._known = frozenset(self._gather())
        return self.engaged

    def admits(self, host: str, port: int) -> bool:
        """Whether a datagram from there is read."""
        shut = self._shut.get(host)
        if shut is not None:  # no clock and no arithmetic: what is dropped must cost next to nothing
            if (host, port) in self._known:
                return True
            self._shut[host] = shut + 1
            return False
        return (host, port) in self._known or self._has_a_share(host)

    def _has_a_share(self, host: str) -> bool:
        now = self._now()
        place = network_of(host)
        sender = self._senders.get(place)
        if sender is None:
            if len(self._senders) >= MOST_SENDERS:
                del self._senders[next(iter(self._senders))]
            sender = self._senders[place] = _Sender(now, self._rate * BURST)
        sender.tokens = min(sender.tokens + max(now - sender.at, 0.0) * self._rate, self._rate * BURST)
        sender.at = now
        if sender.tokens >= 1.0:
            sender.tokens -= 1.0
            return True
        self._note(sender, place, 1, now)
        if len(self._shut) < MOST_SENDERS:
            self._shut[host] = 0
        return False

    def blocks(self, now: float) -> list[Block]:
        """The senders of whom something was dropped a moment ago."""
        why = f"more than {self._rate:g} messages a second, near overload"
        return [
            Block(place, why, sender.since, sender.last + CALM, sender.dropped)
            for place, sender in self._senders.items()
            if sender.dropped and now - sender.last < CALM
        ]

    def release(self, what: str) -> int:
        """Forgets a sender, as `blocks` shows it. How many it forgot."""
        self._settle(self._now())
        return 0 if self._senders.pop(what, None) is None else 1

    def _settle(self, now: float) -> None:
        """Puts down what was dropped since the last look; everybody has a share again."""
        shut, self._shut = self._shut, {}
        for host, dropped in shut.items():
            place = network_of(host)
            sender = self._senders.get(place)
            if sender is not None and dropped:
                self._note(sender, place, dropped, now)

    def _note(self, sender: _Sender, place: str, dropped: int, now: float) -> None:
        if not sender.dropped:
            sender.since = now
        sender.dropped += dropped
        sender.last = self._busy = now
        self.dropped += dropped
        if not self._told:
            self._told = True
            logger.warning(
                "! near overload: %s sends more than %g messages a second, the rest is dropped", place, self._rate
            )

    def _rest(self) -> None:
        self.engaged = False
        self._senders.clear()
        self._known = frozenset()
        self._gathered = 0.0
        if self._told:
            self._told = False
            dropped, self._dropped_before = self.dropped - self._dropped_before, self.dropped
            logger.warning("= nobody sends too much any more: %d messages were dropped unread", dropped)

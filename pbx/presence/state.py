"""A person's presence, as a function of what is known; and a board that keeps what is known of everybody.

Nothing here waits, sends or reads a clock: times come in as seconds of the Unix epoch, changes go out as values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Presence(StrEnum):
    """What others see of a person."""

    AVAILABLE = "available"
    ON_THE_PHONE = "on-the-phone"
    DND = "dnd"
    AWAY = "away"
    OFFLINE = "offline"


def presence(*, on_the_phone: bool, do_not_disturb: bool, registered: bool, browsers: Collection[bool]) -> Presence:
    """What others see.

    Args:
        on_the_phone: is in a call that somebody answered, or is calling.
        do_not_disturb: has a rule that says so.
        registered: has a phone that rings.
        browsers: one for each that is signed in and connected, True where somebody sits before it.
    """
    if on_the_phone:
        return Presence.ON_THE_PHONE
    if do_not_disturb and (registered or browsers):
        return Presence.DND
    if any(browsers):
        return Presence.AVAILABLE
    if browsers:
        return Presence.AWAY
    return Presence.AVAILABLE if registered else Presence.OFFLINE


@dataclass(frozen=True, slots=True)
class PresenceChange:
    """Somebody's presence is another one since `since`."""

    number: str
    presence: Presence
    since: float


@dataclass(slots=True)
class _Person:
    """What is known of one number; `phones` are keys of registrations, `calls` of calls."""

    phones: set[tuple[str, str]] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    browsers: dict[str, bool] = field(default_factory=dict)  # by its id: whether somebody sits before it
    dnd: bool = False
    shown: Presence = Presence.OFFLINE
    since: float = 0.0


class PresenceBoard:
    """What is known of everybody. Each method returns the presences that changed by it."""

    def __init__(self) -> None:
        self._people: dict[str, _Person] = {}
        self._calls: dict[str, frozenset[str]] = {}

    def of(self, number: str) -> tuple[Presence, float | None]:
        """A person's presence, and since when; None: since before we know."""
        person = self._people.get(number)
        if person is None:
            return Presence.OFFLINE, None
        return person.shown, person.since or None

    def phones(self, number: str) -> frozenset[str]:
        """The SIP names by which phones of a number are registered."""
        person = self._people.get(number)
        return frozenset(sip_name for sip_name, _ in person.phones) if person is not None else frozenset()

    def registered(self, number: str, sip_name: str, contact: str, now: float) -> list[PresenceChange]:
        """A phone came."""
        self._person(number).phones.add((sip_name, contact))
        return self._weigh((number,), now)

    def unregistered(self, number: str, sip_name: str, contact: str, now: float) -> list[PresenceChange]:
        """A phone went."""
        self._person(number).phones.discard((sip_name, contact))
        return self._weigh((number,), now)

    def call(self, call: str, parties: Collection[str], now: float) -> list[PresenceChange]:
        """These numbers are on the phone in a call; none when it has ended."""
        before = self._calls.pop(call, frozenset())
        for number in before:
            self._person(number).calls.discard(call)
        if parties:
            self._calls[call] = frozenset(parties)
            for number in parties:
                self._person(number).calls.add(call)
        return self._weigh(before | frozenset(parties), now)

    def browser(self, number: str, browser: str, *, active: bool, now: float) -> list[PresenceChange]:
        """A browser connected, or said whether somebody sits before it."""
        self._person(number).browsers[browser] = active
        return self._weigh((number,), now)

    def browser_gone(self, number: str, browser: str, now: float) -> list[PresenceChange]:
        """A browser disconnected."""
        self._person(number).browsers.pop(browser, None)
        return self._weigh((number,), now)

    def do_not_disturb(self, numbers: Collection[str], now: float) -> list[PresenceChange]:
        """Those who have such a rule now; nobody else has."""
        touched = []
        for number in {*numbers, *self._people}:
            person = self._person(number)
            if person.dnd is not (number in numbers):
                person.dnd = number in numbers
                touched.append(number)
        return self._weigh(touched, now)

    def resync(
        self, phones: Iterable[tuple[str, str, str]], calls: Mapping[str, Collection[str]], now: float
    ) -> list[PresenceChange]:
        """The whole truth about phones (number, SIP name, contact) and calls; browsers are our own knowledge."""
        for person in self._people.values():
            person.phones.clear()
            person.calls.clear()
        self._calls = {call: frozenset(parties) for call, parties in calls.items()}
        for number, sip_name, contact in phones:
            self._person(number).phones.add((sip_name, contact))
        for call, parties in self._calls.items():
            for number in parties:
                self._person(number).calls.add(call)
        return self._weigh(list(self._people), now)

    def _person(self, number: str) -> _Person:
        return self._people.setdefault(number, _Person())

    def _weigh(self, numbers: Iterable[str], now: float) -> list[PresenceChange]:
        changes = []
        for number in numbers:
            person = self._person(number)
            shown = presence(
                on_the_phone=bool(person.calls),
                do_not_disturb=person.dnd,
                registered=bool(person.phones),
                browsers=person.browsers.values(),
            )
            if shown is not person.shown:
                person.shown, person.since = shown, now
                changes.append(PresenceChange(number, shown, now))
        return changes

"""Presence as browsers hear of it: the board of `pbx.presence.state`, whose changes go out as events."""

from collections.abc import Callable, Collection, Iterable, Mapping

from pbx.presence.state import Presence, PresenceBoard, PresenceChange
from web.api.shapes import from_seconds
from web.live.events import PresenceChanged
from web.live.rooms import Rooms


class LivePresence:
    """Keeps the board and tells everyone of changes, and of nothing else. Used in the loop only.

    `now` gives seconds of the Unix epoch.
    """

    def __init__(self, rooms: Rooms, now: Callable[[], float]) -> None:
        self._board = PresenceBoard()
        self._rooms = rooms
        self._now = now

    def of(self, number: str) -> tuple[Presence, float | None]:
        """A person's presence and since when, None if since before we know."""
        return self._board.of(number)

    def phones_of(self, number: str) -> int:
        """How many accounts of a number would ring."""
        return len(self._board.phones(number))

    def registered(self, number: str, sip_name: str, contact: str) -> None:
        self._tell(self._board.registered(number, sip_name, contact, self._now()))

    def unregistered(self, number: str, sip_name: str, contact: str) -> None:
        self._tell(self._board.unregistered(number, sip_name, contact, self._now()))

    def call(self, call: str, parties: Collection[str]) -> None:
        """These are on the phone in a call; nobody any more when it has ended."""
        self._tell(self._board.call(call, parties, self._now()))

    def browser(self, number: str, sid: str, *, active: bool) -> None:
        self._tell(self._board.browser(number, sid, active=active, now=self._now()))

    def browser_gone(self, number: str, sid: str) -> None:
        self._tell(self._board.browser_gone(number, sid, self._now()))

    def do_not_disturb(self, numbers: Collection[str]) -> None:
        """Those who have such a rule; nobody else has."""
        self._tell(self._board.do_not_disturb(numbers, self._now()))

    def resync(self, phones: Iterable[tuple[str, str, str]], calls: Mapping[str, Collection[str]]) -> None:
        """The whole truth about phones and calls, after some events were missed."""
        self._tell(self._board.resync(phones, calls, self._now()))

    def _tell(self, changes: Iterable[PresenceChange]) -> None:
        if not self._rooms.anybody:
            return
        for change in changes:
            self._rooms.to_everyone(
                PresenceChanged(number=change.number, presence=change.presence, since=from_seconds(change.since))
            )

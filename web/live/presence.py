"""Presence as browsers hear of it: the board of `pbx.presence.state`, whose changes go out as events.

Everyone hears of everyone, so what changes within a moment goes out together: otherwise a thousand people who come in
the morning, or a hundred calls a second, would be a million events.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from pbx.presence.state import Presence, PresenceBoard, PresenceChange
from web.api.shapes import from_seconds
from web.live.events import PersonPresence, PresenceChanged
from web.live.rooms import Rooms

GATHER = 0.3  # seconds in which changes gather
FOR_EACH = 0.0001  # seconds more for each browser, of which the telling takes a fifth
LONGEST = 0.8  # seconds; presence is to be true within one
MOST = 300  # people in one event, so that a browser's socket takes it at once (`web.live.channel`)

After = Callable[[float, Callable[[], object]], None]


class LivePresence:
    """Keeps the board and tells everyone of changes, and of nothing else. Used in the loop only.

    Somebody who changed more than once meanwhile is told of once, and not at all where all is as it was told last.

    `now` gives seconds of the Unix epoch, `after(seconds, work)` does work later.
    """

    def __init__(self, rooms: Rooms, now: Callable[[], float], after: After) -> None:
        self._board = PresenceBoard()
        self._rooms = rooms
        self._now = now
        self._after = after
        self._told: dict[str, Presence] = {}  # what everyone knows; whoever is not in it is offline
        self._changed: dict[str, PresenceChange] = {}  # what has changed since then
        self._asked_for: set[str] = set()  # of those, whose presence somebody has read meanwhile

    def of(self, number: str) -> tuple[Presence, float | None]:
        """A person's presence and since when, None if since before we know."""
        if number in self._changed:
            self._asked_for.add(number)
        return self._board.of(number)

    def phones_of(self, number: str) -> int:
        """How many accounts of a number would ring."""
        return len(self._board.phones(number))

    def registered(self, number: str, sip_name: str, contact: str) -> None:
        self._gather(self._board.registered(number, sip_name, contact, self._now()))

    def unregistered(self, number: str, sip_name: str, contact: str) -> None:
        self._gather(self._board.unregistered(number, sip_name, contact, self._now()))

    def call(self, call: str, parties: Collection[str]) -> None:
        """These are on the phone in a call; nobody any more when it has ended."""
        self._gather(self._board.call(call, parties, self._now()))

    def browser(self, number: str, sid: str, *, active: bool) -> None:
        self._gather(self._board.browser(number, sid, active=active, now=self._now()))

    def browser_gone(self, number: str, sid: str) -> None:
        self._gather(self._board.browser_gone(number, sid, self._now()))

    def do_not_disturb(self, numbers: Collection[str]) -> None:
        """Those who have such a rule; nobody else has."""
        self._gather(self._board.do_not_disturb(numbers, self._now()))

    def resync(self, phones: Iterable[tuple[str, str, str]], calls: Mapping[str, Collection[str]]) -> None:
        """The whole truth about phones and calls, after some events were missed."""
        self._gather(self._board.resync(phones, calls, self._now()))

    def _gather(self, changes: Iterable[PresenceChange]) -> None:
        gathering = bool(self._changed)
        self._changed.update((change.number, change) for change in changes)
        if self._changed and not gathering:
            self._after(min(GATHER + FOR_EACH * self._rooms.listeners, LONGEST), self._tell)

    def _tell(self) -> None:
        changed, self._changed = self._changed, {}
        asked_for, self._asked_for = self._asked_for, set()
        # Whoever has asked knows a state that was never told, and has to hear what became of it.
        news = [
            change
            for change in changed.values()
            if change.number in asked_for or change.presence is not self._told.get(change.number, Presence.OFFLINE)
        ]
        self._told.update((change.number, change.presence) for change in news)
        if not self._rooms.anybody:
            return
        for start in range(0, len(news), MOST):
            people = [
                PersonPresence(number=one.number, presence=one.presence, since=from_seconds(one.since))
                for one in news[start : start + MOST]
            ]
            self._rooms.to_everyone(PresenceChanged(people=people))

"""Who hears what: every event goes out through here, to rooms that browsers are put in when they connect.

    services().rooms.to_user("101", CallsSeen())
    services().rooms.to_users(members, MessageSent(message=...), seq=4711)
    services().rooms.to_everyone(PresenceChanged(...))
    services().rooms.to_admins(BlocksChanged())

A browser is in the room of its user, in "everyone", and in "admins" if it may. Nothing is sent that its receiver could
not read through the API. On the wire it is one Socket.IO event named `event` with {"seq", "type", "data"}: `type` and
the shape of `data` are those of the class (`web.live.events`), `seq` numbers what the chat's catch-up (`GET /sync`)
covers and is null for everything else. Where no browser is connected that would hear it, nothing is put together.

May be called in the loop only, never in a database thread: handlers of `services().events.on(...)` are in the loop.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from web.live.browsers import Browsers
from web.live.events import LiveData

EVERYONE = "everyone"
ADMINS = "admins"


def room_of(number: str) -> str:
    """The room of a user's browsers."""
    return f"user:{number}"


class Emitter(Protocol):
    """The part of Flask-SocketIO that rooms need."""

    def emit(self, event: str, *args: Any, **options: Any) -> None: ...


class Rooms:
    """Sends events to browsers; `browsers` are those that are connected."""

    def __init__(self, emitter: Emitter, browsers: Browsers) -> None:
        self._emitter = emitter
        self._browsers = browsers

    @property
    def anybody(self) -> bool:
        """Whether any browser is connected. Ask before putting costly data together."""
        return bool(self._browsers.connected)

    @property
    def listeners(self) -> int:
        """How many browsers are connected."""
        return len(self._browsers.connected)

    def to_user(self, number: str, data: LiveData, *, seq: int | None = None) -> None:
        """All browsers of a user."""
        self.to_users((number,), data, seq=seq)

    def to_users(self, numbers: Iterable[str], data: LiveData, *, seq: int | None = None) -> None:
        """All browsers of several users; the event is put together once."""
        if rooms := [room_of(number) for number in self._browsers.there(numbers)]:
            self._send(rooms, data, seq)

    def to_admins(self, data: LiveData) -> None:
        """All browsers of admins."""
        if self._browsers.admins:
            self._send(ADMINS, data, None)

    def to_everyone(self, data: LiveData) -> None:
        """All browsers."""
        if self.anybody:
            self._send(EVERYONE, data, None)

    def to_browser(self, sid: str, data: LiveData) -> None:
        """One browser, by its Socket.IO id."""
        self._send(sid, data, None)

    def _send(self, room: str | list[str], data: LiveData, seq: int | None) -> None:
        self._emitter.emit("event", {"seq": seq, "type": data.TYPE, "data": data.wire()}, to=room)

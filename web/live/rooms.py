"""Who hears what: every event goes out through here, to rooms that browsers are put in when they connect.

    services().rooms.to_user("101", CallsSeen())
    services().rooms.to_users(members, MessageSent(message=...), seq=4711)
    services().rooms.to_everyone(PresenceChanged(...))
    services().rooms.to_admins(BlocksChanged())

A browser is in the room of its user, in "everyone", and in "admins" if it may. Nothing is sent that its receiver could
not read through the API. On the wire it is one Socket.IO event named `event` with {"seq", "type", "data"}: `type` and
the shape of `data` are those of the class (`web.live.events`), `seq` numbers what the chat's catch-up (`GET /sync`)
covers and is null for everything else.

May be called in the loop only, never in a database thread: handlers of `services().events.on(...)` are in the loop.
"""

from collections.abc import Iterable
from typing import Any, Protocol

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
    """Sends events to browsers."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter

    def to_user(self, number: str, data: LiveData, *, seq: int | None = None) -> None:
        """All browsers of a user."""
        self._send(room_of(number), data, seq)

    def to_users(self, numbers: Iterable[str], data: LiveData, *, seq: int | None = None) -> None:
        """All browsers of several users; the event is put together once."""
        self._send([room_of(number) for number in dict.fromkeys(numbers)], data, seq)

    def to_admins(self, data: LiveData) -> None:
        """All browsers of admins."""
        self._send(ADMINS, data, None)

    def to_everyone(self, data: LiveData) -> None:
        """All browsers."""
        self._send(EVERYONE, data, None)

    def to_browser(self, sid: str, data: LiveData) -> None:
        """One browser, by its Socket.IO id."""
        self._send(sid, data, None)

    def _send(self, room: str | list[str], data: LiveData, seq: int | None) -> None:
        if room:
            self._emitter.emit("event", {"seq": seq, "type": data.TYPE, "data": data.wire()}, to=room)

"""Who is in which of Socket.IO's rooms.

The library looks through all rooms when a browser leaves, of which there are some for each browser: when a thousand
leave at once, as at a stop, nothing else is done for seconds. And each browser has a room of its own, of a kilobyte.
Here it is known which rooms a browser is in, and a browser's own room is the browser.
"""

from collections.abc import Iterator
from typing import Any

from socketio import Manager  # type: ignore[import-untyped]


class Membership(Manager):  # type: ignore[misc]  # the library has no types
    """The rooms of all browsers; `None` is the one that all are in."""

    rooms: dict[str, dict[str | None, Any]]

    def __init__(self) -> None:
        super().__init__()
        self._joined: dict[tuple[str, str], tuple[str, ...]] = {}  # rooms, by browser and namespace

    def get_participants(self, namespace: str, room: str | list[str] | None) -> Iterator[tuple[str, str]]:
        """Those in a room or in any of several, each once: as ids of Socket.IO and of Engine.IO."""
        rooms = self.rooms.get(namespace, {})
        everybody = rooms.get(None, {})
        found: dict[str, str] = {}
        for one in room if isinstance(room, list) else (room,):
            if one is not None and one in everybody:
                found[one] = everybody[one]
            else:
                found.update(rooms.get(one, {}))
        yield from found.items()

    def basic_enter_room(self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None) -> None:
        """A browser joins a room."""
        if room is None:
            super().basic_enter_room(sid, namespace, room, eio_sid)
        elif room != sid:
            rooms = self.rooms[namespace]
            rooms.setdefault(room, {})[sid] = rooms[None][sid]
            joined = self._joined.get((sid, namespace), ())
            if room not in joined:
                self._joined[sid, namespace] = (*joined, room)

    def basic_leave_room(self, sid: str, namespace: str, room: str | None) -> None:
        """A browser leaves a room."""
        super().basic_leave_room(sid, namespace, room)
        left = tuple(one for one in self._joined.pop((sid, namespace), ()) if one != room)
        if left:
            self._joined[sid, namespace] = left

    def basic_disconnect(self, sid: str, namespace: str, **_: Any) -> None:
        """A browser is gone, from all rooms."""
        for room in (*self._joined.get((sid, namespace), ()), None):
            self.basic_leave_room(sid, namespace, room)
        self.callbacks.pop(sid, None)
        for waiting in (self.pending_connect, self.pending_disconnect):
            if sid in waiting.get(namespace, ()):
                waiting[namespace].remove(sid)
                if not waiting[namespace]:
                    del waiting[namespace]

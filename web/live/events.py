"""What browsers hear and say over Socket.IO: the one source of its shapes.

`python -m web.live.typescript` writes them for the web client, so both sides are typed alike. The chat's are in
`web.live.chat_events`.

An event is a class: its docstring says when it is sent, `TYPE` is its name on the wire, the fields are its data.
"""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from pbx.presence.state import Presence
from web.api.shapes import CallItem, LiveCall, Moment

EVENTS: dict[str, type["LiveData"]] = {}
"""All events by their type."""


class LiveData(BaseModel):
    """The root of all events; a subclass with a `TYPE` is known by it."""

    model_config = ConfigDict(frozen=True)
    TYPE: ClassVar[str] = ""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        if cls.TYPE:
            EVENTS[cls.TYPE] = cls

    def wire(self) -> dict[str, Any]:
        """The data as JSON values."""
        return self.model_dump(mode="json")


class Connected(LiveData):
    """The first event of every connection. Fetch `GET /sync?since=` where the chat has come further than one knows."""

    TYPE = "connected"
    seq: int | None


class PersonPresence(BaseModel):
    """What somebody's presence is now, and since when."""

    model_config = ConfigDict(frozen=True)
    number: str
    presence: Presence
    since: Moment


class PresenceChanged(LiveData):
    """People came, went or are on the phone; to everyone.

    Changes of a moment, less than a second, come together: each person once with `number`, `presence` and `since`.
    """

    TYPE = "presence.changed"
    people: list[PersonPresence]


class CallLive(LiveData):
    """A call of mine began, was answered or ended (then `state` is "ended"); to those in it, and to admins."""

    TYPE = "call.live"
    call: LiveCall


class CallsReset(LiveData):
    """Live calls may have changed unheard: fetch them again; to everyone."""

    TYPE = "calls.reset"


class CallRecorded(LiveData):
    """A call of mine has ended and stands in the history; to its caller and to those it was for."""

    TYPE = "call.recorded"
    call: CallItem


class CallsSeen(LiveData):
    """Missed calls were looked at, in this or another browser of mine."""

    TYPE = "calls.seen"


class ForwardingChanged(LiveData):
    """My forwarding rules changed."""

    TYPE = "forwarding.changed"


class ProfileChanged(LiveData):
    """What I have set for myself changed: name, language, theme, status, favourites."""

    TYPE = "profile.changed"


class DeviceChanged(LiveData):
    """A device of mine was added, removed, or came or went."""

    TYPE = "device.changed"


class DirectoryChanged(LiveData):
    """People or groups changed: the entries of these numbers are to be fetched again, all if there are none."""

    TYPE = "directory.changed"
    numbers: list[str]


class SessionRevoked(LiveData):
    """This browser is signed out; the connection ends."""

    TYPE = "session.revoked"


class RegistrationChanged(LiveData):
    """A phone came or went; to admins."""

    TYPE = "registration.changed"
    number: str
    sip_name: str


class BlocksChanged(LiveData):
    """Somebody has to wait after wrong passwords, or need not any more; to admins."""

    TYPE = "blocks.changed"


# ---- what browsers say


class Activity(BaseModel):
    """`activity`: whether somebody sits before this browser. Said on every change; a browser that
    connects counts as active until it says otherwise."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["active", "away"]

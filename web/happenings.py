"""What happened in the web process, as its actions tell of it (see `web.live.dispatch`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session was revoked, or its browser signed out."""

    number: str
    session: str


@dataclass(frozen=True, slots=True)
class ProfileTouched:
    """Somebody changed what he has set for himself; `shown` if others read it beside the name."""

    number: str
    shown: bool = False


@dataclass(frozen=True, slots=True)
class CallsLookedAt:
    """Somebody has seen the missed calls."""

    number: str


@dataclass(frozen=True, slots=True)
class DirectoryTaken:
    """The directory in memory is another one, because this process or any other changed it."""

"""What happened to registrations. A refresh that changes nothing but the time is no event."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Registered:
    """A phone became reachable: for the first time, at another contact, or on a new connection.

    `expires_at` is in seconds of the Unix epoch.
    """

    number: str
    sip_name: str
    contact: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Unregistered:
    """A phone took its registration back, has moved on to another contact, or its account was removed."""

    number: str
    sip_name: str
    contact: str


@dataclass(frozen=True, slots=True)
class Expired:
    """A phone did not register again in time."""

    number: str
    sip_name: str
    contact: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A phone's connection ended: it is registered, but can't be reached until it connects again."""

    number: str
    sip_name: str
    contact: str


RegistrationEvent = Registered | Unregistered | Expired | Lost

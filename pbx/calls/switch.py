"""What all calls share: the endpoint, the table of legs, the registrar's knowledge of phones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pbx.calls.recovery import Recovery
from pbx.directory.snapshot import Directory
from pbx.media.plane import Loss, MediaPlane, SessionStatistics
from pbx.registrar.reach import targets_of
from sip.endpoint import Endpoint
from sip.errors import TransportError
from sip.grammar import hostport
from sip.transport.base import Flow

if TYPE_CHECKING:
    from pbx.calls.call import Call
    from pbx.calls.edge import Edge
    from pbx.calls.leg import Leg
    from pbx.registrar.bindings import Binding

METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, MESSAGE"
EXTENSIONS = "timer, replaces, 100rel, norefersub"
WITHOUT_100REL = "timer, replaces, norefersub"
"""Of an INVITE whose provisional responses nobody would acknowledge."""


@dataclass(frozen=True, slots=True)
class CallSettings:
    """Times in seconds.

    `unreachable_after`: a phone that has sent not even 100 by then counts as unreachable; RFC 3261 wants it
    within 0.2 s, and timer B would let the caller wait for 32.
    """

    domain: str
    engine: int = 0
    unreachable_after: float = 5.0
    session_expires: int = 1800
    min_se: int = 90
    most_calls: int = 20_000


def _anchors_nothing(_source: Leg, _target: Leg, _offer: bytes) -> bool:
    """Media goes from phone to phone."""
    return False


def _nobody_listens() -> bool:
    """No other process does."""
    return False


def _tell_nobody(_kind: str, _data: Mapping[str, object]) -> None:
    """Where no other process listens."""


class Switch:
    """The facilities that legs and calls use; built once by the engine.

    `bindings_of(number)` gives what is registered, `route_of(binding)` the flow to one or None,
    `flow_again(number, contact)` a flow by which a phone has registered after its old one was lost,
    `addresses_us(host)` whether a host is one of our addresses. `publish(kind, data)` tells other processes,
    `listened()` whether there is one that listens.
    `media` carries what can't go from party to party, None where everything can; `anchors(source, target, offer)`
    whether the media of two phones has to go that way.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: CallSettings,
        *,
        directory: Callable[[], Directory],
        bindings_of: Callable[[str], tuple[Binding, ...]],
        route_of: Callable[[Binding], Flow | None],
        flow_again: Callable[[str, str], Flow | None],
        clock: Callable[[], datetime],
        store: CallStore,
        addresses_us: Callable[[str], bool],
        publish: Callable[[str, Mapping[str, object]], None] = _tell_nobody,
        listened: Callable[[], bool] = _nobody_listens,
        media: MediaPlane | None = None,
        anchors: Callable[[Leg, Leg, bytes], bool] = _anchors_nothing,
    ) -> None:
        self.endpoint = endpoint
        self.settings = settings
        self.directory = directory
        self.bindings_of = bindings_of
        self.route_of = route_of
        self.flow_again = flow_again
        self.clock = clock
        self.store = store
        self.addresses_us = addresses_us
        self.publish = publish
        self.listened = listened
        self.media = media
        self.anchors = anchors
        self.edges: dict[str, Edge] = {}
        if media is not None:
            media.on_lost = self._media_lost
        self.legs: dict[tuple[str, str], Leg] = {}
        self.calls: dict[str, Call] = {}
        self.recovery = Recovery(self)
        self.call_id_suffix = f".{settings.engine}@{settings.domain}"

    def _media_lost(self, sessions: Collection[str], why: Loss) -> None:
        for session in sessions:
            edge = self.edges.get(session)
            if edge is not None:
                edge.lost(why.value)

    def phones_of(self, number: str) -> Sequence[Binding]:
        """The phones of a number, each by one way (RFC 5626 §5.3)."""
        bindings = self.bindings_of(number)
        for binding in bindings:
            if binding.reg_id is not None:
                return [one for one, _ in targets_of(bindings)]
        return bindings

    def moved(self, leg: Leg) -> Flow | None:
        """The way by which a phone behind NAT has registered since it was heard of in its call, where that is another.

        Phones of one user in two networks may have the same Contact: then it is not known which of them has moved.
        """
        target = leg.dialog.target
        found = [one for one in self.bindings_of(leg.number) if target in (one.contact, one.gruu)]
        if len(found) == 1 and found[0].updated_at > leg.heard_at and found[0].source != leg.flow.remote:
            with suppress(TransportError):  # only the phone can connect, and it has not
                return self.route_of(found[0])
        return None

    def contact(self, number: str, flow: Flow) -> str:
        """Our Contact on a flow: where the peer of a dialog reaches us."""
        # Phones know `transport=tls` though RFC 3261 §26.2.2 deprecates it; a sips Contact they would have to
        # honour on every hop, also of those who have no TLS.
        transport = "" if flow.transport == "UDP" else f";transport={flow.transport.lower()}"
        return f"<sip:{number}@{hostport(*flow.local)}{transport}>"

    def name_of(self, number: str) -> str:
        """The name of the user with this number, "" for anybody else."""
        user = self.directory().user(number)
        return user.name if user is not None else ""

    def is_ours(self, host: str) -> bool:
        """Whether a URI with this host means us."""
        return host.lower() == self.settings.domain or self.addresses_us(host)

    def incomplete(self, number: str) -> bool:
        """Whether this is the beginning of numbers that exist (484 rather than 404, RFC 3261 §21.4.22)."""
        directory = self.directory()
        return number != "" and any(one.startswith(number) for one in (*directory.users, *directory.groups))

    def address_of(self, number: str) -> str:
        """A number of ours as a SIP URI."""
        return f"sip:{number}@{self.settings.domain}"


class CallStore(Protocol):
    """Where calls in progress and finished ones are kept; the engine gives one that writes to the database."""

    def save(self, call: Call) -> None:
        """The call is in progress and changed."""

    def record(self, call: Call) -> None:
        """The call has ended: its record is due."""

    def media(self, call_id: str, number: str, statistics: SessionStatistics) -> None:
        """How the media of one party of a call was, after its end."""

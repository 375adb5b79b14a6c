"""A call: it walks its plan until somebody answers, then joins two legs until one of them leaves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from pbx.calls.bridge import carry
from pbx.calls.edge import Made, Then, offer_between, outward
from pbx.calls.history import Note
from pbx.calls.incoming import Incoming
from pbx.calls.invitation import Caller
from pbx.calls.leg import Leg
from pbx.calls.outbound import OutboundLeg
from pbx.calls.ringing import REDIRECTED, Ringing
from pbx.calls.service import attend
from pbx.calls.views import call_view
from pbx.media.errors import MediaError
from pbx.routing.explain import Happened
from pbx.routing.number import SERVICES
from pbx.routing.outcome import Outcome
from pbx.routing.reasons import Because
from pbx.routing.redirect import redirect
from pbx.routing.route import End, RoutePlan, Step
from sip.identifiers import token
from sip.message import Request, Response

if TYPE_CHECKING:
    from pbx.calls.switch import Switch
    from pbx.registrar.bindings import Binding


_CAUSES: Final = {
    Outcome.BUSY: "busy",
    Outcome.NO_ANSWER: "nobody answered",
    Outcome.UNREACHABLE: "nobody was reachable",
    Outcome.DND: "do not disturb",
    Outcome.REFUSED: "declined",
    Outcome.FAILED: "failed",
    Outcome.NOT_FOUND: "no such number",
}


class CallState(StrEnum):
    """What the world outside sees of a call."""

    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


class Origin(Protocol):
    """Who wants the plan walked: a phone that called, or a party that is being transferred."""

    offer: bytes
    host: str
    """The IP address from which the signalling of the one who calls comes."""
    invitation: Request | None
    takes_reliable: bool

    def calls_from(self, binding: Binding) -> bool:
        """Whether this is the phone that calls."""

    def progressed(self, leg: OutboundLeg, response: Response, *, alone: bool) -> None:
        """A phone rings."""

    def forwarded(self) -> None:
        """The call goes on to somebody else."""

    def serve(self) -> bool:
        """Connects with the server itself, as a service number wants it; False where that can't be."""

    def connect(self, leg: OutboundLeg, response: Response) -> None:
        """A phone has answered: join it, acknowledge it, and tell the call by `joined`."""

    def failed(self, outcome: Outcome, best: Response | None) -> None:
        """Nobody answered."""

    def withdrawn(self) -> None:
        """The call was stopped from elsewhere while it rang."""


class Transfer(Protocol):
    """A transfer under way."""

    def leaves(self, leg: Leg) -> bool:
        """A party hung up; True when the call goes on without it for now."""


class Call:
    """`a` is the leg of the one who called (or is transferred), `b` of the one who answered.

    `service` is the number by which the server itself is the other party, then there is no `b`. `hops` is the
    Max-Forwards left, `instance` the one phone that a GRUU named (RFC 5627), None for all.
    `began`, `answered` and `ended` are moments of the switch's clock; `outcome` is how the call went, `cause` who
    or what ended it.
    """

    __slots__ = (
        "_next",
        "_rings_since",
        "_starting",
        "a",
        "answered",
        "b",
        "began",
        "caller",
        "cause",
        "ended",
        "events",
        "hops",
        "id",
        "instance",
        "origin",
        "outcome",
        "plan",
        "ringing",
        "service",
        "step",
        "switch",
        "transfer",
    )

    def __init__(
        self, switch: Switch, plan: RoutePlan, caller: Caller, origin: Origin | None, *, hops: int = 70
    ) -> None:
        self.switch = switch
        self.id = token()
        self.plan = plan
        self.caller = caller
        self.origin = origin
        self.hops = hops
        self.instance: str | None = None
        self.step: Step | None = None
        self.ringing: Ringing | None = None
        self.service = ""
        self.a: Leg | None = None
        self.b: Leg | None = None
        self.began = switch.clock()
        self.answered: datetime | None = None
        self.ended: datetime | None = None
        self.outcome = Outcome.FAILED
        self.cause = ""
        self.events: list[Happened | Note] = []
        self._rings_since = 0.0
        self.transfer: Transfer | None = None
        self._starting = False
        self._next: Step | End | None = None
        switch.calls[self.id] = self

    @property
    def state(self) -> CallState:
        if self.ended is not None:
            return CallState.ENDED
        return CallState.RINGING if self.answered is None else CallState.TALKING

    # ---- what the phones that ring need to know

    @property
    def offer(self) -> bytes:
        return self.origin.offer if self.origin is not None else b""

    def offer_to(self, leg: OutboundLeg, then: Then) -> None:
        """Gives `then` the caller's offer as this phone is to get it, b"" where the caller made none."""
        leg.other_host = self.origin.host if self.origin is not None else ""

        def offered(made: Made) -> None:
            if isinstance(made, MediaError):
                then(made)
            else:
                outward(leg, made, offer=True, then=then)

        offer_between(self.a, leg, self.offer, offered)

    @property
    def invitation(self) -> Request | None:
        return self.origin.invitation if self.origin is not None else None

    @property
    def takes_reliable(self) -> bool:
        return self.origin is not None and self.origin.takes_reliable

    def phones_of(self, number: str) -> Sequence[Binding]:
        """The phones to ring for a number; never the one that is calling."""
        phones = self.switch.phones_of(number)
        if number == self.caller.number and self.origin is not None:
            phones = [phone for phone in phones if not self.origin.calls_from(phone)]
        if self.instance is not None and number == self.plan.dialled:
            phones = [phone for phone in phones if phone.gruu and phone.instance == self.instance]
        return phones

    def happened(self, target: str, outcome: Outcome) -> None:
        """Keeps what came of ringing a target, for the record and its explanation."""
        assert self.step is not None
        seconds = self.switch.endpoint.now() - self._rings_since
        at = self.switch.clock() - timedelta(seconds=seconds)
        self.events.append(Happened(self.step.index, target, outcome, at, round(seconds, 3)))

    def note(self, text: str) -> None:
        """Keeps what else happened."""
        self.events.append(Note(self.switch.clock(), text))

    def _tell(self, kind: str) -> None:
        """Tells other processes how the call stands, if any listens."""
        if self.switch.listened():
            self.switch.publish(kind, {"call": call_view(self)})

    # ---- walking the plan

    def walk(self) -> None:
        """Sets out by the plan."""
        first = self.plan.first
        if isinstance(first, Step) and first.diversions and self.origin is not None:
            self.origin.forwarded()  # before anybody has rung
        self._go(first)

    def _go(self, where: Step | End) -> None:
        while True:
            if isinstance(where, End):
                self._nobody(where.outcome, None)
                return
            self.step, self._rings_since = where, self.switch.endpoint.now()
            if where.targets[0] in SERVICES:
                self._serve(where.targets[0])
                return
            ringing = Ringing(self, where)
            self.ringing = ringing
            # A step may be over before it has begun (nobody registered): then it sets _next, and we loop
            # instead of recursing through a plan of a hundred steps.
            self._starting = True
            ringing.start()
            self._starting = False
            if not ringing.over:
                self._tell("call.started")
            follows = self._taken_next()
            if follows is None or self.ended is not None:
                return
            where = follows

    def _taken_next(self) -> Step | End | None:
        """Where a step that was over at once leads, None for one that was not."""
        follows, self._next = self._next, None
        return follows

    def _serve(self, number: str) -> None:
        """The server itself is who is called."""
        origin = self.origin
        self.service = number
        if origin is not None and origin.serve():
            self.happened(number, Outcome.ANSWERED)
        else:
            self.service = ""
            self.happened(number, Outcome.UNREACHABLE)
            self._nobody(Outcome.UNREACHABLE, None)

    def _proceed(self, where: Step | End) -> None:
        if isinstance(where, Step) and where.reason.because in (Because.RULE, Because.REDIRECT) and self.origin:
            self.origin.forwarded()
        if self._starting:
            self._next = where
        else:
            self._go(where)

    def phone_progressed(self, leg: OutboundLeg, response: Response, *, alone: bool) -> None:
        if self.origin is not None:
            self.origin.progressed(leg, response, alone=alone)

    def phone_answered(self, leg: OutboundLeg, response: Response) -> None:
        self.happened(leg.number, Outcome.ANSWERED)
        self.ringing = None
        assert self.origin is not None
        self.origin.connect(leg, response)

    def phone_redirected(self, number: str, contacts: list[str]) -> bool:
        assert self.step is not None
        assert self.ringing is not None
        switch = self.switch
        self.plan, where = redirect(self.plan, self.step, contacts, switch.clock(), switch.directory(), by=number)
        if where is None:
            return False
        if isinstance(where, Step) and len(self.step.targets) > 1:
            self.step = where
            self.ringing.join(where)
        else:
            self.ringing.stop(REDIRECTED)
            self._proceed(where)
        return True

    def nobody_answered(self, outcome: Outcome, best: Response | None) -> None:
        assert self.step is not None
        where = self.plan.after(self.step, outcome)
        if isinstance(where, End):
            self._nobody(where.outcome, best)
        else:
            self._proceed(where)

    def _nobody(self, outcome: Outcome, best: Response | None) -> None:
        origin = self.origin
        cause = _CAUSES[outcome]
        if best is not None and outcome is Outcome.FAILED:
            cause += f": {best.status} {best.reason}"
        self._close(outcome, cause)
        if origin is not None:
            origin.failed(outcome, best)

    def cancel(self, reason: str = "", cause: str = "caller gave up") -> None:
        """The one who called gave up, or an admin ended the call while it rang."""
        if self.ended is not None:
            return
        if self.answered is not None:  # the caller has not heard of it: its 200 waits for a PRACK
            self.hang_up(reason, cause)
            return
        origin = self.origin
        if self.ringing is not None:
            self.ringing.stop(reason)
            for number in self.ringing.step.targets:
                if number not in self.ringing.outcomes:
                    self.happened(number, Outcome.CANCELLED)
        self._close(Outcome.CANCELLED, cause)
        if origin is not None:
            origin.withdrawn()

    # ---- joined

    def joined(self, a: Leg, b: Leg) -> None:
        """Two parties talk from now on."""
        self.a, self.b = a, b
        a.owner = b.owner = self
        for leg in (a, b):
            if leg.edge is not None:
                leg.edge.call_id = self.id
        self.origin = None
        self.answered = self.switch.clock()
        self.outcome = Outcome.ANSWERED
        self.switch.store.save(self)
        self._tell("call.answered")

    def served(self, a: Leg) -> None:
        """The server talks with the one who called from now on."""
        attend(self, a)
        self.origin = None
        self.answered = self.switch.clock()
        self.outcome = Outcome.ANSWERED
        self.switch.store.save(self)
        self._tell("call.answered")

    def other(self, leg: Leg) -> Leg | None:
        """The party that this one talks with."""
        if leg is self.a:
            return self.b
        return self.a if leg is self.b else None

    def replace(self, leg: Leg, successor: Leg) -> None:
        """Another leg takes the place of one (RFC 3891); the old one is no party any more."""
        if leg is self.a:
            self.a = successor
        else:
            self.b = successor
        leg.owner = None
        successor.owner = self
        if successor.edge is not None:
            successor.edge.call_id = self.id
        self.switch.store.save(self)
        self._tell("call.changed")

    def hang_up(self, reason: str = "", cause: str = "ended by the server") -> None:
        """Ends the call, whatever state it is in."""
        if self.answered is None:
            self.cancel(reason, cause)
            return
        parties = [leg for leg in (self.a, self.b) if leg is not None]
        for leg in parties:
            if self.transfer is not None:
                self.transfer.leaves(leg)
        self._close(self.outcome, cause)
        for leg in parties:
            leg.hang_up(reason)

    def release(self, cause: str) -> None:
        """The call is over, its parties having been taken over by others or gone."""
        self._close(self.outcome, cause)

    def leg_asks(self, leg: Leg, incoming: Incoming) -> None:
        carry(self, leg, incoming)

    def leg_changed(self) -> None:
        if self.answered is not None and self.ended is None:
            self.switch.store.save(self)

    def leg_hung_up(self, leg: Leg, reason: str, how: str = "hung up") -> None:
        if self.ended is not None:
            return
        if self.answered is None:
            who = "caller" if leg is self.a else "callee"
            self.cancel(reason, "caller gave up" if (who, how) == ("caller", "hung up") else f"{who} {how}")
            return
        if self.transfer is not None and self.transfer.leaves(leg):
            return
        other = self.other(leg)
        if other is None and not self.service:
            return
        self._close(self.outcome, f"caller {how}" if leg is self.a else f"callee {how}")
        if other is not None:
            other.hang_up(reason)

    def _close(self, outcome: Outcome, cause: str) -> None:
        if self.ended is not None:
            return
        self.ended = self.switch.clock()
        self.outcome, self.cause = outcome, cause
        self.switch.calls.pop(self.id, None)
        self.switch.store.record(self)
        self._tell("call.ended")
        for leg in (self.a, self.b):
            if leg is not None and leg.owner is self:
                leg.owner = None
        self.a = self.b = None
        self.origin = self.ringing = self.transfer = None

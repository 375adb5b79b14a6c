"""One step of a plan being carried out: its phones ring, the first answer wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pbx.calls.edge import Made, is_webrtc, open_edge, said
from pbx.calls.invitation import invitation, new_dialog, numbers_of
from pbx.calls.outbound import OutboundLeg
from pbx.calls.outcome import outcome_of
from pbx.calls.states import LegState
from pbx.media.errors import MediaError
from pbx.media.plane import MediaProfile
from pbx.routing.outcome import Outcome, combine
from pbx.routing.route import Step
from sip.errors import ParseError, TransportError
from sip.message import Response, respond
from sip.timers import Timer
from sip.transaction.local import LocalResponse

if TYPE_CHECKING:
    from pbx.calls.call import Call
    from pbx.registrar.bindings import Binding

ANSWERED_ELSEWHERE: Final = 'SIP;cause=200;text="Call completed elsewhere"'
REDIRECTED: Final = 'SIP;cause=302;text="Redirected"'
NO_ANSWER: Final = 'SIP;cause=480;text="No answer"'


class Walker(Protocol):
    """Whom the ringing tells how it went: the call that walks the plan."""

    def phone_progressed(self, leg: OutboundLeg, response: Response, *, alone: bool) -> None:
        """A phone rings or plays early media; `alone` when it is the only one, so that its media may pass."""

    def phone_answered(self, leg: OutboundLeg, response: Response) -> None:
        """A phone has answered; all others were stopped."""

    def phone_redirected(self, number: str, contacts: list[str]) -> bool:
        """A phone wants the call elsewhere (302); False when that leads nowhere."""

    def nobody_answered(self, outcome: Outcome, best: Response | None) -> None:
        """The step is over; `best` is the response that explains a FAILED."""


class Ringing:
    """The phones of one step.

    A number's outcome is known when all of its phones have said no; a decline (6xx) speaks for the whole
    number (RFC 3261 §16.7). `outcomes` grows until everybody's is there or the time is up.
    """

    def __init__(self, call: Call, step: Step) -> None:
        self._call = call
        self._timer: Timer | None = None
        self.step = step
        self.legs: list[OutboundLeg] = []
        self.outcomes: dict[str, Outcome] = {}
        self.best: Response | None = None
        self.over = False
        self._said: dict[str, list[Outcome]] = {}
        self._called: dict[OutboundLeg, tuple[Binding, bool]] = {}
        self._starting = False

    def start(self) -> None:
        """Calls every phone of every target."""
        self._timer = self._call.switch.endpoint.start_timer(self.step.seconds, self._time_is_up)
        self._call_all(self.step.targets)

    def join(self, step: Step) -> None:
        """The step has become another, whose targets ring with those who ring already."""
        newcomers = [number for number in step.targets if number not in self.step.targets]
        self.step = step
        self._call_all(newcomers)

    def _call_all(self, numbers: list[str] | tuple[str, ...]) -> None:
        # Phones may refuse while others are still being called: nobody counts before all were.
        self._starting = True
        call = self._call
        phones = []
        for number in numbers:
            self._said[number] = []
            phones += [(number, binding) for binding in call.phones_of(number)]
        # Of several phones that bring an offer each, the caller could answer one only: reliably none may come then.
        reliable = call.takes_reliable and (bool(call.offer) or len(phones) + len(self.legs) == 1)
        for number, binding in phones:
            self._call_phone(number, binding, reliable)
        self._starting = False
        for number in numbers:
            self._weigh(number)
        self._conclude()

    def _call_phone(self, number: str, binding: Binding, reliable: bool, profile: MediaProfile | None = None) -> None:
        """`profile` is how the phone's media has to travel, where the caller's offer does not suit it as it is."""
        call, switch = self._call, self._call.switch
        try:
            flow = switch.route_of(binding)
            if flow is None:
                return
            dialog = new_dialog(switch, call.caller, number, flow)
            dialog.target = binding.contact
            dialog.routes = [f"<{path}>" for path in binding.path]
        except (ParseError, TransportError):
            return  # no way to this phone: nobody has said anything, so the number may count as unreachable
        leg = OutboundLeg(switch, number, dialog, flow, self)
        leg.owner = call
        self.legs.append(leg)
        if profile is None:
            self._called[leg] = binding, reliable
        else:
            open_edge(leg, profile)
        call.offer_to(leg, lambda offer: self._invite(leg, offer, reliable))

    def _invite(self, leg: OutboundLeg, offer: Made, reliable: bool) -> None:
        """Sends the INVITE, now that the offer for this phone is there; None: it could not be made."""
        call = self._call
        if leg.ringer is None or leg.state is LegState.ENDED:
            leg.end()
            return
        request = invitation(
            call.switch,
            leg.dialog,
            call.caller,
            body=said(offer),
            original=call.invitation,
            diversions=self.step.diversions_of(leg.number),
            number=leg.number,
            hops=call.hops,
            reliable=reliable and leg.edge is None and not leg.webrtc,
        )
        if isinstance(offer, MediaError):
            leg.ringer = None
            leg.end()
            self.refused(leg, LocalResponse(offer.status, None, respond(request, offer.status).headers))
        else:
            leg.invite(request)

    def stop(self, reason: str, *, but: OutboundLeg | None = None) -> None:
        """Cancels every phone that still rings."""
        self.over = True
        if self._timer is not None:
            self._timer.cancel()
        for leg in self.legs:
            if leg is not but:
                leg.cancel(reason)

    def _time_is_up(self, _: object) -> None:
        self.stop(NO_ANSWER)
        for number in self.step.targets:
            if number not in self.outcomes:
                heard_of = any(leg.rung for leg in self.legs if leg.number == number)
                self._settle(number, Outcome.NO_ANSWER if heard_of else Outcome.UNREACHABLE)
        self._call.nobody_answered(combine(self.outcomes[number] for number in self.step.targets), self.best)

    # ---- what the phones say

    def progressed(self, leg: OutboundLeg, response: Response) -> None:
        if not self.over:
            ringing = [one for one in self.legs if one.ringer is not None]
            self._call.phone_progressed(leg, response, alone=len(ringing) == 1)

    def answered(self, leg: OutboundLeg, response: Response) -> None:
        self.outcomes[leg.number] = Outcome.ANSWERED
        self.stop(ANSWERED_ELSEWHERE, but=leg)
        self._call.phone_answered(leg, response)

    def refused(self, leg: OutboundLeg, response: Response) -> None:
        if self.over or leg.number in self.outcomes:
            return
        number = leg.number
        if response.status == 488 and self._called_otherwise(leg):
            return
        if 300 <= response.status < 400 and self._redirected(number, response):
            return
        outcome = Outcome.REFUSED if response.status < 400 else outcome_of(response)
        if outcome is Outcome.FAILED and (self.best is None or response.status < self.best.status):
            self.best = response
        self._said[number].append(outcome)
        if response.status >= 600:
            for other in self.legs:
                if other.number == number and other is not leg:
                    other.cancel('SIP;cause=603;text="Declined elsewhere"')
            self._settle(number, outcome)
        if not self._starting:
            self._weigh(number)
            self._conclude()

    def _called_otherwise(self, leg: OutboundLeg) -> bool:
        """Calls a phone again that has not taken the offer: encrypted where it was not, and the other way round.

        Whether a phone insists on one of them shows only so. The media plane translates.
        """
        offer = self._call.offer
        if leg not in self._called or leg.webrtc or not offer or self._call.switch.media is None:
            return False
        binding, reliable = self._called[leg]
        # What came from a browser, the phone was offered as RTP.
        encrypted = b"RTP/SAVP" in offer and not is_webrtc(offer)
        profile = MediaProfile.RTP if encrypted else MediaProfile.SRTP
        self._call_phone(leg.number, binding, reliable, profile)
        return True

    def _weigh(self, number: str) -> None:
        """Settles a number none of whose phones rings any more."""
        ringing = any(leg.number == number and leg.ringer is not None for leg in self.legs)
        if number not in self.outcomes and not ringing:
            self._settle(number, combine(self._said[number]))

    def _redirected(self, number: str, response: Response) -> bool:
        try:
            contacts = numbers_of(response.addresses("Contact"), self._call.switch)
        except ParseError:
            return False
        if not self._call.phone_redirected(number, contacts):
            return False
        for other in self.legs:
            if other.number == number:
                other.cancel(REDIRECTED)
        return True

    def _settle(self, number: str, outcome: Outcome) -> None:
        self.outcomes[number] = outcome
        self._call.happened(number, outcome)

    def _conclude(self) -> None:
        if self.over or self._starting or not all(number in self.outcomes for number in self.step.targets):
            return
        self.stop("")
        self._call.nobody_answered(combine(self.outcomes[number] for number in self.step.targets), self.best)

"""The usual origin of a call: a phone's INVITE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbx.calls.inbound import InboundLeg
from pbx.calls.incoming import Incoming
from pbx.calls.invitation import identity
from pbx.calls.outbound import OutboundLeg
from pbx.calls.outcome import answer_of
from pbx.calls.service import can_serve
from pbx.calls.states import LegState
from pbx.routing.outcome import Outcome
from sip.message import Request, Response

if TYPE_CHECKING:
    from pbx.calls.call import Call
    from pbx.registrar.bindings import Binding

# A failure that says something about the offer goes to the caller as it is: its phone may do better next time.
_TELLING = frozenset((406, 415, 420, 421, 488, 493, 580, 606))


class InviteOrigin:
    """Answers the caller's INVITE as the plan is walked."""

    __slots__ = (
        "_agreed_with",
        "_call",
        "_dialled",
        "_leg",
        "_media_from",
        "_status",
        "host",
        "invitation",
        "offer",
        "takes_reliable",
    )

    def __init__(self, leg: InboundLeg, invitation: Request) -> None:
        self._leg = leg
        self._call: Call | None = None
        self._dialled = ""
        self._status = 100
        self._media_from: OutboundLeg | None = None
        self._agreed_with: OutboundLeg | None = None  # whose description the caller has had reliably
        self.invitation: Request | None = invitation
        self.offer = invitation.body
        self.host = leg.flow.remote[0]
        self.takes_reliable = leg.reliable is not None

    def calls_from(self, binding: Binding) -> bool:
        return self._leg.is_at(binding)

    def attach(self, call: Call) -> None:
        """The call that walks for this INVITE."""
        self._call = call
        self._dialled = call.plan.dialled
        call.a = self._leg
        self._leg.owner = call

    def progressed(self, leg: OutboundLeg, response: Response, *, alone: bool) -> None:
        caller = self._leg
        body = response.body if alone else b""  # of several phones, none may be heard before one has answered
        reliable = "RSeq" in response.headers
        across = reliable and alone and caller.reliable is not None
        if reliable and not across:
            leg.prack(response)
        status = 180 if response.status == 180 else 183
        if not body and not across and (status == 183 or self._status == 180):
            return  # nothing that the caller does not know
        if status == 180:
            self._status = 180
        if body and self._media_from is not leg:
            caller.new_early_dialog()
            self._media_from = leg
        if not across:
            caller.progress(status, body=body)
            return
        if body:
            self._agreed_with = leg

        def acknowledged(prack: Incoming | None) -> None:
            leg.prack(response, prack.request.body if prack else b"", prack)

        caller.progress(status, body=body, reliably=True, on_prack=acknowledged)

    def forwarded(self) -> None:
        self._status = 181
        self._leg.progress(181)

    def connect(self, leg: OutboundLeg, response: Response) -> None:
        call, caller = self._call, self._leg
        assert call is not None
        if caller.state is LegState.ENDED:
            leg.acknowledge(response)
            leg.hang_up()
            return
        body = response.body
        if not body and self._agreed_with is not leg:
            body = leg.remote_sdp  # it came with a provisional response that went no further, or not reliably
        if body and self._media_from is not None and self._media_from is not leg:
            caller.new_early_dialog()
        name = call.switch.name_of(leg.number)
        headers = [("P-Asserted-Identity", identity(call.switch, leg.number, name))]
        offered = caller.offered
        call.joined(caller, leg)
        if offered:
            leg.acknowledge(response)
            caller.answer(body, headers, None)
        else:
            # The phone's 2xx brought the offer, so its ACK must bring the caller's answer (RFC 3261 §13.2.1).
            def answered(answer: bytes) -> None:
                leg.acknowledge(response, answer)
                if not answer:
                    call.hang_up('SIP;cause=488;text="No answer in ACK"', "no session description")

            caller.answer(body, headers, answered)

    def serve(self) -> bool:
        call, caller = self._call, self._leg
        if call is None or not can_serve(caller):
            return False
        call.served(caller)
        caller.answer(caller.remote_sdp, (), None)
        return True

    def failed(self, outcome: Outcome, best: Response | None) -> None:
        answer = answer_of(outcome)
        headers = [("Reason", answer.reason_header)]
        if outcome is Outcome.NOT_FOUND and self._leg.switch.incomplete(self._dialled):
            self._leg.reject(484, None, [("Reason", 'Q.850;cause=28;text="Invalid number format"')])
        elif outcome is Outcome.FAILED and best is not None and best.status in _TELLING:
            carried = ("Warning", "Accept", "Unsupported", "Require")
            headers += [(name, value) for name in carried for value in best.rows(name)]
            self._leg.reject(best.status, best.reason, headers)
        else:
            self._leg.reject(answer.status, answer.reason, headers)

    def withdrawn(self) -> None:
        self._leg.reject(487)

"""Pulling a call: a user goes on with it on another of his devices, which we call for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbx.calls.agreement import negotiate, restore
from pbx.calls.edge import Made, offer_between, outward, said
from pbx.calls.invitation import Caller, invitation, new_dialog
from pbx.calls.leg import Leg
from pbx.calls.outbound import OutboundLeg
from pbx.calls.replaces import ELSEWHERE
from pbx.calls.states import LegState
from pbx.media.errors import MediaError
from sip.errors import ParseError, TransportError
from sip.message import Response
from sip.timers import Timer

if TYPE_CHECKING:
    from pbx.calls.call import Call
    from pbx.registrar.bindings import Binding

PICK_UP_SECONDS = 20.0
MAX_HOPS = 70
# The person has asked for it on the device or beside it: phones that know one of these pick up by themselves.
_PICK_UP = (
    ("Call-Info", "<sip:pull.invalid>;answer-after=0"),
    ("Alert-Info", "<http://pull.invalid>;info=alert-autoanswer"),
)


class Pull:
    """The device at `binding` takes the place of `replaced`, a leg of the same user; the other party stays."""

    def __init__(self, call: Call, replaced: Leg, other: Leg, binding: Binding) -> None:
        self._call = call
        self._replaced = replaced
        self._other = other
        self._binding = binding
        self._leg: OutboundLeg | None = None
        self._timer: Timer | None = None
        self._over = False

    def start(self) -> None:
        """Calls the device, whose offer then goes to the other party. Raises ParseError or TransportError."""
        call, binding, switch = self._call, self._binding, self._call.switch
        flow = switch.route_of(binding)
        if flow is None:
            raise TransportError("no way to this device")
        partner = self._other.number
        number = self._replaced.number
        caller = Caller(partner, switch.name_of(partner), self._other.private)
        dialog = new_dialog(switch, caller, number, flow)
        dialog.target = binding.contact
        dialog.routes = [f"<{path}>" for path in binding.path]
        self._leg = leg = OutboundLeg(switch, number, dialog, flow, self)
        leg.owner = call
        leg.other_host, self._other.other_host = self._other.flow.remote[0], flow.remote[0]
        leg.private = self._replaced.private
        call.transfer = self
        self._timer = switch.endpoint.start_timer(PICK_UP_SECONDS, lambda _: self._end("not picked up"))

        def offered(offer: Made) -> None:
            if isinstance(offer, MediaError) or self._over:
                self._end("no media")
                leg.end()
                return
            request = invitation(
                switch,
                dialog,
                caller,
                body=offer,
                original=None,
                diversions=(),
                number=number,
                hops=MAX_HOPS,
                reliable=False,
            )
            for name, value in _PICK_UP:
                request.add(name, value)
            leg.invite(request)

        offer_between(None, leg, b"", lambda made: outward(leg, said(made), offer=True, then=offered))

    def leaves(self, leg: Leg) -> bool:
        """A party hung up: the old device may, for the new one is on its way."""
        if leg is self._replaced:
            return True
        self._end("the call ended")
        return False

    # ---- what the device says

    def progressed(self, leg: OutboundLeg, response: Response) -> None:
        """It rings: the person will pick up."""

    def answered(self, leg: OutboundLeg, response: Response) -> None:
        self._stop_timer()

        def agreed(answer: Response) -> None:
            self._other.acknowledge(answer)
            if self._over or leg.state is LegState.ENDED:  # given up meanwhile, or gone again
                restore(self._other, self._replaced)
                return
            self._over = True
            call = self._call
            call.transfer = None
            leg.acknowledge(response, answer.body)
            call.note(f"{leg.number} goes on with the call on another device")
            call.replace(self._replaced, leg)
            self._replaced.hang_up(ELSEWHERE)

        def refused(answer: Response) -> None:
            leg.hang_up(f"SIP;cause={answer.status}")
            self._end(f"{answer.status} {answer.reason}")

        negotiate(self._other, response.body, agreed, refused)

    def refused(self, leg: OutboundLeg, response: Response) -> None:
        del leg
        self._end(f"{response.status} {response.reason}")

    def _end(self, why: str) -> None:
        if self._over:
            return
        self._over = True
        self._stop_timer()
        call = self._call
        call.transfer = None
        if self._leg is not None:
            self._leg.cancel()
            if self._leg.live:
                self._leg.hang_up()
        call.note(f"{self._replaced.number} could not go on on another device: {why}")
        if self._replaced.state is LegState.ENDED:  # nobody left to talk with
            call.hang_up("", "callee hung up" if self._replaced is call.b else "caller hung up")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def pull(call: Call, number: str, binding: Binding) -> str:
    """Has `number` go on with its call on another device; why not, or "" where that is under way."""
    if call.answered is None or call.transfer is not None:
        return "the call is not in a state to be pulled"
    leg = next((one for one in (call.a, call.b) if one is not None and one.number == number), None)
    other = call.other(leg) if leg is not None else None
    if leg is None or other is None:
        return f"{number} is no party of the call"
    if leg.is_at(binding):
        return "the call is on this device already"
    try:
        Pull(call, leg, other, binding).start()
    except (ParseError, TransportError) as error:
        return str(error)
    return ""

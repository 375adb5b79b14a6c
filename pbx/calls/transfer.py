"""Transfers: REFER to a number (blind) or to another call (attended, RFC 5589).

The phones see only their own legs change: whoever is transferred gets a re-INVITE. The new party is asked for an
offer first, by an INVITE or re-INVITE without one, and its offer goes to the other: flow I of RFC 3725, which
works however little the two phones have in common with the one that leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from pbx.calls.agreement import introduce, negotiate, restore
from pbx.calls.incoming import Incoming
from pbx.calls.invitation import Caller
from pbx.calls.leg import Leg
from pbx.calls.outbound import OutboundLeg
from pbx.calls.outcome import answer_of
from pbx.calls.replaces import Replaces
from pbx.calls.states import LegState
from pbx.routing.outcome import Outcome
from pbx.routing.plan import plan
from sip.errors import ParseError
from sip.message import Request, Response
from sip.uri import SipUri

if TYPE_CHECKING:
    from pbx.calls.call import Call
    from pbx.registrar.bindings import Binding

TRANSFERRED = 'SIP;cause=200;text="Call transferred"'


class Referral:
    """The subscription that a REFER makes: the transferor hears by NOTIFY how it goes (RFC 3515 §2.4)."""

    __slots__ = ("_done", "_id", "_leg", "_silent")

    def __init__(self, incoming: Incoming) -> None:
        self._leg = incoming.leg
        self._silent = (incoming.request.get("Refer-Sub") or "").strip().lower() == "false"
        self._id = incoming.request.cseq.number if incoming.request.cseq else 0
        self._done = False
        headers = [("Refer-Sub", "false")] if self._silent else []
        incoming.answer(202, headers=headers)
        self.tell(100, "Trying")

    def tell(self, status: int, reason: str) -> None:
        """Reports a status; a final one ends the subscription."""
        if self._done or self._silent or self._leg.state is LegState.ENDED:
            return
        self._done = status >= 200
        state = "terminated;reason=noresource" if self._done else "active;expires=180"
        headers = [("Event", f"refer;id={self._id}"), ("Subscription-State", state)]
        body = f"SIP/2.0 {status} {reason}\r\n".encode()
        self._leg.send("NOTIFY", _ignore, body=body, content_type="message/sipfrag;version=2.0", headers=headers)


def refer(call: Call, leg: Leg, incoming: Incoming) -> None:
    """A party asks us to call somebody else in its place."""
    switch = call.switch
    transferee = call.other(leg)
    try:
        target = incoming.request.address("Refer-To").sip_uri()
        replaces = _replaces_in(target)
    except ParseError as error:
        incoming.answer(error.status, error.reason)
        return
    if call.answered is None or transferee is None or call.transfer is not None:
        incoming.answer(603, "Nothing to Transfer")
        return
    number = target.number
    if target.user is None or "\0" in number or not switch.is_ours(target.host):
        incoming.answer(404)
        return
    if replaces is not None:
        replaced = replaces.find(switch)
        if replaced is None or replaced.owner is None or replaced is leg:
            incoming.answer(481)
            return
        if replaced.number != leg.number:
            incoming.answer(403)
            return
        second: Call = replaced.owner  # type: ignore[assignment]
        party = second.other(replaced)
        if second.transfer is not None:
            incoming.answer(603, "Being Transferred")
            return
        if second.answered is not None and party is not None:
            _Attended(call, leg, transferee, second, replaced, party, Referral(incoming)).start()
            return
        number = second.plan.dialled  # still ringing: that call is given up, and its number called anew
        second.cancel(TRANSFERRED, "transferred while it rang")
    _Blind(call, leg, transferee, Referral(incoming)).start(number)


def _replaces_in(target: SipUri) -> Replaces | None:
    for part in target.headers.split("&"):
        name, _, value = part.partition("=")
        if name.lower() == "replaces":
            return Replaces.parse(unquote(value))
    return None


class _Blind:
    """A blind transfer under way, and the `Origin` of the call to the new party."""

    offer = b""
    invitation: Request | None = None
    takes_reliable = False

    def __init__(self, call: Call, transferor: Leg, transferee: Leg, referral: Referral) -> None:
        self._call = call
        self._transferor = transferor
        self._transferee = transferee
        self._referral = referral
        self._onward: Call | None = None
        self._new: OutboundLeg | None = None  # the new party, once it has answered
        self.host = transferee.flow.remote[0]

    def calls_from(self, binding: Binding) -> bool:
        return self._transferee.is_at(binding)

    def start(self, number: str) -> None:
        call, switch, transferee = self._call, self._call.switch, self._transferee.number
        caller = Caller(transferee, switch.name_of(transferee), self._transferee.private)
        route = plan(number, caller.number, switch.clock(), switch.directory(), private=caller.private)
        call.transfer = self
        call.note(f"{self._transferor.number} asks to transfer {transferee} to {number}")
        self._onward = type(call)(switch, route, caller, self)
        self._onward.walk()

    def leaves(self, leg: Leg) -> bool:
        """A party hung up; True when the transfer goes on without it, as it does without the transferor."""
        if leg is self._transferor:
            return True
        if self._onward is not None:
            self._onward.cancel("", "transferee hung up")
        return False

    def progressed(self, leg: OutboundLeg, response: Response, *, alone: bool) -> None:
        del leg, alone
        if response.status == 180:
            self._referral.tell(180, "Ringing")

    def forwarded(self) -> None:
        self._referral.tell(181, "Call Is Being Forwarded")

    def serve(self) -> bool:
        return False  # nobody is transferred to an echo

    def failed(self, outcome: Outcome, best: Response | None) -> None:
        del best
        answer = answer_of(outcome)
        self._give_up(answer.status, answer.reason)

    def withdrawn(self) -> None:
        if self._new is not None:
            self._new.hang_up()
        self._give_up(487, "Request Terminated")

    def _give_up(self, status: int, reason: str) -> None:
        self._call.transfer = None
        self._referral.tell(status, reason)
        if self._transferor.state is LegState.ENDED:  # nobody left to talk with
            self._call.hang_up(f"SIP;cause={status}", "transfer failed")

    def connect(self, leg: OutboundLeg, response: Response) -> None:
        onward, transferee = self._onward, self._transferee
        assert onward is not None
        self._new = leg

        def agreed(answer: Response) -> None:
            if onward.ended is not None:  # the new party has left again, or the transferee has
                transferee.acknowledge(answer)
                restore(transferee, self._transferor)
                return
            transferee.acknowledge(answer)
            leg.acknowledge(response, answer.body)
            onward.joined(transferee, leg)
            self._call.transfer = None
            self._call.note(f"{transferee.number} talks with {leg.number} from now on")
            self._referral.tell(200, "OK")
            self._call.release(f"transferred to {leg.number}")
            self._transferor.hang_up(TRANSFERRED)

        def refused(answer: Response) -> None:
            if onward.ended is None:
                introduce(transferee, self._transferor)
                leg.hang_up(f"SIP;cause={answer.status}")
                onward.release(f"the parties could not be joined: {answer.status} {answer.reason}")
                self._give_up(answer.status, answer.reason)

        introduce(transferee, leg)
        negotiate(transferee, response.body, agreed, refused)


class _Attended:
    """An attended transfer: the transferee takes the transferor's place in the second call."""

    def __init__(
        self,
        call: Call,
        transferor: Leg,
        transferee: Leg,
        second: Call,
        replaced: Leg,
        party: Leg,
        referral: Referral,
    ) -> None:
        self._call = call
        self._transferor = transferor
        self._transferee = transferee
        self._second = second
        self._replaced = replaced
        self._party = party
        self._referral = referral
        self._offer: Response | None = None  # of the party, as long as it has no answer
        self._over = False

    def start(self) -> None:
        self._call.transfer = self
        self._second.transfer = self
        introduce(self._party, self._transferee)
        negotiate(self._party, b"", self._offered, self._refused)

    def leaves(self, leg: Leg) -> bool:
        """A party hung up: the transferor may, on either leg; without one of the others there is no transfer."""
        if leg is self._transferor or leg is self._replaced:
            return True
        self._refused(Response(480))
        return False

    def _offered(self, offer: Response) -> None:
        self._offer = offer
        if self._over:
            self._keep()
        else:
            introduce(self._transferee, self._party)
            negotiate(self._transferee, offer.body, self._agreed, self._refused)

    def _agreed(self, answer: Response) -> None:
        self._transferee.acknowledge(answer)
        offer = self._offer
        if self._over or offer is None:
            restore(self._transferee, self._transferor)
            return
        self._offer = None
        self._party.acknowledge(offer, answer.body)
        self._complete()

    def _complete(self) -> None:
        call, second = self._call, self._second
        self._over = True
        call.transfer = second.transfer = None
        call.note(f"{self._transferee.number} talks with {self._party.number} from now on")
        second.note(f"{self._transferee.number} takes the place of {self._replaced.number}")
        second.replace(self._replaced, self._transferee)
        self._referral.tell(200, "OK")
        call.release(f"transferred to {self._party.number}")
        self._transferor.hang_up(TRANSFERRED)
        self._replaced.hang_up(TRANSFERRED)

    def _keep(self) -> None:
        """Answers the party's offer with what it has had already, and gives it back to the transferor."""
        offer, self._offer = self._offer, None
        if offer is not None:
            self._party.acknowledge(offer, self._party.sdp_source)
            restore(self._party, self._replaced)

    def _refused(self, answer: Response) -> None:
        if self._over:
            return
        self._over = True
        introduce(self._transferee, self._transferor)
        introduce(self._party, self._replaced)
        self._keep()
        self._call.transfer = self._second.transfer = None
        self._referral.tell(answer.status, answer.reason)
        for call, leg in ((self._call, self._transferor), (self._second, self._replaced)):
            if leg.state is LegState.ENDED:  # nobody left to talk with
                call.hang_up(f"SIP;cause={answer.status}", "transfer failed")


def _ignore(_: Response) -> None:
    """Whether the transferor took the news changes nothing."""

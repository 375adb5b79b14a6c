"""Transfers: REFER to a number (blind) or to another call (attended, RFC 5589), and INVITE with Replaces.

The phones see only their own legs change: whoever is transferred gets a re-INVITE. The new party is asked for an
offer first, by an INVITE or re-INVITE without one, and its offer goes to the other: flow I of RFC 3725, which
works however little the two phones have in common with the one that leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pbx.calls.inbound import InboundLeg
from pbx.calls.invitation import Caller
from pbx.calls.leg import Incoming, Leg
from pbx.calls.outbound import OutboundLeg
from pbx.calls.outcome import answer_of
from pbx.calls.states import LegState
from pbx.routing.outcome import Outcome
from pbx.routing.plan import plan
from sip.errors import ParseError
from sip.message import Request, Response
from sip.uri import SipUri

if TYPE_CHECKING:
    from pbx.calls.call import Call
    from pbx.calls.switch import Switch
    from pbx.registrar.bindings import Binding

TRANSFERRED = 'SIP;cause=200;text="Call transferred"'
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Replaces:
    """The dialog that a Replaces header names (RFC 3891), from the view of the one who reads it."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Replaces:
        """Raises ParseError."""
        call_id, *params = [part.strip() for part in text.split(";")]
        named = dict(part.partition("=")[::2] for part in params)
        if not call_id or not named.get("to-tag") or not named.get("from-tag"):
            raise ParseError("malformed Replaces")
        return cls(call_id, named["to-tag"], named["from-tag"], "early-only" in named)

    def find(self, switch: Switch) -> Leg | None:
        """Our leg of that dialog."""
        leg = switch.legs.get((self.call_id, self.to_tag))
        if leg is not None and leg.dialog.remote_tag == self.from_tag:
            return leg
        # Some phones name the tags from their own view instead of from the reader's (RFC 3891 §3).
        leg = switch.legs.get((self.call_id, self.from_tag))
        return leg if leg is not None and leg.dialog.remote_tag == self.to_tag else None


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
    if target.user is None or not switch.is_ours(target.host):
        incoming.answer(404)
        return
    number = target.number
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
        if second.answered is not None and party is not None:
            _Attended(call, leg, transferee, second, replaced, party, Referral(incoming)).start()
            return
        number = second.plan.dialled  # still ringing: that call is given up, and its number called anew
        second.cancel()
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

    def calls_from(self, binding: Binding) -> bool:
        return self._transferee.is_at(binding)

    def start(self, number: str) -> None:
        switch = self._call.switch
        caller_number = self._transferee.number
        route = plan(number, caller_number, switch.clock(), switch.directory())
        caller = Caller(caller_number, switch.name_of(caller_number))
        self._call.transfer = self
        self._call.note(f"{self._transferor.number} asks to transfer {caller_number} to {number}")
        self._onward = type(self._call)(switch, route, caller, self)
        self._onward.walk()

    def leaves(self, leg: Leg) -> bool:
        """A party hung up; True when the transfer goes on without it, as it does without the transferor."""
        if leg is self._transferor:
            return True
        if self._onward is not None:
            self._onward.cancel()
        return False

    def progressed(self, leg: OutboundLeg, response: Response, *, alone: bool) -> None:
        del leg, alone
        if response.status == 180:
            self._referral.tell(180, "Ringing")

    def forwarded(self) -> None:
        self._referral.tell(181, "Call Is Being Forwarded")

    def failed(self, outcome: Outcome, best: Response | None) -> None:
        del best
        answer = answer_of(outcome)
        self._give_up(answer.status, answer.reason)

    def withdrawn(self) -> None:
        self._give_up(487, "Request Terminated")

    def _give_up(self, status: int, reason: str) -> None:
        self._call.transfer = None
        self._referral.tell(status, reason)
        if self._transferor.state is LegState.ENDED:  # nobody left to talk with
            self._call.hang_up(f"SIP;cause={status}", "transfer failed")

    def connect(self, leg: OutboundLeg, response: Response) -> None:
        onward, transferee = self._onward, self._transferee
        assert onward is not None

        def agreed(answer: Response) -> None:
            transferee.acknowledge(answer)
            leg.acknowledge(response, answer.body)
            onward.joined(transferee, leg)
            self._call.transfer = None
            self._call.note(f"{transferee.number} talks with {leg.number} from now on")
            self._referral.tell(200, "OK")
            self._call.release(f"transferred to {leg.number}")
            self._transferor.hang_up(TRANSFERRED)

        def refused(answer: Response) -> None:
            leg.acknowledge(response)
            leg.hang_up(f"SIP;cause={answer.status}")
            onward.release("the parties share no media")
            self._give_up(answer.status, answer.reason)

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

    def start(self) -> None:
        self._call.transfer = self
        self._second.transfer = self
        negotiate(self._party, b"", self._offered, self._refused)

    def leaves(self, leg: Leg) -> bool:
        """A party hung up: the transferor may, on either leg; without one of the others there is no transfer."""
        if leg is self._transferor or leg is self._replaced:
            return True
        self._call.transfer = self._second.transfer = None
        return False

    def _offered(self, offer: Response) -> None:
        def agreed(answer: Response) -> None:
            self._transferee.acknowledge(answer)
            self._party.acknowledge(offer, answer.body)
            self._complete()

        def refused(answer: Response) -> None:
            self._party.acknowledge(offer, self._party.sdp_source)  # as it was
            self._refused(answer)

        negotiate(self._transferee, offer.body, agreed, refused)

    def _complete(self) -> None:
        call, second = self._call, self._second
        call.transfer = second.transfer = None
        call.note(f"{self._transferee.number} talks with {self._party.number} from now on")
        second.note(f"{self._transferee.number} takes the place of {self._replaced.number}")
        second.replace(self._replaced, self._transferee)
        self._referral.tell(200, "OK")
        call.release(f"transferred to {self._party.number}")
        self._transferor.hang_up(TRANSFERRED)
        self._replaced.hang_up(TRANSFERRED)

    def _refused(self, answer: Response) -> None:
        self._call.transfer = self._second.transfer = None
        self._referral.tell(answer.status if answer.status >= 300 else 500, answer.reason)
        for call, leg in ((self._call, self._transferor), (self._second, self._replaced)):
            if leg.state is LegState.ENDED:
                call.hang_up(f"SIP;cause={answer.status}", "transfer failed")


def negotiate(
    leg: Leg,
    offer: bytes,
    agreed: Callable[[Response], None],
    refused: Callable[[Response], None],
    tries: int = _TRIES,
) -> None:
    """Sends a re-INVITE of our own with `offer`, b"" to ask for one; glare is resolved by waiting at random."""
    endpoint = leg.switch.endpoint
    if leg.state is LegState.ENDED:
        refused(Response(481))
        return

    def again() -> None:
        if tries <= 1:
            refused(Response(491))
            return
        endpoint.start_timer(leg.pause(), lambda _: negotiate(leg, offer, agreed, refused, tries - 1))

    if leg.asking is not None or leg.asked is not None:
        again()
        return

    def answered(response: Response) -> None:
        if response.status < 200:
            return
        if response.status == 491:
            again()
        elif response.status < 300:
            agreed(response)
        else:
            refused(response)

    leg.when_confirmed(lambda: leg.offer("INVITE", offer, answered))


def take_over(replaced: Leg, successor: InboundLeg) -> None:
    """An INVITE with Replaces: `successor` takes the place of a leg of the same user (RFC 3891 §3).

    The one who talks with it is offered what the new phone offers.
    """
    call: Call | None = replaced.owner  # type: ignore[assignment]
    other = call.other(replaced) if call is not None else None
    if call is None or other is None or call.answered is None:
        successor.reject(481)
        return
    successor.progress(183)

    def agreed(response: Response) -> None:
        if successor.state is LegState.ENDED:
            other.acknowledge(response, b"" if successor.offered else other.sdp_source)
            return
        call.note(f"{successor.number} goes on with the call on another phone")
        call.replace(replaced, successor)
        if successor.offered:
            other.acknowledge(response)
            successor.answer(response.body, (), None)
        else:
            successor.answer(response.body, (), lambda answer: other.acknowledge(response, answer))
        replaced.hang_up('SIP;cause=200;text="Call completed elsewhere"')

    def refused(response: Response) -> None:
        successor.reject(response.status if response.status < 500 else 480, response.reason)

    negotiate(other, successor.remote_sdp, agreed, refused)


def _ignore(_: Response) -> None:
    """Whether the transferor took the news changes nothing."""

"""Carrying what one party asks to the other: offers, DTMF, messages (back-to-back, RFC 7092 §3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pbx.calls.agreement import DEAD, restore
from pbx.calls.inbound import InboundLeg
from pbx.calls.incoming import Headers, Incoming
from pbx.calls.leg import Leg
from pbx.calls.outbound import OutboundLeg
from pbx.calls.service import answer, serves
from pbx.calls.states import LegState
from pbx.calls.switch import METHODS
from pbx.calls.transfer import refer
from sip.message import Response
from sip.transaction.local import LocalResponse

if TYPE_CHECKING:
    from pbx.calls.call import Call

_SERVED = frozenset(("INVITE", "UPDATE", "INFO"))
_PASSED = ("Warning", "Retry-After", "Accept", "Unsupported")
# What a phone says to us alone: that it wants to know who we are, or that it is overloaded (RFC 3261 §16.7 point 6).
_TO_US = frozenset((401, 407, 503))
_LATER = ("Retry-After", "2")


def carry(call: Call, leg: Leg, incoming: Incoming) -> None:
    """Handles a request within a leg's dialog; BYE, ACK and CANCEL have been seen to before."""
    carrier = _CARRIERS.get(incoming.request.method)
    if serves(leg) and incoming.request.method in _SERVED:
        answer(leg, incoming)
    elif carrier is None:
        incoming.answer(405, headers=[("Allow", METHODS)])
    else:
        carrier(call, leg, incoming)


def _invite(call: Call, leg: Leg, incoming: Incoming) -> None:
    """A re-INVITE: a new offer, or the wish for one, goes to the other party (RFC 3261 §14)."""
    if call.answered is None or call.other(leg) is None:
        incoming.answer(500, headers=[_LATER])
    else:
        _offer(call, incoming, "INVITE")


def _offer(call: Call, incoming: Incoming, method: str) -> None:
    """Asks the other party by INVITE or UPDATE, unless it is asking itself, or has left to make room for another."""
    body, other = incoming.request.body, call.other(incoming.leg)
    if other is None or other.busy or other.state is LegState.ENDED:
        incoming.answer(491)
        return

    def answered(response: Response) -> None:
        if response.status < 200:
            return
        if response.status >= 300:
            _refuse(other, incoming, response)
        elif incoming.answered:  # who asked has hung up, or has taken it back
            undo(response)
        else:
            incoming.undo = lambda: undo(response)
            if body and method == "INVITE":
                other.acknowledge(response)
            # Where no offer came, the other party has made one: the answer comes with the ACK.
            on_ack = None if body else lambda answer: other.acknowledge(response, answer)
            incoming.answer(200, body=response.body, on_ack=on_ack)
        call.leg_changed()

    def undo(response: Response) -> None:
        if other.owed is response:
            other.acknowledge(response, b"" if body else other.sdp_source)
        restore(other, incoming.leg)

    def ask() -> None:
        if other.busy:
            incoming.answer(491)
        elif not incoming.answered:
            proposal = other.offer(method, body, answered)
            incoming.undo = incoming.undo or proposal.cancel

    other.when_confirmed(ask)


def _update(call: Call, leg: Leg, incoming: Incoming) -> None:
    """UPDATE (RFC 3311): a refresh is answered here, an offer goes to the other party."""
    body = incoming.request.body
    if not body:
        incoming.answer(200)
        call.leg_changed()
    elif call.answered is None:
        _early_update(call, leg, incoming)
    else:
        other = call.other(leg)
        _offer(call, incoming, "UPDATE" if other is not None and "UPDATE" in other.allows else "INVITE")


def _early_update(call: Call, leg: Leg, incoming: Incoming) -> None:
    """An UPDATE with an offer before anybody has answered; it needs exactly one phone on the other side."""
    ringing = call.ringing
    phones = [one for one in ringing.legs if one.ringer is not None] if ringing is not None else []
    if leg is call.a and len(phones) == 1:
        phones[0].early_offer(incoming.request.body, incoming)
    elif isinstance(leg, OutboundLeg) and phones == [leg] and call.a is not None and "UPDATE" in call.a.allows:

        def answered(response: Response) -> None:
            if response.status >= 200:
                _answer_as(incoming, response, body=response.body)

        call.a.offer("UPDATE", incoming.request.body, answered)
    else:
        incoming.answer(488)


def _refuse(other: Leg, incoming: Incoming, response: Response) -> None:
    headers = [(name, value) for name in _PASSED for value in response.rows(name)]
    _answer_as(incoming, response, headers)
    if response.status in DEAD or isinstance(response, LocalResponse):
        other.lost(response.status, "No answer within the dialog")


def _answer_as(incoming: Incoming, response: Response, headers: Headers = (), body: bytes = b"") -> None:
    """Answers as the other party did. One that can't be reached is no overload of ours, which 503 would say."""
    if isinstance(response, LocalResponse) and response.status == 503:
        incoming.answer(480, headers=headers)
    elif response.status in _TO_US:
        incoming.answer(500, headers=headers)
    else:
        incoming.answer(response.status, response.reason, headers=headers, body=body)


def _pass_on(call: Call, leg: Leg, incoming: Incoming) -> None:
    """INFO with DTMF and the like, and MESSAGE: the other party's phone answers."""
    other = call.other(leg)
    if other is None and call.ringing is not None and leg is call.a:
        phones = [one for one in call.ringing.legs if one.ringer is not None and one.early]
        other = phones[0] if len(phones) == 1 else None
    if other is None or other.state is LegState.ENDED:
        incoming.answer(500, "Nobody to Take It", headers=[_LATER])  # 481 would end the call of the one who asks
        return
    request = incoming.request
    headers = [(name, value) for name in ("Info-Package", "Content-Disposition") for value in request.rows(name)]

    def answered(response: Response) -> None:
        if response.status >= 200:
            _answer_as(incoming, response)
            if response.status in DEAD and other.live:
                other.lost(response.status, "No answer within the dialog")

    content_type = request.get("Content-Type") or "application/octet-stream"
    other.send(request.method, answered, body=request.body, content_type=content_type, headers=headers)


def _prack(_: Call, leg: Leg, incoming: Incoming) -> None:
    if isinstance(leg, InboundLeg) and leg.reliable is not None:
        leg.reliable.acknowledged(incoming)
    else:
        incoming.answer(481)


def _options(_: Call, __: Leg, incoming: Incoming) -> None:
    incoming.answer(200, headers=[("Allow", METHODS), ("Accept", "application/sdp")])


def _notify(_: Call, __: Leg, incoming: Incoming) -> None:
    # We never subscribe within a call: RFC 6665 §4.1.3 asks for 481.
    incoming.answer(481)


def _subscribe(_: Call, __: Leg, incoming: Incoming) -> None:
    incoming.answer(489, headers=[("Allow-Events", "refer")])


_CARRIERS: dict[str, Callable[[Call, Leg, Incoming], None]] = {
    "INVITE": _invite,
    "UPDATE": _update,
    "INFO": _pass_on,
    "MESSAGE": _pass_on,
    "PRACK": _prack,
    "OPTIONS": _options,
    "NOTIFY": _notify,
    "SUBSCRIBE": _subscribe,
    "REFER": refer,
}

"""Carrying what one party asks to the other: offers, DTMF, messages (back-to-back, RFC 7092 §3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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

_DEAD = frozenset((408, 481))  # RFC 3261 §12.2.1.2: the dialog is over
_SERVED = frozenset(("INVITE", "UPDATE", "INFO"))
_PASSED = ("Warning", "Retry-After", "Accept", "Unsupported")


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
    other = call.other(leg)
    if call.answered is None or other is None:
        incoming.answer(500, headers=[("Retry-After", "2")])
    elif other.asking is not None or other.asked is not None:
        incoming.answer(491)
    else:
        other.when_confirmed(lambda: _offer(call, other, incoming))


def _offer(call: Call, other: Leg, incoming: Incoming) -> None:
    body = incoming.request.body
    if other.asking is not None:
        incoming.answer(491)
        return

    def answered(response: Response) -> None:
        if response.status < 200:
            return
        if response.status >= 300:
            _refuse(other, incoming, response)
        elif body:
            other.acknowledge(response)
            incoming.answer(200, body=response.body)
        else:
            # No offer came, so the other party made one: the answer comes with the ACK.
            incoming.answer(200, body=response.body, on_ack=lambda answer: other.acknowledge(response, answer))
            if incoming.leg.state is LegState.ENDED:
                other.acknowledge(response)
        call.leg_changed()

    other.offer("INVITE", body, answered)


def _update(call: Call, leg: Leg, incoming: Incoming) -> None:
    """UPDATE (RFC 3311): a refresh is answered here, an offer goes to the other party."""
    body = incoming.request.body
    if not body:
        incoming.answer(200)
        return
    if call.answered is None:
        _early_update(call, leg, incoming)
        return
    other = call.other(leg)
    if other is None or other.asking is not None or other.asked is not None:
        incoming.answer(491)
        return
    method = "UPDATE" if "UPDATE" in other.allows else "INVITE"

    def answered(response: Response) -> None:
        if response.status < 200:
            return
        if response.status >= 300:
            _refuse(other, incoming, response)
            return
        if method == "INVITE":
            other.acknowledge(response)
        incoming.answer(200, body=response.body)

    other.when_confirmed(lambda: other.offer(method, body, answered))


def _early_update(call: Call, leg: Leg, incoming: Incoming) -> None:
    """An UPDATE with an offer before anybody has answered; it needs exactly one phone on the other side."""
    ringing = call.ringing
    phones = [one for one in ringing.legs if one.ringer is not None] if ringing is not None else []
    if leg is call.a and len(phones) == 1:
        phones[0].early_offer(incoming.request.body, incoming)
    elif isinstance(leg, OutboundLeg) and phones == [leg] and call.a is not None and "UPDATE" in call.a.allows:

        def answered(response: Response) -> None:
            if response.status >= 200:
                incoming.answer(response.status, response.reason, body=response.body)

        call.a.offer("UPDATE", incoming.request.body, answered)
    else:
        incoming.answer(488)


def _refuse(other: Leg, incoming: Incoming, response: Response) -> None:
    headers = [(name, value) for name in _PASSED for value in response.rows(name)]
    _answer_as(incoming, response, headers)
    if response.status in _DEAD or isinstance(response, LocalResponse):
        other.lost(response.status, "No answer within the dialog")


def _answer_as(incoming: Incoming, response: Response, headers: Headers = ()) -> None:
    """Answers as the other party did. One that can't be reached is no overload of ours, which 503 would say."""
    if isinstance(response, LocalResponse) and response.status == 503:
        incoming.answer(480, headers=headers)
    else:
        incoming.answer(response.status, response.reason, headers=headers)


def _pass_on(call: Call, leg: Leg, incoming: Incoming) -> None:
    """INFO with DTMF and the like, and MESSAGE: the other party's phone answers."""
    other = call.other(leg)
    if other is None and call.ringing is not None and leg is call.a:
        phones = [one for one in call.ringing.legs if one.ringer is not None and one.early]
        other = phones[0] if len(phones) == 1 else None
    if other is None or other.state is LegState.ENDED:
        incoming.answer(481)
        return
    request = incoming.request
    headers = [(name, value) for name in ("Info-Package", "Content-Disposition") for value in request.rows(name)]

    def answered(response: Response) -> None:
        if response.status >= 200:
            _answer_as(incoming, response)
            if response.status in _DEAD and other.live:
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

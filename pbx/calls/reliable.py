"""Reliable provisional responses (RFC 3262): repeated until PRACK, one at a time, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pbx.calls.incoming import description
from sip.errors import ParseError
from sip.identifiers import token
from sip.message import Response
from sip.timers import Timer
from sip.transaction.server import ServerTransaction

if TYPE_CHECKING:
    from pbx.calls.inbound import InboundLeg
    from pbx.calls.incoming import Incoming

OnPrack = Callable[["Incoming | None"], None]


class Reliable:
    """The reliable provisional responses of one INVITE that we serve.

    Whoever sends one may give `on_prack`, which gets the PRACK and must answer it, or None when it never came.
    """

    __slots__ = ("_interval", "_leg", "_number", "_queue", "_spent", "_then", "_timer")

    def __init__(self, leg: InboundLeg) -> None:
        self._leg = leg
        self._number = int(token()[:6], 16)  # RFC 3262 §3: starts anywhere below 2**31
        self._queue: list[tuple[ServerTransaction, Response, OnPrack | None]] = []
        self._interval = self._spent = 0.0
        self._timer: Timer | None = None
        self._then: Callable[[], None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a response waits for its PRACK."""
        return bool(self._queue)

    def then(self, action: Callable[[], None]) -> None:
        """Runs `action` when nothing waits any more."""
        self._then = action

    def send(self, transaction: ServerTransaction, response: Response, on_prack: OnPrack | None) -> None:
        """Sends the response, after those that wait already."""
        response.set("Require", "100rel")
        self._queue.append((transaction, response, on_prack))
        if len(self._queue) == 1:
            self._send_first()

    def _send_first(self) -> None:
        transaction, response, _ = self._queue[0]
        self._number += 1
        response.set("RSeq", str(self._number))
        self._interval, self._spent = self._leg.switch.endpoint.timers.t1, 0.0
        self._leg.switch.endpoint.respond(transaction, response)
        self._timer = self._leg.switch.endpoint.start_timer(self._interval, self._again)

    def _again(self, _: object) -> None:
        endpoint = self._leg.switch.endpoint
        self._spent += self._interval
        left = endpoint.timers.transaction - self._spent
        if left <= 0:
            # RFC 3262 §3: the request is refused by a 5xx.
            owner = self._leg.owner
            self._leg.reject(504, "No PRACK")
            if owner is not None:
                owner.leg_hung_up(self._leg, 'SIP;cause=504;text="No PRACK"', "was lost: no prack")
            return
        transaction, response, _on_prack = self._queue[0]
        endpoint.respond(transaction, response)
        self._interval = min(2 * self._interval, left)
        self._timer = endpoint.start_timer(self._interval, self._again)

    def acknowledged(self, prack: Incoming) -> None:
        """A PRACK: 481 when it matches nothing that waits (RFC 3262 §3)."""
        parts = (prack.request.get("RAck") or "").split()
        invitation = self._leg.invitation
        cseq = invitation.request.cseq if invitation is not None else None
        if not self._queue or cseq is None or parts != [str(self._number), str(cseq.number), "INVITE"]:
            prack.answer(481)
            return
        try:
            body = description(prack.request)
        except ParseError as error:
            prack.answer(error.status, error.reason)
            return
        if body:
            self._leg.remote_sdp = body
        if self._timer is not None:
            self._timer.cancel()
        _, _, on_prack = self._queue.pop(0)
        if on_prack is not None:
            on_prack(prack)
        elif body:
            prack.answer(488)  # an offer that nobody behind us can take
        else:
            prack.answer(200)
        if self._queue:
            self._send_first()
        elif self._then is not None:
            action, self._then = self._then, None
            action()

    def stop(self) -> None:
        """The INVITE is over."""
        if self._timer is not None:
            self._timer.cancel()
        self._queue.clear()
        self._then = None

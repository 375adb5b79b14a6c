"""The 2xx of ours to an INVITE, which is ours to repeat until its ACK (RFC 3261 §13.3.1.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sip.message import Response
from sip.transaction.server import ServerTransaction

if TYPE_CHECKING:
    from pbx.calls.leg import Leg


class Unacknowledged:
    """A 2xx of ours that waits for its ACK: repeated from T1 on, doubling up to T2, for 64·T1."""

    __slots__ = ("given_up", "interval", "leg", "number", "on_ack", "response", "spent", "timer", "transaction")

    def __init__(
        self,
        leg: Leg,
        transaction: ServerTransaction,
        response: Response,
        number: int,
        on_ack: Callable[[bytes], None] | None,
    ) -> None:
        self.leg = leg
        self.transaction = transaction
        self.response = response
        self.number = number
        self.on_ack = on_ack
        self.spent = 0.0
        self.given_up = False
        self.interval = leg.switch.endpoint.timers.t1
        self.timer = leg.switch.endpoint.start_timer(self.interval, self._again)

    def stop(self) -> None:
        self.timer.cancel()

    def _again(self, _: object) -> None:
        endpoint = self.leg.switch.endpoint
        self.spent += self.interval
        left = endpoint.timers.transaction - self.spent
        if left <= 0:
            self.given_up = True
            self.leg.lost(408, "No ACK")
            return
        endpoint.respond(self.transaction, self.response)
        self.interval = min(2 * self.interval, endpoint.timers.t2, left)
        self.timer = endpoint.start_timer(self.interval, self._again)

"""INVITE with Replaces (RFC 3891): a user goes on with a call on another phone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbx.calls.agreement import negotiate, restore
from pbx.calls.edge import Made, offer_between
from pbx.calls.inbound import InboundLeg
from pbx.calls.leg import Leg
from pbx.calls.states import LegState
from pbx.media.errors import MediaError
from sip.errors import ParseError
from sip.message import Response

if TYPE_CHECKING:
    from pbx.calls.call import Call
    from pbx.calls.switch import Switch

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


@dataclass(frozen=True, slots=True)
class Replaces:
    """The dialog that a Replaces header names, from the view of the one who reads it."""

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


class TakeOver:
    """`successor` takes the place of `replaced`, a leg of the same user; the other party is offered what it offers."""

    def __init__(self, call: Call, replaced: Leg, successor: InboundLeg, other: Leg) -> None:
        self._call = call
        self._replaced = replaced
        self._successor = successor
        self._other = other
        self._over = False

    def start(self) -> None:
        self._call.transfer = self
        offer_between(self._successor, self._other, self._successor.remote_sdp, self._offer)

    def _offer(self, offer: Made) -> None:
        if self._over or self._successor.state is LegState.ENDED:
            self._end(487)
        elif isinstance(offer, MediaError):
            self._end(488)
        else:
            negotiate(self._other, offer, self._agreed, self._refused)

    def leaves(self, leg: Leg) -> bool:
        """A party hung up: the old phone may."""
        if leg is self._replaced:
            return True
        self._end(480)
        return False

    def _agreed(self, response: Response) -> None:
        call, successor, other = self._call, self._successor, self._other
        if self._over or successor.state is LegState.ENDED:  # given up meanwhile
            other.acknowledge(response, b"" if successor.offered else other.sdp_source)
            if successor.offered:
                restore(other, self._replaced)
            self._end(487)
            return
        self._over = True
        call.transfer = None
        call.note(f"{successor.number} goes on with the call on another phone")
        call.replace(self._replaced, successor)
        if successor.offered:
            other.acknowledge(response)
            successor.answer(response.body, (), None)
        else:
            successor.answer(response.body, (), lambda answer: other.acknowledge(response, answer))
        self._replaced.hang_up(ELSEWHERE)

    def _refused(self, response: Response) -> None:
        self._end(response.status if response.status < 500 else 480)

    def _end(self, status: int) -> None:
        if self._over:
            return
        self._over = True
        self._call.transfer = None
        self._successor.reject(status)
        if self._replaced.state is LegState.ENDED:  # nobody left to talk with
            self._call.hang_up(f"SIP;cause={status}", "transfer failed")

"""What a party sends within its dialog: a request to be answered, a session description to be understood."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pbx.calls.edge import Made, outward
from pbx.calls.states import LegState
from pbx.media.errors import MediaError
from sip.errors import ParseError
from sip.message import Request, Response, respond
from sip.sdp.quick import quick_check
from sip.transaction.server import ServerTransaction

if TYPE_CHECKING:
    from pbx.calls.leg import Leg

Headers = Iterable[tuple[str, str]]


def description(message: Request | Response) -> bytes:
    """The session description that a message brings, b"" for none.

    Raises ParseError for a body that is something else (415) or malformed.
    """
    body = message.body
    if body:
        if message.content_type != "application/sdp":
            raise ParseError("no session description", 415, "Unsupported Media Type")
        quick_check(body)
    return body


class Incoming:
    """A request of a party within its dialog, to be answered exactly once.

    `undo` takes back what was asked elsewhere for it; `before` is the party's description that it would change.
    """

    __slots__ = ("answered", "before", "leg", "request", "transaction", "undo")

    def __init__(self, leg: Leg, request: Request, transaction: ServerTransaction) -> None:
        self.leg = leg
        self.request = request
        self.transaction = transaction
        self.answered = False
        self.before = b""
        self.undo: Callable[[], None] | None = None

    def cancel(self) -> None:
        """The party takes its INVITE back (RFC 3261 §9.2)."""
        if not self.answered:
            self.answer(487)
            self._undo()

    def _undo(self) -> None:
        if self.undo is not None:
            self.undo()

    def answer(
        self,
        status: int,
        reason: str | None = None,
        *,
        headers: Headers = (),
        body: bytes = b"",
        on_ack: Callable[[bytes], None] | None = None,
    ) -> None:
        """Sends the final response; a 2xx to INVITE is repeated until its ACK, whose body `on_ack` gets."""
        if self.answered:
            return
        self.answered = True
        if body:
            outward(
                self.leg,
                body,
                offer=not self.request.body,
                then=lambda described: self._answer(status, reason, headers, described, on_ack),
            )
        else:
            self._answer(status, reason, headers, b"", on_ack)

    def _answer(
        self,
        status: int,
        reason: str | None,
        headers: Headers,
        described: Made,
        on_ack: Callable[[bytes], None] | None,
    ) -> None:
        leg, request = self.leg, self.request
        failed = isinstance(described, MediaError)
        if isinstance(described, MediaError):
            status, reason, described = 488, None, b""
        elif leg.state is LegState.ENDED and status < 300 and request.method == "INVITE":
            status, reason, described = 487, None, b""  # it has hung up meanwhile
        response = respond(request, status, reason, to_tag=leg.dialog.local_tag, headers=headers)
        if request.method in ("INVITE", "UPDATE"):
            if leg.asked is self:
                leg.asked = None
            if status < 300:
                leg.dress(response)
            elif self.before:  # RFC 3261 §14.2: the session stays as it was
                leg.remote_sdp = self.before
        if described:
            response.body = described
            response.set("Content-Type", "application/sdp")
        if request.method == "INVITE" and status < 300:
            leg.send_2xx(self.transaction, response, request.cseq.number if request.cseq else 0, on_ack)
        else:
            leg.switch.endpoint.respond(self.transaction, response)
        if failed:
            self._undo()

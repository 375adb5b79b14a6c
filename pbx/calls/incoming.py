"""What a party sends within its dialog: a request to be answered, a session description to be understood."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pbx.calls.edge import Made, outward
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
    """A request of a party within its dialog, to be answered exactly once."""

    __slots__ = ("answered", "leg", "request", "transaction")

    def __init__(self, leg: Leg, request: Request, transaction: ServerTransaction) -> None:
        self.leg = leg
        self.request = request
        self.transaction = transaction
        self.answered = False

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
        if isinstance(described, MediaError):
            status, reason, described = 488, None, b""
        response = respond(request, status, reason, to_tag=leg.dialog.local_tag, headers=headers)
        if request.method in ("INVITE", "UPDATE"):
            if leg.asked is self:
                leg.asked = None
            if status < 300:
                leg.dress(response)
        if described:
            response.body = described
            response.set("Content-Type", "application/sdp")
        if request.method == "INVITE" and status < 300:
            leg.send_2xx(self.transaction, response, request.cseq.number if request.cseq else 0, on_ack)
        else:
            leg.switch.endpoint.respond(self.transaction, response)

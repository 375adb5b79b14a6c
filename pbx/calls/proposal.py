"""An INVITE or UPDATE of our own within a dialog, from its offer to the answer."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pbx.calls.edge import Made, inward, outward
from pbx.calls.incoming import description
from pbx.calls.states import LegState
from pbx.media.errors import MediaError
from sip.endpoint import ResponseHandler
from sip.errors import ParseError
from sip.message import Response
from sip.transaction.client import ClientTransaction

if TYPE_CHECKING:
    from pbx.calls.leg import Leg


class Proposal:
    """One request with what came of it. It is the leg's `asking` until its final response.

    `handler` gets every response, as the rest of the call is to see it, a repeated 2xx excepted.
    """

    __slots__ = ("_before", "_body", "_cancelled", "_handler", "_heard", "_leg", "_method", "_transaction")

    def __init__(self, leg: Leg, method: str, body: bytes, handler: ResponseHandler) -> None:
        self._leg = leg
        self._method = method
        self._body = body
        self._handler = handler
        self._transaction: ClientTransaction | None = None
        self._heard = self._cancelled = False
        self._before = leg.sdp_source, leg.local_sdp

    def start(self) -> None:
        """Sends the request, once the description is made."""
        outward(self._leg, self._body, offer=True, then=self._send)

    def _send(self, described: Made) -> None:
        leg = self._leg
        if leg.state is LegState.ENDED:
            return
        if isinstance(described, MediaError):
            self._failed()
            self._handler(Response(described.status))
            return
        request = leg.dialog.request(self._method, described)
        leg.dress(request)
        self._transaction = leg.switch.recovery.request(leg, request, self._answered)

    def cancel(self) -> None:
        """Takes an INVITE back, if it has no final response yet: once it was heard of (RFC 3261 §9.1)."""
        if self._leg.asking is self and self._method == "INVITE" and not self._cancelled:
            self._cancelled = True
            if self._heard:
                self._send_cancel()

    def _send_cancel(self) -> None:
        if self._transaction is not None:
            self._leg.switch.endpoint.cancel(self._transaction, _ignore)

    def _answered(self, response: Response) -> None:
        leg = self._leg
        if response.status < 200 and not self._heard:
            self._heard = True
            if self._cancelled:
                self._send_cancel()
        if not 200 <= response.status < 300:
            if response.status >= 300:
                self._failed()
            self._handler(response)
            return
        if leg.repeat_ack(response) or self._is_owed(response):
            return  # said again
        if self._method == "INVITE":
            leg.owed = response
        try:
            description(response)
        except ParseError:
            self._useless(response)
            return
        leg.learn(response)
        with suppress(ParseError):  # the target or the session as it was is still there
            leg.dialog.refresh_target(response)
            if leg.session is not None:
                leg.session.answered(response)
        asked = not self._body
        inward(leg, response.body, offer=asked, asked=asked, then=lambda made: self._agreed(response, made))

    def _failed(self) -> None:
        """RFC 3261 §14.1: the session stays as it was."""
        self._leg.asking = None
        self._leg.sdp_source, self._leg.local_sdp = self._before

    def _is_owed(self, response: Response) -> bool:
        """Whether this 2xx came before, and still waits for its ACK."""
        owed = self._leg.owed
        return owed is not None and owed.cseq == response.cseq

    def _agreed(self, response: Response, made: Made) -> None:
        leg = self._leg
        if isinstance(made, MediaError):
            self._useless(response)
            return
        leg.asking = None
        response.body = made
        if made:
            leg.remote_sdp = made
        self._handler(response)

    def _useless(self, response: Response) -> None:
        """A 2xx that nobody can make sense of: acknowledged, and the party hung up (RFC 3261 §14.1)."""
        leg = self._leg
        leg.asking = None
        if self._method == "INVITE":
            leg.acknowledge(response)
        self._handler(Response(488, None, response.headers))
        leg.lost(488, "Malformed description")


def _ignore(_: Response) -> None:
    """The INVITE's own final response is what counts."""

"""The caller's leg: the INVITE that a phone sent us, and our answers to it."""

from __future__ import annotations

from collections.abc import Callable

from pbx.calls.edge import Made, is_webrtc, outward, said
from pbx.calls.incoming import Headers, Incoming
from pbx.calls.leg import Leg
from pbx.calls.reliable import Reliable
from pbx.calls.session_timer import SessionTimer
from pbx.calls.states import LegInput, LegState
from pbx.calls.switch import Switch
from pbx.media.errors import MediaError
from sip.dialog.dialog import Dialog
from sip.identifiers import token
from sip.message import Request, respond
from sip.transport.base import Flow
from sip.uri import escape_user


class InboundLeg(Leg):
    """`invitation` is the INVITE, until it has its final answer; `on_final` is called when it gets it.
    `early_sdp` tells whether a description went with a provisional response already."""

    __slots__ = ("early_sdp", "former_tags", "invitation", "on_final", "reliable")

    def __init__(self, switch: Switch, number: str, dialog: Dialog, flow: Flow, invitation: Request) -> None:
        super().__init__(switch, number, dialog, flow, inbound=True)
        self.learn(invitation)
        self.remote_sdp = invitation.body
        if invitation.body:
            self.webrtc = is_webrtc(invitation.body)
        self.session = SessionTimer.offered(self, invitation)
        self.heard_at = switch.clock().timestamp()
        self.early_sdp = False
        self.former_tags: list[str] = []
        self.invitation: Incoming | None = None
        self.on_final: Callable[[], object] | None = None
        wanted = "100rel" in self.supports or "100rel" in invitation.tokens("Require")
        self.reliable = Reliable(self) if wanted else None

    @classmethod
    def invited(cls, switch: Switch, number: str, dialled: str, request: Request, flow: Flow) -> InboundLeg:
        """Accepts an INVITE for processing: its transaction is open and answered 100. Raises ParseError."""
        user = dialled if dialled.isalnum() and dialled.isascii() else escape_user(dialled)
        dialog = Dialog.of_request(request, switch.contact(user, flow))
        leg = cls(switch, number, dialog, flow, request)
        transaction = switch.endpoint.serve(request, flow)
        leg.invitation = leg.asked = Incoming(leg, request, transaction)
        return leg

    @property
    def offered(self) -> bool:
        """Whether the INVITE brought an offer; if not, the phone's answer comes with its ACK."""
        return bool(self.remote_sdp)

    def progress(
        self,
        status: int,
        reason: str | None = None,
        *,
        headers: Headers = (),
        body: bytes = b"",
        reliably: bool = False,
        on_prack: Callable[[Incoming | None], None] | None = None,
    ) -> None:
        """Sends a provisional response, reliably (RFC 3262) where asked and the caller's phone can."""
        invitation = self.invitation
        if invitation is None or invitation.answered:
            return
        if body:
            outward(
                self,
                body,
                offer=not self.offered,
                then=lambda described: self._progress(status, reason, headers, said(described), reliably, on_prack),
            )
        else:
            self._progress(status, reason, headers, b"", reliably, on_prack)

    def _progress(
        self,
        status: int,
        reason: str | None,
        headers: Headers,
        described: bytes,
        reliably: bool,
        on_prack: Callable[[Incoming | None], None] | None,
    ) -> None:
        invitation = self.invitation
        if invitation is None or invitation.answered:
            return
        response = respond(invitation.request, status, reason, to_tag=self.dialog.local_tag, headers=headers)
        response.set("Contact", self.dialog.contact)
        response.set("Allow", "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE")
        if described:
            response.body = described
            response.set("Content-Type", "application/sdp")
            self.early_sdp = True
        if self.state is LegState.CALLING or self.state is LegState.EARLY:
            self.move(LegInput.PROGRESS)
        if self.reliable is not None and (reliably or "100rel" in invitation.request.tokens("Require")):
            self.reliable.send(invitation.transaction, response, on_prack)
        else:
            self.switch.endpoint.respond(invitation.transaction, response)

    def new_early_dialog(self) -> None:
        """Goes on under a new To tag, for a description that no longer comes from the same phone.

        RFC 3264 allows one answer in one dialog: to the caller it looks as if the request had been forked.
        """
        invitation = self.invitation
        if not self.early_sdp or invitation is None:
            return
        self.early_sdp = False
        self.former_tags.append(self.dialog.local_tag)
        self.dialog.local_tag = token()
        # Each early dialog counts from the INVITE on (RFC 3261 §12.1.1).
        self.dialog.remote_cseq = invitation.request.cseq.number if invitation.request.cseq else 0
        self.switch.legs[self.dialog.call_id, self.dialog.local_tag] = self
        self.sdp_id, self.sdp_source = 0, b""

    def answer(self, body: bytes, headers: Headers, on_ack: Callable[[bytes], None] | None) -> None:
        """Answers 200; once every reliable provisional response is acknowledged (RFC 3262 §3)."""
        if self.reliable is not None and self.reliable.busy:
            self.reliable.then(lambda: self.answer(body, headers, on_ack))
        elif self.invitation is not None:
            offer = not self.invitation.request.body
            outward(self, body, offer=offer, then=lambda made: self._answer(body, made, headers, on_ack))

    def _answer(self, body: bytes, made: Made, headers: Headers, on_ack: Callable[[bytes], None] | None) -> None:
        """`made` is what the caller gets for `body`."""
        if self.invitation is None:
            return  # it has hung up meanwhile
        if isinstance(made, MediaError):
            owner, reason = self.owner, f'SIP;cause={made.status};text="No media"'
            self.reject(488, None, [("Reason", reason)])
            if owner is not None:
                owner.leg_hung_up(self, reason, "was lost: no media")
            return
        invitation = self._finally()
        self.move(LegInput.ANSWER)
        invitation.answer(200, headers=headers, body=body, on_ack=on_ack)

    def reject(self, status: int, reason: str | None = None, headers: Headers = ()) -> None:
        """Sends the final failure and ends the leg."""
        if self.invitation is not None:
            self._finally().answer(status, reason, headers=headers)
        self.end()

    def hang_up(self, reason: str = "") -> None:
        if self.invitation is not None:
            self.reject(487)  # its 200 was waiting for a PRACK or a description
        else:
            super().hang_up(reason)

    def _finally(self) -> Incoming:
        """The INVITE, which now gets its final answer."""
        invitation, self.invitation = self.invitation, None
        assert invitation is not None
        if self.on_final is not None:
            self.on_final()
        return invitation

    def end(self) -> None:
        if self.invitation is not None:
            self._finally().answer(487)
        if self.reliable is not None:
            self.reliable.stop()
        for tag in self.former_tags:
            self.switch.legs.pop((self.dialog.call_id, tag), None)
        super().end()

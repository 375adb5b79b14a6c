"""A leg that we call: one INVITE to one phone, with the early dialogs that it may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pbx.calls.edge import Made, inward, outward, said
from pbx.calls.incoming import Incoming, description
from pbx.calls.leg import Leg
from pbx.calls.session_timer import SessionTimer
from pbx.calls.states import LegInput, LegState
from pbx.media.errors import MediaError
from sip.dialog.dialog import Dialog
from sip.errors import ParseError
from sip.fields import parse_number
from sip.message import Request, Response, respond
from sip.sdp.errors import SdpError
from sip.timers import Timer
from sip.transaction.client import ClientTransaction
from sip.transaction.local import LocalResponse
from sip.transport.base import Flow

if TYPE_CHECKING:
    from pbx.calls.switch import Switch

_MOST_EARLY_DIALOGS: Final = 10


class Ringer(Protocol):
    """Whom an outbound leg tells how its phone takes the call."""

    def progressed(self, leg: OutboundLeg, response: Response) -> None:
        """A provisional response above 100."""

    def answered(self, leg: OutboundLeg, response: Response) -> None:
        """The first 2xx; must be acknowledged."""

    def refused(self, leg: OutboundLeg, response: Response) -> None:
        """A final failure, of the phone's or of our own making. The leg has ended."""


class OutboundLeg(Leg):
    """`ringer` is told of answers until the call is bridged."""

    __slots__ = ("cancelling", "early", "invite_sent", "ringer", "rseq", "rung", "transaction", "watch")

    def __init__(self, switch: Switch, number: str, dialog: Dialog, flow: Flow, ringer: Ringer) -> None:
        super().__init__(switch, number, dialog, flow, inbound=False)
        self.ringer: Ringer | None = ringer
        self.early: dict[str, Dialog] = {}
        self.rseq: dict[str, int] = {}
        self.cancelling: str | None = None
        self.rung = False
        self.invite_sent: Request | None = None
        self.transaction: ClientTransaction | None = None
        self.watch: Timer | None = None

    def invite(self, request: Request) -> None:
        """Sends the INVITE; `ringer` hears how it goes, possibly before this returns."""
        endpoint = self.switch.endpoint
        self.invite_sent = request
        self.watch = endpoint.start_timer(self.switch.settings.unreachable_after, self._unheard)
        self.asking = self.transaction = endpoint.request(request, self.flow, self._response)

    def cancel(self, reason: str = "") -> None:
        """Stops the phone's ringing: CANCEL, as soon as the phone has been heard of (RFC 3261 §9.1)."""
        if self.cancelling is not None or self.ringer is None or self.state is LegState.ENDED:
            return
        self.cancelling = reason
        self.ringer = None
        if self.watch is not None:
            self.watch.cancel()
        if self.rung and self.transaction is not None and self.state is not LegState.ANSWERED:
            self._send_cancel()

    def _send_cancel(self) -> None:
        assert self.transaction is not None
        headers = [("Reason", self.cancelling)] if self.cancelling else []
        self.switch.endpoint.cancel(self.transaction, _ignore, headers)

    def _unheard(self, _: object) -> None:
        """Not even 100 came: the phone is gone, or its flow is dead."""
        self._give_up(408, "Unreachable")

    def lost(self, status: int, why: str) -> None:
        """Its media is gone: a phone that rings is stopped, and the others go on ringing."""
        if self.live:
            super().lost(status, why)
        else:
            self._give_up(status, why)

    def _give_up(self, status: int, why: str) -> None:
        ringer, invite = self.ringer, self.invite_sent
        self.cancel(f'SIP;cause={status};text="{why}"')
        if ringer is not None and invite is not None:
            ringer.refused(self, LocalResponse(status, None, respond(invite, status).headers))

    def current_dialog(self) -> Dialog:
        return self.dialog if self.dialog.remote_tag or not self.early else next(reversed(self.early.values()))

    def early_dialog(self, tag: str) -> Dialog | None:
        return None if self.dialog.remote_tag else self.early.get(tag)

    # ---- responses to the INVITE

    def _response(self, response: Response) -> None:
        if response.status < 200:
            self._provisional(response)
        elif response.status < 300:
            self._success(response)
        else:
            self._failure(response)

    def _provisional(self, response: Response) -> None:
        if not self.rung:
            self.rung = True
            if self.watch is not None:
                self.watch.cancel()
            if self.cancelling is not None:
                self._send_cancel()  # RFC 3261 §9.1: this is the first moment at which it may go out
                return
        if response.status == 100 or self.ringer is None or not response.to_tag:
            return
        tag = response.to_tag
        try:
            known = self.early.get(tag)
            if known is None:
                if len(self.early) >= _MOST_EARLY_DIALOGS:
                    return
                self.early[tag] = self.dialog.answered_by(response)
            elif "Contact" in response.headers:
                known.refresh_target(response)
            if "RSeq" in response.headers and not self._in_order(tag, response):
                return
        except ParseError:
            return  # a provisional response that makes no sense is none
        self.learn(response)
        if self.state in (LegState.CALLING, LegState.EARLY):
            self.move(LegInput.PROGRESS)
        try:
            body = description(response)
        except ParseError:
            body = b""  # it rings, whatever that was
        inward(self, body, offer=not self._had_offer, then=lambda made: self._progressed(response, said(made)))

    @property
    def _had_offer(self) -> bool:
        """Whether our INVITE had an offer."""
        return self.invite_sent is not None and bool(self.invite_sent.body)

    def _progressed(self, response: Response, body: bytes) -> None:
        response.body = body
        if body:
            self.remote_sdp = body
        if self.ringer is not None:
            self.ringer.progressed(self, response)

    def _in_order(self, tag: str, response: Response) -> bool:
        """Whether a reliable response is the next of its dialog (RFC 3262 §4); repetitions are dropped."""
        number = parse_number(response.headers["RSeq"][0], 2**31, "RSeq")
        last = self.rseq.get(tag)
        if last is not None and number != last + 1:
            return False
        self.rseq[tag] = number
        return True

    def prack(self, response: Response, body: bytes = b"", relay: Incoming | None = None) -> None:
        """Acknowledges a reliable provisional response; `relay` is the caller's PRACK, answered likewise."""
        dialog = self.early.get(response.to_tag)
        cseq = response.cseq
        if dialog is None or cseq is None or self.state is LegState.ENDED:
            if relay is not None:
                relay.answer(481)
            return
        dialog.local_cseq = max(dialog.local_cseq, self.dialog.local_cseq)
        rack = f"{response.headers['RSeq'][0]} {cseq.number} INVITE"

        def answered(answer: Response) -> None:
            if relay is not None:
                self.pass_back(answer, relay)

        def ready(described: Made) -> None:
            request = dialog.request("PRACK", said(described))
            self.dialog.local_cseq = dialog.local_cseq
            request.set("RAck", rack)
            self.switch.endpoint.request(request, self.flow, answered)

        outward(self, body, offer=self._had_offer, then=ready)

    def early_offer(self, body: bytes, relay: Incoming) -> None:
        """Carries the caller's UPDATE to the phone before it has answered (RFC 3311 §5.1)."""
        if not self.early or "UPDATE" not in self.allows:
            relay.answer(488)
            return

        before = self.sdp_source, self.local_sdp

        def answered(answer: Response) -> None:
            if answer.status >= 300:
                self.sdp_source, self.local_sdp = before
            self.pass_back(answer, relay)

        def ready(described: Made) -> None:
            if isinstance(described, MediaError) or self.state is LegState.ENDED:
                relay.answer(488)
                return
            request = self.current_dialog().request("UPDATE", described)
            self.dress(request)
            self.switch.endpoint.request(request, self.flow, answered)

        outward(self, body, offer=True, then=ready)

    def _success(self, response: Response) -> None:
        if self.last_ack is not None or self.state is LegState.ENDED:
            self._another_success(response)
            return
        if self.state is LegState.ANSWERED:
            return  # a repetition, before our ACK went out: it waits for the caller's
        if self.watch is not None:
            self.watch.cancel()
        self.asking = None
        try:
            known = self.early.get(response.to_tag)
            if known is None:
                self.dialog = self.dialog.answered_by(response)
            else:
                known.refresh_target(response)
                if "Record-Route" in response.headers:  # RFC 3261 §13.2.2.4: the 2xx has the last word
                    known.routes = self.dialog.answered_by(response).routes
                known.local_cseq = max(known.local_cseq, self.dialog.local_cseq)
                self.dialog = known
            self.learn(response)
            self.session = SessionTimer.granted(self, response)
            body = description(response)
            if self._had_offer and not body and not self.remote_sdp:
                raise ParseError("no answer to the offer")  # RFC 3261 §13.2.1
        except ParseError as error:
            self._useless(response, error)
            return
        self.owed = response
        self.move(LegInput.ANSWER)
        asked = not self._had_offer
        inward(self, body, offer=asked, asked=asked, then=lambda made: self._answered(response, made))

    def _answered(self, response: Response, body: Made) -> None:
        if self.state is LegState.ENDED:
            return
        ringer, self.ringer = self.ringer, None
        if isinstance(body, MediaError):
            self.acknowledge(response)
            self.hang_up('SIP;cause=488;text="Useless answer"')
            if ringer is not None:
                ringer.refused(self, Response(488, None, response.headers))
            return
        response.body = body
        if body:
            self.remote_sdp = body
        if ringer is None:  # cancelled, but the phone was faster
            self.acknowledge(response)
            self.hang_up(self.cancelling or "")
        else:
            ringer.answered(self, response)

    def _another_success(self, response: Response) -> None:
        """A 2xx after the first: a repetition, or another branch behind a forking proxy (§13.2.2.4)."""
        if response.to_tag == self.dialog.remote_tag:
            self.repeat_ack(response)
            return
        try:
            other = self.early.get(response.to_tag) or self.dialog.answered_by(response)
            other.refresh_target(response)
            number = response.cseq.number if response.cseq else 0
            self.switch.endpoint.send_ack(other.ack(number), self.flow)
            other.local_cseq = self.dialog.local_cseq
            self.switch.endpoint.request(other.request("BYE"), self.flow, _ignore)
        except ParseError:
            return

    def _useless(self, response: Response, error: ParseError) -> None:
        """A 2xx without a Contact or a description that can be used: acknowledged and hung up (§13.2.2.4)."""
        ringer, self.ringer = self.ringer, None
        self.dialog.remote_tag = response.to_tag
        self.move(LegInput.ANSWER)
        self.acknowledge(response)
        self.hang_up('SIP;cause=488;text="Useless answer"')
        if ringer is not None:
            ringer.refused(self, Response(488 if isinstance(error, SdpError) else 502, None, response.headers))

    def _failure(self, response: Response) -> None:
        if self.watch is not None:
            self.watch.cancel()
        self.asking = None
        if response.status == 422 and self._ask_longer(response):
            return
        ringer, self.ringer = self.ringer, None
        self.end()
        if ringer is not None:
            ringer.refused(self, response)

    def _ask_longer(self, response: Response) -> bool:
        """Tries again with the session interval that the phone wants (RFC 4028 §7.4); once."""
        sent = self.invite_sent
        least = response.get("Min-SE")
        if sent is None or least is None or self.ringer is None or "Min-SE" in sent.headers:
            return False
        try:
            seconds = parse_number(least.partition(";")[0], 86_400, "Min-SE")
        except ParseError:
            return False
        again = self.dialog.request("INVITE", sent.body)
        again.headers = {**sent.headers, "CSeq": again.headers["CSeq"]}
        del again.headers["Via"]
        again.set("Session-Expires", str(max(seconds, self.switch.settings.session_expires)))
        again.set("Min-SE", least)
        again.uri = sent.uri
        self.rung = False
        self.invite(again)
        return True

    def acknowledge(self, response: Response, body: bytes = b"") -> None:
        first = self.invite_sent is not None and response.cseq == self.invite_sent.cseq
        if body and first and self._had_offer and self.edge is not None:
            # Who answers late answers the media plane: the party was offered `ANYBODY`, and has answered that.
            self.edge.settle(body)
            body = b""
        super().acknowledge(response, body)

    def pass_back(self, answer: Response, relay: Incoming) -> None:
        """Answers the caller's PRACK or early UPDATE as this phone has answered it."""
        if answer.status < 200:
            return
        try:
            body = description(answer) if answer.status < 300 else b""
        except ParseError:
            relay.answer(488)
            return

        def ready(made: Made) -> None:
            if isinstance(made, MediaError):
                relay.answer(488)
            else:
                relay.answer(answer.status, answer.reason, body=made)

        inward(self, body, offer=False, then=ready)

    def end(self) -> None:
        if self.watch is not None:
            self.watch.cancel()
        super().end()


def _ignore(_: Response) -> None:
    """The INVITE's own final response is what counts."""

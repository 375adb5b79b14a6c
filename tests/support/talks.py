"""One call as a phone has it: what the phone does in it, and what it sees."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import quote

from sip.fields import NameAddr
from sip.message import Request, Response
from sip.transport.base import Flow

if TYPE_CHECKING:
    from tests.support.phones import Phone, Sent

T1, T2 = 0.5, 4.0

_serials = count(1)


class Talk:
    """A call of a phone, from its INVITE on.

    `sent` is our INVITE as it went out last, `invite` the one that came in; one of them is there. `asked` are the
    requests within the dialog, `acks` the ACKs, `cancelled` the CANCEL that came. `final`: the INVITE has its final
    answer; `live`: it was a 2xx, and nobody has hung up.
    """

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.sent: Sent | None = None
        self.invite: Request | None = None
        self.call_id = ""
        self.local_tag = f"tag-{next(_serials)}"
        self.remote_tag = ""
        self.local = self.remote = self.target = ""
        self.asked: list[Request] = []
        self.acks: list[Request] = []
        self.cancelled: Request | None = None
        self.final = self.confirmed = self.ended = False
        self._flow: Flow | None = None
        self._numbers: dict[str, int] = defaultdict(int)
        self._rseq = 0
        self._unacknowledged: tuple[int, bytes, Flow] | None = None

    # ---- what it sees

    @property
    def heard(self) -> list[int]:
        """The statuses of all responses to our INVITE."""
        assert self.sent is not None
        return self.sent.statuses

    @property
    def answered(self) -> Response:
        """The final response to our INVITE."""
        assert self.sent is not None
        return self.sent.answer

    @property
    def last(self) -> Response:
        """The response to our INVITE that came last."""
        assert self.sent is not None
        return self.sent.responses[-1]

    @property
    def live(self) -> bool:
        return self.confirmed and not self.ended

    def methods(self, method: str) -> list[Request]:
        """The requests of this method that came within the dialog."""
        return [request for request in self.asked if request.method == method]

    def dialog_of(self, tag: str) -> str:
        """The value of a Replaces header for it, as its own phone writes it for somebody else (RFC 3891 §3)."""
        return f"{self.call_id};to-tag={tag or self.remote_tag};from-tag={self.local_tag}"

    # ---- as the one who calls

    def heard_from(self, sent: Sent, response: Response) -> None:
        """A response to one of our requests."""
        if sent.request.method != "INVITE":
            return
        initial = sent is self.sent
        if initial and response.to_tag and response.status < 300:
            self._learn(sent.request, response)
        if response.status < 200:
            if initial and "RSeq" in response.headers and self.phone.pracks:
                self.prack(response)
            return
        if initial:
            self.final = response.status not in (401, 407)
        if response.status < 300:
            self.confirmed = True
            if self.phone.acks:
                self.ack(sent)

    def _learn(self, invite: Request, response: Response) -> None:
        assert invite.cseq is not None
        self.call_id, self.local, self.remote = invite.call_id, invite.headers["From"][0], response.headers["To"][0]
        self.remote_tag = response.to_tag
        self.target = NameAddr.parse(response.headers["Contact"][0]).uri
        self._numbers[response.to_tag] = max(self._numbers[response.to_tag], invite.cseq.number)

    def ack(self, sent: Sent | None = None, body: bytes | None = None) -> None:
        """Acknowledges a 2xx, with our description where the INVITE brought none."""
        sent = sent or self.sent
        assert sent is not None
        assert sent.request.cseq is not None
        if body is None:
            body = b"" if sent.request.body else self.phone.sdp
        self._go("ACK", sent.request.cseq.number, [], body, "application/sdp")
        self.phone.settle()

    def cancel(self, *headers: str) -> Sent:
        """CANCEL, in the transaction of our INVITE."""
        assert self.sent is not None
        invite = self.sent.request
        assert invite.cseq is not None
        rows = [f"{name}: {invite.headers[name][0]}" for name in ("Max-Forwards", "From", "To", "Call-ID")]
        rows += [f"CSeq: {invite.cseq.number} CANCEL", *headers]
        cancel = self.phone.send("CANCEL", invite.uri, rows, branch=invite.via.branch, flow=self.sent.flow)
        self.phone.settle()
        return cancel

    def prack(self, response: Response, body: bytes = b"") -> Sent:
        """Acknowledges a reliable provisional response."""
        assert response.cseq is not None
        rack = f"RAck: {response.headers['RSeq'][0]} {response.cseq.number} INVITE"
        return self.send("PRACK", rack, body=body, tag=response.to_tag)

    # ---- as the one who is called

    def invited(self, invite: Request, flow: Flow) -> None:
        """An INVITE has come."""
        self.invite, self._flow = invite, flow
        self.call_id, self.remote_tag = invite.call_id, invite.from_tag
        self.local, self.remote = f"{invite.headers['To'][0]};tag={self.local_tag}", invite.headers["From"][0]
        self.target = NameAddr.parse(invite.headers["Contact"][0]).uri

    def owns(self, request: Request) -> bool:
        """Whether a request belongs to this dialog."""
        return request.call_id == self.call_id and bool(request.to_tag) and request.to_tag == self.local_tag

    def invited_by(self, cancel: Request) -> bool:
        """Whether a CANCEL is for the INVITE that came."""
        return self.invite is not None and self.invite.via.branch == cancel.via.branch

    def ring(self, status: int = 180, *headers: str, body: bytes = b"", reliable: bool = False) -> None:
        """A provisional response."""
        rows = [f"Contact: <{self.phone.contact}>", f"Allow: {self.phone.allow}", *headers]
        if reliable:
            self._rseq += 1
            rows += ["Require: 100rel", f"RSeq: {self._rseq}"]
        self._answer(status, rows, body)

    def answer(self, *headers: str, body: bytes | None = None) -> None:
        """200 to the INVITE, again and again until its ACK."""
        self.confirmed = True
        self.reply(self._invitation(), 200, *headers, body=self.phone.sdp if body is None else body)

    def reject(self, status: int, *headers: str) -> None:
        """A final failure."""
        self._answer(status, list(headers), b"")

    def _invitation(self) -> Request:
        assert self.invite is not None
        return self.invite

    def _answer(self, status: int, rows: list[str], body: bytes) -> None:
        assert self._flow is not None
        self.final = self.final or status >= 200
        self.phone.answer(self._invitation(), self._flow, status, *rows, body=body, tag=self.local_tag)
        self.phone.settle()

    # ---- as either

    def take(self, request: Request, flow: Flow) -> None:
        """A request within the dialog, or the CANCEL of the INVITE."""
        method = request.method
        if method == "ACK":
            self.acks.append(request)
            pending = self._unacknowledged
            if pending is not None and request.cseq is not None and pending[0] == request.cseq.number:
                self._unacknowledged = None
            return
        if method == "CANCEL":
            self.cancelled = request
        else:
            self.asked.append(request)
        if method == "BYE":
            self.ended = True
        if method not in self.phone.auto:
            return
        status = self.phone.auto[method]
        body = self.phone.sdp if method in ("INVITE", "UPDATE") and status < 300 else b""
        if method == "UPDATE" and not request.body:
            body = b""
        self._reply(request, flow, status, [], body)
        if method == "CANCEL" and not self.final:
            self.final = True
            assert self._flow is not None
            self.phone.answer(self._invitation(), self._flow, 487, tag=self.local_tag)

    def reply(self, request: Request, status: int, *headers: str, body: bytes = b"") -> None:
        """Answers a request within the dialog."""
        self._reply(request, self._flow or self.phone.way(), status, list(headers), body)
        self.phone.settle()

    def _reply(self, request: Request, flow: Flow, status: int, rows: list[str], body: bytes) -> None:
        phone = self.phone
        if request.method in ("INVITE", "UPDATE") and status < 300:
            rows = [f"Contact: <{phone.contact}>", f"Allow: {phone.allow}", f"Supported: {phone.supported}", *rows]
        if request is self.invite:
            self.final = True
        data = phone.answer(request, flow, status, *rows, body=body, tag=self.local_tag)
        if request.method == "INVITE" and status < 300:
            assert request.cseq is not None
            self._unacknowledged = (request.cseq.number, data, flow)
            self._repeat(self._unacknowledged, T1, 64 * T1)

    def _repeat(self, pending: tuple[int, bytes, Flow], wait: float, left: float) -> None:
        def again() -> None:
            if self._unacknowledged is pending and not self.phone.dumb:
                self.phone.repeat_answer(pending[1], pending[2])
                self._repeat(pending, min(2 * wait, T2), left - wait)

        if left > wait:
            self.phone.wire.clock.call_at(self.phone.wire.clock.time() + wait, again)

    def send(
        self, method: str, *headers: str, body: bytes = b"", content_type: str = "application/sdp", tag: str = ""
    ) -> Sent:
        """A request within the dialog; `tag` names another early dialog than the last."""
        tag = tag or self.remote_tag
        self._numbers[tag] += 1
        sent = self._go(method, self._numbers[tag], list(headers), body, content_type, tag)
        self.phone.settle()
        return sent

    def _go(self, method: str, number: int, rows: list[str], body: bytes, content_type: str, tag: str = "") -> Sent:
        phone = self.phone
        remote = self.remote.replace(f";tag={self.remote_tag}", f";tag={tag}") if tag else self.remote
        if method in ("INVITE", "UPDATE", "REFER", "SUBSCRIBE"):
            rows = [f"Contact: <{phone.contact}>", f"Allow: {phone.allow}", f"Supported: {phone.supported}", *rows]
        head = ["Max-Forwards: 70", f"From: {self.local}", f"To: {remote}", f"Call-ID: {self.call_id}"]
        content = [f"Content-Type: {content_type}"] if body else []
        return phone.send(method, self.target, [*head, f"CSeq: {number} {method}", *rows, *content], body, talk=self)

    def bye(self, *headers: str) -> Sent:
        self.ended = True
        return self.send("BYE", *headers)

    def reinvite(self, body: bytes, *headers: str) -> Sent:
        """A new offer; b"" asks for one."""
        return self.send("INVITE", *headers, body=body)

    def refer(self, number: str, *headers: str, replaces: str = "") -> Sent:
        """Asks for a transfer to a number, in the place of the dialog that `replaces` names."""
        uri = self.phone.uri(number) + (f"?Replaces={quote(replaces, safe='')}" if replaces else "")
        return self.send("REFER", f"Refer-To: <{uri}>", f"Referred-By: <{self.phone.uri(self.phone.number)}>", *headers)

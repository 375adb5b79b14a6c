"""Phones that act by script on a wire in memory.

They speak SIP on their own account: nothing of the transactions, dialogs or legs that are under test is used, only
the parser of single messages and the digest. What a phone has not been told to do it does as a plain desk phone
would: it acknowledges, repeats what is not answered, and answers what needs no person (`Phone.auto`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from sip import digest
from sip.errors import FlowClosed
from sip.grammar import hostport
from sip.message import Request, Response, parse
from sip.transport.base import Address, Flow
from tests.support.messages import raw
from tests.support.talks import Talk
from tests.support.wire import FakeFlow, Wire

T1, T2 = 0.5, 4.0
SETTLED = 0.06  # s; sixty hops on a wire with a delay of 1 ms
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, MESSAGE"

_serials = count(1)


def sdp(host: str, port: int = 4000, *, direction: str = "", address: str = "", version: int = 1) -> bytes:
    """A description of one audio stream; `address` in the c= line where it is not the host's."""
    kind = "IP6" if ":" in host else "IP4"
    rows = [
        "v=0",
        f"o=phone 1 {version} IN {kind} {host}",
        "s=-",
        f"c=IN {kind} {address or host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 101",
        "a=rtpmap:101 telephone-event/8000",
        *([f"a={direction}"] if direction else []),
    ]
    return "\r\n".join([*rows, ""]).encode()


@dataclass(eq=False)
class Sent:
    """A request that a phone has sent, and what came back."""

    request: Request
    data: bytes
    flow: Flow
    talk: Talk | None = None
    responses: list[Response] = field(default_factory=list)
    sign: Callable[[Response], Sent] | None = None
    signed: Sent | None = None

    @property
    def latest(self) -> Sent:
        """Itself, or what was sent in its place once it was challenged."""
        return self.signed or self

    @property
    def statuses(self) -> list[int]:
        return [response.status for response in self.responses]

    @property
    def status(self) -> int:
        """Of the final response; 0 while there is none."""
        return next((status for status in self.statuses if status >= 200), 0)

    @property
    def answer(self) -> Response:
        """The final response."""
        return next(response for response in self.responses if response.status >= 200)


class Phone:
    """A phone at an address of the wire, signed in as `name`.

    `auto` says which requests it answers by itself and how; a method that is missing waits for the script, in
    `Talk.asked` or `inbox`; `acks` and `pracks` whether it acknowledges by itself. `picks_up` makes it ring and, after
    so many seconds, answer.

    `deaf` loses all that comes, `dumb` all that goes out. `loses` names single messages that are lost: those that
    come as "ACK" or "200 INVITE", those that go out as "> BYE"; each is lost once for each time it stands there.
    """

    def __init__(
        self, wire: Wire, host: str, port: int, *, server: Address, domain: str, name: str, transport: str = "UDP"
    ) -> None:
        self.wire = wire
        self.host, self.port = host, port
        self.server, self.domain, self.name = server, domain, name
        self.number = name.partition("-")[0]
        self.password = f"secret-{name}"
        self.transport = transport
        self.station = wire.attach(self, host, port)
        self.flow = self.station.flow_to(transport, *server)
        self.contact = f"sip:{name}@{hostport(host, port)}"
        if transport != "UDP":
            self.contact += f";transport={transport.lower()}"
        self.sdp = sdp(host)
        self.allow, self.supported = ALLOW, "replaces, norefersub"
        self.algorithm = "MD5"
        self.auto: dict[str, int] = dict.fromkeys(
            ("BYE", "CANCEL", "NOTIFY", "OPTIONS", "INFO", "UPDATE", "INVITE", "MESSAGE", "PRACK"), 200
        )
        self.acks = True
        self.deaf = self.dumb = False
        self.loses: list[str] = []
        self.talks: list[Talk] = []
        self.inbox: list[Request] = []
        self.strays: list[Response] = []
        self.pracks = True
        self.picks_up: float | None = None
        self._hurried = False
        self._sent: dict[tuple[str, str], Sent] = {}
        self._answered: dict[tuple[str, str], bytes] = {}
        self._register_call = f"register-{next(_serials)}@{host}"
        self._register_numbers = count(1)

    # ---- what a test lets it do

    def register(self, *headers: str, expires: int = 3600, contact: str | None = None, params: str = "") -> Sent:
        """Registers, answering the challenge; `params` are those of its Contact."""
        rows = [f"Contact: <{contact or self.contact}>{params}", f"Expires: {expires}", *headers]
        return self._outside("REGISTER", f"sip:{self.domain}", self.number, rows, call_id=self._register_call)

    def call(self, number: str, *headers: str, body: bytes | None = None, **options: str) -> Talk:
        """Calls, with our description as the offer; `body` b"" asks for one. See `Talk` for what follows."""
        offer = self.sdp if body is None else body
        talk = Talk(self)
        self.talks.append(talk)
        rows = [f"Contact: <{self.contact}>", f"Allow: {self.allow}", f"Supported: {self.supported}", *headers]
        if offer:
            rows.append("Content-Type: application/sdp")
        self._outside("INVITE", self.uri(number), number, rows, body=offer, talk=talk, **options)
        return talk

    def ask(self, method: str, number: str, *headers: str, body: bytes = b"", **options: str) -> Sent:
        """A request outside of any dialog, signed when it is challenged."""
        return self._outside(method, self.uri(number), number, list(headers), body=body, **options)

    def uri(self, number: str) -> str:
        return f"sip:{number}@{self.domain}"

    def rung(self) -> Talk:
        """The call that came in last, and is not answered yet."""
        waiting = [talk for talk in self.talks if talk.invite is not None and not talk.final]
        assert waiting, f"the phone of {self.name} does not ring"
        return waiting[-1]

    @property
    def rings(self) -> bool:
        return any(talk.invite is not None and not talk.final for talk in self.talks)

    @property
    def talk(self) -> Talk:
        """The one call that it has."""
        live = [talk for talk in self.talks if talk.live]
        assert len(live) == 1, f"the phone of {self.name} has {len(live)} calls"
        return live[0]

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """What it does within goes out at once: nothing comes in between."""
        with self._acting():
            yield
        self.settle()

    @contextmanager
    def _acting(self) -> Iterator[None]:
        before, self._hurried = self._hurried, True
        yield
        self._hurried = before

    def settle(self) -> None:
        """Lets everything that was sent be answered."""
        if not self._hurried:
            self.wire.clock.advance(SETTLED)

    # ---- requests

    def _outside(
        self,
        method: str,
        uri: str,
        number: str,
        headers: list[str],
        *,
        body: bytes = b"",
        talk: Talk | None = None,
        call_id: str = "",
        from_: str = "",
        max_forwards: str = "70",
    ) -> Sent:
        call_id = call_id or f"call-{next(_serials)}@{self.host}"
        origin = from_ or f'"Phone {self.name}" <sip:{self.number}@{self.domain}>'
        tag = talk.local_tag if talk is not None else f"tag-{next(_serials)}"
        rows = [
            f"Max-Forwards: {max_forwards}",
            f"From: {origin};tag={tag}",
            f"To: <{self.uri(number)}>",
            f"Call-ID: {call_id}",
        ]
        numbers = self._register_numbers if method == "REGISTER" else count(1)

        def send(*credentials: str) -> Sent:
            numbered = [*rows, f"CSeq: {next(numbers)} {method}", *headers, *credentials]
            sent = self.send(method, uri, numbered, body, talk=talk)
            if talk is not None:
                talk.sent = sent
            return sent

        sent = send()
        sent.sign = lambda challenge: send(self.credentials(challenge, method, uri))
        self.settle()
        return sent.latest

    def credentials(self, challenge: Response, method: str, uri: str) -> str:
        """The row that answers a challenge."""
        proxy = challenge.status == 407
        rows = challenge.rows("Proxy-Authenticate" if proxy else "WWW-Authenticate")
        offers = [digest.parse_challenge(row) for row in rows]
        offer = next(each for each in offers if each is not None and each.algorithm == self.algorithm)
        secret = digest.ha1(self.algorithm, self.name, offer.realm, self.password)
        asked = digest.ha2(self.algorithm, method, uri)
        nc, cnonce = "00000001", "c0ffee"
        answer = digest.response(self.algorithm, secret, offer.nonce, asked, qop="auth", nc=nc, cnonce=cnonce)
        given = digest.Credentials(self.name, offer.realm, offer.nonce, uri, answer, self.algorithm, "auth", nc, cnonce)
        return f"{'Proxy-Authorization' if proxy else 'Authorization'}: {digest.format_credentials(given)}"

    def send(
        self,
        method: str,
        uri: str,
        rows: list[str],
        body: bytes = b"",
        *,
        talk: Talk | None = None,
        branch: str = "",
        flow: Flow | None = None,
    ) -> Sent:
        """Sends a request, and again until something comes back."""
        flow = flow or self.way()
        branch = branch or f"z9hG4bKphone{next(_serials)}"
        via = f"Via: SIP/2.0/{self.transport} {hostport(self.host, self.port)};branch={branch};rport"
        data = raw(f"{method} {uri} SIP/2.0", [via, *rows, f"Content-Length: {len(body)}"], body)
        request = parse(data)
        assert isinstance(request, Request)
        sent = Sent(request, data, flow, talk)
        if method != "ACK":
            self._sent[branch, method] = sent
        self._transmit(data, flow, method)
        if method != "ACK" and not flow.reliable:
            self._repeat(sent, T1, 64 * T1)
        return sent

    def way(self) -> FakeFlow:
        """The flow to the server; a connection that is gone is opened anew."""
        if self.flow.closed:
            self.flow = self.station.flow_to(self.transport, *self.server)
        return self.flow

    def _repeat(self, sent: Sent, wait: float, left: float) -> None:
        def again() -> None:
            if not sent.responses or (sent.request.method != "INVITE" and not sent.status):
                self._transmit(sent.data, sent.flow, sent.request.method)
                self._repeat(sent, min(2 * wait, T2) if sent.request.method != "INVITE" else 2 * wait, left - wait)

        if left > wait:
            self.wire.clock.call_at(self.wire.clock.time() + wait, again)

    def _transmit(self, data: bytes, flow: Flow, what: str) -> None:
        if self.dumb or self._lost(f"> {what}"):
            return
        try:
            flow.send(data)
        except FlowClosed:
            return

    def _lost(self, what: str) -> bool:
        if what in self.loses:
            self.loses.remove(what)
            return True
        return False

    # ---- the wire's receiver

    def received(self, data: bytes, flow: Flow) -> None:
        message = parse(data, stream=flow.reliable)
        assert message.cseq is not None
        what = message.method if isinstance(message, Request) else f"{message.status} {message.cseq.method}"
        if self.deaf or self._lost(what):
            return
        with self._acting():  # within a step of the clock, which goes on when this returns
            if isinstance(message, Response):
                self._response(message, message.cseq.method)
            else:
                self._request(message, flow)

    def malformed(self, data: bytes, flow: Flow, error: Exception) -> None:
        raise AssertionError("the wire frames nothing")

    def undelivered(self, data: bytes, flow: Flow) -> None:
        raise AssertionError("the wire tells nobody")

    def flow_lost(self, flow: Flow) -> None:
        """What waits for an answer on it waits in vain."""

    def _response(self, response: Response, method: str) -> None:
        sent = self._sent.get((response.via.branch, method))
        if sent is None:
            self.strays.append(response)
            return
        sent.responses.append(response)
        if method == "INVITE" and response.status >= 300:
            self._acknowledge_failure(sent, response)
        if response.status in (401, 407) and sent.sign is not None and sent.signed is None:
            sent.signed = sent.sign(response)
        elif sent.talk is not None:
            sent.talk.heard_from(sent, response)

    def _acknowledge_failure(self, sent: Sent, response: Response) -> None:
        request = sent.request
        assert request.cseq is not None
        rows = [
            "Max-Forwards: 70",
            f"From: {request.get('From')}",
            f"To: {response.get('To')}",
            f"Call-ID: {request.call_id}",
            f"CSeq: {request.cseq.number} ACK",
        ]
        self.send("ACK", request.uri, rows, branch=request.via.branch, flow=sent.flow)

    def _request(self, request: Request, flow: Flow) -> None:
        method = request.method
        key = (request.via.branch, method)
        if key in self._answered:
            if self._answered[key]:
                self._transmit(self._answered[key], flow, "repeated answer")
            return
        if method != "ACK":
            self._answered[key] = b""
        talk = next((one for one in self.talks if one.owns(request)), None)
        if method == "CANCEL":
            talk = next((one for one in self.talks if one.invited_by(request)), None)
        if talk is not None:
            talk.take(request, flow)
        elif method == "INVITE" and not request.to_tag:
            talk = Talk(self)
            self.talks.append(talk)
            talk.invited(request, flow)
            if self.picks_up is not None:
                self._pick_up(talk, self.picks_up)
        elif method == "ACK":
            return
        elif request.to_tag or method == "CANCEL":
            self.answer(request, flow, 481)
        else:
            self.inbox.append(request)
            if method in self.auto:
                self.answer(request, flow, self.auto[method])

    def _pick_up(self, talk: Talk, seconds: float) -> None:
        def answer() -> None:
            with self._acting():
                if not talk.final:
                    talk.answer()

        talk.ring()
        self.wire.clock.call_at(self.wire.clock.time() + seconds, answer)

    def answer(
        self,
        request: Request,
        flow: Flow,
        status: int,
        *headers: str,
        body: bytes = b"",
        tag: str = "",
        reason: str = "Whatever",
    ) -> bytes:
        """Sends a response; the last one is repeated when the request comes again. Returns its octets."""
        to = request.headers["To"][0]
        if not request.to_tag and status > 100:
            to += f";tag={tag or 'nobody'}"
        rows = [f"Via: {via}" for via in request.headers["Via"]]
        rows += [f"{name}: {request.headers[name][0]}" for name in ("From", "Call-ID", "CSeq")]
        rows += [f"To: {to}", *headers, *(["Content-Type: application/sdp"] if body else [])]
        data = raw(f"SIP/2.0 {status} {reason}", [*rows, f"Content-Length: {len(body)}"], body)
        self._answered[request.via.branch, request.method] = data
        self._transmit(data, flow, f"{status} {request.method}")
        return data

    def repeat_answer(self, data: bytes, flow: Flow) -> None:
        """A response again that was not acknowledged."""
        self._transmit(data, flow, "repeated answer")

"""A leg: one party of a call, its dialog, and the requests that go either way in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from pbx.calls.edge import Edge, Made, inward, outward, said
from pbx.calls.incoming import Headers, Incoming, description
from pbx.calls.proposal import Proposal
from pbx.calls.states import LegInput, LegState, can, moved
from pbx.calls.switch import EXTENSIONS, METHODS, WITHOUT_100REL
from pbx.calls.unacknowledged import Unacknowledged
from pbx.media.errors import MediaError
from sip.dialog.dialog import Dialog
from sip.endpoint import ResponseHandler
from sip.errors import DialogError, ParseError
from sip.identifiers import token
from sip.message import Request, Response, respond
from sip.transaction.client import ClientTransaction
from sip.transaction.server import ServerTransaction
from sip.transport.base import Flow

if TYPE_CHECKING:
    from pbx.calls.session_timer import SessionTimer
    from pbx.calls.switch import Switch
    from pbx.registrar.bindings import Binding


class Owner(Protocol):
    """Whom a leg tells what its party does: the call."""

    def leg_asks(self, leg: Leg, incoming: Incoming) -> None:
        """A request within the dialog other than BYE."""

    def leg_hung_up(self, leg: Leg, reason: str, how: str = "hung up") -> None:
        """The party has left: by BYE, or its dialog died. The leg has ended. `reason` is a Reason header or "".

        `how` says in words what the party did, for the record.
        """

    def leg_changed(self) -> None:
        """Something that must survive a restart has changed."""


class Leg:
    """One party's dialog with us.

    `inbound`: the party called us. `number` is the user it belongs to, `flow` the path by which the dialog began.
    `local_sdp` and `remote_sdp` are the last descriptions that went each way, as the rest of the call sees the remote
    one; `sdp_source` is what `local_sdp` was made of. `webrtc`: the party is a browser. `edge` is where its media
    passes through us, if it does. `other_host` is the IP address of the other party's signalling, "" for unknown;
    `partner` whom it talks with since a transfer, as a name-addr; `private`: nobody may learn who the party is
    (RFC 3323). `heard_at` is when the party last came by a new way, in seconds of the Unix epoch. `asking` is our own
    pending INVITE or UPDATE, `asked` the party's (RFC 3261 §14: one at a time). `owed` is the 2xx to an INVITE of ours
    that has had no ACK yet.
    """

    __slots__ = (
        "allows",
        "asked",
        "asking",
        "dialog",
        "edge",
        "flow",
        "heard_at",
        "inbound",
        "last_ack",
        "local_sdp",
        "number",
        "other_host",
        "owed",
        "owner",
        "partner",
        "private",
        "remote_sdp",
        "sdp_id",
        "sdp_source",
        "sdp_version",
        "session",
        "state",
        "supports",
        "switch",
        "unacknowledged",
        "waiting",
        "webrtc",
    )

    def __init__(self, switch: Switch, number: str, dialog: Dialog, flow: Flow, *, inbound: bool) -> None:
        self.inbound = inbound
        self.switch = switch
        self.number = number
        self.dialog = dialog
        self.flow = flow
        self.owner: Owner | None = None
        self.state = LegState.CALLING
        self.allows: frozenset[str] = frozenset()
        self.supports: frozenset[str] = frozenset()
        self.local_sdp = b""
        self.remote_sdp = b""
        self.other_host = ""
        self.partner = ""
        self.private = False
        self.heard_at = 0.0
        self.sdp_id = 0
        self.sdp_source = b""
        self.sdp_version = 0
        self.webrtc = flow.transport in ("WS", "WSS")
        self.edge: Edge | None = None
        self.asking: ClientTransaction | Proposal | None = None
        self.asked: Incoming | None = None
        self.owed: Response | None = None
        self.unacknowledged: Unacknowledged | None = None
        self.last_ack: tuple[int, bytes] | None = None
        self.waiting: list[Callable[[], object]] = []
        self.session: SessionTimer | None = None
        switch.legs[dialog.call_id, dialog.local_tag] = self

    # ---- state

    def move(self, happened: LegInput) -> None:
        self.state = moved(self.state, happened)

    @property
    def live(self) -> bool:
        """Whether the party is talking to us: answered, and not gone."""
        return self.state is LegState.CONFIRMED or self.state is LegState.ANSWERED

    @property
    def busy(self) -> bool:
        """Whether an offer of either side is under way, or the ACK that ends one (RFC 3261 §14.1, §14.2)."""
        return self.asking is not None or self.asked is not None or self.owed is not None

    def is_at(self, binding: Binding) -> bool:
        """Whether the party's phone is the one that registered so. Its Contact here may differ from that one."""
        if self.dialog.target in (binding.contact, binding.gruu):
            return True
        return not binding.path and (binding.transport, binding.source) == (self.flow.transport, self.flow.remote)

    def end(self) -> None:
        """Forgets the dialog. What is still under way is answered 487 or dropped."""
        if self.state is LegState.ENDED:
            return
        self.waiting.clear()
        if self.owed is not None:  # RFC 3261 §13.2.2.4: every 2xx gets its ACK, also when nobody wants it any more
            self.acknowledge(self.owed)
        self.state = LegState.ENDED
        self.switch.legs.pop((self.dialog.call_id, self.dialog.local_tag), None)
        if self.unacknowledged is not None:
            self.unacknowledged.stop()
            self.unacknowledged = None
        if self.asked is not None:
            self.asked.answer(487)
        self.session = None
        if self.edge is not None:
            self.edge.close()
            self.edge = None

    def learn(self, message: Request | Response) -> None:
        """What the party can do, from its Allow and Supported."""
        if "Allow" in message.headers:
            self.allows = frozenset(message.tokens("Allow"))
        if "Supported" in message.headers:
            self.supports = frozenset(message.tokens("Supported"))

    def pause(self) -> float:
        """How long to wait after a 491, in seconds (RFC 3261 §14.1): longer for the one who chose the Call-ID."""
        chance = int(token()[:4], 16) / 0xFFFF
        return round(2.0 * chance if self.inbound else 2.1 + 1.9 * chance, 2)

    # ---- to the party

    def hop(self) -> Flow:
        """The flow for the next request in this dialog.

        The connection that the dialog lives on; when that is gone, the one by which the phone has registered
        since. A datagram goes to the address that the party names (its Contact or first route) where that is
        the host that it really sends from, and otherwise, behind NAT, back to where it came from last.
        """
        flow = self.flow
        if flow.reliable:
            if flow.closed:
                again = self.switch.flow_again(self.number, self.dialog.target)
                if again is not None:
                    self.flow = again
                    return again
            return flow
        uri = self.dialog.next_hop()
        if uri.host != flow.remote[0] and not self.dialog.routes:
            self.flow = self.switch.moved(self) or flow
            return self.flow
        port = uri.port or 5060
        transport = uri.params.get("transport", "udp").upper()
        if uri.host != flow.remote[0] or (port == flow.remote[1] and transport == "UDP") or "gr" in uri.params:
            return flow  # a GRUU (RFC 5627) names us, not an address of the phone
        network = self.switch.endpoint.network
        assert network is not None
        if transport not in ("UDP", "TCP"):
            return flow
        self.flow = network.flow_to(transport, uri.host, port, prefer=flow)
        return self.flow

    def is_cut_off(self) -> bool:
        """Whether the party's connection is gone, and it has not come back by another one."""
        return self.flow.closed and self.hop().closed

    def send(
        self,
        method: str,
        handler: ResponseHandler,
        *,
        body: bytes = b"",
        content_type: str = "application/sdp",
        headers: Headers = (),
    ) -> None:
        """Sends a request within the dialog, or has it wait for a party whose connection is gone."""
        request = self.current_dialog().request(method, body, content_type)
        for name, value in headers:
            request.add(name, value)
        self.switch.recovery.request(self, request, handler)

    def offer(self, method: str, body: bytes, handler: ResponseHandler) -> Proposal:
        """Sends INVITE or UPDATE in the dialog: to change the session, to refresh it, to ask for an offer.

        `handler` gets every response, a repeated 2xx excepted; the 2xx to an INVITE must then be acknowledged.
        """
        self.asking = proposal = Proposal(self, method, body, handler)
        proposal.start()
        return proposal

    def hang_up(self, reason: str = "") -> None:
        """Sends BYE and ends the leg; the party's answer to it is not waited for.

        A party that has not acknowledged our answer gets its BYE after that (RFC 3261 §15).
        """
        if self.state is LegState.ENDED:
            return
        pending = self.unacknowledged
        if self.state is LegState.ANSWERED and pending is not None and not pending.given_up:
            self.owner = None
            pending.on_ack = lambda _: self._bye(reason)
            return
        self._bye(reason)

    def _bye(self, reason: str) -> None:
        headers = [("Reason", reason)] if reason else []
        self.end()
        self.send("BYE", _ignore, headers=headers)

    def dress(self, message: Request | Response) -> None:
        """Adds what every INVITE, UPDATE and 2xx to them carries: Contact, Allow, Supported, session timer."""
        message.set("Contact", self.dialog.contact)
        message.set("Allow", METHODS)
        message.set("Supported", EXTENSIONS if isinstance(message, Response) else WITHOUT_100REL)
        if self.partner:
            message.set("P-Asserted-Identity", self.partner)
        if self.session is not None:
            self.session.dress(message)

    def acknowledge(self, response: Response, body: bytes = b"") -> None:
        """Sends the ACK of a 2xx to our INVITE, and keeps it for the 2xx's repetitions."""
        outward(self, body, offer=False, then=lambda described: self._acknowledge(response, said(described)))

    def _acknowledge(self, response: Response, described: bytes) -> None:
        number = response.cseq.number if response.cseq else 0
        ack = self.dialog.ack(number, described)
        if ack.body:
            ack.set("Content-Type", "application/sdp")
        self.owed = None
        self.last_ack = (number, self.switch.endpoint.send_ack(ack, self.hop()))
        if can(self.state, LegInput.ACK):
            self.move(LegInput.ACK)
            self.confirmed()

    def repeat_ack(self, response: Response) -> bool:
        """Answers a repeated 2xx with the ACK that it had; False when it has had none."""
        if self.last_ack is None or response.cseq is None or self.last_ack[0] != response.cseq.number:
            return False
        self.switch.endpoint.send(self.last_ack[1], self.hop())
        return True

    # ---- from the party

    def receive(self, request: Request, flow: Flow) -> None:
        """A request within the dialog, other than ACK. Raises ParseError."""
        endpoint = self.switch.endpoint
        dialog: Dialog | None = self.dialog
        if request.from_tag != self.dialog.remote_tag:
            dialog = self.early_dialog(request.from_tag)
        if dialog is None:
            endpoint.reply(request, flow, respond(request, 481))
            return
        transaction = endpoint.serve(request, flow)
        try:
            dialog.check(request)
        except DialogError as error:
            headers = [("Retry-After", str(error.retry_after))] if error.retry_after else []
            endpoint.respond(transaction, respond(request, error.status, error.reason, headers=headers))
            return
        if flow.reliable and flow is not self.flow:
            self.flow = flow  # the phone has come by a new connection
            self.switch.recovery.came_back(self)
        elif not self.flow.reliable and not dialog.routes and flow != self.flow:
            self.flow, self.heard_at = flow, self.switch.clock().timestamp()  # NAT has given it another port
        incoming = Incoming(self, request, transaction)
        if request.method == "BYE":
            self._hung_up(incoming)
        elif self.owner is None:
            incoming.answer(481)  # hung up, but for an ACK that we wait for
        elif request.method in ("INVITE", "UPDATE"):
            if self._offered(incoming, dialog):
                inward(self, request.body, offer=True, then=lambda made: self._asked(incoming, made))
        else:
            self.owner.leg_asks(self, incoming)

    def _asked(self, incoming: Incoming, made: Made) -> None:
        if isinstance(made, MediaError):
            incoming.answer(488)
            return
        incoming.request.body = made
        if made:
            incoming.before, self.remote_sdp = self.remote_sdp, made
        if self.owner is not None:
            self.owner.leg_asks(self, incoming)

    def current_dialog(self) -> Dialog:
        """The dialog for our next request."""
        return self.dialog

    def early_dialog(self, tag: str) -> Dialog | None:
        """The dialog with one of several phones that an INVITE of ours was forked to, before one has answered."""
        del tag
        return None

    def _hung_up(self, incoming: Incoming) -> None:
        if not self.inbound and not self.live:
            incoming.answer(481)  # RFC 3261 §15: who is called must not send BYE before having answered
            return
        incoming.answer(200)
        reason = incoming.request.get("Reason") or ""
        self.end()
        if self.owner is not None:
            self.owner.leg_hung_up(self, reason)

    def _offered(self, incoming: Incoming, dialog: Dialog) -> bool:
        """Takes note of an INVITE or UPDATE; False when it was refused here."""
        request = incoming.request
        # Before the answer, the first INVITE is under way and an UPDATE may come all the same (RFC 3311 §5.1).
        early = request.method == "UPDATE" and not self.live
        if self.asked is not None and not early:  # RFC 3261 §14.2
            incoming.answer(500, headers=[("Retry-After", str(int(token()[0], 16) % 10))])
            return False
        if (self.asking is not None or self.owed is not None) and not (early and not self.inbound):
            incoming.answer(491)
            return False
        try:
            description(request)
            dialog.refresh_target(request)
        except ParseError as error:
            incoming.answer(error.status, error.reason)
            return False
        self.learn(request)
        if self.session is not None and not self.session.asked(incoming):
            return False
        if not early:
            self.asked = incoming
        return True

    def acked(self, ack: Request) -> None:
        """The ACK of our 2xx."""
        pending = self.unacknowledged
        if pending is None or ack.cseq is None or ack.cseq.number != pending.number:
            return
        self.unacknowledged = None
        pending.stop()
        body = b""
        with suppress(ParseError):  # a body that is no description answers nothing
            body = description(ack)
        inward(self, body, offer=False, then=lambda made: self._acked(pending, said(made)))

    def _acked(self, pending: Unacknowledged, body: bytes) -> None:
        if body:
            self.remote_sdp = body
        if can(self.state, LegInput.ACK):
            self.move(LegInput.ACK)
        if pending.on_ack is not None:
            pending.on_ack(body)
        self.confirmed()

    def send_2xx(
        self,
        transaction: ServerTransaction,
        response: Response,
        number: int,
        on_ack: Callable[[bytes], None] | None,
    ) -> None:
        """Answers an INVITE, and goes on answering until the ACK (RFC 3261 §13.3.1.4)."""
        if self.unacknowledged is not None:
            self.unacknowledged.stop()
        self.unacknowledged = Unacknowledged(self, transaction, response, number, on_ack)
        self.switch.endpoint.respond(transaction, response)

    def when_confirmed(self, action: Callable[[], object]) -> None:
        """Runs `action` now, or once the party has acknowledged what it was answered."""
        if self.state is LegState.CONFIRMED and self.unacknowledged is None:
            action()
        else:
            self.waiting.append(action)

    def confirmed(self) -> None:
        """The three-way handshake is complete: what waited for it goes on."""
        if self.owner is not None:
            self.owner.leg_changed()
        waiting, self.waiting = self.waiting, []
        for action in waiting:
            if self.state is not LegState.ENDED:
                action()

    def lost(self, status: int, why: str) -> None:
        """The party is gone without having said so."""
        if self.state is LegState.ENDED:
            return
        owner, reason = self.owner, f'SIP;cause={status};text="{why}"'
        self.hang_up(reason)
        if owner is not None:
            owner.leg_hung_up(self, reason, f"was lost: {why.lower()}")


def _ignore(_: Response) -> None:
    """For requests whose answer changes nothing any more."""

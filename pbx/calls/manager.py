"""All calls of an engine: new ones are admitted and routed, known ones get what belongs to them."""

from __future__ import annotations

from collections.abc import Callable

from pbx.calls.admission import objection
from pbx.calls.call import Call
from pbx.calls.inbound import InboundLeg
from pbx.calls.invitation import caller_of
from pbx.calls.leg import Leg
from pbx.calls.origin import InviteOrigin
from pbx.calls.replaces import Replaces, TakeOver
from pbx.calls.states import LegState
from pbx.calls.switch import Switch
from pbx.registrar.authenticator import Account, Authenticator
from pbx.registrar.gruu import instance_of
from pbx.routing.plan import plan
from sip.identifiers import token
from sip.message import Request, Response, respond
from sip.transport.base import Flow
from sip.uri import OtherUri, SipUri, TelUri, Uri

GONE_AFTER = 15.0  # s; a reload of the page, or another network, takes less


class CallManager:
    """`refusing` says why no new calls are taken at the moment, "" when they are: overload, draining, a database
    that refuses."""

    def __init__(self, switch: Switch, authenticator: Authenticator, refusing: Callable[[], str]) -> None:
        self._switch = switch
        self._authenticator = authenticator
        self._refusing = refusing
        # INVITEs without a final answer, by Call-ID and From tag: for CANCEL, and to see merged requests.
        self._inviting: dict[tuple[str, str], InboundLeg] = {}
        self._missing: dict[Leg, float] = {}

    # ---- new calls

    def invite(self, request: Request, flow: Flow, now: float, uri: Uri) -> None:
        """An INVITE outside any dialog. Raises ParseError."""
        switch, endpoint = self._switch, self._switch.endpoint
        why_not = self._refusing()
        if why_not:
            endpoint.reply(request, flow, respond(request, 503, why_not, headers=[("Retry-After", "5")]))
            return
        refusal = objection(request, switch)
        if refusal is None:
            refusal = self._looped(request)
        if refusal is not None:
            endpoint.reply(request, flow, refusal)
            return
        account = self._authenticator.check(request, flow.remote, now, proxy=True)
        if not isinstance(account, Account):
            endpoint.reply(request, flow, account)
            return
        hops = request.max_forwards
        if hops == 0:
            endpoint.reply(request, flow, respond(request, 483))
            return
        if "Replaces" in request.headers:
            self._take_over(request, flow, account)
            return
        dialled = dialled_number(uri, switch)
        if dialled is None or "\0" in dialled:  # which no database takes as text
            endpoint.reply(request, flow, respond(request, 404))
            return
        caller = caller_of(request, account.user.number, account.user.name)
        leg = self._open(request, flow, account, dialled, private=caller.private)
        route = plan(dialled, caller.number, switch.clock(), switch.directory(), private=caller.private)
        origin = InviteOrigin(leg, request)
        call = Call(switch, route, caller, origin, hops=hops - 1)
        if isinstance(uri, SipUri):
            call.instance = instance_of(uri)
        origin.attach(call)
        call.walk()

    def _open(self, request: Request, flow: Flow, account: Account, dialled: str, *, private: bool) -> InboundLeg:
        leg = InboundLeg.invited(self._switch, account.user.number, dialled, request, flow)
        leg.private = private
        key = (request.call_id, request.from_tag)
        self._inviting[key] = leg
        leg.on_final = lambda: self._inviting.pop(key, None)
        return leg

    def _looped(self, request: Request) -> Response | None:
        """482 for a request of ours that came back, or one that came by two ways (RFC 3261 §8.2.2.2)."""
        key = (request.call_id, request.from_tag)
        if key in self._switch.legs or key in self._inviting:
            return respond(request, 482)
        return None

    def _take_over(self, request: Request, flow: Flow, account: Account) -> None:
        """INVITE with Replaces: 486 for a call that was wanted only while it rang (RFC 3891 §3)."""
        endpoint = self._switch.endpoint
        replaces = Replaces.parse(request.headers["Replaces"][0])
        replaced = replaces.find(self._switch)
        call = replaced.owner if replaced is not None and replaced.live else None
        other = call.other(replaced) if isinstance(call, Call) and replaced is not None else None
        if replaced is None or other is None or not isinstance(call, Call):
            endpoint.reply(request, flow, respond(request, 481))
        elif replaced.number != account.user.number:
            endpoint.reply(request, flow, respond(request, 403, "Not Your Call"))
        elif replaces.early_only:
            endpoint.reply(request, flow, respond(request, 486))
        elif call.transfer is not None:
            endpoint.reply(request, flow, respond(request, 491))
        else:
            private = replaced.private or caller_of(request, account.user.number, account.user.name).private
            successor = self._open(request, flow, account, replaced.number, private=private)
            TakeOver(call, replaced, successor, other).start()

    # ---- what belongs to calls

    def cancel(self, request: Request, flow: Flow) -> None:
        """CANCEL: 200 to it and 487 to its INVITE, unless that has its answer already (RFC 3261 §9.2)."""
        endpoint = self._switch.endpoint
        invite = endpoint.invite_of(request)
        if invite is None:
            endpoint.reply(request, flow, respond(request, 481))
            return
        if request.to_tag:
            endpoint.respond(endpoint.serve(request, flow), respond(request, 200))
            within = self._switch.legs.get((request.call_id, request.to_tag))
            if within is not None and within.asked is not None and within.asked.transaction is invite:
                within.asked.cancel()
            return
        leg = self._inviting.get((request.call_id, request.from_tag))
        tag = leg.dialog.local_tag if leg is not None else token()
        endpoint.respond(endpoint.serve(request, flow), respond(request, 200, to_tag=tag))
        if leg is not None and leg.state is not LegState.ENDED:
            reason = request.get("Reason") or ""
            if isinstance(leg.owner, Call):
                leg.owner.cancel(reason)
            else:
                leg.reject(487)

    def ack(self, ack: Request) -> None:
        """The ACK of a 2xx of ours."""
        leg = self._switch.legs.get((ack.call_id, ack.to_tag))
        if leg is not None and leg.dialog.remote_tag == ack.from_tag:
            leg.acked(ack)

    def within_dialog(self, request: Request, flow: Flow) -> None:
        """A request with a To tag: its leg's, or 481. Raises ParseError."""
        leg = self._switch.legs.get((request.call_id, request.to_tag))
        if leg is None:
            self._switch.endpoint.reply(request, flow, respond(request, 481))
        else:
            leg.receive(request, flow)

    def tick(self, now: float) -> None:
        """Every few seconds: sessions are refreshed, or end (RFC 4028); who is gone leaves its call."""
        self._look_for_browsers(now)
        for ringing in list(self._inviting.values()):
            if ringing.invitation is not None and ringing.invitation.transaction.flow.closed:
                ringing.lost(480, "The caller is gone")  # no answer can reach it any more
        self._switch.recovery.tidy()
        legs: list[Leg] = [leg for leg in self._switch.legs.values() if leg.session is not None and leg.live]
        for leg in legs:
            if leg.session is not None and leg.owner is not None:
                leg.session.tick(now)

    def _look_for_browsers(self, now: float) -> None:
        """A page that is closed says nothing: its WebSocket is gone, and no other one comes within `GONE_AFTER`."""
        since, self._missing = self._missing, {}
        for leg in list(self._switch.legs.values()):
            if leg.webrtc and leg.live and leg.is_cut_off():
                self._missing[leg] = since.get(leg, now)
        for leg, began in list(self._missing.items()):
            if now - began >= GONE_AFTER:
                leg.lost(480, "The browser is gone")


def dialled_number(uri: Uri, switch: Switch) -> str | None:
    """The number that a Request-URI dials; None for a host that is not ours."""
    if isinstance(uri, TelUri):
        return uri.number
    if isinstance(uri, OtherUri) or not switch.is_ours(uri.host):
        return None
    return uri.number

"""The host of the protocol: delivers messages to transactions and carries out what they want.

Everything below `transaction/` and `dialog/` is called and returns; sockets are in `transport/`; here is the
clock, the timers and the tables that join them. The transaction user (`pbx`) is told of new requests and of
responses to its own.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from math import ceil
from typing import Any, Final

from sip import trace
from sip.complaints import Complaints
from sip.errors import ParseError, TransportError
from sip.grammar import split_list
from sip.headers import SINGLE
from sip.identifiers import token
from sip.message import MalformedRequest, Request, Response, parse, parse_text, respond
from sip.surroundings import Clock, Network, TransactionUser
from sip.timers import Timer, TimerQueues, Timers
from sip.transaction.client import ClientTransaction, InviteClient, NonInviteClient
from sip.transaction.effects import Effect, PassUp, Send, StartTimer
from sip.transaction.keys import invite_key, key_of, key_of_sent, server_key
from sip.transaction.local import local_response
from sip.transaction.server import InviteServer, NonInviteServer, ServerTransaction
from sip.transaction.tables import TIMER_INPUTS, Machine, State
from sip.transport.base import Flow
from sip.vias import note_source, our_via

log = logging.getLogger(__name__)

# RFC 3261 §18.1.1: larger requests go over a congestion controlled transport when the path MTU is unknown.
LARGEST_DATAGRAM_REQUEST: Final = 1300
TICKS: Final = 16  # in T1; timers fire up to one tick late, so that one wake-up serves many
NO_STREAM_SECONDS: Final = 600.0  # how long a host that takes no TCP is not asked again
_MOST_NO_STREAM_HOSTS: Final = 10_000


ResponseHandler = Callable[[Response], None]


class Endpoint:
    """Transactions on real flows and a real clock. Receives from the transport layer (`Receiver`).

    `most_transactions` bounds the server transactions kept: requests beyond are shed by a stateless 503.
    """

    def __init__(self, clock: Clock, *, timers: Timers | None = None, most_transactions: int = 400_000) -> None:
        self.timers = timers or Timers()
        self.user: TransactionUser | None = None
        self.network: Network | None = None
        self.counters = {"strays": 0, "malformed": 0, "retransmissions": 0, "shed": 0, "failures": 0}
        # Made once: thousands of pending timers refer to them.
        self._fire = {name: partial(self._fired, name) for name in TIMER_INPUTS}
        self._traced = trace.traced()
        self._complaints = Complaints(clock.time, self.counters)
        self._clock = clock
        self._tick = self.timers.t1 / TICKS
        self._queues = TimerQueues()
        self._armed: Any = None
        self._armed_at = float("inf")
        self._servers: dict[str, ServerTransaction] = {}
        self._clients: dict[str, ClientTransaction] = {}
        self._by_flow: dict[Flow, set[ClientTransaction]] = {}
        self._no_stream: dict[str, float] = {}
        self._most = most_transactions

    # ---- time

    def now(self) -> float:
        """The clock's time in seconds; only differences mean anything."""
        return self._clock.time()

    def start_timer(self, seconds: float, callback: Callable[[Any], None], argument: Any = None) -> Timer:
        """Runs `callback(argument)` after `seconds`, unless cancelled."""
        timer = self._queues.start(self._clock.time(), seconds, callback, argument)
        if timer.deadline < self._armed_at:
            self._arm(timer.deadline)
        return timer

    def _arm(self, deadline: float) -> None:
        if self._armed is not None:
            self._armed.cancel()
        self._armed_at = ceil(deadline / self._tick) * self._tick
        self._armed = self._clock.call_at(self._armed_at, self._run_timers)

    def _run_timers(self) -> None:
        self._armed, self._armed_at = None, float("inf")
        self._queues.run(self._clock.time(), self._report)
        deadline = self._queues.next_deadline()
        if deadline is not None and deadline < self._armed_at:
            self._arm(deadline)

    # ---- from the network

    def received(self, data: bytes, flow: Flow) -> None:
        """One message from the network. Whatever it holds, this returns."""
        if self._traced:
            trace.came(data, flow)
        text = data.decode("latin-1")
        key = key_of(text)
        if key:
            known = self._servers.get(key)
            if known is not None and self._absorb(known, text.startswith("ACK ")):
                return
        try:
            message = parse_text(text, data, stream=flow.reliable)
        except MalformedRequest as broken:
            self._complaints.malformed(flow, broken)
            self.refuse(broken.request, flow, broken)
            return
        except ParseError as error:
            self._complaints.malformed(flow, error)
            return
        try:
            if isinstance(message, Request):
                message.key = key
                self._request(message, flow)
            else:
                self._response(message)
        except Exception as defect:  # one of ours must not stop the server
            self._report(defect, flow)
            if isinstance(message, Request) and message.method != "ACK":
                self._answer_failure(message, flow)

    def malformed(self, data: bytes, flow: Flow, error: ParseError) -> None:
        """A stream that cannot be framed any further; what can be answered is."""
        self._complaints.malformed(flow, error)
        try:
            message = parse(data if b"\r\n\r\n" in data else data + b"\r\n\r\n")
        except MalformedRequest as broken:
            message = broken.request
        except ParseError:
            return
        if isinstance(message, Request):
            self.refuse(message, flow, error)

    def undelivered(self, data: bytes, flow: Flow) -> None:
        """Nobody is there: the request whose datagram is quoted fails, unless the peer has been heard of it (§18.4).

        Who forges an ICMP error would have to know the branch.
        """
        transaction = self._clients.get(key_of_sent(data) or "")
        if transaction is None or transaction.flow != flow or transaction.state not in (State.CALLING, State.TRYING):
            return
        try:
            self._conclude(transaction, transaction.transport_failed())
        except Exception as error:
            self._report(error, flow)

    def flow_lost(self, flow: Flow) -> None:
        """A connection ended: requests that wait on it fail now rather than by timer."""
        for transaction in self._by_flow.pop(flow, ()):
            try:
                self._conclude(transaction, transaction.transport_failed())
            except Exception as error:
                self._report(error, flow)
        if self.user is not None:
            self.user.flow_lost(flow)

    def _absorb(self, known: ServerTransaction, is_ack: bool) -> bool:
        """Gives a retransmission or ACK to its transaction; False for an ACK that the user must see."""
        if not is_ack:
            self.counters["retransmissions"] += 1
            self._carry_out(known, known.retransmitted())
            return True
        if known.state is State.ACCEPTED:
            return False
        if isinstance(known, InviteServer):
            self._carry_out(known, known.acknowledged(None))
        return True

    def _request(self, request: Request, flow: Flow) -> None:
        assert self.user is not None
        known = self._servers.get(server_key(request))
        if request.method == "ACK":
            if known is None or not self._absorb(known, True):
                self.user.ack(request, flow)
            return
        if known is not None:
            self._absorb(known, False)
            return
        note_source(request, flow)
        if len(self._servers) >= self._most:
            self.counters["shed"] += 1
            self.reply(request, flow, respond(request, 503, headers=(("Retry-After", "10"),)))
            return
        try:
            self.user.request(request, flow)
        except ParseError as error:
            self._complaints.malformed(flow, error)
            self.refuse(request, flow, error)

    def _response(self, response: Response) -> None:
        # RFC 3261 §8.1.3.3: we are never a proxy, so a second Via means that it is not for us.
        transaction = None
        vias = response.rows("Via")
        if response.cseq is not None and len(vias) == 1 and ("," not in vias[0] or len(split_list(vias[0])) == 1):
            transaction = self._clients.get(f"{response.via.branch} {response.cseq.method}")
        if transaction is None:
            self.counters["strays"] += 1
            return
        transaction.fallback = None  # the peer has heard us: nothing is to be said again elsewhere
        self._conclude(transaction, transaction.receive(response))

    # ---- answering

    def serve(self, request: Request, flow: Flow) -> ServerTransaction:
        """Opens the server transaction of a request that `TransactionUser.request` was given.

        An INVITE is answered 100 on the spot (§17.2.1), so the caller waits for phones without retransmitting.
        """
        kind = InviteServer if request.method == "INVITE" else NonInviteServer
        transaction = kind(server_key(request), request, reliable=flow.reliable, timers=self.timers)
        transaction.flow = self._response_flow(request, flow)
        self._servers[transaction.key] = transaction
        if isinstance(transaction, InviteServer):
            self._carry_out(transaction, transaction.trying())
        return transaction

    def respond(self, transaction: ServerTransaction, response: Response) -> None:
        """Sends a response in its transaction."""
        self._carry_out(transaction, transaction.respond(response))

    def reply(self, request: Request, flow: Flow, response: Response) -> None:
        """Answers without keeping any state: challenges and refusals (RFC 3261 §8.2.7).

        The To tag is derived from the request, so that a retransmission gets the same answer.
        """
        if "To" in response.headers and ";tag=" not in response.headers["To"][0].replace(" ", ""):
            via = request.headers["Via"][0]
            response.headers["To"] = [f"{response.headers['To'][0]};tag={hash(via) & 0xFFFFFFFFFFFF:012x}"]
        try:
            self._put(response.to_bytes(), self._response_flow(request, flow))
        except TransportError:
            self.counters["strays"] += 1

    def refuse(self, request: Request, flow: Flow, error: ParseError) -> None:
        """Answers a malformed request as far as it can be answered; an ACK never is."""
        if request.method == "ACK":
            return
        for name in SINGLE:  # a response repeats none of the doubled rows
            if len(request.rows(name)) > 1:
                request.headers[name] = request.headers[name][:1]
        with suppress(ParseError):  # no legible Via: §18.2.2 leaves only the source
            note_source(request, flow)
        headers = [("Accept", "application/sdp")] if error.status == 415 else []
        self.reply(request, flow, respond(request, error.status, error.reason, headers=headers))

    def invite_of(self, cancel: Request) -> ServerTransaction | None:
        """The INVITE transaction that a CANCEL is for (RFC 3261 §9.2)."""
        return self._servers.get(invite_key(cancel))

    def _response_flow(self, request: Request, flow: Flow) -> Flow:
        """Where responses go: the flow, or for UDP without rport the port named in Via (§18.2.2)."""
        if flow.reliable or self.network is None:
            return flow
        try:
            via = request.via
        except ParseError:
            return flow
        port = via.port or 5060
        if "rport" in via.params or port == flow.remote[1]:
            return flow
        return self.network.flow_to("UDP", flow.remote[0], port, prefer=flow)

    # ---- asking

    def request(self, request: Request, flow: Flow, handler: ResponseHandler) -> ClientTransaction:
        """Sends a request in a new client transaction, whose responses go to `handler`.

        Our Via is added unless there is one. A time-out or lost flow is reported as a LocalResponse. A request
        too large for a datagram goes over TCP, and over UDP after all when the peer takes none (§18.1.1).
        """
        if "Via" not in request.headers:
            request.put_via(our_via(flow))
        kind = InviteClient if request.method == "INVITE" else NonInviteClient
        transaction = kind(request, reliable=flow.reliable, timers=self.timers, user=handler)
        transaction.flow = flow
        if not flow.reliable and len(transaction.data) > LARGEST_DATAGRAM_REQUEST:
            self._prefer_stream(transaction)
        self._start(transaction)
        return transaction

    def send_ack(self, ack: Request, flow: Flow) -> bytes:
        """Sends the ACK of a 2xx, a transaction of its own without response; returns what was sent."""
        if "Via" not in ack.headers:
            ack.put_via(our_via(flow))
        data = ack.to_bytes()
        self.send(data, flow)
        return data

    def send(self, data: bytes, flow: Flow) -> None:
        """Sends octets again that were sent before, such as the ACK of a repeated 2xx."""
        try:
            self._put(data, flow)
        except TransportError:
            self.counters["strays"] += 1

    def _put(self, data: bytes, flow: Flow) -> None:
        """Everything that leaves goes through here. Raises TransportError."""
        if self._traced:
            trace.went(data, flow)
        flow.send(data)

    def cancel(
        self, invite: ClientTransaction, handler: ResponseHandler, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Sends CANCEL for an INVITE that has had a provisional response (RFC 3261 §9.1).

        `handler` gets the responses to the CANCEL; that of the INVITE hears its final response, or a LocalResponse
        408 when none comes.
        """
        sent = invite.request
        copied = {name: sent.headers[name][:1] for name in ("Via", "Max-Forwards", "From", "To", "Call-ID")}
        if "Route" in sent.headers:
            copied["Route"] = sent.headers["Route"]
        copied["CSeq"] = [f"{sent.cseq.number if sent.cseq else 0} CANCEL"]
        cancel = Request("CANCEL", sent.uri, copied)
        for name, value in headers:
            cancel.add(name, value)
        self.request(cancel, invite.flow, handler)
        # §9.1: without a final answer within 64·T1 the INVITE counts as cancelled.
        self.start_timer(self.timers.transaction, self._abandon, invite)

    def _abandon(self, invite: ClientTransaction) -> None:
        """Waits no longer for the final response to a cancelled INVITE: its handler hears a LocalResponse 408."""
        self._conclude(invite, invite.abandoned())

    def _start(self, transaction: ClientTransaction) -> None:
        self._clients[transaction.key] = transaction
        if transaction.reliable:
            self._by_flow.setdefault(transaction.flow, set()).add(transaction)
        self._carry_out(transaction, transaction.start())

    def _prefer_stream(self, transaction: ClientTransaction) -> None:
        host, port = transaction.flow.remote
        if self.network is None or self._no_stream.get(host, 0.0) > self.now():
            return
        datagrams = transaction.flow
        transaction.reroute(self.network.flow_to("TCP", host, port), our_via)
        transaction.fallback = datagrams

    def _fall_back(self, transaction: ClientTransaction) -> None:
        """The peer took no TCP connection: the same request as a datagram (§18.1.1)."""
        if len(self._no_stream) >= _MOST_NO_STREAM_HOSTS:
            self._no_stream.clear()
        datagrams, transaction.fallback = transaction.fallback, None
        self._no_stream[datagrams.remote[0]] = self.now() + NO_STREAM_SECONDS
        transaction.reroute(datagrams, our_via)
        self._start(transaction)

    # ---- effects

    def _carry_out(self, transaction: Machine, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                try:
                    self._put(effect.data, transaction.flow)
                except TransportError:
                    failed = transaction.transport_failed()
                    self._carry_out(transaction, failed)
                    if failed and transaction.state is not State.TERMINATED:
                        return  # it has begun anew on another flow
            elif isinstance(effect, StartTimer):
                if transaction.state is State.TERMINATED:
                    continue
                if effect.seconds > 0:
                    self.start_timer(effect.seconds, self._fire[effect.name], transaction)
                else:
                    self._carry_out(transaction, transaction.timer_fired(effect.name))
            elif isinstance(effect, PassUp):
                self._pass_up(transaction, effect.message)
            else:
                self._end(transaction, effect.why)

    def _conclude(self, transaction: ClientTransaction, effects: list[Effect]) -> None:
        """Carries out what may be the last of a request of ours."""
        self._carry_out(transaction, effects)
        if transaction.state is State.TERMINATED:
            transaction.let_go()

    def _fired(self, name: str, transaction: Machine) -> None:
        if isinstance(transaction, ClientTransaction):
            self._conclude(transaction, transaction.timer_fired(name))
        else:
            self._carry_out(transaction, transaction.timer_fired(name))

    def _pass_up(self, transaction: Machine, message: Request | Response) -> None:
        if isinstance(transaction, ClientTransaction):
            user = transaction.user
            if isinstance(transaction, NonInviteClient) and transaction.state is State.COMPLETED:
                transaction.let_go()
            user(message)
        elif self.user is not None and isinstance(message, Request):
            self.user.ack(message, transaction.flow)

    def _end(self, transaction: Machine, why: str) -> None:
        if isinstance(transaction, ServerTransaction):
            self._servers.pop(transaction.key, None)
            return
        assert isinstance(transaction, ClientTransaction)
        self._clients.pop(transaction.key, None)
        if transaction.reliable:
            waiting = self._by_flow.get(transaction.flow)
            if waiting is not None:
                waiting.discard(transaction)
                if not waiting:
                    del self._by_flow[transaction.flow]
        if not why:
            return
        if why == "transport" and transaction.fallback is not None:
            self._fall_back(transaction)
        else:
            status = 408 if why == "timeout" else 503
            transaction.user(local_response(transaction.request, status))

    # ---- defects

    def _report(self, error: Exception, flow: Flow | None = None) -> None:
        self.counters["failures"] += 1
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        cause = f"message from {flow.transport} {flow.remote[0]} {flow.remote[1]}" if flow is not None else "timer"
        log.error("! defect: %r at %s, %s", error, where, cause)

    def _answer_failure(self, request: Request, flow: Flow) -> None:
        transaction = self._servers.get(server_key(request))
        response = respond(request, 500, to_tag=token())
        if transaction is not None:
            self.respond(transaction, response)
        else:
            self.reply(request, flow, response)

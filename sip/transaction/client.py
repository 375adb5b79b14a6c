"""Client transactions (RFC 3261 §17.1, RFC 6026 §7.2): what we ask of a peer."""

from collections.abc import Callable
from typing import Any, ClassVar, Final

from sip.fields import Via
from sip.message import Request, Response
from sip.timers import Timers
from sip.transaction.effects import ENDED, Effect, Ended, PassUp, Send, StartTimer
from sip.transaction.keys import client_key
from sip.transaction.tables import Input, Machine, State, Step, Table, response_input

_SAID: Final = Request("", "")


def _nobody(_: Response) -> None:
    """In the place of a user who was let go."""


class ClientTransaction(Machine):
    """One request of ours and the responses to it.

    `data` is the request as sent. `interval` is the current value of timer A or E. `fallback` is the datagram
    flow to use when the stream that was preferred for a large request can't be had.
    """

    __slots__ = ("data", "fallback", "interval", "reliable", "request", "timers", "user")

    def __init__(self, request: Request, *, reliable: bool, timers: Timers, user: Any = None) -> None:
        super().__init__(client_key(request.via.branch, request.method), self.first_state)
        self.request = request
        self.data = request.to_bytes()
        self.reliable = reliable
        self.timers = timers
        self.interval = timers.t1
        self.user = user
        self.fallback: Any = None

    # Of the class, and said so: compiled, each transaction would get values of its own, and one never freed.
    first_state: ClassVar[State] = State.TRYING
    retransmission: ClassVar[str] = "E"
    give_up: ClassVar[str] = "F"
    silent: ClassVar[frozenset[State]] = frozenset((State.COMPLETED, State.TERMINATED))

    def start(self) -> list[Effect]:
        """Sends the request."""
        effects: list[Effect] = [Send(self.data), StartTimer(self.give_up, self.timers.transaction)]
        if not self.reliable:
            effects.append(StartTimer(self.retransmission, self.timers.t1))
        return effects

    def reroute(self, flow: Any, make_via: Callable[[Any], Via]) -> None:
        """Begins anew on another flow, with a Via and branch of its own."""
        self.request.put_via(make_via(flow))
        self.flow = flow
        self.reliable = flow.reliable
        self.data = self.request.to_bytes()
        self.key = client_key(self.request.via.branch, self.request.method)
        self.state = self.first_state
        self.interval = self.timers.t1

    def abandoned(self) -> list[Effect]:
        """The user waits no longer for a final response."""
        return self.step(Input.ABANDONED)

    def receive(self, response: Response) -> list[Effect]:
        """A response with our branch and method came in."""
        effects = self.step(response_input(response.status), response)
        if self.state in self.silent:
            # Nothing is sent any more. It stays for many seconds, and thousands of them do.
            self.data, self.request = b"", _SAID
        return effects

    def let_go(self) -> None:
        """Forgets the user, who has heard everything: each knows the other, and that would keep both in memory."""
        self.user = _nobody


class NonInviteClient(ClientTransaction):
    """RFC 3261 figure 6."""

    __slots__ = ()


class InviteClient(ClientTransaction):
    """RFC 3261 figure 5 with the Accepted state of RFC 6026 §7.2."""

    __slots__ = ()

    first_state: ClassVar[State] = State.CALLING
    retransmission: ClassVar[str] = "A"
    give_up: ClassVar[str] = "B"
    silent: ClassVar[frozenset[State]] = frozenset((State.ACCEPTED,))

    def ack(self, response: Response) -> bytes:
        """The ACK of a failure: in the transaction, hop by hop (RFC 3261 §17.1.1.3)."""
        sent = self.request
        headers = {"Via": sent.rows("Via")[:1], "Max-Forwards": ["70"]}
        headers["From"], headers["Call-ID"] = sent.rows("From"), sent.rows("Call-ID")
        headers["To"] = response.rows("To") or sent.rows("To")
        headers["CSeq"] = [f"{sent.cseq.number if sent.cseq else 0} ACK"]
        if "Route" in sent.headers:
            headers["Route"] = sent.headers["Route"]
        return Request("ACK", sent.uri, headers).to_bytes()


def _send(tx: ClientTransaction, _: object) -> Effect:
    return Send(tx.data)


def _pass_up(_: ClientTransaction, response: Response) -> Effect:
    return PassUp(response)


def _send_ack(tx: InviteClient, response: Response) -> Effect:
    return Send(tx.ack(response))


def _double_a(tx: ClientTransaction, _: object) -> Effect:
    tx.interval *= 2
    return StartTimer("A", tx.interval)


def _double_e(tx: ClientTransaction, _: object) -> Effect:
    tx.interval = min(2 * tx.interval, tx.timers.t2)
    return StartTimer("E", tx.interval)


def _e_at_t2(tx: ClientTransaction, _: object) -> Effect:
    tx.interval = tx.timers.t2
    return StartTimer("E", tx.interval)


def _start_d(tx: ClientTransaction, _: object) -> Effect:
    return StartTimer("D", 0.0 if tx.reliable else tx.timers.timer_d)


def _start_k(tx: ClientTransaction, _: object) -> Effect:
    return StartTimer("K", 0.0 if tx.reliable else tx.timers.t4)


def _start_m(tx: ClientTransaction, _: object) -> Effect:
    return StartTimer("M", tx.timers.transaction)


def _time_out(_: ClientTransaction, __: object) -> Effect:
    return Ended("timeout")


def _lose(_: ClientTransaction, __: object) -> Effect:
    return Ended("transport")


def _end(_: ClientTransaction, __: object) -> Effect:
    return ENDED


_INVITE: Table = {  # RFC 3261 §17.1.1, RFC 6026 §7.2
    (State.CALLING, Input.RESPONSE_1XX): Step(State.PROCEEDING, (_pass_up,)),
    (State.CALLING, Input.RESPONSE_2XX): Step(State.ACCEPTED, (_start_m, _pass_up)),
    (State.CALLING, Input.RESPONSE_3XX_6XX): Step(State.COMPLETED, (_send_ack, _start_d, _pass_up)),
    (State.CALLING, Input.TIMER_A): Step(State.CALLING, (_send, _double_a)),
    (State.CALLING, Input.TIMER_B): Step(State.TERMINATED, (_time_out,)),
    (State.CALLING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, (_lose,)),
    (State.PROCEEDING, Input.RESPONSE_1XX): Step(State.PROCEEDING, (_pass_up,)),
    (State.PROCEEDING, Input.RESPONSE_2XX): Step(State.ACCEPTED, (_start_m, _pass_up)),
    (State.PROCEEDING, Input.RESPONSE_3XX_6XX): Step(State.COMPLETED, (_send_ack, _start_d, _pass_up)),
    (State.PROCEEDING, Input.ABANDONED): Step(State.TERMINATED, (_time_out,)),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, (_lose,)),
    (State.COMPLETED, Input.RESPONSE_3XX_6XX): Step(State.COMPLETED, (_send_ack,)),
    (State.COMPLETED, Input.TIMER_D): Step(State.TERMINATED, (_end,)),
    (State.COMPLETED, Input.TRANSPORT_ERROR): Step(State.TERMINATED, (_end,)),
    # RFC 6026 §7.2: every 2xx goes up, whose retransmissions the TU answers with its ACK, and so do those of
    # other branches that the request was forked to.
    (State.ACCEPTED, Input.RESPONSE_2XX): Step(State.ACCEPTED, (_pass_up,)),
    (State.ACCEPTED, Input.TIMER_M): Step(State.TERMINATED, (_end,)),
}

_NON_INVITE: Table = {  # RFC 3261 §17.1.2
    (State.TRYING, Input.RESPONSE_1XX): Step(State.PROCEEDING, (_pass_up,)),
    (State.TRYING, Input.RESPONSE_2XX): Step(State.COMPLETED, (_pass_up, _start_k)),
    (State.TRYING, Input.RESPONSE_3XX_6XX): Step(State.COMPLETED, (_pass_up, _start_k)),
    (State.TRYING, Input.TIMER_E): Step(State.TRYING, (_send, _double_e)),
    (State.TRYING, Input.TIMER_F): Step(State.TERMINATED, (_time_out,)),
    (State.TRYING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, (_lose,)),
    (State.PROCEEDING, Input.RESPONSE_1XX): Step(State.PROCEEDING, (_pass_up,)),
    (State.PROCEEDING, Input.RESPONSE_2XX): Step(State.COMPLETED, (_pass_up, _start_k)),
    (State.PROCEEDING, Input.RESPONSE_3XX_6XX): Step(State.COMPLETED, (_pass_up, _start_k)),
    (State.PROCEEDING, Input.TIMER_E): Step(State.PROCEEDING, (_send, _e_at_t2)),
    (State.PROCEEDING, Input.TIMER_F): Step(State.TERMINATED, (_time_out,)),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, (_lose,)),
    (State.COMPLETED, Input.TIMER_K): Step(State.TERMINATED, (_end,)),
}

InviteClient.table = _INVITE
NonInviteClient.table = _NON_INVITE

"""Server transactions (RFC 3261 §17.2, RFC 6026 §7.1): what a peer asks of us."""

from typing import ClassVar

from sip.message import Request, Response, respond
from sip.timers import Timers
from sip.transaction.effects import ENDED, Effect, Ended, PassUp, Send, StartTimer
from sip.transaction.tables import Input, Machine, State, Step, Table, response_input


class ServerTransaction(Machine):
    """One request of a peer and our responses to it.

    `last` is the response that answers a retransmission. `request` is let go with the final response: a
    transaction that only waits for retransmissions holds no more than these octets.
    """

    __slots__ = ("interval", "last", "reliable", "request", "timers")

    first_state: ClassVar[State] = State.TRYING

    def __init__(self, key: str, request: Request, *, reliable: bool, timers: Timers) -> None:
        super().__init__(key, self.first_state)
        self.request: Request | None = request
        self.reliable = reliable
        self.timers = timers
        self.last = b""
        self.interval = timers.t1

    def respond(self, response: Response) -> list[Effect]:
        """Sends a response; one that the state does not allow any more has no effect."""
        happened = response_input(response.status)
        if (self.state, happened) not in self.table:
            return []
        self.last = response.to_bytes()
        if response.status >= 200:
            self.request = None
        return self.step(happened, response)

    def retransmitted(self) -> list[Effect]:
        """The request came again."""
        return self.step(Input.REQUEST)


class NonInviteServer(ServerTransaction):
    """RFC 3261 figure 8."""

    __slots__ = ()


class InviteServer(ServerTransaction):
    """RFC 3261 figure 7 with the Accepted state of RFC 6026 §7.1."""

    __slots__ = ()

    first_state: ClassVar[State] = State.PROCEEDING

    def trying(self) -> list[Effect]:
        """Sends 100, which keeps the caller from retransmitting (RFC 3261 §17.2.1)."""
        assert self.request is not None
        return self.respond(respond(self.request, 100))

    def acknowledged(self, ack: Request | None) -> list[Effect]:
        """An ACK with the INVITE's branch. `ack` is needed in the Accepted state only."""
        return self.step(Input.ACK, ack)


def _send(tx: ServerTransaction, _: object) -> Effect:
    return Send(tx.last)


def _pass_up(_: ServerTransaction, ack: Request) -> Effect:
    return PassUp(ack)


def _start_g(tx: ServerTransaction, _: object) -> Effect | None:
    return None if tx.reliable else StartTimer("G", tx.timers.t1)  # §17.2.1: for unreliable transports only


def _double_g(tx: ServerTransaction, _: object) -> Effect:
    tx.interval = min(2 * tx.interval, tx.timers.t2)
    return StartTimer("G", tx.interval)


def _start_h(tx: ServerTransaction, _: object) -> Effect:
    return StartTimer("H", tx.timers.transaction)


def _start_i(tx: ServerTransaction, _: object) -> Effect:
    return StartTimer("I", 0.0 if tx.reliable else tx.timers.t4)


def _start_j(tx: ServerTransaction, _: object) -> Effect:
    return StartTimer("J", 0.0 if tx.reliable else tx.timers.transaction)


def _start_l(tx: ServerTransaction, _: object) -> Effect:
    return StartTimer("L", tx.timers.transaction)


def _time_out(_: ServerTransaction, __: object) -> Effect:
    return Ended("timeout")


def _lose(_: ServerTransaction, __: object) -> Effect:
    return Ended("transport")


def _end(_: ServerTransaction, __: object) -> Effect:
    return ENDED


_INVITE: Table = {  # RFC 3261 §17.2.1, RFC 6026 §7.1
    (State.PROCEEDING, Input.REQUEST): Step(State.PROCEEDING, (_send,)),
    (State.PROCEEDING, Input.RESPONSE_1XX): Step(State.PROCEEDING, (_send,)),
    (State.PROCEEDING, Input.RESPONSE_2XX): Step(State.ACCEPTED, (_send, _start_l)),
    (State.PROCEEDING, Input.RESPONSE_3XX_6XX): Step(State.COMPLETED, (_send, _start_g, _start_h)),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, (_lose,)),
    (State.COMPLETED, Input.REQUEST): Step(State.COMPLETED, (_send,)),
    (State.COMPLETED, Input.TIMER_G): Step(State.COMPLETED, (_send, _double_g)),
    (State.COMPLETED, Input.TIMER_H): Step(State.TERMINATED, (_time_out,)),
    (State.COMPLETED, Input.ACK): Step(State.CONFIRMED, (_start_i,)),
    (State.COMPLETED, Input.TRANSPORT_ERROR): Step(State.TERMINATED, (_lose,)),
    (State.CONFIRMED, Input.TIMER_I): Step(State.TERMINATED, (_end,)),
    # RFC 6026 §7.1: the TU retransmits its 2xx; a repeated INVITE is absorbed, an ACK goes up.
    (State.ACCEPTED, Input.RESPONSE_2XX): Step(State.ACCEPTED, (_send,)),
    (State.ACCEPTED, Input.ACK): Step(State.ACCEPTED, (_pass_up,)),
    (State.ACCEPTED, Input.TIMER_L): Step(State.TERMINATED, (_end,)),
}

_NON_INVITE: Table = {  # RFC 3261 §17.2.2
    (State.TRYING, Input.RESPONSE_1XX): Step(State.PROCEEDING, (_send,)),
    (State.TRYING, Input.RESPONSE_2XX): Step(State.COMPLETED, (_send, _start_j)),
    (State.TRYING, Input.RESPONSE_3XX_6XX): Step(State.COMPLETED, (_send, _start_j)),
    (State.TRYING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, (_lose,)),
    (State.PROCEEDING, Input.REQUEST): Step(State.PROCEEDING, (_send,)),
    (State.PROCEEDING, Input.RESPONSE_1XX): Step(State.PROCEEDING, (_send,)),
    (State.PROCEEDING, Input.RESPONSE_2XX): Step(State.COMPLETED, (_send, _start_j)),
    (State.PROCEEDING, Input.RESPONSE_3XX_6XX): Step(State.COMPLETED, (_send, _start_j)),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, (_lose,)),
    (State.COMPLETED, Input.REQUEST): Step(State.COMPLETED, (_send,)),
    (State.COMPLETED, Input.TIMER_J): Step(State.TERMINATED, (_end,)),
    (State.COMPLETED, Input.TRANSPORT_ERROR): Step(State.TERMINATED, (_end,)),
}

InviteServer.table = _INVITE
NonInviteServer.table = _NON_INVITE

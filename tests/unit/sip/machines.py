"""Transactions to test, in any state, and their effects in words."""

from typing import Any

from sip.message import Request, Response, parse, respond
from sip.timers import Timers
from sip.transaction.client import ClientTransaction, InviteClient, NonInviteClient
from sip.transaction.effects import Effect, PassUp, Send, StartTimer
from sip.transaction.keys import server_key
from sip.transaction.server import InviteServer, NonInviteServer, ServerTransaction
from sip.transaction.tables import Input, Machine, State
from tests.support.messages import request, response

MACHINES: list[type[Machine]] = [InviteClient, NonInviteClient, InviteServer, NonInviteServer]
STATUS = {Input.RESPONSE_1XX: 180, Input.RESPONSE_2XX: 200, Input.RESPONSE_3XX_6XX: 486}


def read_request(method: str, **fields: Any) -> Request:
    message = parse(request(method, **fields))
    assert isinstance(message, Request)
    return message


def read_response(status: int, method: str, **fields: Any) -> Response:
    message = parse(response(status, method, **fields))
    assert isinstance(message, Response)
    return message


def client(kind: type[ClientTransaction], *, reliable: bool = False, timers: Timers | None = None) -> ClientTransaction:
    method = "INVITE" if kind is InviteClient else "OPTIONS"
    return kind(read_request(method), reliable=reliable, timers=timers or Timers())


def server(kind: type[ServerTransaction], *, reliable: bool = False, timers: Timers | None = None) -> ServerTransaction:
    asked = read_request("INVITE" if kind is InviteServer else "OPTIONS")
    return kind(server_key(asked), asked, reliable=reliable, timers=timers or Timers())


def machine(kind: type[Machine], state: State, *, reliable: bool = False) -> ClientTransaction | ServerTransaction:
    """A transaction in this state; a server has answered 100 before."""
    made: ClientTransaction | ServerTransaction
    if issubclass(kind, ClientTransaction):
        made = client(kind, reliable=reliable)
    else:
        assert issubclass(kind, ServerTransaction)
        made = server(kind, reliable=reliable)
        assert made.request is not None
        made.last = respond(made.request, 100).to_bytes()
    made.state = state
    return made


def give(transaction: ClientTransaction | ServerTransaction, happened: Input) -> list[Effect]:
    """Gives an input by the method that the endpoint would call."""
    if happened in STATUS:
        status = STATUS[happened]
        if isinstance(transaction, ClientTransaction):
            return transaction.receive(read_response(status, transaction.request.method))
        return transaction.respond(
            read_response(status, "INVITE" if isinstance(transaction, InviteServer) else "OPTIONS")
        )
    if happened is Input.TRANSPORT_ERROR:
        return transaction.transport_failed()
    if happened is Input.ABANDONED and isinstance(transaction, ClientTransaction):
        return transaction.abandoned()
    if happened.name.startswith("TIMER_"):
        return transaction.timer_fired(happened.name[-1])
    if happened is Input.ACK and isinstance(transaction, InviteServer):
        return transaction.acknowledged(read_request("ACK"))
    if happened is Input.REQUEST and isinstance(transaction, ServerTransaction):
        return transaction.retransmitted()
    return transaction.step(happened)


def in_words(effects: list[Effect]) -> list[str]:
    """`send INVITE`, `send 180`, `timer A 0.5`, `up 180`, `end timeout`."""
    return [_words(effect) for effect in effects]


def _words(effect: Effect) -> str:
    if isinstance(effect, Send):
        first, second = effect.data.split(b" ")[:2]
        return f"send {(second if first == b'SIP/2.0' else first).decode()}"
    if isinstance(effect, StartTimer):
        return f"timer {effect.name} {effect.seconds:g}"
    if isinstance(effect, PassUp):
        message = effect.message
        return f"up {message.status if isinstance(message, Response) else message.method}"
    return f"end {effect.why}".rstrip()

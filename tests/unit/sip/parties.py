"""Two endpoints joined by a wire, and an endpoint with somebody before it who sends octets."""

from collections.abc import Callable, Sequence

from sip.message import Request, Response, parse, respond
from sip.transaction.client import ClientTransaction
from sip.transport.base import Flow
from tests.support.clock import FakeClock
from tests.support.wire import FakeFlow, Inbox, Party, Wire


class Pair:
    """A caller and a callee joined by a wire."""

    def __init__(self, *, loss: Sequence[int] = (), duplicate: Sequence[int] = (), reorder: Sequence[int] = ()) -> None:
        self.clock = FakeClock()
        self.wire = Wire(self.clock, loss=loss, duplicate=duplicate, reorder=reorder)
        self.caller = Party(self.wire, "192.0.2.1")
        self.callee = Party(self.wire, "192.0.2.2")

    def ask(self, method: str, transport: str = "UDP") -> ClientTransaction:
        flow = self.caller.flow_to(self.callee, transport)
        return self.caller.endpoint.request(new_request(method), flow, self.caller.responses.append)

    def end(self) -> None:
        """Lets all timers run; then nothing may be left."""
        self.clock.advance(200)
        assert self.caller.at_rest()
        assert self.callee.at_rest()


def new_request(method: str, body: bytes = b"") -> Request:
    headers = {
        "Max-Forwards": ["70"],
        "From": ["<sip:101@example.org>;tag=ours"],
        "To": ["<sip:102@example.org>"],
        "Call-ID": ["call"],
        "CSeq": [f"1 {method}"],
    }
    request = Request(method, "sip:102@192.0.2.2", headers, body)
    checked = parse(Request(method, request.uri, {"Via": ["SIP/2.0/UDP h"], **headers}).to_bytes())
    request.call_id, request.cseq, request.from_tag = checked.call_id, checked.cseq, checked.from_tag
    return request


def answer(pair: Pair, status: int, to_tag: str = "theirs") -> Response:
    """A response of the callee to the first request that it was given."""
    return respond(pair.callee.user.requests[0], status, to_tag=to_tag)


class Server:
    """An endpoint of ours, and a peer that sends octets and keeps what comes back."""

    def __init__(self, host: str = "192.0.2.1", port: int = 5060, ours: str = "192.0.2.2", most: int = 1000) -> None:
        self.clock = FakeClock()
        self.wire = Wire(self.clock)
        self.party = Party(self.wire, ours, most=most)
        self.endpoint, self.user = self.party.endpoint, self.party.user
        self.inbox = Inbox()
        self.peer = self.wire.attach(self.inbox, host, port)

    def give(self, data: bytes, transport: str = "UDP") -> FakeFlow:
        """The peer sends this; half a second passes."""
        flow = self.peer.flow_to(transport, *self.party.station.address)
        flow.send(data)
        self.clock.advance(0.5)
        return flow

    @property
    def responses(self) -> list[Response]:
        read = [parse(data) for data in self.inbox.messages]
        return [message for message in read if isinstance(message, Response)]

    @property
    def statuses(self) -> list[int]:
        return [response.status for response in self.responses]


def replying(server: Server, status: int, **headers: str) -> Callable[[Request, Flow], None]:
    def on_request(request: Request, flow: Flow) -> None:
        server.endpoint.reply(request, flow, respond(request, status, headers=list(headers.items())))

    return on_request

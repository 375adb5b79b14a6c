"""Large requests, connections that are lost or refused, and what that means for transactions."""

import pytest

from sip.endpoint import NO_STREAM_SECONDS
from sip.message import Request, parse, respond
from sip.transaction.local import LocalResponse
from sip.transport.base import Flow
from tests.support.clock import FakeClock
from tests.support.wire import FakeFlow, Party, Wire
from tests.unit.sip.parties import Pair, new_request

LARGE = b"x" * 1200


def ask_large(pair: Pair, method: str = "MESSAGE") -> None:
    request = new_request(method, LARGE)
    pair.caller.endpoint.request(request, pair.caller.flow_to(pair.callee), pair.caller.responses.append)


def sent_by(pair: Pair) -> list[str]:
    return [f"{packet.what} {packet.transport}" for packet in pair.wire.log]


def test_large_request_goes_by_tcp_and_says_so_in_its_via() -> None:
    pair = Pair()
    pair.callee.answers(200)
    ask_large(pair)
    pair.clock.advance(1)
    assert sent_by(pair) == ["MESSAGE TCP", "200 TCP"]
    assert parse(pair.wire.log[0].data).via.transport == "TCP"
    assert pair.caller.statuses == [200]
    pair.end()


@pytest.mark.parametrize(("size", "transport"), [(1300, "UDP"), (1301, "TCP")])
def test_size_decides_by_the_octet(size: int, transport: str) -> None:
    pair = Pair()
    pair.callee.answers(200)
    small = new_request("MESSAGE")
    pair.caller.endpoint.request(small, pair.caller.flow_to(pair.callee), pair.caller.responses.append)
    room = size - len(pair.wire.log[0].data) - 3  # of which the length itself takes three digits more
    request = new_request("MESSAGE", b"x" * room)
    pair.caller.endpoint.request(request, pair.caller.flow_to(pair.callee), pair.caller.responses.append)
    pair.clock.advance(1)
    assert {packet.transport for packet in pair.wire.log if len(packet.data) > 1000} == {transport}


def test_large_request_goes_as_a_datagram_where_nobody_takes_a_connection() -> None:
    pair = Pair(loss=[1])
    pair.callee.station.refuses.add("TCP")
    pair.callee.answers(486)
    ask_large(pair, "INVITE")
    pair.clock.advance(2)
    assert sent_by(pair) == ["INVITE TCP", "INVITE UDP", "INVITE UDP", "100 UDP", "486 UDP", "ACK UDP"]
    assert pair.caller.statuses == [100, 486]
    by_tcp, by_udp = [parse(packet.data).via for packet in pair.wire.log[:2]]
    assert (by_udp.transport, by_udp.branch != by_tcp.branch) == ("UDP", True)
    pair.end()


def test_host_that_took_no_connection_is_not_asked_again_for_a_while() -> None:
    pair = Pair()
    pair.callee.station.refuses.add("TCP")
    pair.callee.answers(200)
    ask_large(pair)
    pair.clock.advance(40)
    pair.callee.station.refuses.clear()
    ask_large(pair)
    pair.clock.advance(NO_STREAM_SECONDS)
    ask_large(pair)
    pair.clock.advance(1)
    asked = [words for words in sent_by(pair) if words.startswith("MESSAGE")]
    assert asked == ["MESSAGE TCP", "MESSAGE UDP", "MESSAGE UDP", "MESSAGE TCP"]
    assert pair.caller.statuses == [200, 200, 200]


def test_large_request_without_a_network_goes_as_it_is() -> None:
    pair = Pair()
    pair.caller.endpoint.network = None
    pair.callee.answers(200)
    ask_large(pair)
    pair.clock.advance(1)
    assert sent_by(pair) == ["MESSAGE UDP", "200 UDP"]


def test_large_request_that_was_heard_by_tcp_is_not_sent_again_by_udp() -> None:
    pair = Pair()
    pair.callee.answers(180)
    ask_large(pair, "INVITE")
    pair.clock.advance(1)
    (transaction,) = pair.caller.endpoint._clients.values()
    pair.wire.cut(transaction.flow)
    pair.clock.advance(1)
    assert sent_by(pair) == ["INVITE TCP", "100 TCP", "180 TCP"]
    assert pair.caller.statuses == [100, 180, 503]


def test_cancel_follows_a_large_invite_on_its_connection() -> None:
    pair = Pair()
    pair.callee.answers(180)
    request = new_request("INVITE", LARGE)
    invite = pair.caller.endpoint.request(request, pair.caller.flow_to(pair.callee), pair.caller.responses.append)
    pair.clock.advance(1)
    pair.callee.answers(200)
    pair.caller.endpoint.cancel(invite, pair.caller.responses.append)
    pair.clock.advance(1)
    assert sent_by(pair)[3:] == ["CANCEL TCP", "200 TCP"]
    assert pair.callee.endpoint.invite_of(pair.callee.user.requests[1]) is pair.callee.served[0]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_lost_connection_fails_what_waits_on_it_at_once(method: str) -> None:
    pair = Pair()
    flow = pair.caller.flow_to(pair.callee, "TCP")
    other = pair.caller.flow_to(pair.callee, "TCP")
    for one in (flow, flow, other):
        pair.caller.endpoint.request(new_request(method), one, pair.caller.responses.append)
    pair.clock.advance(0.5)
    pair.wire.cut(flow)
    assert pair.caller.statuses == [503, 503]
    assert all(isinstance(response, LocalResponse) for response in pair.caller.responses)
    assert len(pair.caller.endpoint._clients) == 1


def test_lost_connection_leaves_alone_what_is_answered() -> None:
    pair = Pair()
    pair.callee.answers(200)
    pair.ask("OPTIONS", "TCP")
    pair.ask("INVITE", "TCP")
    pair.clock.advance(1)
    for transaction in list(pair.caller.endpoint._clients.values()):
        pair.wire.cut(transaction.flow)
    assert pair.caller.statuses == [200, 100, 200]
    pair.end()


def test_connection_refused_is_reported_as_503() -> None:
    pair = Pair()
    pair.callee.station.refuses.add("TLS")
    pair.ask("INVITE", "TLS")
    pair.clock.advance(1)
    assert pair.caller.statuses == [503]
    pair.end()


def test_request_on_a_closed_flow_is_reported_as_503() -> None:
    pair = Pair()
    flow = pair.caller.flow_to(pair.callee, "TCP")
    pair.wire.cut(flow)
    pair.caller.endpoint.request(new_request("INVITE"), flow, pair.caller.responses.append)
    pair.clock.advance(0)
    assert pair.caller.statuses == [503]
    pair.end()


def test_handler_may_ask_again_when_its_connection_is_lost() -> None:
    pair = Pair()
    pair.callee.answers(200)
    flow = pair.caller.flow_to(pair.callee, "TCP")

    def handler(response: object) -> None:
        pair.caller.responses.append(response)  # type: ignore[arg-type]
        if isinstance(response, LocalResponse):
            pair.caller.endpoint.request(new_request("OPTIONS"), pair.caller.flow_to(pair.callee, "TCP"), handler)

    pair.caller.endpoint.request(new_request("OPTIONS"), flow, handler)
    pair.wire.cut(flow)
    pair.clock.advance(1)
    assert pair.caller.statuses == [503, 200]
    pair.end()


@pytest.mark.parametrize("status", [180, 200, 486])
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_response_on_a_lost_connection_leaves_nothing_behind(method: str, status: int) -> None:
    pair = Pair()
    pair.callee.answers()
    flow = pair.caller.flow_to(pair.callee, "TCP")
    pair.caller.endpoint.request(new_request(method), flow, pair.caller.responses.append)
    pair.clock.advance(0.5)
    pair.wire.cut(flow)
    asked = pair.callee.user.requests[0]
    pair.callee.endpoint.respond(pair.callee.served[0], respond(asked, status, to_tag="theirs"))
    pair.end()
    assert pair.callee.endpoint.counters["failures"] == 0


def test_refusal_is_heard_although_its_ack_cannot_be_sent() -> None:
    pair = Pair()
    pair.callee.answers(486)
    flow = pair.caller.flow_to(pair.callee, "TCP")
    pair.caller.endpoint.request(new_request("INVITE"), flow, pair.caller.responses.append)
    pair.clock.advance(1 / 32)
    flow.closed = True  # the peer closed right behind its 486
    pair.clock.advance(1)
    for packet in pair.wire.log[1:]:
        pair.caller.endpoint.received(packet.data, flow)
    assert pair.caller.statuses == [100, 486]
    pair.end()


def test_stateless_reply_and_octets_on_a_closed_flow_are_counted() -> None:
    wire = Wire(FakeClock())
    party = Party(wire, "192.0.2.1")
    flow = FakeFlow(wire, "TCP", ("192.0.2.1", 5060), ("192.0.2.2", 5060))
    flow.closed = True
    request = new_request("OPTIONS")
    request.headers["Via"] = ["SIP/2.0/TCP h;branch=z9hG4bK1"]
    party.endpoint.reply(request, flow, respond(request, 403))
    party.endpoint.send(b"ACK again", flow)
    assert party.endpoint.counters["strays"] == 2


def test_invite_of_a_lost_connection_ends_at_its_next_response() -> None:
    pair = Pair()
    lost: list[Flow] = []

    def on_request(request: Request, flow: Flow) -> None:
        assert isinstance(flow, FakeFlow)
        flow.closed = True
        lost.append(flow)
        served = pair.callee.endpoint.serve(request, flow)
        pair.callee.endpoint.respond(served, respond(request, 200, to_tag="theirs"))

    pair.callee.user.on_request = on_request
    pair.ask("INVITE", "TCP")
    pair.clock.advance(1)
    assert len(lost) == 1
    assert pair.callee.at_rest()

"""Defects of ours and malice of theirs: nothing stops the endpoint, and nothing is kept."""

import logging
from typing import Any

import pytest

from sip.endpoint import Endpoint
from sip.errors import ParseError
from sip.message import Request, Response
from sip.transport.base import Flow
from tests.support.clock import FakeClock
from tests.support.messages import request, response
from tests.unit.sip.parties import Pair, Server, new_request


class Defect(Exception):
    """Something that nobody foresaw."""


def fail(*_: Any) -> None:
    raise Defect


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.ERROR)
    return caplog


@pytest.mark.parametrize("served", [False, True])
def test_defect_in_the_user_is_answered_500_and_logged_in_one_line(served: bool, log: pytest.LogCaptureFixture) -> None:
    server = Server()

    def on_request(request: Request, flow: Flow) -> None:
        if served:
            server.endpoint.serve(request, flow)
        raise Defect

    server.user.on_request = on_request
    server.give(request("OPTIONS"))
    assert server.statuses == [500]
    assert server.responses[0].to_tag
    assert server.endpoint.counters["failures"] == 1
    assert len(log.records) == 1
    assert "Defect" in log.text
    assert "\n" not in log.records[0].getMessage()
    assert log.records[0].exc_info is None
    server.clock.advance(100)
    assert server.party.at_rest()


def test_defect_while_an_invite_is_served_is_acknowledged_and_forgotten() -> None:
    server = Server()

    def on_request(request: Request, flow: Flow) -> None:
        server.endpoint.serve(request, flow)
        raise Defect

    server.user.on_request = on_request
    server.give(request("INVITE"))
    server.give(request("ACK"))
    answered = server.statuses
    assert set(answered) == {100, 500}
    server.clock.advance(100)
    assert server.statuses == answered
    assert server.party.at_rest()


def test_defect_at_an_ack_is_counted_and_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    monkeypatch.setattr(server.user, "ack", fail)
    server.give(request("ACK"))
    assert (server.inbox.messages, server.endpoint.counters["failures"]) == ([], 1)


def test_defect_in_a_response_handler_does_not_end_its_transaction() -> None:
    pair = Pair()
    pair.callee.answers(180, 486)
    pair.caller.endpoint.request(new_request("INVITE"), pair.caller.flow_to(pair.callee), fail)
    pair.clock.advance(1)
    assert pair.wire.transcript() == ["INVITE", "100", "180", "486", "ACK"]
    assert pair.caller.endpoint.counters["failures"] == 3
    pair.end()


def test_defect_in_a_handler_told_of_a_time_out_is_counted() -> None:
    pair = Pair(loss=[1] * 100)
    pair.caller.endpoint.request(new_request("OPTIONS"), pair.caller.flow_to(pair.callee), fail)
    pair.ask("OPTIONS")
    pair.clock.advance(40)
    assert pair.caller.endpoint.counters["failures"] == 1
    assert pair.caller.statuses == [408]
    pair.end()


def test_defect_in_one_handler_does_not_keep_a_lost_flow_from_the_others() -> None:
    pair = Pair()
    flow = pair.caller.flow_to(pair.callee, "TCP")
    told: list[Response] = []
    for handler in (fail, told.append, fail, told.append):
        pair.caller.endpoint.request(new_request("OPTIONS"), flow, handler)
    pair.wire.cut(flow)
    assert [response.status for response in told] == [503, 503]
    assert pair.caller.endpoint.counters["failures"] == 2
    pair.end()


def test_defect_in_one_timer_stops_no_other(log: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    endpoint, ran = Endpoint(clock), list[Any]()
    endpoint.start_timer(1.0, fail)
    endpoint.start_timer(1.0, ran.append, "same time")
    endpoint.start_timer(2.0, ran.append, "later")
    clock.advance(3)
    assert ran == ["same time", "later"]
    assert endpoint.counters["failures"] == 1
    assert "Defect" in log.text


def test_cancelled_timer_does_not_run() -> None:
    clock = FakeClock()
    endpoint, ran = Endpoint(clock), list[Any]()
    endpoint.start_timer(5.0, ran.append, "long")
    endpoint.start_timer(1.0, ran.append, "short").cancel()
    clock.advance(4)
    assert ran == []
    clock.advance(2)
    assert ran == ["long"]
    assert clock.pending == 0


def test_stray_responses_are_counted_and_kept_nowhere() -> None:
    server = Server()
    for number in range(1000):
        server.endpoint.received(
            response(200, "INVITE", via=f"SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{number}"),
            server.party.station.flow_to("UDP", "192.0.2.1", 5060),
        )
    assert server.endpoint.counters["strays"] == 1000
    assert server.party.at_rest()


@pytest.mark.parametrize(
    "change",
    [
        (b"\r\nMax-", b"\r\nVia: SIP/2.0/UDP 255.255.255.255\r\nMax-"),
        (b";rport\r\n", b";rport, SIP/2.0/UDP 255.255.255.255\r\n"),
        (b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE"),
        (b"branch=z9hG4bK", b"branch=z9hG4bKx"),
    ],
)
def test_response_that_is_not_for_us_is_dropped(change: tuple[bytes, bytes]) -> None:
    pair = Pair()
    transaction = pair.ask("OPTIONS")
    answer = transaction.data.replace(b"OPTIONS sip:102@192.0.2.2 SIP/2.0", b"SIP/2.0 200 OK", 1)
    changed = answer.replace(*change)
    assert changed != answer
    pair.caller.endpoint.received(changed, transaction.flow)
    assert pair.caller.statuses == []
    assert pair.caller.endpoint.counters["strays"] == 1
    pair.caller.endpoint.received(answer, transaction.flow)
    assert pair.caller.statuses == [200]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (b"Content-Length: -1", ParseError("malformed Content-Length")),
        (b"Content-Length: 300000", ParseError("body too large", 413, "Request Entity Too Large")),
        (b"X-No-Length: 1", ParseError("no Content-Length on a stream")),
        (b"X-Huge: 1", ParseError("header section too large", 513, "Message Too Large")),
    ],
)
@pytest.mark.parametrize("end", [b"\r\n\r\n", b""])
def test_stream_that_cannot_be_framed_is_answered_before_it_is_closed(
    row: bytes, error: ParseError, end: bytes
) -> None:
    server = Server()
    flow = server.give(request("OPTIONS"), "TCP")
    server.inbox.messages.clear()
    head = request("INVITE").replace(b"Content-Length: 0", row).removesuffix(b"\r\n\r\n") + end
    server.endpoint.malformed(head, flow.other, error)
    server.clock.advance(1)
    assert server.statuses == [error.status]
    assert server.responses[0].reason == error.reason


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", request("ACK"), response(200, "INVITE")])
def test_stream_of_something_else_is_not_answered(head: bytes) -> None:
    server = Server()
    flow = server.give(request("OPTIONS"), "TCP")
    server.inbox.messages.clear()
    server.endpoint.malformed(head, flow.other, ParseError("malformed Content-Length"))
    server.clock.advance(1)
    assert server.inbox.messages == []


@pytest.mark.parametrize("end", [b"\n", b"\r"])
@pytest.mark.parametrize("name", [b"Call-ID: ", b"From: ", b"To: ", b"Via: "])
def test_answer_to_a_row_with_a_line_end_inside_has_no_line_of_the_senders_making(name: bytes, end: bytes) -> None:
    server = Server()
    server.give(request("INVITE").replace(name, name + b"x" + end + b"Evil: 1" + end))
    for answer in server.inbox.messages:
        head = answer.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"")
        assert b"\r" not in head
        assert b"\n" not in head
    assert server.endpoint.counters["malformed"] == 1


def test_thousands_of_calls_leave_nothing_behind() -> None:
    pair = Pair(loss=[0, 0, 1, 0, 0, 0, 1] * 1000)
    pair.callee.answers(486)
    for _ in range(100):
        for _ in range(10):
            pair.ask("INVITE")
            pair.ask("OPTIONS")
        pair.clock.advance(1)
    assert pair.caller.statuses.count(486) == 2000
    pair.end()
    assert pair.clock.pending == 0

"""Requests of ours over a wire that loses, doubles and reorders: what is sent, and what the user hears."""

import pytest

from sip.fields import CSeq
from sip.message import parse
from sip.timers import Timers
from sip.transaction.local import LocalResponse
from tests.support.clock import FakeClock
from tests.support.wire import Inbox, Party, Wire
from tests.unit.sip.parties import Pair, answer, new_request


def test_lost_invite_is_sent_again() -> None:
    pair = Pair(loss=[1, 1])
    pair.callee.answers(180, 486)
    pair.ask("INVITE")
    pair.clock.advance(2)
    assert pair.wire.transcript() == ["(INVITE)", "(INVITE)", "INVITE", "100", "180", "486", "ACK"]
    assert pair.wire.times("INVITE") == [0, 0.5, 1.5]
    assert pair.caller.statuses == [100, 180, 486]
    pair.end()


def test_invite_that_nobody_hears_is_sent_seven_times_and_ends_as_408() -> None:
    pair = Pair(loss=[1] * 100)
    pair.ask("INVITE")
    pair.clock.advance(31)
    assert pair.caller.statuses == []
    pair.clock.advance(2)
    assert pair.wire.times("INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert pair.caller.statuses == [408]
    (response,) = pair.caller.responses
    assert isinstance(response, LocalResponse)
    assert (response.call_id, response.from_tag, response.cseq) == ("call", "ours", CSeq(1, "INVITE"))
    pair.end()


def test_other_request_that_nobody_hears_is_sent_eleven_times_and_ends_as_408() -> None:
    pair = Pair(loss=[1] * 100)
    pair.ask("OPTIONS")
    pair.clock.advance(33)
    assert pair.wire.times("OPTIONS") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert pair.caller.statuses == [408]
    pair.end()


def test_lost_provisional_responses_are_repeated_for_the_repeated_invite() -> None:
    pair = Pair(loss=[0, 1, 1])
    pair.callee.answers(180)
    pair.ask("INVITE")
    pair.clock.advance(5)
    assert pair.wire.transcript() == ["INVITE", "(100)", "(180)", "INVITE", "180"]
    assert pair.caller.statuses == [180]
    assert (len(pair.callee.user.requests), pair.callee.endpoint.counters["retransmissions"]) == (1, 1)
    pair.callee.endpoint.respond(pair.callee.served[0], answer(pair, 486))
    pair.end()


def test_lost_final_response_of_another_request_is_repeated_from_memory() -> None:
    pair = Pair(loss=[0, 1, 0, 1])
    pair.callee.answers(200)
    pair.ask("OPTIONS")
    pair.clock.advance(5)
    assert pair.wire.transcript() == ["OPTIONS", "(200)", "OPTIONS", "(200)", "OPTIONS", "200"]
    assert pair.caller.statuses == [200]
    assert (len(pair.callee.user.requests), pair.callee.endpoint.counters["retransmissions"]) == (1, 2)
    assert len({packet.data for packet in pair.wire.log if packet.what == "200"}) == 1
    pair.end()


def test_lost_refusal_is_sent_again_until_acknowledged() -> None:
    pair = Pair(loss=[0, 0, 1, 1])
    pair.callee.answers(486)
    pair.ask("INVITE")
    pair.clock.advance(10)
    assert pair.wire.transcript() == ["INVITE", "100", "(486)", "(486)", "486", "ACK"]
    assert pair.wire.times("486") == [0, 0.5, 1.5]
    assert pair.caller.statuses == [100, 486]
    assert pair.callee.user.acks == []  # an ACK of a refusal is the transaction's own matter
    pair.end()


def test_lost_ack_of_a_refusal_is_sent_again_for_the_repeated_refusal() -> None:
    pair = Pair(loss=[0, 0, 0, 1, 0, 1])
    pair.callee.answers(486)
    pair.ask("INVITE")
    pair.clock.advance(10)
    assert pair.wire.transcript() == ["INVITE", "100", "486", "(ACK)", "486", "(ACK)", "486", "ACK"]
    assert pair.caller.statuses == [100, 486]
    pair.end()


def test_refusal_that_is_never_acknowledged_is_sent_eleven_times() -> None:
    pair = Pair(loss=[0, 0, *[1] * 100])
    pair.callee.answers(486)
    pair.ask("INVITE")
    pair.clock.advance(40)
    assert pair.wire.times("486") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert pair.callee.at_rest()
    assert pair.caller.statuses == [100]  # how long an INVITE may ring is for the user to say


def test_repeated_2xx_is_the_matter_of_the_users() -> None:
    pair = Pair(loss=[0, 0, 1])
    pair.callee.answers(200)
    pair.ask("INVITE")
    pair.clock.advance(4)
    # The INVITE, answered 100, is not repeated; the server's transaction does not repeat its 200 (RFC 6026 §7.1).
    assert pair.wire.transcript() == ["INVITE", "100", "(200)"]
    ok = answer(pair, 200)
    pair.callee.endpoint.respond(pair.callee.served[0], ok)
    pair.callee.endpoint.respond(pair.callee.served[0], ok)
    pair.clock.advance(1)
    assert pair.caller.statuses == [100, 200, 200]
    ack = new_request("ACK")
    sent = pair.caller.endpoint.send_ack(ack, pair.caller.flow_to(pair.callee))
    pair.caller.endpoint.send(sent, pair.caller.flow_to(pair.callee))
    pair.clock.advance(1)
    assert [ack.method for ack in pair.callee.user.acks] == ["ACK", "ACK"]
    assert parse(sent).via.branch != parse(pair.wire.log[0].data).via.branch
    pair.end()


def test_late_2xx_after_another_branch_answered_still_goes_up() -> None:
    pair = Pair()
    pair.callee.answers(200)
    pair.ask("INVITE")
    pair.clock.advance(20)
    pair.callee.endpoint.respond(pair.callee.served[0], answer(pair, 200, to_tag="fork"))
    pair.clock.advance(1)
    assert [response.to_tag for response in pair.caller.responses[1:]] == ["theirs", "fork"]
    pair.end()


def test_doubled_datagrams_make_no_second_request_and_no_second_refusal() -> None:
    pair = Pair(duplicate=[1, 1, 1, 1, 1, 1])
    pair.callee.answers(180, 486)
    pair.ask("INVITE")
    pair.clock.advance(0.3)
    assert (len(pair.callee.user.requests), pair.callee.endpoint.counters["retransmissions"]) == (1, 1)
    assert pair.caller.statuses.count(486) == 1
    assert pair.callee.endpoint.counters["failures"] == 0
    pair.end()


def test_responses_out_of_order_do_not_confuse_the_client() -> None:
    pair = Pair(reorder=[0, 0, 1, 0])  # 180 overtaken by 486
    pair.callee.answers(180, 486)
    pair.ask("INVITE")
    pair.clock.advance(0.4)
    assert pair.wire.transcript() == ["INVITE", "100", "180", "486", "ACK"]
    assert pair.caller.statuses == [100, 486]
    pair.end()


@pytest.mark.parametrize("transport", ["TCP", "TLS", "WS", "WSS"])
def test_connection_retransmits_by_itself(transport: str) -> None:
    pair = Pair(loss=[1] * 100)
    pair.callee.answers(180, 486)
    pair.ask("INVITE", transport)
    pair.ask("OPTIONS", transport)
    pair.clock.advance(40)
    assert sorted(pair.wire.transcript()) == sorted(["INVITE", "OPTIONS", "100", "180", "486", "180", "486", "ACK"])
    assert f"SIP/2.0/{transport} ".encode() in pair.wire.log[0].data
    pair.end()


def test_cancel_repeats_the_invite_and_gets_its_own_answer() -> None:
    pair = Pair()
    pair.callee.answers(180)
    invite = pair.ask("INVITE")
    pair.clock.advance(0.5)
    pair.callee.answers(200)
    cancelled: list[int] = []
    reason = [("Reason", 'SIP;cause=200;text="Call completed elsewhere"')]
    pair.caller.endpoint.cancel(invite, lambda response: cancelled.append(response.status), reason)
    pair.clock.advance(0.5)
    cancel = pair.callee.user.requests[1]
    asked = pair.callee.user.requests[0]
    assert (cancel.method, cancel.uri, cancel.cseq) == ("CANCEL", asked.uri, CSeq(1, "CANCEL"))
    assert [cancel.headers[name] for name in ("Via", "From", "To", "Call-ID")] == [
        asked.headers[name] for name in ("Via", "From", "To", "Call-ID")
    ]
    assert cancel.rows("Reason") == [reason[0][1]]
    assert pair.callee.endpoint.invite_of(cancel) is pair.callee.served[0]
    assert (cancelled, pair.caller.statuses) == ([200], [100, 180])
    pair.callee.endpoint.respond(pair.callee.served[0], answer(pair, 487))
    pair.clock.advance(0.5)
    assert pair.caller.statuses == [100, 180, 487]
    pair.end()


def test_cancel_of_an_answered_invite_finds_it_still() -> None:
    pair = Pair()
    pair.callee.answers(486)
    invite = pair.ask("INVITE")
    pair.clock.advance(0.5)
    pair.caller.endpoint.cancel(invite, pair.caller.responses.append)
    pair.clock.advance(0.5)
    assert pair.callee.endpoint.invite_of(pair.callee.user.requests[1]) is pair.callee.served[0]
    pair.end()
    assert pair.callee.endpoint.invite_of(pair.callee.user.requests[1]) is None


def test_cancelled_invite_is_given_up_when_the_peer_is_gone() -> None:
    pair = Pair(loss=[0, 0, 0, *[1] * 100])
    pair.callee.answers(180)
    invite = pair.ask("INVITE")
    pair.clock.advance(1)
    cancelled: list[int] = []
    pair.caller.endpoint.cancel(invite, lambda response: cancelled.append(response.status))
    pair.clock.advance(31)
    assert pair.caller.statuses == [100, 180]
    pair.clock.advance(2)
    # RFC 3261 §9.1: after 64·T1 without a final response the INVITE counts as cancelled.
    assert (pair.caller.statuses, cancelled) == ([100, 180, 408], [408])
    pair.clock.advance(10)
    assert pair.caller.at_rest()


def test_invite_that_was_cancelled_is_acknowledged_and_forgotten() -> None:
    pair = Pair()
    pair.callee.answers(180, 487)
    pair.ask("INVITE")
    pair.end()
    assert pair.wire.transcript()[-1] == "ACK"


def test_timers_of_the_endpoint_scale_with_its_base_values() -> None:
    clock = FakeClock()
    wire = Wire(clock, loss=[1] * 100)
    caller = Party(wire, "192.0.2.1", timers=Timers(t1=0.0625, t2=0.125))
    wire.attach(Inbox(), "192.0.2.2")
    flow = caller.station.flow_to("UDP", "192.0.2.2", 5060)
    caller.endpoint.request(new_request("OPTIONS"), flow, caller.responses.append)
    clock.advance(1)
    assert wire.times("OPTIONS")[:4] == [0, 0.0625, 0.1875, 0.3125]
    clock.advance(4)
    assert caller.statuses == [408]


def test_request_that_has_a_via_keeps_it() -> None:
    pair = Pair()
    request = new_request("OPTIONS")
    request.headers["Via"] = ["SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKmine"]
    pair.caller.endpoint.request(request, pair.caller.flow_to(pair.callee), pair.caller.responses.append)
    pair.clock.advance(0)
    assert b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKmine\r\n" in pair.wire.log[0].data


# ---- nobody is there


def first_sent(pair: Pair) -> bytes:
    return pair.wire.log[0].data


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_request_that_comes_to_nobody_fails_at_once(method: str) -> None:
    pair = Pair(loss=[1] * 100)
    transaction = pair.ask(method)
    pair.caller.endpoint.undelivered(first_sent(pair)[:200], transaction.flow)
    (response,) = pair.caller.responses
    assert isinstance(response, LocalResponse)
    assert response.status == 503
    pair.end()
    assert len(pair.wire.log) == 1


def test_icmp_error_fails_only_the_request_that_it_quotes() -> None:
    pair = Pair(loss=[1] * 100)
    transaction = pair.ask("OPTIONS")
    quoted = first_sent(pair)
    branch = transaction.request.via.branch.encode()
    elsewhere = pair.caller.station.flow_to("UDP", "192.0.2.3", 5060)
    for data, flow in (
        (quoted, elsewhere),
        (quoted.replace(branch, branch[:-1]), transaction.flow),
        (quoted.replace(b"OPTIONS", b"INVITE"), transaction.flow),
        (quoted[: quoted.index(branch) + len(branch)], transaction.flow),  # nobody knows what followed
        (b"SIP/2.0 200 OK\r\n" + quoted.partition(b"\r\n")[2], transaction.flow),
        (b"", transaction.flow),
        (b"\xff" * 100, transaction.flow),
    ):
        pair.caller.endpoint.undelivered(data, flow)
    assert pair.caller.responses == []
    pair.end()


def test_icmp_error_for_somebody_who_has_been_heard_of_changes_nothing() -> None:
    pair = Pair()
    pair.callee.answers(180)
    transaction = pair.ask("INVITE")
    pair.clock.advance(1)
    pair.caller.endpoint.undelivered(first_sent(pair), transaction.flow)
    assert pair.caller.statuses == [100, 180]
    pair.callee.endpoint.respond(pair.callee.served[0], answer(pair, 486))
    pair.end()

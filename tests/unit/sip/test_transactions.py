"""What transactions send and when: schedules by their effects, without a clock."""

import pytest

from sip.fields import CSeq, Via
from sip.message import Request, parse
from sip.timers import Timers
from sip.transaction.client import InviteClient, NonInviteClient
from sip.transaction.effects import Effect, PassUp, Send, StartTimer
from sip.transaction.server import InviteServer, NonInviteServer, ServerTransaction
from sip.transaction.tables import State
from tests.unit.sip.machines import client, in_words, read_request, read_response, server


def interval(effects: list[Effect], name: str) -> float:
    """Of the timer of that name that the effects start."""
    (seconds,) = [effect.seconds for effect in effects if isinstance(effect, StartTimer) and effect.name == name]
    return seconds


def test_invite_is_sent_again_at_doubled_intervals_until_timer_b() -> None:
    transaction = client(InviteClient)
    effects = transaction.start()
    assert in_words(effects) == ["send INVITE", "timer B 32", "timer A 0.5"]
    waits = [interval(effects, "A")]
    while sum(waits) + 2 * waits[-1] < 64:
        effects = transaction.timer_fired("A")
        assert effects[0] == Send(transaction.data)
        waits.append(interval(effects, "A"))
    assert waits == [0.5, 1, 2, 4, 8, 16, 32]
    assert in_words(transaction.timer_fired("B")) == ["end timeout"]
    assert transaction.timer_fired("A") == []


def test_other_requests_are_sent_again_at_intervals_up_to_t2() -> None:
    transaction = client(NonInviteClient)
    effects = transaction.start()
    assert in_words(effects) == ["send OPTIONS", "timer F 32", "timer E 0.5"]
    waits = [interval(effects, "E")]
    for _ in range(10):
        effects = transaction.timer_fired("E")
        assert effects[0] == Send(transaction.data)
        waits.append(interval(effects, "E"))
    assert waits == [0.5, 1, 2, *[4] * 8]
    assert sum(waits[:10]) == 31.5  # eleven requests in all before timer F (RFC 3261 §17.1.2.1)


def test_provisional_response_slows_other_requests_down_to_t2() -> None:
    transaction = client(NonInviteClient)
    transaction.start()
    transaction.receive(read_response(100, "OPTIONS"))
    assert [interval(transaction.timer_fired("E"), "E") for _ in range(3)] == [4, 4, 4]


def test_refusal_is_sent_again_at_intervals_up_to_t2_until_acknowledged() -> None:
    transaction = server(InviteServer)
    refusal = read_response(486, "INVITE")
    effects = transaction.respond(refusal)
    assert in_words(effects) == ["send 486", "timer G 0.5", "timer H 32"]
    waits = [interval(effects, "G")]
    for _ in range(6):
        effects = transaction.timer_fired("G")
        assert effects[0] == Send(refusal.to_bytes())
        waits.append(interval(effects, "G"))
    assert waits == [0.5, 1, 2, 4, 4, 4, 4]
    assert in_words(transaction.retransmitted()) == ["send 486"]
    assert isinstance(transaction, InviteServer)
    assert in_words(transaction.acknowledged(None)) == ["timer I 5"]
    assert transaction.timer_fired("G") == transaction.retransmitted() == transaction.acknowledged(None) == []
    assert in_words(transaction.timer_fired("I")) == ["end"]


def test_refusal_without_acknowledgement_ends_by_timer_h() -> None:
    transaction = server(InviteServer)
    transaction.respond(read_response(486, "INVITE"))
    assert in_words(transaction.timer_fired("H")) == ["end timeout"]


@pytest.mark.parametrize("kind", [InviteClient, NonInviteClient])
def test_reliable_transport_starts_only_the_timer_that_gives_up(kind: type[InviteClient]) -> None:
    transaction = client(kind, reliable=True)
    assert [effect for effect in transaction.start() if isinstance(effect, StartTimer)] == [
        StartTimer(transaction.give_up, 32.0)
    ]


def test_base_values_of_the_timers_scale_all_others() -> None:
    timers = Timers(t1=0.01, t2=0.03, t4=0.5, timer_d=7)
    invite = client(InviteClient, timers=timers)
    assert in_words(invite.start()) == ["send INVITE", "timer B 0.64", "timer A 0.01"]
    assert in_words(invite.receive(read_response(500, "INVITE")))[1] == "timer D 7"
    options = client(NonInviteClient, timers=timers)
    options.start()
    assert [interval(options.timer_fired("E"), "E") for _ in range(3)] == [0.02, 0.03, 0.03]
    assert in_words(options.receive(read_response(200, "OPTIONS")))[1] == "timer K 0.5"


def test_ack_of_a_refusal_repeats_what_ties_it_to_the_invite() -> None:
    transaction = client(InviteClient)
    transaction.request.add("Route", "<sip:p1;lr>")
    transaction.request.add("Route", "<sip:p2;lr>")
    transaction.request.add("Via", "SIP/2.0/UDP second")
    transaction.request.body = b"v=0"
    effects = transaction.receive(read_response(486, "INVITE", to="<sip:102@example.org>;tag=busy"))
    assert isinstance(effects[0], Send)
    ack = parse(effects[0].data)
    assert isinstance(ack, Request)
    sent = transaction.request
    assert (ack.method, ack.uri, ack.call_id, ack.from_tag, ack.body) == ("ACK", sent.uri, sent.call_id, "one", b"")
    assert ack.to_tag == "busy"
    assert ack.cseq == CSeq(314159, "ACK")
    assert ack.rows("Via") == sent.rows("Via")[:1]
    assert ack.rows("Route") == ["<sip:p1;lr>", "<sip:p2;lr>"]


def test_each_forked_answer_goes_up() -> None:
    transaction = client(InviteClient)
    transaction.start()
    answers = [read_response(200, "INVITE", to=f"<sip:102@h>;tag={tag}") for tag in ("a", "b", "a")]
    passed = [
        effect.message for answer in answers for effect in transaction.receive(answer) if isinstance(effect, PassUp)
    ]
    assert passed == answers
    assert transaction.receive(read_response(486, "INVITE")) == []


@pytest.mark.parametrize("kind", [InviteServer, NonInviteServer])
def test_server_lets_the_request_go_with_its_final_response(kind: type[ServerTransaction]) -> None:
    transaction = server(kind)
    method = "INVITE" if kind is InviteServer else "OPTIONS"
    transaction.respond(read_response(180, method))
    assert transaction.request is not None
    transaction.respond(read_response(404, method))
    assert transaction.request is None


def test_second_final_response_has_no_effect_and_the_first_stays_the_answer() -> None:
    transaction = server(NonInviteServer)
    transaction.respond(read_response(200, "OPTIONS"))
    assert transaction.respond(read_response(500, "OPTIONS")) == []
    assert in_words(transaction.retransmitted()) == ["send 200"]


def test_last_provisional_response_answers_a_repeated_invite() -> None:
    transaction = server(InviteServer)
    assert isinstance(transaction, InviteServer)
    assert in_words(transaction.trying()) == ["send 100"]
    assert in_words(transaction.retransmitted()) == ["send 100"]
    transaction.respond(read_response(183, "INVITE"))
    assert in_words(transaction.retransmitted()) == ["send 183"]


def test_repeated_invite_is_absorbed_once_accepted() -> None:
    transaction = server(InviteServer)
    transaction.respond(read_response(200, "INVITE"))
    assert transaction.retransmitted() == []
    assert transaction.state is State.ACCEPTED
    assert isinstance(transaction, InviteServer)
    assert in_words(transaction.acknowledged(read_request("ACK"))) == ["up ACK"]


def test_rerouted_request_is_a_new_transaction() -> None:
    class Somewhere:
        reliable = True

    transaction = client(InviteClient)
    transaction.start()
    transaction.timer_fired("A")
    before = transaction.key
    flow = Somewhere()
    transaction.reroute(flow, lambda _: Via("TCP", "192.0.2.1", None, {"branch": "z9hG4bKnew"}))
    assert transaction.key == "z9hG4bKnew INVITE" != before
    assert (transaction.flow, transaction.reliable, transaction.state) == (flow, True, State.CALLING)
    assert in_words(transaction.start()) == ["send INVITE", "timer B 32"]
    assert b"z9hG4bKnew" in transaction.data

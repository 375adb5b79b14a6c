"""Forwarding rules set by the command line: who rings instead, what the caller hears, and what `explain` says."""

import itertools
import socket
from datetime import datetime, timedelta
from typing import Any

import pytest

from pbx.routing.forwarding import MAX_DIVERSIONS
from tests.interop.desk import ELSEWHERE, Desk, assert_hear_each_other, kind, tone
from tests.support.peers.available import PHONES
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone, Transport
from tests.support.peers.calls import Call
from tests.support.peers.linphone import Linphone
from tests.support.peers.pjsua import Pjsua
from tests.support.peers.sipp import register
from tests.support.peers.trace import Way

pytestmark = pytest.mark.interop


class OneLine(Baresip):
    """A phone with one line: a second call gets 486 from the phone itself."""

    most_calls = 1


def forward(desk: Desk, number: str, *rule: str) -> None:
    """Sets a rule as an admin types it."""
    desk.gorizont("forward", "set", number, *rule)


def take(caller: Phone, outgoing: Call, last: Phone, *before: str) -> Call:
    """The last phone rings, shows who was called `before` (the first of all first), and answers: they talk."""
    incoming = last.wait_incoming()
    assert incoming.number == caller.account.number
    assert incoming.forwarded_for == (*before, last.account.number)
    assert incoming.diverted_by == tuple(reversed(before))
    caller.wait_message(Way.RECEIVED, "INVITE", status=180, since=index_of(caller, outgoing, 181))
    last.answer(incoming)
    caller.wait_established(outgoing)
    last.wait_established(incoming)
    assert_hear_each_other(caller, last)
    return incoming


def index_of(phone: Phone, call: Call, status: int) -> int:
    """Where in the phone's messages a status of a call stands, waited for."""
    wanted = phone.wait_message(
        Way.RECEIVED,
        "INVITE",
        where=lambda message: message.status == status and message.header("Call-ID") == call.id,
    )
    return phone.messages.index(wanted)


def end(desk: Desk, caller: Phone, outgoing: Call, last: Phone) -> str:
    """The caller hangs up; what `gorizont explain` says of the call."""
    caller.hang_up(outgoing)
    last.wait_ended()
    record = desk.server.wait_record(caller=caller.account.number, answered_by=last.account.number)
    return desk.gorizont("explain", record["id"])


# ---- each kind of rule


@pytest.mark.parametrize(("caller", "last"), [(Baresip, Linphone), (Linphone, Pjsua), (Pjsua, Baresip)], ids=kind)
def test_always_leaves_the_own_phone_silent(desk: Desk, caller: type[Phone], last: type[Phone]) -> None:
    one, own, other = desk.phones(caller, Linphone, last)
    desk.program("forward", "set", own.account.number, "always", other.account.number)
    outgoing = one.call(own.account.number)
    take(one, outgoing, other, own.account.number)
    story = end(desk, one, outgoing, other)
    assert f"by rule 'always' of {own.account.number} (version 1)" in story
    assert f"{other.account.number} answered" in story
    assert own.calls == []


@pytest.mark.parametrize("caller", PHONES, ids=kind)
def test_busy_line_sends_the_call_on(desk: Desk, caller: type[Phone]) -> None:
    one, talks, other = desk.phones(caller, Pjsua, Baresip)
    own = desk.phone(OneLine)
    forward(desk, own.account.number, "busy", other.account.number)
    first = own.call(talks.account.number)
    talks.wait_incoming()
    talks.answer()
    own.wait_established(first)
    outgoing = one.call(own.account.number)
    take(one, outgoing, other, own.account.number)
    assert_hear_each_other(own, talks)
    story = end(desk, one, outgoing, other)
    assert f"{own.account.number} was busy" in story
    assert "by rule 'busy' (version 1)" in story


def test_refusal_sends_the_call_on_as_busy_does(desk: Desk) -> None:
    one, own, other = desk.phones(Linphone, Pjsua, Baresip)
    forward(desk, own.account.number, "busy", other.account.number)
    outgoing = one.call(own.account.number)
    own.wait_incoming()
    own.reject(603)
    take(one, outgoing, other, own.account.number)
    assert f"{own.account.number} declined" in end(desk, one, outgoing, other)


def test_busy_of_sipp_sends_the_call_on(desk: Desk) -> None:
    one, other = desk.phones(Pjsua, Linphone)
    number, sipp = desk.sipp_callee("uas_busy")
    forward(desk, number, "busy", other.account.number)
    outgoing = one.call(number)
    take(one, outgoing, other, number)
    assert sipp.wait_done().successful == 1


@pytest.mark.parametrize(
    ("caller", "owner", "last"), [(Baresip, Linphone, Pjsua), (Linphone, Pjsua, Baresip), (Pjsua, Baresip, Linphone)]
)
def test_call_that_is_not_answered_goes_on_after_the_seconds_of_the_rule(
    desk: Desk, caller: type[Phone], owner: type[Phone], last: type[Phone]
) -> None:
    one, own, other = desk.phones(caller, owner, last)
    forward(desk, own.account.number, "no-answer", other.account.number, "--after", "2")
    outgoing = one.call(own.account.number)
    ringing = own.wait_incoming()
    one.wait_ringing(outgoing)
    assert own.wait_ended(ringing).reasons == ('SIP;cause=480;text="No answer"',)
    take(one, outgoing, other, own.account.number)
    assert [status for status in outgoing.provisional if status != 100][:2] == [180, 181]
    story = end(desk, one, outgoing, other)
    assert f"{own.account.number} did not answer (" in story
    assert "by rule 'no answer' (version 1)" in story


def test_call_to_somebody_without_a_phone_goes_on_at_once(desk: Desk) -> None:
    one, other = desk.phones(Baresip, Linphone)
    absent = desk.user()
    forward(desk, absent, "unreachable", other.account.number)
    outgoing = one.call(absent)
    take(one, outgoing, other, absent)
    story = end(desk, one, outgoing, other)
    assert f"{absent} was not reachable" in story
    assert "by rule 'unreachable' (version 1)" in story


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
def test_call_to_a_phone_whose_connection_broke_goes_on_at_once(desk: Desk, transport: Transport) -> None:
    one, other = desk.phones(Pjsua, Baresip)
    own = desk.phone(Linphone, transport=transport)
    forward(desk, own.account.number, "unreachable", other.account.number)
    own.kill()
    outgoing = one.call(own.account.number)
    take(one, outgoing, other, own.account.number)


def test_call_to_a_phone_that_was_killed_goes_on_at_once(desk: Desk) -> None:
    """Its machine says by ICMP that nobody is there any more."""
    one, own, other = desk.phones(Linphone, Baresip, Pjsua)
    forward(desk, own.account.number, "unreachable", other.account.number)
    own.kill()
    outgoing = one.call(own.account.number)
    take(one, outgoing, other, own.account.number)
    end(desk, one, outgoing, other)
    first, _ = desk.server.wait_record(caller=one.account.number)["events"]
    assert (first["target"], first["outcome"]) == (own.account.number, "unreachable")
    assert first["seconds"] < 1.0  # where nothing is said, it takes five


def test_call_to_a_phone_from_which_nothing_comes_back_goes_on_within_seconds(desk: Desk) -> None:
    """As behind a router that has forgotten the phone: nobody says that it is not there."""
    one, other = desk.phones(Baresip, Pjsua)
    own = desk.user()
    port = register(desk.server.udp, own, desk.server.password(own), desk.place("register"))
    forward(desk, own, "unreachable", other.account.number)
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", port))
        outgoing = one.call(own)
        take(one, outgoing, other, own)
    assert f"{own} was not reachable" in end(desk, one, outgoing, other)


def test_do_not_disturb_sends_the_call_on_or_tells_the_caller(desk: Desk) -> None:
    one, own, other = desk.phones(Linphone, Baresip, Pjsua)
    forward(desk, own.account.number, "dnd")
    outgoing = one.wait_ended(one.call(own.account.number))
    assert (outgoing.status, outgoing.phrase) == (480, "Do Not Disturb")
    forward(desk, own.account.number, "busy", other.account.number)
    outgoing = one.call(own.account.number)
    take(one, outgoing, other, own.account.number)
    story = end(desk, one, outgoing, other)
    assert (
        f"rule 'do not disturb' of {own.account.number} (version 1) names no target: rule 'busy' is followed" in story
    )
    desk.gorizont("forward", "clear", own.account.number)
    one.call(own.account.number)
    assert own.wait_incoming().forwarded_for == ()


def test_rule_by_caller_holds_for_that_caller_alone(desk: Desk) -> None:
    one, own, other = desk.phones(Pjsua, Linphone, Baresip)
    forward(desk, own.account.number, "caller", other.account.number, "--caller", one.account.number)
    outgoing = one.call(own.account.number)
    take(one, outgoing, other, own.account.number)
    assert f"by rule 'caller' {one.account.number} of {own.account.number}" in end(desk, one, outgoing, other)
    other.call(own.account.number)
    assert own.wait_incoming().number == other.account.number


def test_rule_by_time_holds_in_its_hours_on_its_days(desk: Desk) -> None:
    one, own, other = desk.phones(Baresip, Pjsua, Linphone)
    number = own.account.number
    now = datetime.now().astimezone()
    window = now - timedelta(hours=1), now + timedelta(hours=1)
    hours = ("--from", f"{window[0]:%H:%M}", "--to", f"{window[1]:%H:%M}")
    forward(desk, number, "time", other.account.number, *hours)
    outgoing = one.call(number)
    take(one, outgoing, other, number)
    assert f"by rule 'time' {window[0]:%H:%M}-{window[1]:%H:%M}" in end(desk, one, outgoing, other)

    inside, outside = (f"{now + timedelta(days=1, hours=hours):%Y-%m-%dT%H:%M}" for hours in (0, 2))
    assert simulated(desk, one, number, "--at", inside)["answered_by"] == other.account.number
    assert simulated(desk, one, number, "--at", outside)["answered_by"] == number

    desk.gorizont("forward", "clear", number)
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    closed = days[(now.weekday() + 3) % 7]
    forward(desk, number, "time", other.account.number, "--from", "00:00", "--to", "00:00", "--days", closed)
    one.call(number)
    assert own.wait_incoming().forwarded_for == ()
    assert simulated(desk, one, number, "--at", f"{now + timedelta(days=3):%Y-%m-%dT%H:%M}")["answered_by"] == (
        other.account.number
    )


def simulated(desk: Desk, caller: Phone, dialled: str, *options: str) -> Any:
    return desk.values("simulate", caller.account.number, dialled, *options)


# ---- several who ring


def test_targets_of_one_rule_ring_together(desk: Desk) -> None:
    one, first, second = desk.phones(Linphone, Pjsua, Baresip)
    own = desk.user()
    forward(desk, own, "always", f"{first.account.number},{second.account.number}")
    outgoing = one.call(own)
    ringing = first.wait_incoming()
    take(one, outgoing, second, own)
    assert first.wait_ended(ringing).reasons == ELSEWHERE


def test_group_as_a_target_rings_all_of_it_at_once(desk: Desk) -> None:
    one, own, first, second = desk.phones(Pjsua, Linphone, Baresip, Linphone)
    group = desk.group(first, second)
    forward(desk, own.account.number, "always", group)
    outgoing = one.call(own.account.number)
    ringing, incoming = first.wait_incoming(), second.wait_incoming()
    assert incoming.diverted_by == ringing.diverted_by == (own.account.number,)
    first.answer(ringing)
    one.wait_established(outgoing)
    assert second.wait_ended(incoming).status == 487
    assert_hear_each_other(one, first)
    assert f"group {group}" in end(desk, one, outgoing, first)


def test_group_rings_in_turn_until_somebody_answers(desk: Desk) -> None:
    one, first, second, third = desk.phones(Baresip, Pjsua, Linphone, Pjsua)
    group = desk.group(first, second, third, strategy="in-turn")
    outgoing = one.call(group)
    first.wait_incoming()
    first.reject(486)
    ringing = second.wait_incoming()
    assert third.calls == []
    second.reject(603, ringing)
    incoming = third.wait_incoming()
    third.answer(incoming)
    one.wait_established(outgoing)
    assert_hear_each_other(one, third)
    story = end(desk, one, outgoing, third)
    assert f"{first.account.number} was busy" in story
    assert f"next in group {group}" in story
    assert 181 not in outgoing.provisional


# ---- chains and loops


def test_chain_of_rules_is_shown_to_the_last_phone(desk: Desk) -> None:
    one, second, last = desk.phones(Linphone, Baresip, Pjsua)
    first = desk.user()
    forward(desk, first, "always", second.account.number)
    forward(desk, second.account.number, "busy", last.account.number)
    outgoing = one.call(first)
    assert second.wait_incoming().diverted_by == (first,)
    second.reject(486)
    incoming = take(one, outgoing, last, first, second.account.number)
    assert [value.partition(";")[2] for value in incoming.invite.headers("Diversion")] == [
        "reason=user-busy;counter=1",
        "reason=unconditional;counter=1",
    ]
    story = end(desk, one, outgoing, last)
    assert f"by rule 'always' of {first} (version 1)" in story
    assert f"{second.account.number} was busy" in story


@pytest.mark.parametrize("caller", PHONES, ids=kind)
def test_rules_that_forward_in_a_circle_end_the_call(desk: Desk, caller: type[Phone]) -> None:
    one, second = desk.phones(caller, Baresip)
    first = desk.user()
    forward(desk, first, "unreachable", second.account.number)
    forward(desk, second.account.number, "busy", first)
    outgoing = one.call(first)
    second.wait_incoming()
    second.reject(486)
    assert one.wait_ended(outgoing).status == 486
    record = desk.server.wait_record(caller=one.account.number, dialled=first)
    assert f"{first} is already in this chain" in desk.gorizont("explain", record["id"])


def test_call_is_not_forwarded_to_the_one_who_calls(desk: Desk) -> None:
    one, own = desk.phones(Pjsua, Baresip)
    forward(desk, own.account.number, "always", one.account.number)
    one.call(own.account.number)
    own.wait_incoming()
    own.reject(486)
    assert one.wait_ended().status == 486
    assert [call.outgoing for call in one.calls] == [True]
    record = desk.server.wait_record(caller=one.account.number, dialled=own.account.number)
    assert f"{one.account.number} is the caller" in desk.gorizont("explain", record["id"])


def test_chain_that_is_too_long_ends_at_the_hop_limit(desk: Desk) -> None:
    (one,) = desk.phones(Baresip)
    chain = [desk.user() for _ in range(MAX_DIVERSIONS + 2)]
    for number, following in itertools.pairwise(chain):
        desk.server.forward(number, "always", following)
    assert one.wait_ended(one.call(chain[0])).phrase == "Not Reachable"
    record = desk.server.wait_record(caller=one.account.number, dialled=chain[0])
    story = desk.gorizont("explain", record["id"])
    assert f"hop limit {MAX_DIVERSIONS} reached" in story
    assert f"{chain[-2]} was not reachable" in story


# ---- forwarded by the phone


@pytest.mark.parametrize("caller", PHONES, ids=kind)
def test_redirection_by_a_phone_is_a_forward_of_its_user(desk: Desk, caller: type[Phone]) -> None:
    one, other = desk.phones(caller, Linphone)
    number, sipp = desk.sipp_callee("uas_redirect", keys={"target": other.account.number})
    outgoing = one.call(number)
    incoming = take(one, outgoing, other, number)
    assert "reason=deflection" in incoming.invite.header("Diversion")
    assert sipp.wait_done().successful == 1
    assert f"the phone of {number} redirected the call to {other.account.number}" in end(desk, one, outgoing, other)


def test_redirection_out_of_the_house_is_a_refusal(desk: Desk) -> None:
    (one,) = desk.phones(Pjsua)
    number, sipp = desk.sipp_callee("uas_redirect", keys={"target": "100"}, domain="elsewhere.example")
    assert one.wait_ended(one.call(number)).status == 603
    assert sipp.wait_done().successful == 1


def test_caller_hears_the_voice_of_a_sipp_that_was_forwarded_to(desk: Desk) -> None:
    (one,) = desk.phones(Baresip)
    own = desk.user()
    number, sipp = desk.sipp_callee(media=desk.ear(), hold=300)
    forward(desk, own, "unreachable", number)
    outgoing = one.call(own)
    sipp.wait_said("established")
    one.wait_hears(tone(sipp))
    assert_hear_each_other(one, sipp)
    assert sipp.calls[0].forwarded_for == (own, number)
    one.hang_up(outgoing)
    assert sipp.wait_done().successful == 1

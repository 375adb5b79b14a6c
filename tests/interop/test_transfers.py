"""Transfers started by each phone: who talks with whom afterwards, and what the one who transfers is told."""

from collections.abc import Callable

import pytest

from tests.interop.desk import Desk, assert_hear_each_other, connect, kind
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone
from tests.support.peers.calls import Call
from tests.support.peers.linphone import Linphone
from tests.support.peers.pjsua import Pjsua
from tests.support.peers.trace import SipMessage, Way

pytestmark = pytest.mark.interop

# Who transfers, who is transferred, and to whom.
BLIND = [(Baresip, Linphone, Pjsua), (Linphone, Pjsua, Baresip), (Pjsua, Baresip, Linphone)]
ATTENDED = [
    (Linphone, Baresip, Pjsua),
    (Linphone, Pjsua, Baresip),
    (Pjsua, Baresip, Linphone),
    (Pjsua, Linphone, Baresip),
]


def assert_talk_and_end(desk: Desk, one: Phone, other: Phone) -> None:
    """Both hear each other, hold and resume; one hangs up, and so it ends for the other."""
    assert_hear_each_other(one, other)
    if not isinstance(one, Pjsua):  # its own offers, made whenever it has got an answer, would collide with this one
        assert one.hold().status == 200
        assert one.resume().status == 200
        assert_hear_each_other(one, other)
    other.hang_up()
    one.wait_ended()


def told(status: int) -> Callable[[SipMessage], bool]:
    """Whether a message is the news that a transfer has come to this."""

    def fits(message: SipMessage) -> bool:
        return message.status is None and message.body.startswith(f"SIP/2.0 {status} ")

    return fits


# ---- blind


@pytest.mark.parametrize("by_caller", [True, False], ids=["caller", "callee"])
@pytest.mark.parametrize(("boss", "client", "colleague"), BLIND, ids=kind)
def test_blind_transfer_joins_the_other_two(
    desk: Desk, boss: type[Phone], client: type[Phone], colleague: type[Phone], by_caller: bool
) -> None:
    leaves, stays, joins = desk.phones(boss, client, colleague)
    first, _ = connect(*((leaves, stays) if by_caller else (stays, leaves)))
    assert_hear_each_other(leaves, stays)
    assert leaves.transfer(joins.account.number).status == 202
    incoming = joins.wait_incoming()
    assert incoming.number == stays.account.number
    leaves.wait_message(Way.RECEIVED, "NOTIFY", where=told(180))
    joins.answer(incoming)
    joins.wait_established(incoming)
    leaves.wait_message(Way.RECEIVED, "NOTIFY", where=told(200))
    leaves.wait_ended(leaves.calls[0])
    assert_talk_and_end(desk, stays, joins)
    record = desk.server.wait_record(caller=stays.account.number, answered_by=joins.account.number)
    assert record["outcome"] == "answered"
    caller = leaves if by_caller else stays
    first_record = desk.server.wait_record(caller=caller.account.number, cause=f"transferred to {joins.account.number}")
    asked = f"{leaves.account.number} asks to transfer {stays.account.number} to {joins.account.number}"
    assert asked in desk.gorizont("explain", first_record["id"])
    assert first.status == 200


@pytest.mark.parametrize(
    ("boss", "client", "busy", "status"),
    [(Linphone, Pjsua, Baresip, 486), (Pjsua, Baresip, Linphone, 603), (Linphone, Baresip, Pjsua, 486)],
)
def test_refused_blind_transfer_leaves_the_two_together(
    desk: Desk, boss: type[Phone], client: type[Phone], busy: type[Phone], status: int
) -> None:
    one, other, third = desk.phones(boss, client, busy)
    connect(other, one)
    assert_hear_each_other(one, other)
    assert one.transfer(third.account.number).status == 202
    third.wait_incoming()
    third.reject(status)
    one.wait_message(Way.RECEIVED, "NOTIFY", where=told(status))
    assert_hear_each_other(one, other)
    other.hang_up()
    one.wait_ended(one.calls[0])


def test_phone_that_hangs_up_when_its_transfer_is_refused_ends_the_call(desk: Desk) -> None:
    boss, client, busy = desk.phones(Baresip, Linphone, Pjsua)
    _, call = connect(client, boss)
    assert boss.transfer(busy.account.number).status == 202
    busy.wait_incoming()
    busy.reject(486)
    boss.wait_message(Way.RECEIVED, "NOTIFY", where=told(486))
    assert boss.wait_ended(call).hung_up_by is Way.SENT
    assert client.wait_ended().hung_up_by is Way.RECEIVED


def test_blind_transfer_follows_the_rules_of_its_target(desk: Desk) -> None:
    boss, client, last = desk.phones(Pjsua, Linphone, Baresip)
    absent = desk.user()
    desk.server.forward(absent, "unreachable", last.account.number)
    connect(client, boss)
    assert boss.transfer(absent).status == 202
    incoming = last.wait_incoming()
    assert (incoming.number, incoming.diverted_by) == (client.account.number, (absent,))
    boss.wait_message(Way.RECEIVED, "NOTIFY", where=told(181))
    last.answer(incoming)
    last.wait_established(incoming)
    assert_talk_and_end(desk, client, last)


def test_transferred_call_can_be_transferred_on(desk: Desk) -> None:
    client, first, second, third = desk.phones(Linphone, Baresip, Pjsua, Baresip)
    connect(client, first)
    assert first.transfer(second.account.number).status == 202
    incoming = second.wait_incoming()
    second.answer(incoming)
    second.wait_established(incoming)
    assert_hear_each_other(client, second)
    assert second.transfer(third.account.number, incoming).status == 202
    incoming = third.wait_incoming()
    assert incoming.number == client.account.number
    third.answer(incoming)
    third.wait_established(incoming)
    assert_talk_and_end(desk, client, third)


@pytest.mark.parametrize(("boss", "client"), [(Linphone, Pjsua), (Pjsua, Baresip)], ids=kind)
def test_transfer_to_a_number_that_nobody_has_fails(desk: Desk, boss: type[Phone], client: type[Phone]) -> None:
    one, other = desk.phones(boss, client)
    connect(one, other)
    assert one.transfer("99999").status == 202
    one.wait_message(Way.RECEIVED, "NOTIFY", where=told(404))
    assert_hear_each_other(one, other)


# ---- attended


@pytest.mark.parametrize("by_caller", [True, False], ids=["caller", "callee"])
@pytest.mark.parametrize(("boss", "client", "colleague"), ATTENDED, ids=kind)
def test_attended_transfer_joins_the_other_two(
    desk: Desk, boss: type[Phone], client: type[Phone], colleague: type[Phone], by_caller: bool
) -> None:
    leaves, stays, joins = desk.phones(boss, client, colleague)
    first, second = consult(leaves, stays, joins, by_caller=by_caller)
    assert leaves.attended_transfer(first, second).status == 202
    leaves.wait_message(Way.RECEIVED, "NOTIFY", where=told(200))
    leaves.wait_ended(first)
    leaves.wait_ended(second)
    assert_talk_and_end(desk, stays, joins)
    caller = leaves if by_caller else stays
    desk.server.wait_record(caller=caller.account.number, cause=f"transferred to {joins.account.number}")
    record = desk.server.wait_record(dialled=joins.account.number, answered_by=joins.account.number)
    story = desk.gorizont("explain", record["id"])
    assert f"{stays.account.number} takes the place of {leaves.account.number}" in story


def consult(boss: Phone, client: Phone, colleague: Phone, *, by_caller: bool) -> tuple[Call, Call]:
    """The boss talks with a client, puts him on hold and calls a colleague: both calls as the boss has them."""
    outgoing, incoming = connect(*((boss, client) if by_caller else (client, boss)))
    first = outgoing if by_caller else incoming
    assert_hear_each_other(boss, client)
    assert boss.hold(first).status == 200
    second, _ = connect(boss, colleague)
    assert_hear_each_other(boss, colleague)
    return first, second


def test_transfer_to_a_phone_that_still_rings_calls_it_anew(desk: Desk) -> None:
    boss, client, colleague = desk.phones(Pjsua, Linphone, Baresip)
    _, first = connect(client, boss)
    second = boss.call(colleague.account.number)
    ringing = colleague.wait_incoming()
    boss.wait_ringing(second)
    assert boss.attended_transfer(first, second).status == 202
    colleague.wait_ended(ringing)
    incoming = colleague.wait_incoming()
    assert incoming.number == client.account.number
    colleague.answer(incoming)
    colleague.wait_established(incoming)
    assert_talk_and_end(desk, client, colleague)

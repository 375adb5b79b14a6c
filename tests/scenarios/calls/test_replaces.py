"""INVITE with Replaces (RFC 3891): a user goes on with a call on another phone."""

from __future__ import annotations

import pytest

from tests.scenarios.calls.office import Office, connected
from tests.support.phones import Phone
from tests.support.talks import Talk

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


@pytest.fixture
def soft(office: Office) -> Phone:
    """The second phone of 101."""
    return office.phone("101-b")


def _talk(one: Talk, other: Talk) -> bool:
    before = len(other.methods("INFO"))
    assert one.send("INFO", body=b"1", content_type="application/dtmf-relay").status == 200
    return len(other.methods("INFO")) == before + 1


@pytest.mark.parametrize("side", ["caller", "callee"])
@pytest.mark.parametrize("offered", [True, False])
def test_user_goes_on_with_a_call_on_another_phone(office: Office, soft: Phone, side: str, offered: bool) -> None:
    anna, boris = office.two()
    desk, other = connected(anna, boris) if side == "caller" else connected(boris, anna)[::-1]
    taken = soft.call("102", f"Replaces: {desk.dialog_of('')}", body=None if offered else b"")
    assert taken.heard == [100, 200]
    assert desk.ended
    (bye,) = desk.methods("BYE")
    assert bye.get("Reason") == ELSEWHERE
    (asked,) = other.methods("INVITE")
    assert (soft.host.encode() in asked.body) is offered
    if not offered:
        assert soft.host.encode() in other.acks[-1].body
    assert _talk(taken, other)
    assert _talk(other, taken)
    assert taken.bye().status == 200
    assert other.ended
    (record,) = office.records
    assert record.notes == ["101 goes on with the call on another phone"]


def test_call_of_somebody_else_cannot_be_taken_over(office: Office) -> None:
    anna, boris, clara = office.three()
    call, _ = connected(anna, boris)
    assert clara.call("102", f"Replaces: {call.dialog_of('')}").heard == [403]
    assert call.live


@pytest.mark.parametrize(
    ("replaces", "status"),
    [
        ("{call_id};to-tag=x;from-tag={local}", 481),
        ("{call_id};to-tag={remote};from-tag=x", 481),
        ("other;to-tag={remote};from-tag={local}", 481),
        ("{call_id};to-tag={remote}", 400),
        ("{call_id}", 400),
        ("{call_id};to-tag={remote};from-tag={local};early-only", 486),
    ],
)
def test_what_cannot_be_replaced(office: Office, soft: Phone, replaces: str, status: int) -> None:
    call, _ = connected(*office.two())
    header = replaces.format(call_id=call.call_id, remote=call.remote_tag, local=call.local_tag)
    assert soft.call("102", f"Replaces: {header}").heard == [status]
    assert call.live


def test_call_that_rings_is_not_there_to_be_taken_over(office: Office, soft: Phone) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    boris.rung().ring()
    assert soft.call("102", f"Replaces: {call.dialog_of('')}").heard == [481]
    boris.rung().answer()
    assert call.live


def test_call_that_has_ended_is_not_there_either(office: Office, soft: Phone) -> None:
    call, _ = connected(*office.two())
    call.bye()
    assert soft.call("102", f"Replaces: {call.dialog_of('')}").heard == [481]


def test_other_party_that_refuses_keeps_the_old_phone(office: Office, soft: Phone) -> None:
    anna, boris = office.two()
    boris.auto["INVITE"] = 488
    call, ring = connected(anna, boris)
    assert soft.call("102", f"Replaces: {call.dialog_of('')}").heard == [100, 488]
    assert _talk(call, ring)


def _started(office: Office, soft: Phone) -> tuple[Talk, Talk, Talk]:
    """A take-over whose offer the other party has not answered yet: the old phone, the other party, the new phone."""
    anna, boris = office.two()
    del boris.auto["INVITE"]
    call, ring = connected(anna, boris)
    taken = soft.call("102", f"Replaces: {call.dialog_of('')}")
    assert taken.heard == [100]
    return call, ring, taken


def test_new_phone_that_gives_up_leaves_the_call_to_the_old_one(office: Office, soft: Phone) -> None:
    call, ring, taken = _started(office, soft)
    assert taken.cancel().status == 200
    assert taken.heard == [100, 487]
    ring.phone.auto["INVITE"] = 200
    ring.reply(ring.methods("INVITE")[0], 200, body=ring.phone.sdp)
    assert call.phone.host.encode() in ring.methods("INVITE")[-1].body  # given back to the old one
    assert _talk(call, ring)


def test_other_party_that_hangs_up_in_the_middle_ends_it_for_both_phones(office: Office, soft: Phone) -> None:
    call, ring, taken = _started(office, soft)
    ring.bye()
    ring.reply(ring.methods("INVITE")[0], 487)
    assert call.ended
    assert taken.heard == [100, 480]


def test_old_phone_may_hang_up_in_the_middle(office: Office, soft: Phone) -> None:
    call, ring, taken = _started(office, soft)
    assert call.bye().status == 200
    assert not ring.ended
    ring.reply(ring.methods("INVITE")[0], 200, body=ring.phone.sdp)
    assert taken.live
    assert _talk(taken, ring)


def test_old_phone_hung_up_and_the_new_one_gives_up(office: Office, soft: Phone) -> None:
    call, ring, taken = _started(office, soft)
    call.bye()
    taken.cancel()
    ring.reply(ring.methods("INVITE")[0], 200, body=ring.phone.sdp)
    assert ring.ended


def test_second_take_over_has_to_wait(office: Office, soft: Phone) -> None:
    call, ring, taken = _started(office, soft)
    third = office.phone("101-c")
    assert third.call("102", f"Replaces: {call.dialog_of('')}").heard == [491]
    ring.reply(ring.methods("INVITE")[0], 200, body=ring.phone.sdp)
    assert taken.live


def test_new_phone_that_insists_on_reliable_responses(office: Office, soft: Phone) -> None:
    call, ring = connected(*office.two())
    taken = soft.call("102", f"Replaces: {call.dialog_of('')}", "Require: 100rel, replaces")
    assert taken.live
    assert _talk(taken, ring)

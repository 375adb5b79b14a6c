"""New offers within a call: hold and resume, glare, and what comes too early or too late."""

from __future__ import annotations

import pytest

from sip.sdp.quick import quick_direction
from tests.scenarios.calls.office import Office, connected
from tests.support.phones import Phone, sdp


@pytest.mark.parametrize("way", ["reinvite", "update"])
@pytest.mark.parametrize("side", ["caller", "callee"])
@pytest.mark.parametrize(
    ("direction", "address", "answer"),
    [("sendonly", "", "recvonly"), ("inactive", "", "inactive"), ("", "0.0.0.0", "")],
)
def test_hold_and_resume_pass_to_the_other_side(
    office: Office, way: str, side: str, direction: str, address: str, answer: str
) -> None:
    anna, boris = office.two()
    talks = connected(anna, boris)
    mine, other = talks if side == "caller" else talks[::-1]
    other.phone.auto.pop("INVITE")
    other.phone.auto.pop("UPDATE")
    method = "INVITE" if way == "reinvite" else "UPDATE"
    for version, (kind, where, reply) in enumerate([(direction, address, answer), ("sendrecv", "", "sendrecv")], 2):
        offer = sdp(mine.phone.host, direction=kind, address=where, version=version)
        sent = mine.send(method, body=offer)
        (asked,) = other.methods(method)
        assert quick_direction(asked.body) is quick_direction(offer)
        answered = sdp(other.phone.host, direction=reply, version=version)
        other.reply(asked, 200, body=answered)
        assert sent.status == 200
        assert quick_direction(sent.answer.body) is quick_direction(answered)
        other.asked.clear()
    assert len(office.switch.calls) == 1


def test_update_becomes_a_reinvite_for_a_phone_that_knows_none(office: Office) -> None:
    anna, boris = office.two()
    boris.allow = "INVITE, ACK, CANCEL, BYE"
    call, ring = connected(anna, boris)
    sent = call.send("UPDATE", body=sdp(anna.host, direction="sendonly", version=2))
    assert sent.status == 200
    assert [request.method for request in ring.asked] == ["INVITE"]
    assert len(ring.acks) == 2


def test_update_without_offer_is_a_refresh_and_stays_here(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    assert call.send("UPDATE").status == 200
    assert not ring.asked


def test_refused_offer_leaves_the_call_as_it_was(office: Office) -> None:
    anna, boris = office.two()
    boris.auto["INVITE"] = 488
    call, ring = connected(anna, boris)
    sent = call.reinvite(sdp(anna.host, version=2))
    assert sent.status == 488
    assert call.live
    boris.auto["INVITE"] = 200
    assert call.reinvite(sdp(anna.host, version=3)).status == 200
    assert not ring.ended


def test_offers_of_both_at_once_are_refused_491(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    anna.auto["INVITE"] = boris.auto["INVITE"] = 491  # as phones do that are asking themselves
    with anna.hurried(), boris.hurried():
        sent = [call.reinvite(sdp(anna.host, version=2)), ring.reinvite(sdp(boris.host, version=2))]
    assert [one.status for one in sent] == [491, 491]
    anna.auto["INVITE"] = boris.auto["INVITE"] = 200
    assert ring.reinvite(sdp(boris.host, version=3)).status == 200
    assert call.reinvite(sdp(anna.host, version=3)).status == 200


def test_offer_while_the_others_is_under_way_is_refused_491(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    boris.auto.pop("INVITE")
    first = call.reinvite(sdp(anna.host, version=2))
    assert ring.reinvite(sdp(boris.host, version=2)).status == 491
    ring.reply(ring.methods("INVITE")[0], 200, body=boris.sdp)
    assert first.status == 200


def test_second_offer_of_the_same_side_is_refused_500(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    boris.auto.pop("INVITE")
    first = call.reinvite(sdp(anna.host, version=2))
    second = call.reinvite(sdp(anna.host, version=3))
    assert second.status == 500
    assert 0 <= int(second.answer.headers["Retry-After"][0]) <= 10
    ring.reply(ring.methods("INVITE")[0], 200, body=boris.sdp)
    assert first.status == 200


def test_offer_right_after_the_ack_waits_for_the_other_sides_ack(office: Office) -> None:
    """pjsua2 sends a re-INVITE right after its ACK; the other side has not acknowledged yet."""
    anna, boris = office.two()
    anna.acks = False
    call = anna.call("102")
    ring = boris.rung()
    ring.answer()
    sent = ring.reinvite(sdp(boris.host, 4002, version=2))
    assert sent.statuses == [100]
    assert not call.asked
    anna.acks = True
    call.ack()
    assert sent.status == 200
    assert b"m=audio 4002 " in call.methods("INVITE")[0].body


def test_offer_of_a_callers_phone_with_its_ack_is_bridged(office: Office) -> None:
    anna, boris = office.two()
    anna.acks = False
    call = anna.call("102")
    ring = boris.rung()
    ring.answer()
    with anna.hurried():
        call.ack()
        sent = call.reinvite(sdp(anna.host, 4002, version=2))
        anna.acks = True
    assert sent.status == 200
    assert b"m=audio 4002 " in ring.methods("INVITE")[0].body


def test_reinvite_without_offer_brings_the_others_offer_and_carries_the_answer_in_the_ack(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    boris.sdp = sdp(boris.host, 4004, version=2)
    anna.sdp = sdp(anna.host, 4006, version=2)
    sent = call.reinvite(b"")
    assert b"m=audio 4004 " in sent.answer.body
    assert ring.methods("INVITE")[0].body == b""
    assert b"m=audio 4006 " in ring.acks[-1].body


def test_reinvite_without_offer_whose_ack_is_lost_ends_the_call(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    anna.acks = False
    call.reinvite(b"")
    office.run(33.0)
    assert call.ended
    assert ring.ended
    assert office.record.cause == "caller was lost: no ack"


def test_callee_that_hangs_up_before_the_callers_ack_is_answered(office: Office) -> None:
    anna, boris = office.two()
    anna.acks = False
    call = anna.call("102")
    ring = boris.rung()
    ring.answer()
    assert ring.bye().status == 200
    assert not call.ended  # RFC 3261 §15: BYE only after the ACK
    call.ack()
    assert call.ended


def test_phone_that_waits_for_its_bye_gets_481_to_all_else(office: Office) -> None:
    anna, boris = office.two()
    anna.acks = False
    call = anna.call("102")
    boris.rung().answer()
    boris.talk.bye()
    assert call.send("INFO", body=b"Signal=1", content_type="application/dtmf-relay").status == 481
    assert call.reinvite(sdp(anna.host, version=2)).status == 481
    call.ack()
    assert call.ended


def test_hang_up_during_an_offer_answers_it(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    boris.auto.pop("INVITE")
    sent = call.reinvite(sdp(anna.host, version=2))
    ring.bye()
    assert sent.status == 487
    assert call.ended
    ring.reply(ring.methods("INVITE")[0], 487)


def test_phone_that_goes_silent_in_the_middle_of_an_offer_is_given_up(office: Office) -> None:
    anna, boris = office.two()
    call, _ = connected(anna, boris)
    boris.deaf = True
    sent = call.reinvite(sdp(anna.host, version=2))
    office.run(33.0)
    assert sent.status == 408
    assert call.ended
    assert office.record.cause == "callee was lost: no answer within the dialog"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [(b"garbage", "application/sdp", 400), (b"hello", "text/plain", 415), (b"v=0\r\no=x\r\n", "application/sdp", 400)],
)
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_offer_that_is_none_is_refused(
    office: Office, method: str, body: bytes, content_type: str, status: int
) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    assert call.send(method, body=body, content_type=content_type).status == status
    assert not ring.asked
    assert call.live


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_answer_that_is_none_ends_the_call(office: Office, method: str) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    boris.sdp = b"garbage"
    sent = call.send(method, body=sdp(anna.host, version=2))
    assert sent.status == 488
    assert ring.ended
    assert call.ended


def test_phone_that_moves_is_found_at_its_new_contact(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    moved = Phone(office.wire, boris.host, 6000, server=office.server, domain=boris.domain, name="102")
    boris.contact = moved.contact
    assert ring.reinvite(sdp(boris.host, version=2)).status == 200
    call.bye()
    assert not ring.ended
    assert [packet.destination for packet in office.wire.log if packet.what == "BYE"][-1] == (boris.host, 6000)
    ring.ended = True

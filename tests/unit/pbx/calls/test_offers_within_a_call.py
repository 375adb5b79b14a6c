"""Offers that are refused, taken back or come at the wrong moment: the session of both phones stays as it was."""

from __future__ import annotations

import pytest

from tests.scenarios.calls.office import Office, connected
from tests.support.phones import Phone, Sent, sdp
from tests.support.talks import Talk

HELD = "sendonly"
DIGIT = {"body": b"1", "content_type": "application/dtmf-relay"}


def _offer(talk: Talk, direction: str = "", version: int = 2) -> Sent:
    return talk.reinvite(sdp(talk.phone.host, direction=direction, version=version))


def _accept(talk: Talk, *headers: str) -> None:
    """Answers the last offer that the phone has let wait."""
    phone = talk.phone
    talk.reply(talk.methods("INVITE")[-1], 200, f"Contact: <{phone.contact}>", *headers, body=phone.sdp)


def _take_back(talk: Talk, offer: Sent) -> Sent:
    """CANCEL of a re-INVITE."""
    first, talk.sent = talk.sent, offer
    cancel = talk.cancel()
    talk.sent = first
    return cancel


def _cancels(office: Office, phone: Phone) -> int:
    return sum(packet.what == "CANCEL" and packet.destination[0] == phone.host for packet in office.wire.log)


def _without_update(office: Office, *headers: str) -> tuple[Talk, Talk]:
    """A call whose callee knows no UPDATE, so that its session is refreshed by re-INVITE after 45 s."""
    anna, boris = office.two()
    boris.allow = boris.allow.replace(", UPDATE", "")
    call = anna.call("102")
    ring = boris.rung()
    ring.answer("Session-Expires: 90;refresher=uac", "Supported: timer")
    return call, ring


@pytest.mark.parametrize("refusal", [488, 491])
def test_refresh_does_not_repeat_an_offer_that_was_refused(office: Office, refusal: int) -> None:
    """RFC 3261 §14.1: the session stays as if the re-INVITE had never been."""
    call, ring = _without_update(office)
    before = ring.invite
    assert before is not None
    ring.phone.auto["INVITE"] = refusal
    assert _offer(call, HELD).status == refusal
    ring.phone.auto["INVITE"] = 200
    office.run(50.0)
    refused, refresh = ring.methods("INVITE")
    assert HELD.encode() in refused.body
    assert _media(refresh.body) == _media(before.body)


def test_party_gets_back_what_it_had_when_the_other_offer_was_refused(office: Office) -> None:
    """103 was offered to 102 in vain, after 102 had refused an offer of 101."""
    anna, boris, clara = office.three()
    call, ring = connected(anna, boris)
    boris.auto["INVITE"] = 488
    assert _offer(call, HELD).status == 488
    del boris.auto["INVITE"]
    call.refer("103")
    target = clara.rung()
    target.answer()
    target.bye()
    _accept(ring)
    assert HELD.encode() not in ring.methods("INVITE")[-1].body
    assert anna.host.encode() in ring.methods("INVITE")[-1].body
    _accept(ring)


def test_offer_waits_until_the_one_before_has_its_ack(office: Office) -> None:
    """RFC 3261 §14.1: the target has made an offer, and its ACK is to bring the transferee's answer."""
    anna, boris, clara = office.three()
    first, transferee = connected(anna, boris)
    second, target = connected(anna, clara)
    del boris.auto["INVITE"]
    first.refer("103", replaces=second.dialog_of(""))
    assert _offer(second).status == 491
    assert len(target.methods("INVITE")) == 1
    _accept(transferee)
    assert first.ended
    assert second.ended
    assert boris.host.encode() in target.acks[-1].body


def test_offer_that_is_taken_back_is_taken_back_from_the_other_phone(office: Office) -> None:
    call, ring = connected(*office.two())
    del ring.phone.auto["INVITE"]
    offer = _offer(call, HELD)
    ring.reply(ring.methods("INVITE")[-1], 180)
    assert _take_back(call, offer).status == 200
    assert offer.status == 487
    assert _cancels(office, ring.phone) == 1
    ring.reply(ring.methods("INVITE")[-1], 487)
    ring.phone.auto["INVITE"] = 200
    assert _offer(call, HELD, 3).status == 200


def test_offer_that_is_taken_back_and_accepted_at_once_is_made_undone(office: Office) -> None:
    call, ring = connected(*office.two())
    del ring.phone.auto["INVITE"]
    offer = _offer(call, HELD)
    _take_back(call, offer)
    ring.phone.auto["INVITE"] = 200
    _accept(ring)
    assert offer.status == 487
    held, undone = ring.methods("INVITE")
    assert HELD.encode() in held.body
    assert HELD.encode() not in undone.body


def test_cancel_of_an_offer_that_has_its_answer_changes_nothing(office: Office) -> None:
    call, ring = connected(*office.two())
    offer = _offer(call, HELD)
    assert offer.status == 200
    assert _take_back(call, offer).status == 200
    assert len(ring.methods("INVITE")) == 1


@pytest.mark.parametrize("status", [401, 407, 503])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "INFO"])
def test_what_a_phone_says_to_the_server_alone_does_not_reach_the_other(
    office: Office, method: str, status: int
) -> None:
    """That it is overloaded (RFC 3261 §16.7 point 6), or that it wants to know who we are."""
    call, ring = connected(*office.two())
    ring.phone.auto[method] = status
    content = DIGIT if method == "INFO" else {"body": sdp(call.phone.host, version=2)}
    assert call.send(method, **content).status == 500  # type: ignore[arg-type]
    assert call.live


def test_phone_is_not_told_that_its_provisional_answers_to_an_offer_would_be_acknowledged(office: Office) -> None:
    call, ring = connected(*office.two())
    assert _offer(call, HELD).status == 200
    assert "100rel" not in (ring.methods("INVITE")[-1].get("Supported") or "")


def test_party_that_knows_the_call_no_more_when_it_is_transferred_has_left_it(office: Office) -> None:
    anna, boris, clara = office.three()
    first, transferee = connected(anna, boris)
    second, target = connected(anna, clara)
    target.ended = True
    clara.auto["INVITE"] = clara.auto["BYE"] = 481
    first.refer("103", replaces=second.dialog_of(""))
    assert second.ended
    assert not transferee.ended
    assert first.send("INFO", **DIGIT).status == 200  # type: ignore[arg-type]
    assert office.record.cause == "callee was lost: no answer within the dialog"


def _media(body: bytes) -> bytes:
    """A description without its origin."""
    return body.replace(body.split(b"\r\n")[1], b"")

"""REFER to a number (RFC 3515, RFC 5589 §6): what transferor, transferee and target see."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.calls.office import DOMAIN, Office, connected
from tests.support.phones import sdp
from tests.support.talks import Talk


def _told(talk: Talk) -> list[str]:
    """The status lines that the transferor was told of by NOTIFY."""
    return [notify.body.decode().split("\r\n")[0].removeprefix("SIP/2.0 ") for notify in talk.methods("NOTIFY")]


@pytest.mark.parametrize("side", ["caller", "callee"])
def test_party_is_moved_to_another_number(office: Office, side: str) -> None:
    anna, boris, clara = office.three()
    talks = connected(anna, boris)
    transferor, transferee = talks if side == "caller" else talks[::-1]
    assert transferor.refer("103").status == 202
    ring = clara.rung()
    assert ring.invite is not None
    assert ring.invite.body == b""  # the new phone is asked for an offer
    assert ring.invite.headers["From"][0].startswith(f'"User {transferee.phone.number}"')
    ring.ring()
    assert _told(transferor) == ["100 Trying", "180 Ringing"]
    ring.answer()
    assert _told(transferor) == ["100 Trying", "180 Ringing", "200 OK"]
    assert clara.host.encode() in transferee.methods("INVITE")[0].body
    assert transferee.phone.host.encode() in ring.acks[0].body
    assert transferor.ended
    (bye,) = transferor.methods("BYE")
    assert bye.get("Reason") == 'SIP;cause=200;text="Call transferred"'
    assert not transferee.ended
    assert transferee.send("INFO", body=b"1", content_type="application/dtmf-relay").status == 200
    assert ring.methods("INFO")
    assert ring.bye().status == 200
    assert transferee.ended
    first, second = office.records
    assert first.cause == "transferred to 103"
    assert first.notes == [
        f"{transferor.phone.number} asks to transfer {transferee.phone.number} to 103",
        f"{transferee.phone.number} talks with 103 from now on",
    ]
    assert (second.caller, second.dialled, second.answered_by) == (transferee.phone.number, "103", "103")


def test_notify_is_of_the_subscription_that_the_refer_made(office: Office) -> None:
    anna, boris, clara = office.three()
    call, _ = connected(anna, boris)
    refer = call.refer("103")
    clara.rung().reject(486)
    notifies = call.methods("NOTIFY")
    assert refer.request.cseq is not None
    assert {notify.get("Event") for notify in notifies} == {f"refer;id={refer.request.cseq.number}"}
    assert {notify.get("Content-Type") for notify in notifies} == {"message/sipfrag;version=2.0"}
    assert [notify.headers["Subscription-State"][0] for notify in notifies] == [
        "active;expires=180",
        "terminated;reason=noresource",
    ]
    assert all(notify.rows("Contact") for notify in notifies)


@pytest.mark.parametrize(
    ("says", "told"),
    [(486, "486 Busy Here"), (603, "603 Decline"), (480, "480 No Answer"), (404, "480 Not Reachable")],
)
def test_transferor_is_told_why_the_target_does_not_come(office: Office, says: int, told: str) -> None:
    anna, boris, clara = office.three()
    call, ring = connected(anna, boris)
    call.refer("103")
    clara.rung().reject(says)
    assert _told(call) == ["100 Trying", told]
    assert call.live
    assert not ring.ended
    assert call.reinvite(sdp(anna.host, version=2)).status == 200  # and goes on talking


def test_target_that_does_not_answer_leaves_the_call_as_it_was(office: Office) -> None:
    anna, boris, clara = office.three()
    call, _ = connected(anna, boris)
    call.refer("103")
    clara.rung().ring()
    office.run(20.5)
    assert _told(call)[-1] == "480 No Answer"
    assert clara.talks[0].cancelled is not None
    assert call.live


def test_transfer_follows_the_rules_of_the_target(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102\n103 always 104\n104")
    anna, boris, dmitri = office.phone("101"), office.phone("102"), office.phone("104")
    call, _ = connected(anna, boris)
    call.refer("103")
    ring = dmitri.rung()
    assert ring.invite is not None
    assert ring.invite.rows("Diversion") == [f"<sip:103@{DOMAIN}>;reason=unconditional;counter=1"]
    assert "181 Call Is Being Forwarded" in _told(call)
    ring.answer()
    assert call.ended


def test_transfer_to_a_number_that_is_not_there(office: Office) -> None:
    anna, boris = office.two()
    call, _ = connected(anna, boris)
    call.refer("999")
    assert _told(call) == ["100 Trying", "404 Not Found"]
    assert call.live


def test_transferor_that_hangs_up_early_does_not_end_the_transfer(office: Office) -> None:
    anna, boris, clara = office.three()
    call, ring = connected(anna, boris)
    call.refer("103")
    assert call.bye().status == 200
    assert not ring.ended
    clara.rung().answer()
    assert boris.talk.send("INFO", body=b"1", content_type="application/dtmf-relay").status == 200
    assert clara.talk.methods("INFO")


def test_transferor_that_hung_up_and_a_target_that_is_busy_end_the_call(office: Office) -> None:
    anna, boris, clara = office.three()
    call, ring = connected(anna, boris)
    call.refer("103")
    call.bye()
    clara.rung().reject(486)
    assert ring.ended
    assert office.records[-1].cause == "transfer failed"


@pytest.mark.parametrize("transferor_stays", [True, False])
def test_transferee_that_hangs_up_stops_the_transfer(office: Office, transferor_stays: bool) -> None:
    anna, boris, clara = office.three()
    call, ring = connected(anna, boris)
    call.refer("103")
    target = clara.rung()
    target.ring()
    if not transferor_stays:
        call.bye()
    assert ring.bye().status == 200
    assert target.cancelled is not None
    assert call.ended
    if transferor_stays:
        assert _told(call)[-1].startswith("487")


def test_transferee_that_hangs_up_as_the_target_answers(office: Office) -> None:
    anna, boris, clara = office.three()
    call, ring = connected(anna, boris)
    boris.auto.pop("INVITE")
    call.refer("103")
    target = clara.rung()
    target.answer()
    assert ring.methods("INVITE")
    ring.bye()
    ring.reply(ring.methods("INVITE")[0], 487)
    assert len(target.acks) == 1
    assert target.ended
    assert call.ended


def test_target_that_hangs_up_before_the_transferee_has_agreed(office: Office) -> None:
    anna, boris, clara = office.three()
    call, ring = connected(anna, boris)
    boris.auto.pop("INVITE")
    call.refer("103")
    target = clara.rung()
    target.answer()
    assert target.bye().status == 200
    assert _told(call)[-1].startswith("4")
    ring.reply(ring.methods("INVITE")[0], 200, body=boris.sdp)
    assert call.live
    assert not ring.ended
    assert call.send("INFO", body=b"1", content_type="application/dtmf-relay").status == 200


def test_transferee_that_does_not_like_the_targets_media_stays(office: Office) -> None:
    anna, boris, clara = office.three()
    boris.auto["INVITE"] = 488
    call, ring = connected(anna, boris)
    call.refer("103")
    target = clara.rung()
    target.answer()
    assert target.ended
    assert _told(call)[-1] == "488 Whatever"
    assert call.live
    assert not ring.ended


def test_transferee_that_asks_itself_at_that_moment_is_asked_again(office: Office) -> None:
    """Glare: our own re-INVITE is tried again after a while at random (RFC 3261 §14.1)."""
    anna, boris, clara = office.three()
    boris.auto["INVITE"] = 491
    call, ring = connected(anna, boris)
    call.refer("103")
    clara.rung().answer()
    boris.auto["INVITE"] = 200
    office.run(4.5)
    assert len(ring.methods("INVITE")) == 2
    assert call.ended
    assert clara.talk.acks


def test_transferee_that_always_asks_itself_is_given_up(office: Office) -> None:
    anna, boris, clara = office.three()
    boris.auto["INVITE"] = 491
    call, ring = connected(anna, boris)
    call.refer("103")
    clara.rung().answer()
    office.run(17.0)
    assert len(ring.methods("INVITE")) == 4
    assert _told(call)[-1].startswith("491")
    assert clara.talks[0].ended
    assert call.live


def test_refer_sub_false_brings_no_notify(office: Office) -> None:
    """RFC 4488."""
    anna, boris, clara = office.three()
    call, _ = connected(anna, boris)
    refer = call.refer("103", "Refer-Sub: false", "Require: norefersub")
    assert refer.answer.rows("Refer-Sub") == ["false"]
    clara.rung().answer()
    assert call.methods("NOTIFY") == []
    assert call.ended


def test_second_transfer_has_to_wait(office: Office) -> None:
    anna, boris, clara = office.three()
    call, _ = connected(anna, boris)
    call.refer("103")
    assert call.refer("104").status == 603
    clara.rung().answer()
    assert call.ended


@pytest.mark.parametrize(
    ("refer_to", "status"),
    [
        ("<sip:103@elsewhere.example>", 404),
        ("<tel:103>", 416),
        ("<sip:103@pbx.example", 400),
        (f"<sip:103@{DOMAIN}?Replaces=nonsense>", 400),
        (f"<sip:103@{DOMAIN}?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>", 481),
    ],
)
def test_refer_to_what_cannot_be_called(office: Office, refer_to: str, status: int) -> None:
    call, _ = connected(*office.two())
    assert call.send("REFER", f"Refer-To: {refer_to}").status == status
    assert call.methods("NOTIFY") == []
    assert call.live


def test_refer_without_target_is_malformed(office: Office) -> None:
    call, _ = connected(*office.two())
    assert call.send("REFER").status == 400


def test_refer_before_the_answer_is_too_early(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    boris.rung().ring()
    assert call.refer("103").status == 603
    boris.rung().answer()
    assert call.live


def test_private_caller_stays_private_when_transferred(office: Office) -> None:
    anna, boris, clara = office.three()
    call = anna.call("102", "Privacy: id")
    boris.rung().answer()
    boris.talk.refer("103")
    ring = clara.rung()
    assert ring.invite is not None
    assert b"101@" not in ring.invite.to_bytes()
    ring.answer()
    assert call.live


def test_chain_of_transfers(office: Office) -> None:
    anna, boris, clara = office.three()
    dmitri = office.phone("104")
    call, _ = connected(anna, boris)
    boris.talk.refer("103")
    clara.rung().answer()
    clara.talk.refer("104")
    dmitri.rung().answer()
    assert call.live
    assert clara.talks[0].ended
    assert call.bye().status == 200
    assert dmitri.talks[0].ended
    assert [record.cause for record in office.records] == ["transferred to 103", "transferred to 104", "caller hung up"]


def test_transfer_back_to_the_transferors_other_phone(office: Office) -> None:
    anna, boris, other = office.phone("101"), office.phone("102"), office.phone("101-b")
    call, ring = connected(anna, boris)
    call.refer("101")
    other.rung().answer()
    assert call.ended
    assert not ring.ended

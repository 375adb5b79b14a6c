"""REFER with Replaces (RFC 5589 §7): two calls of one phone become one without it."""

from __future__ import annotations

import pytest

from tests.scenarios.calls.office import Office, connected
from tests.support.phones import Phone, sdp
from tests.support.talks import Talk

INFO = {"body": b"1", "content_type": "application/dtmf-relay"}


@pytest.fixture
def phones(office: Office) -> tuple[Phone, Phone, Phone]:
    """101 talks with 102 and then calls 103; 101 is the transferor."""
    return office.three()


def _two_calls(phones: tuple[Phone, Phone, Phone]) -> tuple[Talk, Talk, Talk, Talk]:
    """The transferor's two calls, the transferee's one, the target's one."""
    anna, boris, clara = phones
    first, transferee = connected(anna, boris)
    assert first.reinvite(sdp(anna.host, direction="sendonly", version=2)).status == 200
    second, target = connected(anna, clara)
    return first, second, transferee, target


def _talk(one: Talk, other: Talk) -> bool:
    """Whether what one of them says within the dialog reaches the other."""
    before = len(other.methods("INFO"))
    assert one.send("INFO", body=b"1", content_type="application/dtmf-relay").status == 200
    return len(other.methods("INFO")) == before + 1


def _told(talk: Talk) -> list[str]:
    return [notify.body.decode().split("\r\n")[0].removeprefix("SIP/2.0 ") for notify in talk.methods("NOTIFY")]


def test_transferee_takes_the_transferors_place(office: Office, phones: tuple[Phone, Phone, Phone]) -> None:
    first, second, transferee, target = _two_calls(phones)
    _anna, boris, clara = phones
    assert first.refer("103", replaces=second.dialog_of("")).status == 202
    assert _told(first) == ["100 Trying", "200 OK"]
    assert target.methods("INVITE")[-1].body == b""
    assert clara.host.encode() in transferee.methods("INVITE")[-1].body
    assert boris.host.encode() in target.acks[-1].body
    for talk in (first, second):
        (bye,) = talk.methods("BYE")
        assert bye.get("Reason") == 'SIP;cause=200;text="Call transferred"'
    assert _talk(transferee, target)
    assert _talk(target, transferee)
    assert transferee.bye().status == 200
    assert target.ended
    records = office.records
    assert [record.cause for record in records] == ["transferred to 103", "caller hung up"]
    assert records[0].notes == ["102 talks with 103 from now on"]
    assert records[1].notes == ["102 takes the place of 101"]


def test_call_that_came_in_can_be_transferred_to_one_that_went_out(office: Office) -> None:
    anna, boris, clara = office.three()
    _, incoming = connected(boris, anna)
    second, target = connected(anna, clara)
    incoming.refer("103", replaces=second.dialog_of(""))
    assert incoming.ended
    assert _talk(boris.talk, target)


def test_both_calls_came_in(office: Office) -> None:
    anna, boris, clara = office.three()
    first, one = connected(boris, anna)
    second, other = connected(clara, anna)
    one.refer("103", replaces=other.dialog_of(""))
    assert one.ended
    assert other.ended
    assert _talk(first, second)


@pytest.mark.parametrize("swapped", [False, True])
def test_tags_may_be_named_from_either_view(office: Office, phones: tuple[Phone, Phone, Phone], swapped: bool) -> None:
    first, second, transferee, target = _two_calls(phones)
    tags = [second.remote_tag, second.local_tag][:: -1 if swapped else 1]
    assert first.refer("103", replaces=f"{second.call_id};to-tag={tags[0]};from-tag={tags[1]}").status == 202
    assert _talk(transferee, target)


def test_second_call_still_rings(office: Office, phones: tuple[Phone, Phone, Phone]) -> None:
    anna, boris, clara = phones
    first, transferee = connected(anna, boris)
    second = anna.call("103")
    ring = clara.rung()
    ring.ring()
    assert first.refer("103", replaces=second.dialog_of("")).status == 202
    assert second.heard[-1] == 487
    assert ring.cancelled is not None
    again = clara.rung()
    assert again.invite is not None
    assert again.invite.headers["From"][0].startswith('"User 102"')
    again.answer()
    assert first.ended
    assert _talk(transferee, again)
    assert office.records[0].cause == "transferred while it rang"


def test_transferor_hangs_up_both_calls_right_after_the_refer(
    office: Office, phones: tuple[Phone, Phone, Phone]
) -> None:
    first, second, transferee, target = _two_calls(phones)
    with phones[0].hurried():
        first.refer("103", replaces=second.dialog_of(""))
        first.bye()
        second.bye()
    assert not transferee.ended
    assert not target.ended
    assert _talk(transferee, target)


def test_target_that_refuses_leaves_both_calls_as_they_were(office: Office, phones: tuple[Phone, Phone, Phone]) -> None:
    first, second, transferee, target = _two_calls(phones)
    phones[2].auto["INVITE"] = 488
    first.refer("103", replaces=second.dialog_of(""))
    assert _told(first) == ["100 Trying", "488 Whatever"]
    assert _talk(first, transferee)
    assert _talk(second, target)


def test_transferee_that_refuses_leaves_both_calls_as_they_were(
    office: Office, phones: tuple[Phone, Phone, Phone]
) -> None:
    first, second, transferee, target = _two_calls(phones)
    phones[1].auto["INVITE"] = 488
    first.refer("103", replaces=second.dialog_of(""))
    assert _told(first) == ["100 Trying", "488 Whatever"]
    assert phones[0].host.encode() in target.acks[-2].body  # its offer was answered with what it had
    assert _talk(first, transferee)
    assert _talk(second, target)


def test_refusal_after_the_transferor_has_gone_ends_both_calls(
    office: Office, phones: tuple[Phone, Phone, Phone]
) -> None:
    first, second, transferee, target = _two_calls(phones)
    phones[1].auto["INVITE"] = 488
    with phones[0].hurried():
        first.refer("103", replaces=second.dialog_of(""))
        first.bye()
        second.bye()
    assert transferee.ended
    assert target.ended


@pytest.mark.parametrize("who", ["transferee", "target"])
@pytest.mark.parametrize("asked", ["target", "transferee"])
def test_party_that_hangs_up_in_the_middle_ends_its_own_call_only(
    office: Office, phones: tuple[Phone, Phone, Phone], who: str, asked: str
) -> None:
    first, second, transferee, target = _two_calls(phones)
    waiting = target if asked == "target" else transferee
    del waiting.phone.auto["INVITE"]
    waiting.asked.clear()
    first.refer("103", replaces=second.dialog_of(""))
    leaving, staying, left, kept = (
        (transferee, target, first, second) if who == "transferee" else (target, transferee, second, first)
    )
    assert leaving.bye().status == 200
    assert left.ended
    assert _told(first)[-1].startswith("480") or left is first
    waiting.phone.auto["INVITE"] = 200
    pending = waiting.methods("INVITE")[0]
    if leaving is waiting:
        waiting.reply(pending, 487)
    else:
        waiting.reply(pending, 200, body=waiting.phone.sdp)
    office.run(5.0)
    assert kept.live
    assert not staying.ended
    assert _talk(kept, staying)


def test_transferee_in_glare_is_asked_again(office: Office, phones: tuple[Phone, Phone, Phone]) -> None:
    first, second, transferee, target = _two_calls(phones)
    phones[1].auto["INVITE"] = 491
    first.refer("103", replaces=second.dialog_of(""))
    phones[1].auto["INVITE"] = 200
    office.run(4.5)
    assert first.ended
    assert _talk(transferee, target)


def test_call_of_somebody_else_cannot_be_taken(office: Office) -> None:
    anna, boris, clara = office.three()
    dmitri = office.phone("104")
    _, foreign = connected(clara, dmitri)
    call, _ = connected(anna, boris)
    assert call.refer("104", replaces=foreign.dialog_of("")).status == 403
    assert call.methods("NOTIFY") == []
    assert not foreign.ended


def test_call_cannot_replace_itself(office: Office) -> None:
    call, ring = connected(*office.two())
    assert call.refer("102", replaces=call.dialog_of("")).status == 481
    assert not ring.ended


def test_call_in_a_transfer_is_not_transferred_again(office: Office, phones: tuple[Phone, Phone, Phone]) -> None:
    first, second, transferee, target = _two_calls(phones)
    del phones[2].auto["INVITE"]
    target.asked.clear()
    first.refer("103", replaces=second.dialog_of(""))
    assert first.refer("103", replaces=second.dialog_of("")).status == 603
    assert second.refer("102", replaces=first.dialog_of("")).status == 603
    phones[2].auto["INVITE"] = 200
    target.reply(target.methods("INVITE")[0], 200, body=phones[2].sdp)
    assert _talk(transferee, target)


def test_call_ended_by_an_admin_stops_its_transfer(office: Office, phones: tuple[Phone, Phone, Phone]) -> None:
    first, second, transferee, target = _two_calls(phones)
    del phones[2].auto["INVITE"]
    target.asked.clear()
    first.refer("103", replaces=second.dialog_of(""))
    call = next(call for call in office.switch.calls.values() if call.plan.dialled == "102")
    call.hang_up("", "ended by an administrator")
    office.run(0.1)
    assert transferee.ended
    assert first.ended
    phones[2].auto["INVITE"] = 200
    target.reply(target.methods("INVITE")[0], 200, body=phones[2].sdp)
    assert _talk(second, target)
    assert office.records[0].cause == "ended by an administrator"

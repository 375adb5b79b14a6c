"""Whom phones show as the other party once a call was transferred, and whom they never may."""

from __future__ import annotations

import pytest

from pbx.calls.pull import pull
from tests.scenarios.calls.office import DOMAIN, Office, connected
from tests.support.phones import Phone, sdp
from tests.support.talks import Talk


@pytest.fixture
def phones(office: Office) -> tuple[Phone, Phone, Phone]:
    return office.three()


def _private(caller: Phone, callee: Phone) -> tuple[Talk, Talk]:
    """A call of somebody who hides the number."""
    call = caller.call(callee.number, "Privacy: id")
    ring = callee.rung()
    ring.answer()
    return call, ring


def _shown(talk: Talk) -> str:
    """Whom the phone was told to show last."""
    return talk.methods("INVITE")[-1].get("P-Asserted-Identity") or ""


def _heard_of(talk: Talk, number: str) -> bool:
    """Whether anything that came to the phone names this number."""
    came = [*talk.asked, *talk.acks, *([talk.invite] if talk.invite is not None else [])]
    return any(f"{number}@".encode() in request.to_bytes() for request in came)


def test_both_phones_of_an_attended_transfer_show_each_other(phones: tuple[Phone, Phone, Phone]) -> None:
    anna, boris, clara = phones
    first, transferee = connected(anna, boris)
    second, target = connected(anna, clara)
    first.refer("103", replaces=second.dialog_of(""))
    assert _shown(transferee) == f'"User 103" <sip:103@{DOMAIN}>'
    assert _shown(target) == f'"User 102" <sip:102@{DOMAIN}>'


def test_failed_blind_transfer_leaves_the_transferor_on_the_display(phones: tuple[Phone, Phone, Phone]) -> None:
    anna, boris, clara = phones
    first, transferee = connected(anna, boris)
    boris.auto["INVITE"] = 488
    first.refer("103")
    clara.rung().answer()
    boris.auto["INVITE"] = 200
    assert first.reinvite(sdp(anna.host, version=2)).status == 200
    assert _shown(transferee) == f'"User 101" <sip:101@{DOMAIN}>'


def test_failed_attended_transfer_leaves_both_displays_as_they_were(phones: tuple[Phone, Phone, Phone]) -> None:
    anna, boris, clara = phones
    first, transferee = connected(anna, boris)
    second, target = connected(anna, clara)
    boris.auto["INVITE"] = 488
    first.refer("103", replaces=second.dialog_of(""))
    boris.auto["INVITE"] = 200
    assert _shown(target) == f'"User 101" <sip:101@{DOMAIN}>'
    assert first.reinvite(sdp(anna.host, version=2)).status == 200
    assert _shown(transferee) == f'"User 101" <sip:101@{DOMAIN}>'


def test_target_that_left_before_it_was_joined_is_not_shown(office: Office, phones: tuple[Phone, Phone, Phone]) -> None:
    anna, boris, clara = phones
    first, transferee = connected(anna, boris)
    del boris.auto["INVITE"]
    first.refer("103")
    ring = clara.rung()
    ring.answer()
    ring.bye()
    boris.auto["INVITE"] = 200
    transferee.reply(transferee.methods("INVITE")[-1], 200, f"Contact: <{boris.contact}>", body=boris.sdp)
    assert _shown(transferee) == f'"User 101" <sip:101@{DOMAIN}>'
    assert [record.cause for record in office.records] == ["callee hung up"]


def test_hidden_caller_stays_hidden_in_an_attended_transfer(phones: tuple[Phone, Phone, Phone]) -> None:
    anna, boris, clara = phones
    hidden, incoming = _private(boris, anna)
    second, target = connected(anna, clara)
    second.refer("102", replaces=incoming.dialog_of(""))
    assert hidden.live
    assert target.live
    assert not _heard_of(target, "102")
    assert _shown(target) == '"Anonymous" <sip:anonymous@anonymous.invalid>'


@pytest.mark.parametrize("restarted", [False, True])
def test_hidden_caller_stays_hidden_in_the_transfer_after_that(
    office: Office, phones: tuple[Phone, Phone, Phone], restarted: bool
) -> None:
    anna, boris, clara = phones
    dmitri = office.phone("104")
    hidden, incoming = _private(boris, anna)
    second, target = connected(anna, clara)
    incoming.refer("103", replaces=second.dialog_of(""))
    if restarted:
        office.restart()
    target.refer("104")
    ring = dmitri.rung()
    ring.answer()
    assert hidden.live
    assert not _heard_of(ring, "102")


def test_hidden_caller_stays_hidden_on_the_device_to_which_the_call_is_pulled(
    office: Office, phones: tuple[Phone, Phone, Phone]
) -> None:
    anna, boris, clara = phones
    hidden, incoming = _private(boris, anna)
    second, target = connected(anna, clara)
    incoming.refer("103", replaces=second.dialog_of(""))
    soft = office.phone("103-b")
    (call,) = office.switch.calls.values()
    (binding,) = [one for one in office.bindings.of("103", office.now()) if one.sip_name == "103-b"]
    assert pull(call, "103", binding) == ""
    office.run(0.1)
    ring = soft.rung()
    ring.answer()
    assert target.ended
    assert hidden.live
    assert not _heard_of(ring, "102")


@pytest.mark.parametrize(
    "row", ["<http://pbx.example>;info=alert-autoanswer", "Auto Answer", "<sip:x>;answer-after=0", "Intercom"]
)
def test_nobody_makes_the_phone_of_somebody_else_pick_up_by_itself(office: Office, row: str) -> None:
    anna, boris = office.two()
    anna.call("102", f"Alert-Info: {row}", "Alert-Info: <http://pbx.example/bell.wav>")
    ring = boris.rung()
    assert ring.invite is not None
    assert ring.invite.rows("Alert-Info") == ["<http://pbx.example/bell.wav>"]
    ring.reject(486)

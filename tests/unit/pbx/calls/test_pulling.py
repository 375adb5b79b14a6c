"""A call that its user goes on with on another device, seen by the three phones."""

from __future__ import annotations

import pytest

from pbx.calls.pull import PICK_UP_SECONDS, pull
from tests.scenarios.calls.office import Office, connected
from tests.support.phones import Phone
from tests.support.talks import Talk
from tests.unit.pbx.calls.planes import anchored


def _pulled(office: Office, **options: str) -> tuple[Talk, Talk, Phone]:
    """101 talks with the desk phone of 102, who wants to go on with the call on another device, which is called."""
    anna, boris = office.two()
    call, desk = connected(anna, boris)
    soft = office.phone("102-b", **options)
    (live,) = office.switch.calls.values()
    (binding,) = [one for one in office.bindings.of("102", office.now()) if one.sip_name == "102-b"]
    assert pull(live, "102", binding) == ""
    office.run(0.1)
    return call, desk, soft


def _accept(talk: Talk) -> None:
    """Answers the offer that the phone has let wait."""
    phone = talk.phone
    phone.auto["INVITE"] = 200
    talk.reply(talk.methods("INVITE")[-1], 200, f"Contact: <{phone.contact}>", body=phone.sdp)


def test_device_takes_the_place_of_the_other_one(office: Office) -> None:
    call, desk, soft = _pulled(office)
    soft.rung().answer()
    assert desk.ended
    assert soft.talk.bye().status == 200
    assert call.ended


def test_device_that_is_not_picked_up_leaves_the_call_where_it_is(office: Office) -> None:
    call, desk, soft = _pulled(office)
    ring = soft.rung()
    ring.ring()
    office.run(PICK_UP_SECONDS + 0.1)
    assert ring.cancelled is not None
    assert call.live
    assert not desk.ended


def test_device_picked_up_in_the_last_moment_gets_the_call(office: Office) -> None:
    call, desk, soft = _pulled(office)
    del call.phone.auto["INVITE"]
    ring = soft.rung()
    ring.ring()
    office.run(PICK_UP_SECONDS - 0.5)
    ring.answer()
    office.run(1.0)
    _accept(call)
    assert desk.ended
    assert soft.talk.live
    assert call.live


@pytest.mark.parametrize("status", [200, 488])
def test_device_is_hung_up_when_the_other_party_leaves_as_it_picks_up(office: Office, status: int) -> None:
    call, desk, soft = _pulled(office)
    del call.phone.auto["INVITE"]
    ring = soft.rung()
    ring.answer()
    (offer,) = call.methods("INVITE")
    with call.phone.hurried():
        call.bye()
        headers = [f"Contact: <{call.phone.contact}>"] if status == 200 else []
        call.reply(offer, status, *headers, body=call.phone.sdp if status == 200 else b"")
    assert ring.acks
    assert ring.ended
    assert desk.ended


def test_device_that_hangs_up_as_it_picks_up_leaves_the_call_where_it_is(office: Office) -> None:
    call, desk, soft = _pulled(office)
    del call.phone.auto["INVITE"]
    ring = soft.rung()
    ring.answer()
    ring.bye()
    _accept(call)
    office.run(1.0)
    assert not desk.ended
    assert call.send("INFO", body=b"1", content_type="application/dtmf-relay").status == 200
    assert desk.methods("INFO")


def test_device_without_media_is_not_called_and_nothing_is_left(office: Office) -> None:
    plane = anchored(office)
    plane.broken = {"offer"}
    anna, boris = office.two()
    office.switch.anchors = lambda source, target, offer: False
    call, desk = connected(anna, boris)
    office.phone("102-b", transport="WS")
    (live,) = office.switch.calls.values()
    (binding,) = [one for one in office.bindings.of("102", office.now()) if one.sip_name == "102-b"]
    assert pull(live, "102", binding) == ""
    office.run(0.1)
    assert not office.phones["102-b"].rings
    assert call.live
    assert not desk.ended
    call.bye()
    assert office.record.notes == ["102 could not go on on another device: no media"]

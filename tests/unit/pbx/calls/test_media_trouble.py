"""The media plane fails, or is slow, while a call is being set up: what the phones see of it."""

from __future__ import annotations

import pytest

from pbx.calls.leg import Leg
from pbx.media.plane import Loss
from tests.scenarios.calls.office import Office
from tests.support.phones import Phone, sdp
from tests.support.talks import Talk
from tests.unit.pbx.calls.planes import anchored


def _ringing(caller: Phone, callee: Phone) -> tuple[Talk, Talk]:
    call = caller.call(callee.number)
    ring = callee.rung()
    ring.ring()
    return call, ring


def _with_media(office: Office) -> Leg:
    """The leg of the phone that is called by way of the media plane."""
    (leg,) = [leg for leg in office.switch.legs.values() if not leg.inbound and leg.edge is not None]
    return leg


def test_answer_without_media_is_a_failure_to_the_caller_and_hangs_the_callee_up(office: Office) -> None:
    plane = anchored(office)
    call, ring = _ringing(*office.two())
    plane.broken = {"answer"}
    ring.answer()
    assert call.heard[-1] == 488
    assert call.answered.get("Reason") == 'SIP;cause=503;text="No media"'
    assert ring.ended
    assert office.record.cause == "caller was lost: no media"


def test_caller_that_gives_up_while_its_answer_is_being_made_is_answered_487(office: Office) -> None:
    plane = anchored(office)
    call, ring = _ringing(*office.two())
    plane.stuck = True
    ring.answer()
    assert call.heard == [100, 180]
    call.cancel()
    plane.resume()
    office.run(0.1)
    assert call.heard == [100, 180, 487]
    assert ring.ended


def test_callee_that_hangs_up_while_the_callers_answer_is_being_made_leaves_no_call(office: Office) -> None:
    plane = anchored(office)
    call, ring = _ringing(*office.two())
    plane.stuck = True
    ring.answer()
    ring.bye()
    plane.resume()
    office.run(0.1)
    assert call.heard == [100, 180, 487]


def test_phone_that_rings_is_stopped_when_its_media_is_lost_and_the_others_ring_on(office: Office) -> None:
    plane = anchored(office)
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    call, _ = _ringing(anna, desk)
    desk.rung().reject(488)  # it wants the media encrypted, and is called again
    ring, other = desk.rung(), soft.rung()
    ring.ring()
    other.ring()
    leg = _with_media(office)
    assert leg.edge is not None
    plane.on_lost([leg.edge.session], Loss.WORKER)
    office.run(0.1)
    assert ring.cancelled is not None
    assert not ring.methods("BYE")
    other.answer()
    assert call.live


def test_only_phone_that_rings_is_unreachable_when_its_media_is_lost(office: Office) -> None:
    plane = anchored(office)
    call, ring = _ringing(*office.two())
    ring.reject(488)
    again = ring.phone.rung()
    again.ring()
    leg = _with_media(office)
    assert leg.edge is not None
    plane.on_lost([leg.edge.session], Loss.WORKER)
    office.run(0.1)
    assert again.cancelled is not None
    assert call.heard[-1] == 480
    assert office.record.cause == "nobody was reachable"


@pytest.mark.parametrize("offers", [True, False])
def test_offer_whose_answer_cannot_be_made_leaves_both_phones_with_what_they_had(office: Office, offers: bool) -> None:
    plane = anchored(office)
    call, ring = _ringing(*office.two())
    ring.answer()
    ring.phone.sdp = sdp(ring.phone.host, 4002, version=2)
    plane.broken = {"answer"} if offers else {"offer"}
    held = sdp(call.phone.host, direction="sendonly", version=2) if offers else b""
    assert call.reinvite(held).status == 488
    plane.broken = set()
    office.run(5.0)
    undone = ring.methods("INVITE")[-1]
    assert b"sendonly" not in undone.body
    assert call.phone.host.encode() in undone.body
    assert call.reinvite(sdp(call.phone.host, version=3)).status == 200


def test_phone_that_hangs_up_while_the_answer_to_its_offer_is_being_made_has_a_failure(office: Office) -> None:
    plane = anchored(office)
    call, ring = _ringing(*office.two())
    ring.answer()
    ring.phone.sdp = sdp(ring.phone.host, 4002, version=2)
    office.run(0.1)
    with call.phone.hurried():
        offer = call.reinvite(sdp(call.phone.host, version=2))
        office.run(0.0035)
        assert ring.methods("INVITE")
        plane.stuck = True
        call.bye()
        office.run(0.1)
        plane.resume()
    office.run(5.0)
    assert offer.statuses == [100, 487]
    assert ring.ended

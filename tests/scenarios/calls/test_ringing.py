"""Phones ring: who wins, who is stopped, and what the caller is told when nobody answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sip.message import Request
from tests.scenarios.calls.office import Office

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


def test_user_rings_on_all_phones_and_the_first_answer_stops_the_others(office: Office) -> None:
    anna, desk, soft, mobile = office.phone("101"), office.phone("102"), office.phone("102-b"), office.phone("102-c")
    call = anna.call("102")
    rings = [phone.rung() for phone in (desk, soft, mobile)]
    for ring in rings:
        ring.ring()
    assert call.heard == [100, 180]  # once is enough
    rings[1].answer()
    assert call.live
    for ring in (rings[0], rings[2]):
        assert ring.final
        assert not ring.confirmed
        assert _reason(ring.cancelled) == ELSEWHERE
    assert rings[1].cancelled is None
    call.bye()
    assert office.record.outcomes == [("102", "answered")]


def test_phone_that_was_never_heard_of_is_stopped_when_it_is(office: Office) -> None:
    """RFC 3261 §9.1: no CANCEL before a provisional response."""
    anna, desk, slow = office.phone("101"), office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    late = slow.rung()
    desk.rung().answer()
    assert call.live
    assert late.cancelled is None
    late.ring()
    assert _reason(late.cancelled) == ELSEWHERE


def test_of_two_answers_at_once_the_second_is_acknowledged_and_hung_up(office: Office) -> None:
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    first, second = desk.rung(), soft.rung()
    first.ring()
    second.ring()
    with desk.hurried(), soft.hurried():
        first.answer()
        second.answer()
    assert call.live
    assert first.live
    assert not first.ended
    assert len(second.acks) == 1
    (bye,) = second.methods("BYE")
    assert bye.get("Reason") == ELSEWHERE
    call.bye()
    assert first.ended
    assert office.record.outcomes == [("102", "answered")]


def test_caller_gives_up_while_it_rings(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring()
    office.run(4.0)
    cancel = call.cancel('Reason: SIP;cause=487;text="Not in the mood"')
    assert cancel.status == 200
    assert cancel.answer.to_tag == call.answered.to_tag
    assert call.heard == [100, 180, 487]
    assert _reason(ring.cancelled) == 'SIP;cause=487;text="Not in the mood"'
    record = office.record
    assert record.cause == "caller gave up"
    assert record.outcomes == [("102", "cancelled")]
    assert record.events[0].seconds == pytest.approx(4.2, abs=0.2)


def test_caller_gives_up_before_anything_was_heard(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    call.cancel()
    assert call.heard == [100, 487]
    assert ring.cancelled is None
    ring.ring()
    assert ring.cancelled is not None


def test_caller_gives_up_a_call_to_a_phone_that_is_gone(office: Office) -> None:
    anna, boris = office.two()
    boris.deaf = True
    call = anna.call("102")
    call.cancel()
    assert call.heard == [100, 487]


def test_answer_crosses_the_callers_cancel(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring()
    with anna.hurried(), boris.hurried():
        call.cancel()
        ring.answer()
    assert call.heard == [100, 180, 487]
    assert len(ring.acks) == 1
    assert ring.ended
    assert office.record.cause == "caller gave up"


def test_cancel_that_comes_after_the_answer_changes_nothing(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    boris.rung().answer()
    assert call.cancel().status == 200
    assert call.heard == [100, 200]
    assert call.live
    assert not boris.talk.ended


def test_cancel_of_nothing_is_answered_481(office: Office) -> None:
    anna = office.phone("101")
    assert anna.ask("CANCEL", "102").status == 481


def test_caller_hangs_up_an_early_dialog_by_bye(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring()
    assert call.bye().status == 200
    assert call.heard == [100, 180, 487]
    assert ring.cancelled is not None
    assert office.record.cause == "caller gave up"


def test_bye_of_a_phone_that_rings_does_not_stop_the_others(office: Office) -> None:
    """RFC 3261 §15: the callee must not send BYE in an early dialog."""
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    first, second = desk.rung(), soft.rung()
    first.ring()
    second.ring()
    assert first.send("BYE").status == 481
    second.answer()
    assert call.live


def test_phone_that_never_ends_its_invite_after_a_cancel_is_forgotten(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring()
    boris.deaf = True
    call.cancel()
    assert call.heard[-1] == 487


ANSWERS = [
    # what the phone says, what the caller hears, Q.850 cause, outcome
    (486, 486, 17, "busy"),
    (600, 486, 17, "busy"),
    (603, 603, 21, "refused"),
    (403, 603, 21, "refused"),
    (480, 480, 19, "no-answer"),
    (408, 480, 19, "no-answer"),
    (487, 480, 19, "no-answer"),
    (404, 480, 20, "unreachable"),
    (503, 480, 20, "unreachable"),
    (500, 500, 41, "failed"),
    (401, 500, 41, "failed"),
    (488, 488, 41, "failed"),
    (606, 606, 41, "failed"),
]


@pytest.mark.parametrize(("says", "hears", "cause", "outcome"), ANSWERS)
def test_caller_is_told_why_nobody_answered(office: Office, says: int, hears: int, cause: int, outcome: str) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring()
    ring.reject(says)
    assert call.heard == [100, 180, hears]
    assert call.answered.headers["Reason"][0].startswith(f"Q.850;cause={cause};")
    assert office.record.outcomes == [("102", outcome)]
    assert office.record.outcome.value == outcome


def test_refusal_of_the_offer_reaches_the_caller_with_its_warning(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    boris.rung().reject(488, 'Warning: 305 phone "Incompatible media format"')
    assert call.answered.rows("Warning") == ['305 phone "Incompatible media format"']


def test_user_without_phones_is_unreachable(office: Office) -> None:
    anna = office.phone("101")
    call = anna.call("102")
    assert call.heard == [100, 480]
    assert call.answered.rows("Reason") == ['Q.850;cause=20;text="Subscriber absent"']
    assert office.record.outcomes == [("102", "unreachable")]


def test_silent_phone_is_unreachable_after_five_seconds(office: Office) -> None:
    anna, boris = office.two()
    boris.deaf = True
    call = anna.call("102")
    office.run(4.5)
    assert call.heard == [100]
    office.run(1.0)
    assert call.heard == [100, 480]
    assert office.record.outcomes == [("102", "unreachable")]


def test_phone_whose_connection_is_gone_is_unreachable_at_once(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="WS")
    boris.flow.close()
    call = anna.call("102")
    assert call.heard == [100, 480]


def test_phone_whose_connection_breaks_while_it_rings_is_unreachable(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="TCP")
    call = anna.call("102")
    boris.rung().ring()
    boris.flow.close()
    office.run(0.1)
    assert call.heard == [100, 180, 480]


def test_dead_phone_does_not_keep_a_live_one_from_ringing(office: Office) -> None:
    anna, dead, live = office.phone("101"), office.phone("102"), office.phone("102-b")
    dead.deaf = True
    call = anna.call("102")
    live.rung().ring()
    office.run(10.0)
    assert call.heard == [100, 180]
    live.rung().answer()
    assert call.live


def test_phone_rings_as_long_as_it_may(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102\n103")
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring()
    office.run(19.5)
    assert call.heard == [100, 180]
    office.run(1.0)
    assert call.heard == [100, 180, 480]
    assert call.answered.rows("Reason") == ['Q.850;cause=19;text="No answer from user"']
    assert _reason(ring.cancelled) == 'SIP;cause=480;text="No answer"'


def test_silent_phone_that_may_ring_for_seconds_only_is_unreachable_too(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102 no-answer 103 after 3")
    anna, boris = office.two()
    boris.deaf = True
    anna.call("102")
    office.run(4.0)
    assert office.record.outcomes == [("102", "unreachable"), ("103", "unreachable")]


def test_busy_phone_lets_the_others_ring(office: Office) -> None:
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    desk.rung().reject(486)
    soft.rung().ring()
    assert call.heard == [100, 180]
    soft.rung().reject(486)
    assert call.heard == [100, 180, 486]


def test_decline_on_one_phone_speaks_for_the_user(office: Office) -> None:
    """RFC 3261 §16.7: a 6xx ends the search."""
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    desk.rung().ring()
    ring = soft.rung()
    ring.ring()
    desk.rung().reject(603)
    assert call.heard == [100, 180, 603]
    assert _reason(ring.cancelled) == 'SIP;cause=603;text="Declined elsewhere"'


def test_phone_that_answers_without_a_contact_has_not_answered(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    assert ring.invite is not None
    boris.answer(ring.invite, boris.flow, 200, body=boris.sdp, tag="x")
    ring.final = True
    office.run(0.1)
    assert call.heard[-1] == 480
    boris.deaf = True


def test_phone_that_answers_with_garbage_is_hung_up_and_the_caller_told(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.answer(body=b"garbage")
    assert call.heard == [100, 488]
    assert len(ring.acks) == 1
    assert ring.ended


def test_garbage_with_a_provisional_answer_is_left_out(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring(183, body=b"garbage")
    ring.ring(180, body=b"garbage")
    assert call.heard == [100, 180]
    assert call.last.body == b""
    ring.answer()
    assert call.live


def test_answers_of_two_branches_behind_a_forking_proxy_leave_one_call(office: Office) -> None:
    """RFC 3261 §13.2.2.4: each 2xx is acknowledged, all but the first are hung up."""
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.answer()
    ring.local_tag, first = "another", ring.local_tag
    ring.acks.clear()
    ring.answer()
    assert [ack.to_tag for ack in ring.acks] == ["another"]
    assert ring.methods("BYE")
    ring.local_tag, ring.ended = first, False
    assert call.live


def _reason(cancel: Request | None) -> str | None:
    assert cancel is not None
    return cancel.get("Reason")

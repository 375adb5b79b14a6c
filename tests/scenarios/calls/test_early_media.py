"""Sound before the answer: from one phone it passes, from one of several it does not."""

from __future__ import annotations

from collections.abc import Callable

from tests.scenarios.calls.office import Office
from tests.support.phones import sdp


def test_early_media_of_the_only_phone_passes(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring(183, body=boris.sdp)
    assert call.heard == [100, 183]
    assert b"c=IN IP4 192.0.2.11" in call.last.body
    early = call.last
    ring.answer()
    assert call.answered.body == early.body
    assert call.answered.to_tag == early.to_tag


def test_ringing_after_early_media_is_told_too(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    boris.rung().ring(183, body=boris.sdp)
    boris.rung().ring(180)
    assert call.heard == [100, 183, 180]
    boris.rung().answer()
    assert len({response.to_tag for response in (call.answered, call.last)}) == 1


def test_progress_without_media_tells_the_caller_nothing(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    boris.rung().ring(183)
    boris.rung().ring(182)
    assert call.heard == [100]
    boris.rung().ring(180)
    boris.rung().ring(180)
    assert call.heard == [100, 180]
    boris.rung().reject(486)


def test_early_media_of_one_of_several_phones_is_not_heard(office: Office) -> None:
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    desk.rung().ring(183, body=desk.sdp)
    assert call.heard == [100]
    soft.rung().ring(180)
    assert call.heard == [100, 180]
    desk.rung().answer()
    assert b"192.0.2.11" in call.answered.body


def test_phone_that_is_left_alone_is_heard(office: Office) -> None:
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    soft.rung().reject(486)
    desk.rung().ring(183, body=desk.sdp)
    assert call.heard == [100, 183]
    desk.rung().answer()
    assert call.live


def test_media_of_another_phone_comes_in_another_dialog(make_office: Callable[..., Office]) -> None:
    """RFC 3264 allows one answer in a dialog, so the caller sees what looks like a fork."""
    office = make_office("101\n102 no-answer 103 after 5\n103")
    anna, boris, clara = office.three()
    call = anna.call("102")
    boris.rung().ring(183, body=boris.sdp)
    first = call.last
    office.run(5.1)
    clara.rung().ring(183, body=clara.sdp)
    second = call.last
    assert call.heard == [100, 183, 181, 183]
    assert b"192.0.2.11" in first.body
    assert b"192.0.2.12" in second.body
    assert first.to_tag != second.to_tag
    clara.rung().answer()
    assert call.answered.to_tag == second.to_tag
    assert call.answered.body == second.body
    assert call.live


def test_answer_of_a_phone_that_was_not_heard_comes_in_another_dialog(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102 no-answer 103 after 5\n103")
    anna, boris, clara = office.three()
    call = anna.call("102")
    boris.rung().ring(183, body=boris.sdp)
    first = call.last
    office.run(5.1)
    clara.rung().answer()
    assert call.answered.to_tag != first.to_tag
    assert call.live


def test_early_media_to_a_caller_without_an_offer_is_the_offer(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102", body=b"")
    ring = boris.rung()
    ring.ring(183, body=boris.sdp)
    assert call.heard == [100, 183]
    ring.answer()
    assert call.answered.body == call.sent.responses[1].body if call.sent else False
    assert ring.acks[0].body


def test_phone_changes_its_early_description_before_it_answers(office: Office) -> None:
    """Not by the book, and common: a media server behind the phone takes over. The last one counts."""
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring(183, body=boris.sdp)
    ring.answer(body=sdp(boris.host, 4008, version=2))
    assert b"m=audio 4008 " in call.answered.body

"""Reliable provisional responses (RFC 3262) and UPDATE before the answer (RFC 3311), across the two legs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.calls.office import Office
from tests.support.phones import Phone, sdp
from tests.support.talks import Talk


@pytest.fixture
def anna(office: Office) -> Phone:
    """A caller that knows 100rel."""
    phone = office.phone("101")
    phone.supported = "100rel, replaces"
    return phone


@pytest.fixture
def boris(office: Office) -> Phone:
    return office.phone("102")


def _early(anna: Phone, boris: Phone) -> tuple[Talk, Talk]:
    """A call whose offer is answered in a reliable 183."""
    call = anna.call("102")
    ring = boris.rung()
    ring.ring(183, body=boris.sdp, reliable=True)
    return call, ring


def test_reliable_answer_is_acknowledged_through_to_the_phone(anna: Phone, boris: Phone) -> None:
    call, ring = _early(anna, boris)
    assert ring.invite is not None
    assert "100rel" in ring.invite.tokens("Supported")
    assert call.heard == [100, 183]
    assert call.last.tokens("Require") == {"100rel"}
    (prack,) = ring.methods("PRACK")
    assert prack.headers["RAck"][0].startswith("1 1 INVITE")
    ring.answer(body=b"")
    assert call.live
    assert call.answered.body == b""  # the answer was in the 183


def test_phone_is_not_offered_100rel_when_the_caller_has_none(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    invite = boris.rung().invite
    assert invite is not None
    assert "100rel" not in invite.tokens("Supported")
    boris.rung().ring(180)
    assert "RSeq" not in call.last.headers
    boris.rung().answer()


def test_caller_that_insists_gets_every_provisional_reliably(office: Office, boris: Phone) -> None:
    anna = office.phone("101")
    call = anna.call("102", "Require: 100rel")
    boris.rung().ring(180)
    assert call.last.status == 180
    assert call.last.tokens("Require") == {"100rel"}
    boris.rung().answer()
    assert call.live


def test_repeated_reliable_response_is_not_told_twice(anna: Phone, boris: Phone) -> None:
    anna.pracks = False
    call, ring = _early(anna, boris)
    ring.ring(183, "RSeq: 1", "Require: 100rel", body=boris.sdp)
    assert call.heard.count(183) == 1
    call.prack(call.last)
    ring.answer(body=b"")
    assert call.live


def test_reliable_response_is_repeated_until_its_prack(office: Office, anna: Phone, boris: Phone) -> None:
    anna.pracks = False
    call, ring = _early(anna, boris)
    office.run(4.0)
    assert call.heard == [100, 183, 183, 183, 183]
    call.prack(call.last)
    assert ring.methods("PRACK")
    office.run(10.0)
    assert call.heard == [100, 183, 183, 183, 183]
    ring.answer(body=b"")
    assert call.live


def test_prack_that_never_comes_ends_the_call(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102 no-answer 103 after 60\n103")
    anna, boris = office.two()
    anna.supported, anna.pracks = "100rel", False
    call, ring = _early(anna, boris)
    office.run(31.0)
    assert call.heard[-1] == 183
    office.run(1.5)
    assert call.heard[-1] == 504
    assert ring.cancelled is not None
    assert office.record.cause == "caller was lost: no prack"


def test_answer_waits_for_the_prack(anna: Phone, boris: Phone) -> None:
    anna.pracks = False
    call, ring = _early(anna, boris)
    ring.answer(body=b"")
    assert call.heard == [100, 183]
    call.prack(call.last)
    assert call.heard == [100, 183, 200]


def test_caller_that_gives_up_while_the_answer_waits_for_its_prack(office: Office, anna: Phone, boris: Phone) -> None:
    anna.pracks = False
    call, ring = _early(anna, boris)
    ring.answer(body=b"")
    call.cancel()
    assert call.heard == [100, 183, 487]
    assert ring.ended
    assert office.record.cause == "caller gave up"


def test_phone_that_hangs_up_while_the_answer_waits_for_a_prack(anna: Phone, boris: Phone) -> None:
    anna.pracks = False
    call, ring = _early(anna, boris)
    ring.answer(body=b"")
    ring.bye()
    assert call.heard[-1] >= 400


def test_prack_that_fits_nothing_is_answered_481(anna: Phone, boris: Phone) -> None:
    anna.pracks = False
    call, ring = _early(anna, boris)
    rseq = int(call.last.headers["RSeq"][0])
    for rack in (f"{rseq + 1} 2 INVITE", f"{rseq} 7 INVITE", f"{rseq} 2 OPTIONS", "x", ""):
        assert call.send("PRACK", f"RAck: {rack}").status == 481
    assert call.prack(call.last).status == 200
    assert call.prack(call.last).status == 481
    ring.answer(body=b"")


def test_prack_carries_a_new_offer_and_its_answer(anna: Phone, boris: Phone) -> None:
    anna.pracks = False
    boris.auto.pop("PRACK")
    call, ring = _early(anna, boris)
    sent = call.prack(call.last, body=sdp(anna.host, 4010, version=2))
    (prack,) = ring.methods("PRACK")
    assert b"m=audio 4010 " in prack.body
    ring.reply(prack, 200, body=sdp(boris.host, 4012, version=2))
    assert sent.status == 200
    assert b"m=audio 4012 " in sent.answer.body
    ring.answer(body=b"")
    assert call.live


@pytest.mark.parametrize(("body", "status"), [(b"garbage", 400), (b"v=0\r\n", 400)])
def test_garbage_in_a_prack_is_refused_and_the_next_one_counts(
    anna: Phone, boris: Phone, body: bytes, status: int
) -> None:
    anna.pracks = False
    call, ring = _early(anna, boris)
    assert call.prack(call.last, body=body).status == status
    assert call.prack(call.last).status == 200
    ring.answer(body=b"")
    assert call.live


def test_offerless_call_gets_the_offer_in_a_183_and_answers_in_the_prack(
    office: Office, anna: Phone, boris: Phone
) -> None:
    anna.pracks = False
    call = anna.call("102", body=b"")
    ring = boris.rung()
    ring.ring(183, body=boris.sdp, reliable=True)
    assert b"192.0.2.11" in call.last.body
    assert call.prack(call.last, body=anna.sdp).status == 200
    (prack,) = ring.methods("PRACK")
    assert b"192.0.2.10" in prack.body
    anna.acks = False
    ring.answer(body=b"")
    call.ack(body=b"")
    office.run(1.0)
    assert call.live
    assert not ring.ended


def test_second_reliable_response_waits_for_the_first_ones_prack(anna: Phone, boris: Phone) -> None:
    anna.pracks = False
    call, ring = _early(anna, boris)
    first = call.last
    ring.ring(180, reliable=True)
    assert call.heard == [100, 183]
    call.prack(first)
    assert call.heard == [100, 183, 180]
    assert int(call.last.headers["RSeq"][0]) == int(first.headers["RSeq"][0]) + 1
    call.prack(call.last)
    assert len(ring.methods("PRACK")) == 2
    ring.answer(body=b"")
    assert call.live


def test_reliable_answer_of_one_of_several_phones_reaches_the_caller_in_the_200(office: Office, anna: Phone) -> None:
    """While several ring, nobody's media passes: what was acknowledged on the caller's behalf comes with the 200."""
    desk, soft = office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    soft.rung().ring(180)
    ring = desk.rung()
    ring.ring(183, body=desk.sdp, reliable=True)
    assert call.last.body == b""
    assert ring.methods("PRACK")
    ring.answer(body=b"")
    assert b"192.0.2.11" in call.answered.body


def test_offerless_call_to_several_phones_asks_none_for_a_reliable_offer(office: Office, anna: Phone) -> None:
    """Whose offer should the one caller answer in its PRACK?"""
    desk, soft = office.phone("102"), office.phone("102-b")
    call = anna.call("102", body=b"")
    for phone in (desk, soft):
        invite = phone.rung().invite
        assert invite is not None
        assert "100rel" not in invite.tokens("Supported")
    desk.rung().answer()
    assert call.live


def test_prack_in_a_second_early_dialog_counts_from_the_invite(make_office: Callable[..., Office]) -> None:
    """Each early dialog of a forked INVITE has CSeq numbers of its own (RFC 3261 §12.1.2)."""
    office = make_office("101\n102 no-answer 103 after 5\n103")
    anna, boris, clara = office.three()
    anna.supported = "100rel"
    call, _ = _early(anna, boris)
    assert [one.status for one in _pracks(office)] == [200]
    office.run(5.1)
    ring = clara.rung()
    ring.ring(183, body=clara.sdp, reliable=True)
    assert call.heard == [100, 183, 181, 183]
    assert ring.methods("PRACK")
    ring.answer(body=b"")
    assert call.live


def _pracks(office: Office) -> list[object]:
    anna = office.phones["101"]
    return [sent for (_, method), sent in anna._sent.items() if method == "PRACK"]


# ---- UPDATE before the answer


@pytest.mark.parametrize("side", ["caller", "callee"])
def test_update_before_the_answer_passes_to_the_other_side(anna: Phone, boris: Phone, side: str) -> None:
    talks = _early(anna, boris)
    mine, other = talks if side == "caller" else talks[::-1]
    other.phone.auto.pop("UPDATE")
    sent = mine.send("UPDATE", body=sdp(mine.phone.host, 4020, version=2))
    (asked,) = other.methods("UPDATE")
    assert b"m=audio 4020 " in asked.body
    other.reply(asked, 200, body=sdp(other.phone.host, 4022, version=2))
    assert sent.status == 200
    assert b"m=audio 4022 " in sent.answer.body
    talks[1].answer(body=b"")
    assert talks[0].live


def test_update_before_the_answer_can_be_refused_by_the_other_side(anna: Phone, boris: Phone) -> None:
    boris.auto["UPDATE"] = 488
    call, ring = _early(anna, boris)
    assert call.send("UPDATE", body=sdp(anna.host, version=2)).status == 488
    ring.answer(body=b"")
    assert call.live


def test_update_before_the_answer_without_anybody_to_take_it_is_refused(office: Office, anna: Phone) -> None:
    desk, soft = office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    desk.rung().ring(180)
    soft.rung().ring(180)
    assert call.send("UPDATE", body=sdp(anna.host, version=2)).status == 488
    desk.rung().answer()
    assert call.live


def test_reinvite_before_the_answer_is_too_early(anna: Phone, boris: Phone) -> None:
    call, ring = _early(anna, boris)
    sent = call.reinvite(sdp(anna.host, version=2))
    assert sent.status == 500
    assert "Retry-After" in sent.answer.headers
    assert ring.reinvite(sdp(boris.host, version=2)).status == 491
    ring.answer(body=b"")
    assert call.live


def test_caller_gives_up_while_an_update_is_under_way(anna: Phone, boris: Phone) -> None:
    boris.auto.pop("UPDATE")
    call, ring = _early(anna, boris)
    sent = call.send("UPDATE", body=sdp(anna.host, version=2))
    call.cancel()
    ring.reply(ring.methods("UPDATE")[0], 487)
    assert sent.status == 487
    assert call.heard[-1] == 487

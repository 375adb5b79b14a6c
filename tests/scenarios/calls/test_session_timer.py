"""Session timers (RFC 4028): a call ends when one side is silently gone, whoever is to refresh."""

from __future__ import annotations

import pytest

from tests.scenarios.calls.office import Office, connected
from tests.support.phones import Phone, sdp
from tests.support.talks import Talk

HALF = 905.0  # s; half of the usual 1800, and the engine's look every 5 s


def _timed(phone: Phone) -> Phone:
    phone.supported = "timer, replaces"
    return phone


def _call(anna: Phone, boris: Phone, *headers: str, answers: str = "") -> tuple[Talk, Talk]:
    """A call whose caller sends these headers and whose callee grants a session timer so."""
    call = anna.call("102", *headers)
    ring = boris.rung()
    ring.answer(*([f"Session-Expires: {answers}", "Require: timer"] if answers else []))
    return call, ring


@pytest.mark.parametrize(
    ("asks", "granted", "insists"),
    [
        ("1800;refresher=uac", "1800;refresher=uac", True),
        ("1800", "1800;refresher=uac", True),
        ("600;refresher=uas", "600;refresher=uas", False),
        ("90", "90;refresher=uac", True),
    ],
)
def test_caller_gets_the_interval_that_it_asks_for(office: Office, asks: str, granted: str, insists: bool) -> None:
    anna, boris = _timed(office.phone("101")), office.phone("102")
    call, _ = _call(anna, boris, f"Session-Expires: {asks}")
    assert call.answered.rows("Session-Expires") == [granted]
    assert ("timer" in call.answered.tokens("Require")) is insists


def test_caller_that_wants_longer_intervals_gets_one(office: Office) -> None:
    """RFC 4028 §9: never below the request's Min-SE."""
    anna, boris = _timed(office.phone("101")), office.phone("102")
    call, _ = _call(anna, boris, "Min-SE: 2400")
    assert call.answered.rows("Session-Expires") == ["2400;refresher=uac"]


def test_too_short_an_interval_is_refused_422(office: Office) -> None:
    anna, boris = _timed(office.phone("101")), office.phone("102")
    call = anna.call("102", "Session-Expires: 60")
    assert call.heard == [422]
    assert call.answered.rows("Min-SE") == ["90"]
    assert not boris.rings


def test_caller_without_session_timers_gets_none(office: Office) -> None:
    anna, boris = office.two()
    call, _ = _call(anna, boris)
    assert "Session-Expires" not in call.answered.headers
    assert "Require" not in call.answered.headers


def test_callee_is_asked_for_a_session_timer(office: Office) -> None:
    anna, boris = office.two()
    _, ring = _call(anna, boris)
    assert ring.invite is not None
    assert ring.invite.rows("Session-Expires") == ["1800"]
    assert "timer" in ring.invite.tokens("Supported")


def test_callee_that_wants_a_longer_interval_is_asked_again(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    first = boris.rung()
    first.reject(422, "Min-SE: 3600")
    again = boris.rung()
    assert call.heard == [100]
    assert again.invite is not None
    assert first.invite is not None
    assert again.invite.rows("Session-Expires") == ["3600"]
    assert again.invite.rows("Min-SE") == ["3600"]
    assert again.call_id == first.call_id
    again.answer("Session-Expires: 3600;refresher=uas")
    assert call.live


@pytest.mark.parametrize("answer", [["Min-SE: 9000"], ["Min-SE: x"], []])
def test_callee_that_is_never_content_is_asked_no_more(office: Office, answer: list[str]) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    boris.rung().reject(422, "Min-SE: 3600")
    boris.rung().reject(422, *answer)
    assert call.heard == [100, 500]


@pytest.mark.parametrize("side", ["caller", "callee"])
@pytest.mark.parametrize(
    ("allow", "method"), [("INVITE, ACK, CANCEL, BYE, UPDATE", "UPDATE"), ("INVITE, ACK, CANCEL, BYE", "INVITE")]
)
def test_we_refresh_when_it_is_on_us(office: Office, side: str, allow: str, method: str) -> None:
    anna, boris = _timed(office.phone("101")), _timed(office.phone("102"))
    mine = anna if side == "caller" else boris
    mine.allow = allow
    call, ring = _call(
        anna,
        boris,
        f"Session-Expires: 1800;refresher={'uas' if side == 'caller' else 'uac'}",
        answers=f"1800;refresher={'uas' if side == 'caller' else 'uac'}",
    )
    talk = call if side == "caller" else ring
    before = talk.acks[:]
    office.run(HALF)
    (asked,) = talk.asked
    assert asked.method == method
    assert asked.rows("Session-Expires") == ["1800;refresher=uac"]
    if method == "INVITE":
        assert len(talk.acks) == len(before) + 1
        assert asked.body  # as it was, see the rules of descriptions
    office.run(HALF)
    assert len(talk.asked) == 2
    assert not call.ended or ring.ended
    _keep_the_other_alive(office, call, ring)


def _keep_the_other_alive(office: Office, call: Talk, ring: Talk) -> None:
    """The side that refreshes itself was silent for the whole interval by now, so the call ended."""
    assert call.ended
    assert ring.ended
    assert "session expired" in office.record.cause


@pytest.mark.parametrize("way", ["UPDATE", "INVITE"])
def test_call_lives_as_long_as_both_are_refreshed(office: Office, way: str) -> None:
    anna, boris = _timed(office.phone("101")), _timed(office.phone("102"))
    call, ring = _call(anna, boris, "Session-Expires: 1200;refresher=uac", answers="1200;refresher=uas")
    for version in range(2, 6):
        office.run(600.0)
        refresh = [f"Session-Expires: 1200;refresher={'uac'}"]
        for talk in (call, ring):
            body = sdp(talk.phone.host, version=version) if way == "INVITE" else b""
            sent = talk.send(way, *refresh, body=body)
            assert sent.status == 200
            assert sent.answer.rows("Session-Expires") == ["1200;refresher=uac"]
        anna.register()
        boris.register()
    assert call.live
    assert not ring.ended


def test_refresh_with_too_short_an_interval_is_refused_422(office: Office) -> None:
    anna, boris = _timed(office.phone("101")), office.phone("102")
    call, _ = _call(anna, boris, "Session-Expires: 1800")
    sent = call.send("UPDATE", "Session-Expires: 30")
    assert sent.status == 422
    assert sent.answer.rows("Min-SE") == ["90"]
    assert call.send("UPDATE", "Session-Expires: x").status == 400
    assert call.send("UPDATE", "Session-Expires: 90").status == 200


def test_party_without_session_timers_is_asked_by_options(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    office.run(HALF)
    assert [request.method for request in call.asked] == ["OPTIONS"]
    assert [request.method for request in ring.asked] == ["OPTIONS"]
    office.run(HALF)
    assert len(call.asked) == 2
    assert call.live


@pytest.mark.parametrize("status", [405, 500, 486, 501])
def test_any_answer_of_a_living_dialog_is_a_sign_of_life(office: Office, status: int) -> None:
    anna, boris = office.two()
    anna.auto["OPTIONS"] = status
    call, _ = connected(anna, boris)
    office.run(2 * HALF)
    assert call.live


def test_phone_that_knows_the_call_no_more_ends_it(office: Office) -> None:
    anna, boris = office.two()
    anna.auto["OPTIONS"] = 481
    _, ring = connected(anna, boris)
    office.run(HALF)
    assert ring.ended
    assert office.record.cause == "caller was lost: session refresh failed"


def test_phone_that_is_silently_gone_ends_the_call_for_the_other(office: Office) -> None:
    anna, boris = office.two()
    call, _ring = connected(anna, boris)
    boris.deaf = True
    office.run(HALF + 33.0)
    assert call.ended
    (bye,) = call.methods("BYE")
    assert bye.get("Reason") == 'SIP;cause=408;text="Session refresh failed"'
    assert office.record.cause == "callee was lost: session refresh failed"
    assert office.record.talked == pytest.approx(935.0, abs=10)


def test_phone_that_was_to_refresh_and_does_not_loses_the_call(office: Office) -> None:
    """RFC 4028 §10: BYE a third of the interval, at most 32 s, before it is over."""
    anna, boris = _timed(office.phone("101")), office.phone("102")
    call, ring = _call(anna, boris, "Session-Expires: 600")
    boris.auto["OPTIONS"] = 200
    office.run(560.0)
    assert call.live
    office.run(20.0)
    assert call.ended
    assert ring.ended
    (bye,) = ring.methods("BYE")
    assert bye.get("Reason") == 'SIP;cause=408;text="Session expired"'
    assert office.record.cause == "caller was lost: session expired"


def test_refresh_that_crosses_an_offer_is_tried_again(office: Office) -> None:
    anna, boris = _timed(office.phone("101")), office.phone("102")
    anna.auto["UPDATE"] = 491
    call, _ = _call(anna, boris, "Session-Expires: 1800;refresher=uas")
    office.run(HALF)
    assert len(call.asked) == 1
    anna.auto["UPDATE"] = 200
    office.run(15.0)
    assert len(call.asked) == 2
    office.run(600.0)
    assert len(call.asked) == 2


def test_refresh_that_is_refused_422_is_tried_again_with_a_longer_interval(office: Office) -> None:
    anna, boris = _timed(office.phone("101")), office.phone("102")
    anna.auto.pop("UPDATE")
    call, _ = _call(anna, boris, "Session-Expires: 1800;refresher=uas")
    office.run(HALF)
    call.reply(call.asked[-1], 422, "Min-SE: 2400")
    office.run(6.0)
    assert call.asked[-1].rows("Session-Expires") == ["2400;refresher=uac"]
    assert call.asked[-1].rows("Min-SE") == ["2400"]
    call.reply(call.asked[-1], 200, "Session-Expires: 2400;refresher=uac")
    assert len(call.asked) == 2


def test_connection_that_is_gone_when_a_refresh_is_due_is_waited_for(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="TCP")
    call, ring = connected(anna, boris)
    boris.flow.close()
    office.run(HALF + 100.0)
    assert call.live
    boris.register()  # by a new connection
    office.run(60.0)
    assert ring.methods("OPTIONS")
    assert call.live


def test_browser_that_is_gone_leaves_its_call_within_half_a_minute(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="WS")
    call, ring = connected(anna, boris)
    boris.flow.close()
    office.run(10.0)
    assert call.live
    office.run(21.0)
    assert call.ended
    assert office.record.cause == "callee was lost: the browser is gone"
    ring.ended = True


def test_browser_that_comes_back_keeps_its_call(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="WS")
    call, _ = connected(anna, boris)
    boris.flow.close()
    office.run(10.0)
    boris.register()  # by a new connection
    office.run(60.0)
    assert call.live

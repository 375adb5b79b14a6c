"""Rules at work: who rings next, what the caller hears meanwhile, and what the last phone shows of the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from pbx.routing.groups import TURN_SECONDS
from tests.scenarios.calls.office import DOMAIN, Office
from tests.support.phones import Phone
from tests.support.talks import Talk

# How a phone of 102 takes a call, by the outcome that it makes.
REACTIONS: dict[str, Callable[[Office, Phone], None]] = {
    "busy": lambda office, phone: phone.rung().reject(486),
    "declines": lambda office, phone: phone.rung().reject(603),
    "no answer": lambda office, phone: _let_it_ring(office, phone),
    "silent": lambda office, phone: office.run(6.0),
    "not asked": lambda office, phone: None,
}


def _let_it_ring(office: Office, phone: Phone) -> None:
    phone.rung().ring()
    office.run(15.1)


KINDS = [
    # the rule of 102, what its phone does, History-Info's status, Diversion's reason
    ("always 103", "not asked", 302, "unconditional"),
    ("busy 103", "busy", 486, "user-busy"),
    ("busy 103", "declines", 486, "user-busy"),
    ("no-answer 103 after 15", "no answer", 408, "no-answer"),
    ("unreachable 103", "silent", 503, "unavailable"),
    ("no-answer 103", "silent", 408, "no-answer"),
    ("dnd 103", "not asked", 480, "do-not-disturb"),
    ("caller 103 caller 101", "not asked", 302, "unconditional"),
    ("time 103 from 14:00 to 15:00 days tue", "not asked", 302, "time-of-day"),
]


@pytest.mark.parametrize(("rule", "reaction", "status", "reason"), KINDS)
def test_call_is_forwarded_by_each_kind_of_rule(
    make_office: Callable[..., Office], rule: str, reaction: str, status: int, reason: str
) -> None:
    office = make_office(f"101\n102 {rule}\n103")
    anna, boris, clara = office.three()
    boris.deaf = reaction == "silent"
    call = anna.call("102")
    REACTIONS[reaction](office, boris)
    boris.deaf = False
    ring = clara.rung()
    assert 181 in call.heard
    assert _history(ring) == [
        f"<sip:102@{DOMAIN}?Reason=SIP%3Bcause%3D{status}>;index=1",
        f"<sip:103@{DOMAIN};cause={status}>;index=1.1;mp=1",
    ]
    assert _diversions(ring) == [f"<sip:102@{DOMAIN}>;reason={reason};counter=1"]
    ring.ring()
    assert call.heard[-1] == 180  # the caller hears ringing after the 181, too
    ring.answer()
    assert call.live
    assert call.answered.get("P-Asserted-Identity") == f'"User 103" <sip:103@{DOMAIN}>'
    call.bye()
    assert office.record.answered_by == "103"
    assert office.record.story


@pytest.mark.parametrize(
    "rule", ["caller 103 caller 104", "time 103 from 15:00 to 16:00", "time 103 from 14:00 to 15:00 days wed"]
)
def test_rule_that_does_not_hold_lets_the_phone_ring(make_office: Callable[..., Office], rule: str) -> None:
    office = make_office(f"101\n102 {rule}\n103")
    anna, boris, clara = office.three()
    call = anna.call("102")
    assert not clara.rings
    boris.rung().answer()
    assert call.heard == [100, 200]


def test_user_who_is_not_registered_is_forwarded_at_once(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102 unreachable 103\n103")
    anna, clara = office.phone("101"), office.phone("103")
    call = anna.call("102")
    assert call.heard == [100, 181]
    clara.rung().answer()
    assert call.live
    call.bye()
    assert office.record.outcomes == [("102", "unreachable"), ("103", "answered")]


def test_do_not_disturb_tells_the_caller(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102 dnd\n103")
    anna, boris = office.two()
    call = anna.call("102")
    assert not boris.rings
    assert call.heard == [100, 480]
    assert call.last.reason == "Do Not Disturb"
    assert office.record.cause == "do not disturb"


def test_chain_shows_the_last_phone_where_the_call_has_been(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102 always 103\n103 busy 104\n104")
    anna, clara, dmitri = office.phone("101"), office.phone("103"), office.phone("104")
    call = anna.call("102")
    clara.rung().reject(486)
    ring = dmitri.rung()
    assert _history(ring) == [
        f"<sip:102@{DOMAIN}?Reason=SIP%3Bcause%3D302>;index=1",
        f"<sip:103@{DOMAIN};cause=302?Reason=SIP%3Bcause%3D486>;index=1.1;mp=1",
        f"<sip:104@{DOMAIN};cause=486>;index=1.1.1;mp=1.1",
    ]
    assert _diversions(ring) == [
        f"<sip:103@{DOMAIN}>;reason=user-busy;counter=1",
        f"<sip:102@{DOMAIN}>;reason=unconditional;counter=1",
    ]
    assert call.heard == [100, 181, 181]
    ring.answer()
    assert call.live


def test_loop_of_rules_ends_the_call(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102 busy 103\n103 busy 102")
    anna, boris, clara = office.three()
    call = anna.call("102")
    boris.rung().reject(486)
    clara.rung().reject(486)
    assert call.heard == [100, 181, 486]
    assert not boris.rings
    assert any("already in this chain" in line for line in office.record.story)


def test_rule_made_now_is_in_force_for_the_next_call(office: Office) -> None:
    anna, boris, clara = office.three()
    first = anna.call("102")
    boris.rung().answer()
    first.bye()
    office.obey("101\n102 always 103\n103")
    second = anna.call("102")
    clara.rung().answer()
    assert second.live


def test_several_targets_ring_together(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102 always 103,104")
    anna, clara, dmitri = office.phone("101"), office.phone("103"), office.phone("104")
    call = anna.call("102")
    clara.rung().ring()
    dmitri.rung().answer()
    assert call.live
    assert clara.talks[0].cancelled is not None


def test_group_rings_all_at_once(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102\n103\ngroup 600 102,103")
    anna, boris, clara = office.three()
    call = anna.call("600")
    first, second = boris.rung(), clara.rung()
    first.ring()
    assert not _history(first)
    second.answer()
    assert first.cancelled is not None
    assert call.live
    assert call.answered.get("P-Asserted-Identity") == f'"User 103" <sip:103@{DOMAIN}>'
    call.bye()
    assert (office.record.dialled, office.record.answered_by) == ("600", "103")


def test_group_rings_in_turn(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102\n103\n104\ngroup 600 102,103,104 in-turn")
    anna, boris, clara = office.three()
    dmitri = office.phone("104")
    call = anna.call("600")
    boris.rung().ring()
    assert not clara.rings
    office.run(TURN_SECONDS + 0.1)
    clara.rung().reject(486)
    dmitri.rung().answer()
    assert call.live
    assert 181 not in call.heard  # nobody was called in somebody else's place
    call.bye()
    assert office.record.outcomes == [("102", "no-answer"), ("103", "busy"), ("104", "answered")]


def test_caller_who_is_a_member_of_the_group_is_left_out_by_phone(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102\ngroup 600 101,102")
    anna, boris = office.two()
    call = anna.call("600")
    assert not anna.rings
    boris.rung().answer()
    assert call.live


def test_group_of_the_busy_is_busy(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102\n103\ngroup 600 102,103")
    anna, boris, clara = office.three()
    call = anna.call("600")
    boris.rung().reject(486)
    assert call.heard == [100]
    clara.rung().reject(486)
    assert call.heard == [100, 486]


def test_hundred_members_who_are_not_there_are_gone_through_at_once(make_office: Callable[..., Office]) -> None:
    members = [str(number) for number in range(200, 260)]
    office = make_office("101\n" + "\n".join(members) + f"\ngroup 600 {','.join(members)} in-turn")
    anna = office.phone("101")
    call = anna.call("600")
    assert call.heard == [100, 480]
    assert len(office.record.events) == 60


# ---- 302 from a phone


def test_redirect_of_a_phone_is_a_forward(office: Office) -> None:
    anna, boris, clara = office.three()
    call = anna.call("102")
    boris.rung().reject(302, f"Contact: <sip:103@{DOMAIN}>")
    ring = clara.rung()
    assert call.heard == [100, 181]
    assert _diversions(ring) == [f"<sip:102@{DOMAIN}>;reason=deflection;counter=1"]
    ring.answer()
    assert call.live
    call.bye()
    assert "the phone of 102 redirected the call to 103" in "\n".join(office.record.story)


def test_redirect_stops_the_other_phones_of_the_user(office: Office) -> None:
    anna, desk, soft, clara = office.phone("101"), office.phone("102"), office.phone("102-b"), office.phone("103")
    call = anna.call("102")
    other = soft.rung()
    other.ring()
    desk.rung().reject(302, f"Contact: <sip:103@{DOMAIN}>")
    assert other.cancelled is not None
    assert other.cancelled.get("Reason") == 'SIP;cause=302;text="Redirected"'
    clara.rung().answer()
    assert call.live


@pytest.mark.parametrize("contact", ["<sip:103@elsewhere.example>", "<sip:101@pbx.example>", "<mailto:a@b.example>"])
def test_redirect_to_nowhere_is_a_decline_of_that_phone_only(office: Office, contact: str) -> None:
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    ring = soft.rung()
    ring.ring()
    desk.rung().reject(302, f"Contact: {contact}")
    assert ring.cancelled is None
    ring.answer()
    assert call.live


def test_redirect_to_nowhere_of_the_only_phone_ends_the_call(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102")
    boris.rung().reject(302, "Contact: <sip:999@elsewhere.example>")
    assert call.heard == [100, 603]


def test_redirect_to_several_rings_them_together(office: Office) -> None:
    anna, boris, clara = office.three()
    dmitri = office.phone("104")
    call = anna.call("102")
    boris.rung().reject(302, f"Contact: <sip:103@{DOMAIN}>, <sip:104@{DOMAIN}>;q=0.5")
    clara.rung().ring()
    dmitri.rung().answer()
    assert call.live


def test_redirect_of_one_of_several_joins_those_who_ring(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102\n103\n104\ngroup 600 102,103")
    anna, boris, clara = office.three()
    dmitri = office.phone("104")
    call = anna.call("600")
    clara.rung().ring()
    boris.rung().reject(302, f"Contact: <sip:104@{DOMAIN}>")
    assert clara.rings
    assert _diversions(dmitri.rung()) == [f"<sip:102@{DOMAIN}>;reason=deflection;counter=1"]
    dmitri.rung().answer()
    assert call.live
    assert clara.talks[0].cancelled is not None


def test_two_phones_that_redirect_to_each_other_end(office: Office) -> None:
    anna, boris, clara = office.three()
    call = anna.call("102")
    boris.rung().reject(302, f"Contact: <sip:103@{DOMAIN}>")
    clara.rung().reject(302, f"Contact: <sip:102@{DOMAIN}>")
    assert call.heard == [100, 181, 603]


def _history(ring: Talk) -> list[str]:
    return _rows(ring, "History-Info")


def _diversions(ring: Talk) -> list[str]:
    return _rows(ring, "Diversion")


def _rows(ring: Talk, name: str) -> list[str]:
    assert ring.invite is not None
    rows: Iterable[str] = ring.invite.rows(name)
    return list(rows)

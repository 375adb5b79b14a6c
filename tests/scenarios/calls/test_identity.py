"""Who calls: said by us and nobody else, and hidden where the caller wants it."""

from __future__ import annotations

import pytest

from tests.scenarios.calls.office import DOMAIN, Office


def test_identity_that_a_phone_asserts_is_dropped(office: Office) -> None:
    anna, boris = office.two()
    anna.call(
        "102",
        f"P-Asserted-Identity: <sip:104@{DOMAIN}>",
        f"P-Preferred-Identity: <sip:104@{DOMAIN}>",
        f"Remote-Party-ID: <sip:104@{DOMAIN}>",
        f"Diversion: <sip:104@{DOMAIN}>;reason=unconditional",
        f"History-Info: <sip:104@{DOMAIN}>;index=1",
        from_=f'"The Director" <sip:101@{DOMAIN}>',
    )
    invite = boris.rung().invite
    assert invite is not None
    assert invite.rows("P-Asserted-Identity") == [f'"User 101" <sip:101@{DOMAIN}>']
    assert invite.headers["From"][0].startswith(f'"User 101" <sip:101@{DOMAIN}>;tag=')
    for name in ("P-Preferred-Identity", "Remote-Party-Id", "Diversion", "History-Info"):
        assert name not in invite.headers
    boris.rung().reject(486)


@pytest.mark.parametrize(
    ("headers", "from_"),
    [
        (["Privacy: id"], ""),
        (["Privacy: header;id;critical"], ""),
        (["Privacy: user"], ""),
        ([], '"Anonymous" <sip:anonymous@anonymous.invalid>'),
        (["Privacy: id"], '"Anonymous" <sip:anonymous@anonymous.invalid>'),
    ],
)
def test_caller_who_wants_privacy_shows_neither_number_nor_name(office: Office, headers: list[str], from_: str) -> None:
    anna, boris = office.two()
    call = anna.call("102", *headers, from_=from_)
    ring = boris.rung()
    assert ring.invite is not None
    data = ring.invite.to_bytes()
    assert b"101@" not in data
    assert b"User 101" not in data
    assert ring.invite.headers["From"][0].startswith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=')
    assert ring.invite.rows("Privacy") == ["id"]
    assert "P-Asserted-Identity" not in ring.invite.headers
    ring.answer()
    call.bye()
    assert all(b"101@pbx" not in request.to_bytes() for request in ring.asked)
    assert office.record.caller == "101"  # the record is for the organisation's own eyes


def test_privacy_none_hides_nothing(office: Office) -> None:
    anna, boris = office.two()
    anna.call("102", "Privacy: none")
    invite = boris.rung().invite
    assert invite is not None
    assert "P-Asserted-Identity" in invite.headers
    boris.rung().reject(486)


def test_name_in_any_script_reaches_the_phone(office: Office) -> None:
    anna, boris = office.two()
    office.rename("101", 'Анна "Ася" Орлова')
    anna.call("102")
    invite = boris.rung().invite
    assert invite is not None
    shown = invite.headers["From"][0].encode("latin-1").decode()
    assert shown.startswith(r'"Анна \"Ася\" Орлова" <sip:101@pbx.example>')
    boris.rung().reject(486)


def test_from_that_names_somebody_else_is_refused(office: Office) -> None:
    anna, boris = office.two()
    call = anna.call("102", from_=f"<sip:103@{DOMAIN}>")
    assert call.heard == [403]
    assert not boris.rings


def test_device_name_in_from_is_its_users(office: Office) -> None:
    anna, boris = office.phone("101-b"), office.phone("102")
    anna.call("102", from_=f"<sip:101-b@{DOMAIN}>")
    invite = boris.rung().invite
    assert invite is not None
    assert invite.headers["From"][0].startswith(f'"User 101" <sip:101@{DOMAIN}>')
    boris.rung().reject(486)


def test_stranger_is_challenged_and_rings_nobody(office: Office) -> None:
    anna, boris = office.two()
    anna.password = "wrong"
    call = anna.call("102")
    assert call.heard == [407]
    assert not boris.rings
    assert office.records == []


def test_call_of_somebody_who_shows_no_number_never_comes_back_by_a_rule(office: Office) -> None:
    anna, boris = office.two()
    second = office.phone("101-b")
    office.obey("101\n102 always 101")
    call = anna.call("102", "Privacy: id")
    boris.rung().answer()
    call.bye()
    assert not second.talks
    words = "\n".join(office.record.story)
    assert "it is not for this call" in words
    assert "is the caller" not in words

"""MESSAGE between phones (RFC 3428): relayed at once, or kept until the receiver is there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pbx.messages.inbox import SipInbox
from tests.scenarios.calls.office import DOMAIN, Office
from tests.support.phones import Phone, Sent


def _say(phone: Phone, number: str, text: str, *headers: str, **options: str) -> Sent:
    return phone.ask("MESSAGE", number, "Content-Type: text/plain", *headers, body=text.encode(), **options)


def _texts(phone: Phone) -> list[str]:
    return [message.body.decode() for message in phone.inbox if message.method == "MESSAGE"]


def test_message_is_relayed_to_every_phone_of_the_user(office: Office) -> None:
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    assert _say(anna, "102", "привет").status == 200
    for phone in (desk, soft):
        (message,) = phone.inbox
        assert message.body.decode() == "привет"
        assert message.content_type == "text/plain"
        assert message.uri == phone.contact
        assert message.rows("P-Asserted-Identity") == [f'"User 101" <sip:101@{DOMAIN}>']
        assert message.headers["From"][0].startswith(f'"User 101" <sip:101@{DOMAIN}>;tag=')
        assert "Contact" not in message.headers  # RFC 3428 §4
    assert office.stored_messages == []


def test_message_that_a_phone_forged_comes_from_its_own_account(office: Office) -> None:
    anna, boris = office.two()
    assert _say(anna, "102", "x", f"P-Asserted-Identity: <sip:103@{DOMAIN}>").status == 200
    assert boris.inbox[0].rows("P-Asserted-Identity") == [f'"User 101" <sip:101@{DOMAIN}>']
    assert _say(anna, "102", "x", from_=f"<sip:103@{DOMAIN}>").status == 403


def test_message_to_somebody_offline_waits_and_is_delivered_oldest_first(office: Office) -> None:
    anna = office.phone("101")
    for text in ("one", "two", "three"):
        assert _say(anna, "102", text).status == 202
        office.run(1.0)
    assert office.stored_messages == [b"one", b"two", b"three"]
    boris = office.phone("102")
    office.run(0.1)
    assert _texts(boris) == ["one", "two", "three"]
    assert office.stored_messages == []
    boris.register()
    office.run(0.1)
    assert len(boris.inbox) == 3


def test_message_that_the_phone_refuses_waits_for_the_next_registration(office: Office) -> None:
    anna, boris = office.two()
    boris.auto["MESSAGE"] = 480
    assert _say(anna, "102", "later").status == 202
    assert office.stored_messages == [b"later"]
    boris.auto["MESSAGE"] = 200
    boris.contact += ";new=1"
    boris.register()
    office.run(0.1)
    assert _texts(boris) == ["later", "later"]
    assert office.stored_messages == []


def test_message_that_no_phone_answers_waits(office: Office) -> None:
    anna, boris = office.two()
    boris.deaf = True
    sent = _say(anna, "102", "anybody?")
    office.run(33.0)
    assert sent.status == 202
    assert office.stored_messages == [b"anybody?"]


def test_message_that_an_old_address_did_not_take_goes_to_the_new_one(office: Office) -> None:
    """The phone has started anew elsewhere while its old address was being tried, and will not register soon again."""
    anna, boris = office.two()
    boris.deaf = True
    sent = _say(anna, "102", "hello")
    office.run(5.0)
    again = office.phone("102", host="192.0.2.99")
    office.run(30.0)
    assert sent.status == 202
    assert _texts(again) == ["hello"]
    assert office.stored_messages == []


def test_message_that_is_under_way_does_not_outlive_its_receiver(office: Office) -> None:
    """Else whoever gets the number next would read it."""
    anna = office.phone("101")
    assert _say(anna, "102", "waited").status == 202
    office.phone("102").deaf = True
    office.run(1.0)
    sent = _say(anna, "102", "new")
    office.obey("101")
    office.waiting.drop("102")
    office.run(40.0)
    assert sent.status == 480
    assert office.stored_messages == []


def test_message_is_taken_once_one_phone_has_it(office: Office) -> None:
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    desk.deaf = True
    assert _say(anna, "102", "x").status == 200
    office.run(40.0)
    assert office.stored_messages == []
    assert _texts(soft) == ["x"]


def test_message_to_a_phone_whose_connection_is_gone_waits(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", transport="WS")
    boris.flow.close()
    assert _say(anna, "102", "x").status == 202
    boris.register()
    office.run(0.1)
    assert _texts(boris) == ["x"]


def test_message_to_a_group_reaches_every_member(make_office: Callable[..., Office]) -> None:
    office = make_office("101\n102\n103\ngroup 600 102,103")
    anna, boris = office.two()
    assert _say(anna, "600", "meeting").status == 202
    assert _texts(boris) == ["meeting"]
    assert office.stored_messages == [b"meeting"]
    clara = office.phone("103")
    office.run(0.1)
    assert _texts(clara) == ["meeting"]


def test_only_so_many_messages_wait_for_one_receiver(office: Office) -> None:
    anna = office.phone("101")
    assert [_say(anna, "102", str(number)).status for number in range(5)] == [202, 202, 202, 480, 480]
    assert len(office.stored_messages) == 3


def test_message_that_chat_has_taken_is_no_failure_though_no_more_may_wait(office: Office) -> None:
    """Who has no phone but a browser reads it there; the messages that wait for a phone are never fetched."""
    told: list[str] = []
    office.messages._inbox = SipInbox(office.writer, lambda kind, _: told.append(kind))
    anna = office.phone("101")
    assert [_say(anna, "102", str(number)).status for number in range(5)] == [202] * 5
    assert told == ["sip.message"] * 5
    assert len(office.stored_messages) == 3
    assert anna.ask("MESSAGE", "102", "Content-Type: application/x-picture", body=b"x").status == 480


def test_message_that_waits_too_long_is_dropped(office: Office) -> None:
    anna = office.phone("101")
    _say(anna, "102", "old")
    office.run(90_000.0)
    office.waiting.expire()
    assert office.stored_messages == []
    boris = office.phone("102")
    office.run(0.1)
    assert boris.inbox == []


def test_message_comes_through_the_restart_of_the_server(office: Office) -> None:
    anna = office.phone("101")
    _say(anna, "102", "before")
    office.restart()
    boris = office.phone("102")
    office.run(0.1)
    assert _texts(boris) == ["before"]
    assert anna.inbox == []


@pytest.mark.parametrize(
    ("number", "headers", "body", "status"),
    [
        ("999", ["Content-Type: text/plain"], b"x", 404),
        ("102", [], b"x", 400),
        ("102", ["Content-Type: text/plain"], b"x" * 70_000, 413),
        ("102", ["Content-Type: text/pl\0ain"], b"x", 400),
        ("10%00", ["Content-Type: text/plain"], b"x", 404),
        ("102", ["Content-Type: text/plain", "Require: teleport"], b"x", 420),
        ("102", [], b"", 202),
    ],
)
def test_message_that_cannot_be_taken(
    office: Office, number: str, headers: list[str], body: bytes, status: int
) -> None:
    anna = office.phone("101", transport="TCP")
    assert anna.ask("MESSAGE", number, *headers, body=body).status == status


def test_message_that_is_packed_is_refused(office: Office) -> None:
    """Nobody could read it: how it is packed is not kept with it."""
    anna, boris = office.two()
    refused = _say(anna, "102", "x", "Content-Encoding: gzip")
    assert refused.status == 415
    assert refused.answer.rows("Accept-Encoding") == ["identity"]
    assert boris.inbox == []
    assert _say(anna, "102", "x", "Content-Encoding: identity").status == 200


def test_message_with_no_hops_left_is_refused(office: Office) -> None:
    anna = office.phone("101")
    assert _say(anna, "102", "x", max_forwards="0").status == 483


def test_message_for_another_domain_is_refused(office: Office) -> None:
    anna = office.phone("101")
    anna.uri = lambda number: "sip:102@elsewhere.example"  # type: ignore[method-assign]
    assert _say(anna, "102", "x", from_=f"<sip:101@{DOMAIN}>").status == 404


def test_stranger_cannot_send_messages(office: Office) -> None:
    anna, boris = office.two()
    anna.password = "wrong"
    assert _say(anna, "102", "spam").status == 407
    assert boris.inbox == []
    assert office.stored_messages == []


def test_database_that_refuses_stops_messages_with_a_clear_answer(office: Office) -> None:
    anna, _boris = office.two()
    office.writer.error = "the disk is full"
    sent = _say(anna, "102", "x")
    assert sent.status == 503
    assert "Retry-After" in sent.answer.headers
    office.writer.error = None


def test_long_message_goes_by_a_connection(office: Office) -> None:
    """RFC 3261 §18.1.1: beyond 1300 octets not as a datagram."""
    anna, boris = office.phone("101", transport="TCP"), office.phone("102")
    assert _say(anna, "102", "x" * 3000).status == 200
    assert boris.inbox[0].via.transport == "TCP"


def test_repeated_message_is_relayed_once(office: Office) -> None:
    anna, boris = office.two()
    boris.auto.pop("MESSAGE")
    _say(anna, "102", "x")
    office.run(3.0)
    assert len(boris.inbox) == 1
    boris.answer(boris.inbox[0], boris.flow, 200)
    office.run(0.1)


def test_phone_with_two_flows_gets_a_message_once(office: Office) -> None:
    anna, boris = office.phone("101"), office.phone("102", registers=False, transport="TCP")
    for reg_id in (1, 2):
        boris.flow = boris.station.flow_to("TCP", *office.server)
        contact = f'<{boris.contact}>;+sip.instance="<urn:uuid:1>";reg-id={reg_id}'
        assert boris.ask("REGISTER", "102", f"Contact: {contact}", "Supported: outbound").status == 200
    assert _say(anna, "102", "x").status == 200
    assert _texts(boris) == ["x"]

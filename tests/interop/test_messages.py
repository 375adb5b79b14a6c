"""Texts between phones: passed on at once, or kept until the phone comes."""

import pytest

from tests.interop.desk import Desk, kind
from tests.support.peers.available import PHONES
from tests.support.peers.base import Ability, Phone, Transport
from tests.support.peers.linphone import Linphone
from tests.support.peers.pjsua import Pjsua
from tests.support.peers.trace import SipMessage, Way

pytestmark = pytest.mark.interop

SENDERS = [phone for phone in PHONES if Ability.SEND_TEXT in phone.abilities]


def received(phone: Phone, text: str) -> SipMessage:
    """The text as it came to the phone, which has taken it."""
    message = phone.wait_message(Way.RECEIVED, "MESSAGE", where=lambda one: one.status is None and text in one.body)

    def answers(one: SipMessage) -> bool:
        return one.status is not None and one.header("Call-ID") == message.header("Call-ID")

    assert phone.wait_message(Way.SENT, "MESSAGE", where=answers).status in (200, 202)
    return message


@pytest.mark.parametrize("receiver", PHONES, ids=kind)
@pytest.mark.parametrize("sender", SENDERS, ids=kind)
def test_phones_write_to_each_other(desk: Desk, sender: type[Phone], receiver: type[Phone]) -> None:
    one, other = desk.phones(sender, receiver)
    assert one.send_text(other.account.number, "Жду в 12:30").status == 200
    message = received(other, "Жду в 12:30")
    assert f"<sip:{one.account.number}@" in message.header("From")
    assert f"Анна {one.account.number}" in message.header("From")
    if Ability.SEND_TEXT in other.abilities:
        assert other.send_text(one.account.number, "Иду").status == 200
        received(one, "Иду")


def test_text_comes_over_the_transport_of_its_receiver(desk: Desk) -> None:
    one = desk.phone(Linphone, transport=Transport.TLS)
    other = desk.phone(Pjsua, transport=Transport.TCP)
    assert one.send_text(other.account.number, "over a stream").status == 200
    assert "/TCP" in received(other, "over a stream").header("Via")


def test_text_comes_to_every_phone_of_its_receiver(desk: Desk) -> None:
    one, other = desk.phones(Linphone, Pjsua)
    second = desk.phone(Linphone, account=desk.server.add_device(other.account.number))
    assert one.send_text(other.account.number, "to all").status == 200
    received(other, "to all")
    received(second, "to all")


@pytest.mark.parametrize("receiver", PHONES, ids=kind)
def test_texts_wait_for_somebody_who_is_not_there(desk: Desk, receiver: type[Phone]) -> None:
    (one,) = desk.phones(Pjsua)
    absent = desk.user()
    texts = ["первое", "второе", "третье"]
    for text in texts:
        assert one.send_text(absent, text).status == 202
    phone = desk.phone(receiver, absent)
    for text in texts:
        assert f"<sip:{one.account.number}@" in received(phone, text).header("From")
    came = [message.body for message in phone.messages if message.method == "MESSAGE" and message.way is Way.RECEIVED]
    assert sorted(came) == sorted(texts)
    phone.stop()
    again = desk.phone(receiver, absent)
    assert one.send_text(absent, "потом").status == 200
    received(again, "потом")
    assert [message.body for message in again.messages if message.body in texts] == []


@pytest.mark.parametrize("sender", SENDERS, ids=kind)
def test_text_to_a_number_that_nobody_has_is_refused(desk: Desk, sender: type[Phone]) -> None:
    (one,) = desk.phones(sender)
    assert one.send_text("99999", "hello").status == 404

"""Phones in browsers, by SIP over WebSocket: they call desk phones, are called by them, and come and go as pages do."""

import pytest

from tests.interop.desk import ELSEWHERE, Desk, assert_hear_each_other, connect, kind
from tests.support.peers.available import PHONES
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone
from tests.support.peers.linphone import Linphone
from tests.support.peers.pjsua import Pjsua
from tests.support.peers.trace import Way
from tests.support.peers.web_phone import SAVPF, WebPhone

pytestmark = pytest.mark.interop


@pytest.fixture(params=[False, True], ids=["ws", "wss"])
def secure(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_web_phone_is_registered_until_it_signs_out(desk: Desk, secure: bool) -> None:
    web = desk.web_phone(secure=secure)
    (found,) = desk.values("registrations", web.number)["registrations"]
    assert (found["transport"], found["flow"]) == ("WSS" if secure else "WS", "open")
    assert ".invalid" in found["contact"]
    web.close()
    assert desk.values("registrations", web.number)["registrations"] == []


@pytest.mark.parametrize("phone", PHONES, ids=kind)
def test_web_phone_and_desk_phone_call_each_other(desk: Desk, phone: type[Phone], secure: bool) -> None:
    web = desk.web_phone(secure=secure)
    (other,) = desk.phones(phone)
    outgoing, incoming = connect(web, other)
    assert incoming.number == web.number
    assert_hear_each_other(web, other)
    other.hang_up(incoming)
    assert web.wait_ended(outgoing).hung_up_by is Way.RECEIVED

    outgoing, incoming = connect(other, web)
    assert SAVPF in incoming.invite.body
    web.hang_up(incoming)
    assert other.wait_ended(outgoing).hung_up_by is Way.RECEIVED


def test_web_phones_call_each_other(desk: Desk) -> None:
    one, other = desk.web_phone(secure=False), desk.web_phone()
    outgoing, incoming = connect(one, other)
    one.hang_up(outgoing)
    assert other.wait_ended(incoming).hung_up_by is Way.RECEIVED


def test_web_phone_rings_together_with_the_desk_phone(desk: Desk, secure: bool) -> None:
    caller, own = desk.phones(Linphone, Baresip)
    web = desk.web_phone(own.account.number, secure=secure)
    outgoing = caller.call(own.account.number)
    ringing, incoming = own.wait_incoming(), web.wait_incoming()
    web.answer(incoming)
    caller.wait_established(outgoing)
    assert own.wait_ended(ringing).reasons == ELSEWHERE


def test_call_from_a_web_phone_can_be_refused_and_given_up(desk: Desk, secure: bool) -> None:
    web = desk.web_phone(secure=secure)
    (other,) = desk.phones(Pjsua)
    outgoing = web.call(other.account.number)
    other.wait_incoming()
    other.reject(486)
    assert web.wait_ended(outgoing).status == 486
    outgoing = web.call(other.account.number)
    ringing = other.wait_incoming()
    web.wait_ringing(outgoing)
    web.hang_up(outgoing)
    assert web.wait_ended(outgoing).status == 487
    assert other.wait_ended(ringing).status == 487


def test_page_that_was_closed_is_unreachable_at_once(desk: Desk, secure: bool) -> None:
    web = desk.web_phone(secure=secure)
    caller, second = desk.phones(Baresip, Linphone)
    web.vanish()
    call = caller.wait_ended(caller.call(web.number))
    assert (call.status, call.phrase) == (480, "Not Reachable")
    desk.server.forward(web.number, "unreachable", second.account.number)
    caller.call(web.number)
    assert second.wait_incoming().diverted_by == (web.number,)


def test_page_that_was_loaded_again_takes_the_place_of_the_former(desk: Desk, secure: bool) -> None:
    web = desk.web_phone(secure=secure)
    (caller,) = desk.phones(Pjsua)
    web.vanish()
    web.connect()
    assert web.register().status == 200
    assert len(desk.values("registrations", web.number)["registrations"]) == 1
    connect(caller, web)


def test_call_goes_on_over_the_connection_of_the_page_that_was_loaded_again(desk: Desk) -> None:
    web = desk.web_phone()
    (other,) = desk.phones(Linphone)
    outgoing, incoming = connect(other, web)
    web.vanish()
    web.connect()
    web.register()
    other.hang_up(outgoing)
    assert web.wait_ended(incoming).hung_up_by is Way.RECEIVED


def test_wrong_password_of_a_web_phone_is_refused(desk: Desk) -> None:
    server, number = desk.server, desk.user()
    with WebPhone(number, "wrong", server.ws, desk.ear(), domain=server.domain) as web:
        assert web.register().status == 401


def test_text_reaches_a_web_phone(desk: Desk, secure: bool) -> None:
    web = desk.web_phone(secure=secure)
    (one,) = desk.phones(Linphone)
    assert one.send_text(web.number, "в браузер").status == 200
    assert web.wait_message(Way.RECEIVED, "MESSAGE").body == "в браузер"

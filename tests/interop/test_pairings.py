"""Every phone calls every other over every transport that both know, and they hear each other."""

import socket
from pathlib import Path

import pytest

from tests.interop.desk import Desk, assert_hear_each_other, connect, kind
from tests.support.peers.available import PHONES
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone, Transport
from tests.support.peers.linphone import Linphone
from tests.support.peers.pjsua import Pjsua
from tests.support.peers.trace import Way
from tests.support.server import Server

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("callee", PHONES, ids=kind)
@pytest.mark.parametrize("caller", PHONES, ids=kind)
def test_phones_of_every_pair_hear_each_other(desk: Desk, caller: type[Phone], callee: type[Phone]) -> None:
    one, other = desk.phones(caller, callee)
    outgoing = one.call(other.account.number)
    incoming = other.wait_incoming()
    assert (incoming.number, incoming.name) == (one.account.number, f"Анна {one.account.number}")
    one.wait_ringing()
    other.answer()
    one.wait_established()
    other.wait_established()
    assert_hear_each_other(one, other)
    one.hang_up()
    assert (one.wait_ended(outgoing).status, outgoing.hung_up_by) == (200, Way.SENT)
    assert other.wait_ended(incoming).hung_up_by is Way.RECEIVED
    assert record_of(desk, one, other)["cause"] == "caller hung up"

    outgoing, incoming = connect(one, other)
    other.hang_up()
    assert one.wait_ended(outgoing).hung_up_by is Way.RECEIVED
    assert record_of(desk, one, other, cause="callee hung up")["outcome"] == "answered"


def record_of(desk: Desk, caller: Phone, callee: Phone, **values: str) -> dict[str, object]:
    """The record of the last call from one to the other."""
    numbers = {"caller": caller.account.number, "answered_by": callee.account.number}
    return desk.server.wait_record(**numbers, outcome="answered", **values)


@pytest.mark.parametrize("callee", PHONES, ids=kind)
def test_sipp_calls_phone(desk: Desk, callee: type[Phone]) -> None:
    (phone,) = desk.phones(callee)
    number, sipp = desk.sipp_caller(phone.account.number, media=desk.ear())
    assert phone.wait_incoming().number == number
    phone.answer()
    sipp.wait_said("established")
    assert_hear_each_other(sipp, phone)
    phone.hang_up()
    assert sipp.wait_done().successful == 1


@pytest.mark.parametrize("caller", PHONES, ids=kind)
def test_phone_calls_sipp(desk: Desk, caller: type[Phone]) -> None:
    (phone,) = desk.phones(caller)
    number, sipp = desk.sipp_callee(media=desk.ear(), hold=100)
    phone.call(number)
    sipp.wait_said("established")
    assert_hear_each_other(phone, sipp)
    phone.hang_up()
    assert sipp.wait_done().successful == 1


def test_sipp_calls_sipp(desk: Desk) -> None:
    number, callee = desk.sipp_callee(media=desk.ear(), hold=100)
    _, caller = desk.sipp_caller(number, "uac", media=desk.ear(), hold=1000)
    caller.wait_said("established")
    callee.wait_said("established")
    assert_hear_each_other(caller, callee)
    assert (caller.wait_done().successful, callee.wait_done().successful) == (1, 1)


# Each phone calls and is called once over TCP and once over TLS, and over UDP by one that uses another transport.
MIXED = [
    (Baresip, Transport.TCP, Linphone, Transport.TLS),
    (Linphone, Transport.TCP, Pjsua, Transport.TLS),
    (Pjsua, Transport.TCP, Baresip, Transport.TLS),
    (Baresip, Transport.TLS, Pjsua, Transport.TCP),
    (Linphone, Transport.TLS, Baresip, Transport.TCP),
    (Pjsua, Transport.TLS, Linphone, Transport.TCP),
    (Baresip, Transport.UDP, Baresip, Transport.TLS),
    (Linphone, Transport.UDP, Linphone, Transport.TCP),
    (Pjsua, Transport.TLS, Pjsua, Transport.UDP),
]


@pytest.mark.parametrize(("caller", "way", "callee", "way_on"), MIXED, ids=str)
def test_phones_on_different_transports_hear_each_other(
    desk: Desk, caller: type[Phone], way: Transport, callee: type[Phone], way_on: Transport
) -> None:
    one, other = desk.phone(caller, transport=way), desk.phone(callee, transport=way_on)
    for phone, transport in ((one, way), (other, way_on)):
        assert f"SIP/2.0/{transport.upper()}" in phone.wait_registered().header("Via")
    outgoing, incoming = connect(one, other)
    assert f"SIP/2.0/{way_on.upper()}" in incoming.invite.header("Via")
    assert_hear_each_other(one, other)
    other.hang_up(incoming)
    one.wait_ended(outgoing)
    outgoing, incoming = connect(other, one)
    other.hang_up(outgoing)
    one.wait_ended(incoming)


@pytest.mark.parametrize("phone", PHONES, ids=kind)
def test_sipp_over_tcp_and_phone_call_each_other(desk: Desk, phone: type[Phone]) -> None:
    (one,) = desk.phones(phone)
    number, callee = desk.sipp_callee(transport=Transport.TCP, media=desk.ear(), hold=100)
    one.call(number)
    callee.wait_said("established")
    assert_hear_each_other(one, callee)
    one.hang_up()
    assert callee.wait_done().successful == 1


def test_phones_call_each_other_over_ipv6(tmp_path: Path) -> None:
    if not _ipv6():
        pytest.skip("no IPv6 on this machine")
    with Server(tmp_path / "server", host="[::1]") as server:
        desk = Desk(server, tmp_path)
        try:
            for transport in (Transport.UDP, Transport.TCP):
                one, other = desk.phones(Baresip, Baresip, transport=transport)
                _, incoming = connect(one, other)
                assert "[::1]" in incoming.invite.header("Via")
                assert_hear_each_other(one, other)
                one.hang_up()
                other.wait_ended(incoming)
        finally:
            desk.clear()


def _ipv6() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True

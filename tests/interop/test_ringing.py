"""How calls ring, and how those end that nobody takes: what each side's phone shows."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.desk import ELSEWHERE, Desk, assert_hear_each_other, assert_silence, connect, kind
from tests.support.peers.available import PHONES
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone, Transport
from tests.support.peers.calls import State
from tests.support.peers.linphone import Linphone
from tests.support.peers.pjsua import Pjsua
from tests.support.peers.trace import SipMessage, Way
from tests.support.server import Server

pytestmark = pytest.mark.interop


# ---- several phones of one person


def test_first_answer_wins_and_the_others_stop_as_answered_elsewhere(desk: Desk) -> None:
    caller, own = desk.phones(Pjsua, Baresip)
    number = own.account.number
    phones = [own, *(desk.phone(kind, account=desk.server.add_device(number)) for kind in (Linphone, Pjsua))]
    for winner in phones:
        outgoing = caller.call(number)
        ringing = {phone: phone.wait_incoming() for phone in phones}
        winner.answer(ringing[winner])
        winner.wait_established(ringing[winner])
        caller.wait_established(outgoing)
        for phone in phones:
            if phone is not winner:
                ended = phone.wait_ended(ringing[phone])
                assert (ended.status, ended.reasons) == (487, ELSEWHERE)
        assert_hear_each_other(caller, winner)
        caller.hang_up(outgoing)
        winner.wait_ended(ringing[winner])
    records = desk.wait_records(3, caller=caller.account.number, answered_by=number)
    assert [record["outcome"] for record in records] == ["answered"] * 3


@pytest.mark.parametrize("phone", PHONES, ids=kind)
def test_two_phones_with_one_account_ring_together(desk: Desk, phone: type[Phone]) -> None:
    caller, one = desk.phones(Linphone, phone)
    other = desk.phone(phone, one.account.number)
    assert len(desk.server.command("registrations", {"number": one.account.number})["registrations"]) == 2
    outgoing = caller.call(one.account.number)
    ringing = one.wait_incoming()
    other.wait_incoming()
    other.answer()
    assert one.wait_ended(ringing).reasons == ELSEWHERE
    caller.wait_established(outgoing)
    assert_hear_each_other(caller, other)


def test_a_call_to_oneself_rings_the_other_phones_only(desk: Desk) -> None:
    (own,) = desk.phones(Baresip)
    other = desk.phone(Pjsua, account=desk.server.add_device(own.account.number))
    outgoing, incoming = connect(own, other, own.account.number)
    assert [call.id for call in own.calls] == [outgoing.id]
    other.hang_up(incoming)
    own.wait_ended(outgoing)


def test_decline_on_one_phone_speaks_for_all_of_them(desk: Desk) -> None:
    caller, one = desk.phones(Baresip, Pjsua)
    other = desk.phone(Linphone, account=desk.server.add_device(one.account.number))
    outgoing = caller.call(one.account.number)
    ringing = other.wait_incoming()
    one.wait_incoming()
    one.reject(603)
    assert caller.wait_ended(outgoing).status == 603
    assert other.wait_ended(ringing).reasons == ('SIP;cause=603;text="Declined elsewhere"',)


def test_one_busy_phone_lets_the_other_ring_on(desk: Desk) -> None:
    caller, one = desk.phones(Linphone, Baresip)
    other = desk.phone(Pjsua, account=desk.server.add_device(one.account.number))
    outgoing = caller.call(one.account.number)
    incoming = other.wait_incoming()
    one.wait_incoming()
    one.reject(486)
    one.wait_ended()
    other.answer(incoming)
    caller.wait_established(outgoing)
    other.wait_established(incoming)


# ---- calls that nobody takes


@pytest.mark.parametrize(
    ("caller", "callee", "status", "outcome"),
    [
        (Linphone, Baresip, 486, "busy"),
        (Baresip, Pjsua, 486, "busy"),
        (Pjsua, Linphone, 603, "refused"),
        (Linphone, Pjsua, 603, "refused"),
    ],
)
def test_refused_call_ends_with_the_status_of_the_phone(
    desk: Desk, caller: type[Phone], callee: type[Phone], status: int, outcome: str
) -> None:
    one, other = desk.phones(caller, callee)
    outgoing = one.call(other.account.number)
    other.wait_incoming()
    one.wait_ringing(outgoing)
    other.reject(status)
    assert one.wait_ended(outgoing).status == status
    record = desk.server.wait_record(caller=one.account.number, dialled=other.account.number)
    assert (record["outcome"], record["answered_by"]) == (outcome, None)


@pytest.mark.parametrize(("scenario", "status"), [("uas_busy", 486), ("uas_decline", 603)])
def test_refusal_by_sipp_is_told_to_the_caller(desk: Desk, scenario: str, status: int) -> None:
    (phone,) = desk.phones(Baresip)
    number, sipp = desk.sipp_callee(scenario)
    assert phone.wait_ended(phone.call(number)).status == status
    assert sipp.wait_done().successful == 1


@pytest.mark.parametrize(("caller", "callee"), [(Baresip, Linphone), (Linphone, Pjsua), (Pjsua, Baresip)], ids=kind)
def test_caller_who_gives_up_stops_the_ringing(desk: Desk, caller: type[Phone], callee: type[Phone]) -> None:
    one, other = desk.phones(caller, callee)
    outgoing = one.call(other.account.number)
    ringing = other.wait_incoming()
    one.wait_ringing(outgoing)
    one.hang_up(outgoing)
    assert one.wait_ended(outgoing).status == 487
    assert other.wait_ended(ringing).status == 487
    record = desk.server.wait_record(caller=one.account.number, dialled=other.account.number)
    assert (record["outcome"], record["cause"]) == ("cancelled", "caller gave up")


def test_caller_sipp_who_gives_up_stops_the_ringing(desk: Desk) -> None:
    (phone,) = desk.phones(Linphone)
    _, sipp = desk.sipp_caller(phone.account.number, "uac_cancel", hold=300)
    assert phone.wait_ended(phone.wait_incoming()).status == 487
    assert sipp.wait_done().successful == 1


@pytest.mark.parametrize("caller", PHONES, ids=kind)
def test_caller_hears_why_nobody_could_be_called(desk: Desk, caller: type[Phone]) -> None:
    (phone,) = desk.phones(caller)
    absent = desk.user()
    rows = [
        ("99999", 404, "Not Found", 'Q.850;cause=1;text="Unallocated number"'),
        (absent[:2], 484, "Address Incomplete", 'Q.850;cause=28;text="Invalid number format"'),
        (absent, 480, "Not Reachable", 'Q.850;cause=20;text="Subscriber absent"'),
    ]
    for number, status, phrase, reason in rows:
        call = phone.wait_ended(phone.call(number))
        assert (call.status, call.phrase, call.reasons) == (status, phrase, (reason,))


def test_unanswered_call_ends_after_the_time_of_the_settings(tmp_path: Path) -> None:
    with Server(tmp_path / "server", settings="[calls]\nring_seconds = 1") as server:
        desk = Desk(server, tmp_path)
        try:
            caller, callee = desk.phones(Pjsua, Baresip)
            outgoing = caller.call(callee.account.number)
            ringing = callee.wait_incoming()
            assert callee.wait_ended(ringing).reasons == ('SIP;cause=480;text="No answer"',)
            assert (caller.wait_ended(outgoing).status, outgoing.phrase) == (480, "No Answer")
            assert 180 in outgoing.provisional
            assert server.wait_record(caller=caller.account.number)["outcome"] == "no-answer"
        finally:
            desk.clear()


def test_phone_that_lost_its_connection_is_unreachable_at_once(desk: Desk) -> None:
    (caller,) = desk.phones(Linphone)
    dead = desk.phone(Pjsua, transport=Transport.TCP)
    dead.kill()
    outgoing = caller.wait_ended(caller.call(dead.account.number))
    assert (outgoing.status, outgoing.phrase) == (480, "Not Reachable")


# ---- while they talk


@pytest.mark.parametrize("by_caller", [True, False], ids=["caller", "callee"])
@pytest.mark.parametrize(("holder", "held"), [(Baresip, Linphone), (Linphone, Pjsua), (Pjsua, Baresip)], ids=kind)
def test_hold_silences_and_resume_brings_the_voices_back(
    desk: Desk, holder: type[Phone], held: type[Phone], by_caller: bool
) -> None:
    one, other = desk.phones(holder, held)
    connect(*((one, other) if by_caller else (other, one)))
    assert_hear_each_other(one, other)
    for first in (True, False):
        since = len(other.messages)
        assert one.hold().status == 200
        other.wait_message(Way.RECEIVED, "INVITE", where=offers("sendonly", "inactive"), since=since)
        if first:
            assert_silence(one, other)
        since = len(other.messages)
        assert one.resume().status == 200
        other.wait_message(Way.RECEIVED, "INVITE", where=offers("", "sendrecv"), since=since)
        assert_hear_each_other(one, other)
    one.hang_up()
    other.wait_ended()


def offers(*directions: str) -> Callable[[SipMessage], bool]:
    """Whether a message is a request that wants the audio to go one of these ways; "" is to say nothing of it."""

    def fits(message: SipMessage) -> bool:
        found = re.search(r"a=(sendrecv|sendonly|recvonly|inactive)", message.body)
        return message.status is None and (found[1] if found else "") in directions

    return fits


def test_both_sides_may_hold_at_the_same_time(desk: Desk) -> None:
    one, other = desk.phones(Baresip, Linphone)
    connect(one, other)
    assert one.hold().status == 200
    assert other.hold().status == 200
    assert one.resume().status == 200
    assert other.resume().status == 200
    assert_hear_each_other(one, other)


@pytest.mark.parametrize(("one", "other"), [(Baresip, Linphone), (Linphone, Pjsua), (Pjsua, Baresip)], ids=kind)
def test_keys_pass_both_ways(desk: Desk, one: type[Phone], other: type[Phone]) -> None:
    caller, callee = desk.phones(one, other)
    connect(caller, callee)
    assert_hear_each_other(caller, callee)
    caller.dtmf("12#")
    callee.wait_dtmf("12#")
    callee.dtmf("*0")
    caller.wait_dtmf("*0")


@pytest.mark.parametrize("callee", [Linphone, Pjsua], ids=kind)
def test_keys_in_info_requests_pass(desk: Desk, callee: type[Phone]) -> None:
    (other,) = desk.phones(callee)
    caller = desk.phone(Pjsua)
    assert isinstance(caller, Pjsua)
    connect(caller, other)
    caller.dtmf_by_info("5")
    info = other.wait_message(Way.RECEIVED, "INFO")
    assert info.header("Content-Type") == "application/dtmf-relay"
    assert "Signal=5" in info.body.replace(" ", "")
    assert caller.wait_message(Way.RECEIVED, "INFO", status=200)
    other.hang_up()
    caller.wait_ended()
    connect(other, caller)
    at = len(other.messages)
    caller.dtmf_by_info("7")
    info = other.wait_message(Way.RECEIVED, "INFO", since=at)
    assert "Signal=7" in info.body.replace(" ", "")


@pytest.mark.parametrize("caller", PHONES, ids=kind)
def test_caller_hears_what_is_said_before_the_answer(desk: Desk, caller: type[Phone]) -> None:
    (phone,) = desk.phones(caller)
    number, sipp = desk.sipp_callee("uas_early", media=desk.ear(), hold=2500)
    outgoing = phone.call(number)
    assert sipp.media is not None
    phone.wait_hears(sipp.media.tone)
    assert (outgoing.state, outgoing.provisional) == (State.RINGING, [183])
    phone.wait_established(outgoing)
    assert_hear_each_other(phone, sipp)
    phone.hang_up(outgoing)
    assert sipp.wait_done().successful == 1

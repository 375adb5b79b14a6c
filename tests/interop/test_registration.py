"""Phones sign in and out: what they are told, who sees them, and what wrong passwords lead to."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pbx.bus.base import SNAPSHOT
from pbx.bus.client import SocketSubscriber
from tests.interop.desk import Desk, assert_hear_each_other, connect, kind
from tests.support.peers.available import PHONES, require
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone, Transport
from tests.support.peers.cable import Cable
from tests.support.peers.linphone import Linphone
from tests.support.peers.peer import DEADLINE
from tests.support.peers.pjsua import Pjsua
from tests.support.peers.sipp import Sipp, register, row
from tests.support.peers.trace import SipMessage, Way
from tests.support.processes import PeerError
from tests.support.server import Server
from tests.support.shared import shared_data

pytestmark = pytest.mark.interop


def registered(desk: Desk, number: str) -> list[dict[str, Any]]:
    """What `gorizont registrations NUMBER` shows."""
    found: list[dict[str, Any]] = desk.values("registrations", number)["registrations"]
    return found


# ---- in and out


@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize("phone", PHONES, ids=kind)
def test_phone_that_signs_in_is_seen_and_after_it_signs_out_it_is_not(
    desk: Desk, phone: type[Phone], transport: Transport
) -> None:
    one = desk.phone(phone, transport=transport, expires=300)
    (found,) = registered(desk, one.account.number)
    assert (found["number"], found["sip_name"]) == (one.account.number, one.account.number)
    assert (found["transport"], found["flow"]) == (transport.upper(), "open")
    assert 290 <= found["expires_in"] <= 300
    assert found["user_agent"] == one.wait_message(Way.SENT, "REGISTER").header("User-Agent")
    assert one.account.number in desk.gorizont("registrations")
    one.stop()
    assert registered(desk, one.account.number) == []


def test_phone_that_signed_out_is_not_reachable_and_comes_back(desk: Desk) -> None:
    caller, one = desk.phones(Linphone, Pjsua)
    number = one.account.number
    one.stop()
    assert caller.wait_ended(caller.call(number)).phrase == "Not Reachable"
    again = desk.phone(Baresip, number)
    connect(caller, again)
    assert_hear_each_other(caller, again)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_sipp_signs_in_as_it_does_in_measurements(desk: Desk, transport: Transport) -> None:
    """By the first challenge only, in MD5, for a URI without the user part."""
    require(Sipp)
    scenario = shared_data("bench", "scenarios", "register.xml")
    if scenario is None:
        pytest.skip("the kit's own SIPp scenario is not on this machine; `register` of our own does the same")
    number = desk.user()
    keys = {"contact": "127.0.0.1:5999", "proto": transport, "expires": "120"}
    rows = [row(number, desk.server.password(number))]
    assert desk.sipp(scenario, rows=rows, keys=keys, transport=transport).run().successful == 1
    (found,) = registered(desk, number)
    assert found["transport"] == transport.upper()
    assert found["contact"].startswith(f"sip:{number}@127.0.0.1:5999")


# ---- several phones of one person


def test_phones_of_one_person_are_seen_each_by_itself(desk: Desk) -> None:
    (one,) = desk.phones(Baresip)
    number = one.account.number
    name, password = desk.server.add_device(number)
    other = desk.phone(Linphone, account=(name, password), transport=Transport.TLS)
    third = desk.phone(Pjsua, number)
    assert sorted((found["sip_name"], found["transport"]) for found in registered(desk, number)) == [
        (number, "UDP"),
        (number, "UDP"),
        (name, "TLS"),
    ]
    third.stop()
    one.stop()
    assert [found["sip_name"] for found in registered(desk, number)] == [name]
    desk.gorizont("device", "remove", name)
    assert registered(desk, number) == []
    assert other.process.running


# ---- again and again


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Desk]:
    """A server that lets phones register for a few seconds."""
    with Server(tmp_path / "server", sip={"expires_min": "2"}) as server:
        desk = Desk(server, tmp_path)
        yield desk
        desk.clear()


def test_phones_renew_their_registration_in_time(short: Desk) -> None:
    phones = [short.phone(phone, expires=8, ready=False) for phone in PHONES]
    for phone in phones:
        first = phone.wait_registered()

        def renewed(message: SipMessage, first: SipMessage = first) -> bool:
            return message.status == 200 and message.header("CSeq") != first.header("CSeq")

        again = phone.wait_message(Way.RECEIVED, "REGISTER", where=renewed)
        assert again.header("Call-ID") == first.header("Call-ID")
        assert len(registered(short, phone.account.number)) == 1


def test_phone_that_vanished_is_forgotten_when_its_time_is_up(short: Desk) -> None:
    (caller,) = short.phones(Linphone)
    gone = short.phone(Baresip, expires=4)
    gone.kill()
    number = gone.account.number
    assert len(registered(short, number)) == 1
    asyncio.run(asyncio.wait_for(forgotten(short.server, number), DEADLINE))
    assert registered(short, number) == []
    assert caller.wait_ended(caller.call(number)).phrase == "Not Reachable"


async def forgotten(server: Server, number: str) -> None:
    """Waits for the news that a registration has run out."""
    async with contextlib.aclosing(SocketSubscriber(server.settings.bus.socket).subscribe()) as news:
        async for one in news:
            if one.type == SNAPSHOT and not server.command("registrations", {"number": number})["registrations"]:
                return
            if one.type == "registration.expired" and one.data["number"] == number:
                return


@pytest.mark.parametrize("phone", [Linphone, Pjsua], ids=kind)
def test_phone_that_wants_too_short_a_time_is_told_the_shortest(desk: Desk, phone: type[Phone]) -> None:
    one = desk.phone(phone, expires=20)
    refusal = one.wait_message(Way.RECEIVED, "REGISTER", status=423)
    assert refusal.header("Min-Expires") == "60"
    assert "expires=60" in one.wait_registered().header("Contact")


@pytest.mark.parametrize("phone", [Linphone, Pjsua], ids=kind)
def test_phone_whose_connection_was_cut_comes_back_by_itself(desk: Desk, phone: type[Phone]) -> None:
    (caller,) = desk.phones(Baresip)
    with Cable(desk.server.tcp) as cable:
        one = desk.phone(phone, transport=Transport.TCP, address=cable.address)
        outgoing, _ = connect(caller, one)
        assert_hear_each_other(caller, one)
        caller.hang_up(outgoing)
        one.wait_ended()
        since = len(one.messages)
        cable.cut()
        one.wait_message(Way.RECEIVED, "REGISTER", status=200, since=since)
        assert [found["flow"] for found in registered(desk, one.account.number)] == ["open"]
        connect(caller, one)
        assert_hear_each_other(caller, one)
        one.stop()


# ---- wrong passwords


@pytest.mark.parametrize("phone", PHONES, ids=kind)
def test_phone_with_a_wrong_password_is_refused(desk: Desk, phone: type[Phone]) -> None:
    number = desk.user()
    one = desk.phone(phone, account=(number, "wrong"), ready=False)
    assert one.wait_registration_refused() == 401
    assert registered(desk, number) == []


def test_slip_of_the_finger_blocks_nobody(desk: Desk) -> None:
    number = desk.user()
    wrong = desk.phone(Linphone, account=(number, "wrong"), ready=False)
    assert wrong.wait_registration_refused() == 401
    wrong.stop()
    desk.phone(Linphone, number)


@pytest.mark.parametrize("phone", PHONES, ids=kind)
def test_stranger_learns_nothing_of_who_is_there(desk: Desk, phone: type[Phone]) -> None:
    user = desk.user()
    present = desk.phone(phone, account=(user, "wrong"), ready=False)
    absent = desk.phone(phone, account=(f"99{user}", "wrong"), ready=False)
    for one in (present, absent):
        assert one.wait_registration_refused() == 401
    challenge, other = (one.wait_message(Way.RECEIVED, "REGISTER", status=401) for one in (present, absent))
    assert [name for name, _ in challenge.fields] == [name for name, _ in other.fields]


def test_guessing_is_blocked_and_seen_and_released(desk: Desk) -> None:
    (owner,) = desk.phones(Linphone)
    number = owner.account.number
    guesses = guess(desk, number, 7)
    assert guesses.count(401) >= 5
    assert guesses[-1] == 480
    (block,) = blocks(desk, number)
    assert block["what"] == f"{number}@127.0.0.1"
    assert "wrong password" in block["why"]
    assert block["what"] in desk.gorizont("blocks")
    with pytest.raises(PeerError, match="Too Many Wrong Passwords"):
        register(desk.server.udp, number, desk.server.password(number), desk.place("register"))

    # Whoever is registered goes on, and so do all others.
    (other,) = desk.phones(Baresip)
    connect(owner, other)
    assert_hear_each_other(owner, other)

    desk.gorizont("blocks", "--release", block["what"])
    assert blocks(desk, number) == []
    register(desk.server.udp, number, desk.server.password(number), desk.place("register"))
    assert len(registered(desk, number)) == 2


def guess(desk: Desk, number: str, times: int) -> Sequence[int]:
    """SIPp tries wrong passwords; the last answer to each."""
    rows = [row(number, f"guess{serial}") for serial in range(times)]
    sipp = desk.sipp("register", rows=rows, calls=times, rate=20)
    sipp.run()
    last: dict[str, int] = {}
    for message in sipp.messages:
        if message.status is not None and message.method == "REGISTER":
            last[message.header("Call-ID")] = message.status
    return list(last.values())


def blocks(desk: Desk, number: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.values("blocks")["blocks"]
    return [block for block in found if block["what"].startswith(f"{number}@")]


def test_phone_that_repeats_an_old_password_is_not_blocked(desk: Desk) -> None:
    number = desk.user()
    port = register(desk.server.udp, number, desk.server.password(number), desk.place("register"))
    desk.gorizont("user", "set", number, "--sip-password", "a-new-password")
    old = [row(number, desk.server.password(number))]
    sipp = desk.sipp("register", rows=old, calls=8, rate=20, port=port)
    assert sipp.run().failed == 8
    assert blocks(desk, number) == []
    register(desk.server.udp, number, "a-new-password", desk.place("register"))

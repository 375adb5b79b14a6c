"""The engine, or all of the server, is killed while people talk: what goes on, and what is known afterwards."""

import contextlib
import os
import re
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.desk import Desk, assert_hear_each_other, connect
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone, Transport
from tests.support.peers.linphone import Linphone
from tests.support.peers.pjsua import Pjsua
from tests.support.peers.sipp import register
from tests.support.peers.trace import SipMessage, Way
from tests.support.server import Server

pytestmark = pytest.mark.interop

ON_DISK = 0.1  # s after which what was acknowledged survives anything

# Caller, callee, and whether it is the caller who will do everything.
PAIRS = [(Baresip, Linphone, True), (Linphone, Pjsua, False), (Pjsua, Baresip, True)]
# Who will transfer, who is transferred, and to whom.
BLIND = [(Baresip, Linphone, Pjsua), (Linphone, Pjsua, Baresip), (Pjsua, Baresip, Linphone)]
ATTENDED = [(Linphone, Baresip, Pjsua), (Pjsua, Linphone, Baresip)]


class Talk:
    """Two who talk, as each of them has the call; `registered` counts the REGISTERs that they had sent by then."""

    def __init__(self, desk: Desk, caller: type[Phone], callee: type[Phone]) -> None:
        self.phones = desk.phones(caller, callee)
        self.one, self.other = self.phones
        self.registered = registrations_sent(self.phones)
        self.outgoing, self.incoming = connect(self.one, self.other)
        assert_hear_each_other(self.one, self.other)


class Crash:
    """A server whose engine was killed while many talked. Each test has people of its own among them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.long = Talk(desk, Linphone, Pjsua)
        self.seen = [len(phone.messages) for phone in self.long.phones]
        self.pairs = [Talk(desk, one, other) for one, other, _ in PAIRS]
        self.blind = [(Talk(desk, client, boss), *desk.phones(third)) for boss, client, third in BLIND]
        self.attended = []
        for boss, client, colleague in ATTENDED:
            talk, (third,) = Talk(desk, client, boss), desk.phones(colleague)
            assert talk.other.hold(talk.incoming).status == 200
            second, _ = connect(talk.other, third)
            self.attended.append((talk, second, third))
        time.sleep(ON_DISK)
        kill_engine(desk.server, lambda: assert_hear_each_other(self.pairs[0].one, self.pairs[0].other))


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crash]:
    folder = tmp_path_factory.mktemp("crash")
    with Server(folder / "server", sip={"session_expires": "90"}) as server:
        desk = Desk(server, folder)
        yield Crash(desk)
        desk.clear()


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is killed in every test."""
    with Server(tmp_path_factory.mktemp("fragile") / "server") as server:
        yield server


@pytest.fixture
def office(fragile: Server, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(fragile, tmp_path)
    yield desk
    desk.clear()


def kill_engine(server: Server, meanwhile: Callable[[], None] = lambda: None) -> None:
    """kill -9 of the engine; the next one is ready when this returns."""
    known = server.output
    os.kill(processes(known)["engine"], signal.SIGKILL)
    meanwhile()
    assert server.process is not None
    server.process.wait_for("engine was killed by SIGKILL", since=len(known))
    server.process.wait_for("engine is ready", since=len(known), timeout=30)


def processes(output: list[str]) -> dict[str, int]:
    """What the supervisor has started, by name; of those that were started again the last one."""
    started = [found for line in output if (found := re.search(r"serve = (.+) started as process (\d+)", line))]
    return {found[1]: int(found[2]) for found in started}


def kill_everything(server: Server) -> None:
    """kill -9 of all processes, as when the power fails; then the server is started again."""
    assert server.process is not None
    others = [os.pidfd_open(process) for process in processes(server.output).values()]
    server.process.kill()
    for other in others:
        with os.fdopen(other) as gone:
            assert select.select([gone], [], [], 10)[0]
    server.start()


def registrations_sent(phones: list[Phone]) -> list[int]:
    return [
        sum(message.method == "REGISTER" and message.way is Way.SENT for message in phone.messages) for phone in phones
    ]


# ---- those who talked when the engine was killed


def test_session_is_refreshed_after_the_engine_was_killed(crash: Crash) -> None:
    """By UPDATE where the phone knows session timers, else by OPTIONS, which a phone without the call would refuse.

    At once, since nobody knows how old the session is.
    """
    desk, talk = crash.desk, crash.long
    for phone, since in zip(talk.phones, crash.seen, strict=True):
        method = "UPDATE" if isinstance(phone, Pjsua) else "OPTIONS"
        refresh = phone.wait_message(Way.RECEIVED, method, since=since, timeout=20)
        assert refresh.header("Call-ID") == phone.calls[0].id
        assert phone.wait_message(Way.SENT, method, status=200, since=since)
    assert_hear_each_other(talk.one, talk.other)
    talk.other.hang_up()
    assert talk.one.wait_ended().hung_up_by is Way.RECEIVED
    assert desk.server.wait_record(caller=talk.one.account.number)["cause"] == "callee hung up"


@pytest.mark.parametrize("which", range(len(PAIRS)), ids=str)
def test_call_outlives_the_engine(crash: Crash, which: int) -> None:
    desk, talk = crash.desk, crash.pairs[which]
    one, other = talk.one, talk.other
    by_caller = PAIRS[which][2]
    assert_hear_each_other(one, other)
    live = [call["answered_by"] for call in desk.values("calls", "--live")["calls"]]
    assert other.account.number in live

    holder, held = (one, other) if by_caller else (other, one)
    since = len(held.messages)
    assert holder.hold().status == 200
    held.wait_message(Way.RECEIVED, "INVITE", where=holds, since=since)
    assert holder.resume().status == 200
    assert_hear_each_other(one, other)

    if by_caller:
        one.hang_up(talk.outgoing)
        assert other.wait_ended(talk.incoming).hung_up_by is Way.RECEIVED
    else:
        other.hang_up(talk.incoming)
        assert one.wait_ended(talk.outgoing).hung_up_by is Way.RECEIVED
    record = desk.server.wait_record(caller=one.account.number)
    assert (record["outcome"], record["answered_by"]) == ("answered", other.account.number)
    assert record["cause"] == f"{'caller' if by_caller else 'callee'} hung up"
    assert record["started_at"] < record["answered_at"] < record["ended_at"]
    assert f"{other.account.number} answered" in desk.gorizont("explain", record["id"])

    outgoing, incoming = connect(other, one)
    assert_hear_each_other(one, other)
    one.hang_up(incoming)
    other.wait_ended(outgoing)
    assert registrations_sent(talk.phones) == talk.registered


def holds(message: SipMessage) -> bool:
    return message.status is None and ("a=sendonly" in message.body or "a=inactive" in message.body)


@pytest.mark.parametrize("which", range(len(BLIND)), ids=str)
def test_call_is_transferred_after_the_engine_was_killed(crash: Crash, which: int) -> None:
    talk, joins = crash.blind[which]
    stays, leaves = talk.phones
    assert leaves.transfer(joins.account.number).status == 202
    incoming = joins.wait_incoming()
    assert incoming.number == stays.account.number
    joins.answer(incoming)
    joins.wait_established(incoming)
    leaves.wait_ended(talk.incoming)
    assert_hear_each_other(stays, joins)
    stays.hang_up()
    joins.wait_ended(incoming)
    server = crash.desk.server
    server.wait_record(caller=stays.account.number, cause=f"transferred to {joins.account.number}")
    server.wait_record(caller=stays.account.number, answered_by=joins.account.number, cause="caller hung up")


@pytest.mark.parametrize("which", range(len(ATTENDED)), ids=str)
def test_two_calls_are_joined_after_the_engine_was_killed(crash: Crash, which: int) -> None:
    talk, second, joins = crash.attended[which]
    stays, leaves = talk.phones
    assert leaves.attended_transfer(talk.incoming, second).status == 202
    leaves.wait_ended(talk.incoming)
    leaves.wait_ended(second)
    assert_hear_each_other(stays, joins)
    joins.hang_up()
    stays.wait_ended()


# ---- killed again


def test_call_over_a_broken_connection_is_hung_up_by_a_new_one(office: Desk) -> None:
    one, other = office.phone(Linphone, transport=Transport.TCP), office.phone(Baresip)
    outgoing, incoming = connect(one, other)
    assert_hear_each_other(one, other)
    time.sleep(ON_DISK)
    kill_engine(office.server)
    assert_hear_each_other(one, other)
    one.hang_up(outgoing)
    assert other.wait_ended(incoming).hung_up_by is Way.RECEIVED
    outgoing, incoming = connect(one, other)
    other.hang_up(incoming)
    assert one.wait_ended(outgoing).hung_up_by is Way.RECEIVED


@pytest.mark.parametrize(
    ("kind", "transport"),
    [(Linphone, Transport.TCP), (Baresip, Transport.TCP), (Pjsua, Transport.TLS)],
    ids=["linphone-tcp", "baresip-tcp", "pjsua-tls"],
)
def test_phone_whose_connection_broke_hears_that_the_other_has_hung_up_meanwhile(
    office: Desk, kind: type[Phone], transport: Transport
) -> None:
    """The other hangs up as soon as the engine is back, before this phone is: its BYE waits."""
    one, other = office.phone(kind, transport=transport), office.phone(Pjsua)
    outgoing, incoming = connect(one, other)
    time.sleep(ON_DISK)
    kill_engine(office.server)
    other.hang_up(incoming)
    assert one.wait_ended(outgoing).hung_up_by is Way.RECEIVED
    assert office.server.wait_record(caller=one.account.number)["cause"] == "callee hung up"


def test_phones_that_rang_for_a_call_which_was_lost_take_the_next_one(office: Desk) -> None:
    one, other, third = office.phones(Baresip, Linphone, Pjsua)
    time.sleep(ON_DISK)
    outgoing = one.call(other.account.number)
    other.wait_incoming()
    one.wait_ringing(outgoing)
    kill_engine(office.server)
    other.hang_up()
    one.hang_up(outgoing)
    connect(third, other)
    assert_hear_each_other(third, other)


@pytest.mark.parametrize(
    ("kind", "transport"), [(Linphone, Transport.TCP), (Pjsua, Transport.TLS)], ids=["linphone-tcp", "pjsua-tls"]
)
def test_phone_whose_connection_broke_finds_an_open_door(office: Desk, kind: type[Phone], transport: Transport) -> None:
    """The supervisor holds the sockets: a phone that comes back at once waits for the engine, and is not refused."""
    caller = office.phone(Baresip)
    phone = office.phone(kind, transport=transport)
    kill_engine(office.server)
    office.server.wait_registered(phone.account.number)
    connect(caller, phone)


def test_nothing_is_lost_when_everything_is_killed(office: Desk) -> None:
    one, other, third = office.phones(Linphone, Baresip, Pjsua)
    done, _ = connect(third, other)
    third.hang_up(done)
    finished = office.server.wait_record(caller=third.account.number)["id"]
    absent = office.user()
    assert one.send_text(absent, "до встречи").status == 202
    office.gorizont("forward", "set", absent, "always", third.account.number)
    sent = registrations_sent([one, other, third])
    outgoing, incoming = connect(one, other)
    assert_hear_each_other(one, other)
    time.sleep(ON_DISK)
    kill_everything(office.server)
    assert_hear_each_other(one, other)
    assert registrations_sent([one, other, third]) == sent
    assert finished in {record["id"] for record in office.server.records()}

    second = other.call(absent)
    assert third.wait_incoming().diverted_by == (absent,)
    other.hang_up(second)
    other.wait_ended(second)
    one.hang_up(outgoing)
    assert other.wait_ended(incoming).hung_up_by is Way.RECEIVED
    assert office.server.wait_record(caller=one.account.number)["cause"] == "caller hung up"
    reader = office.phone(Linphone, absent)
    reader.wait_message(Way.RECEIVED, "MESSAGE", where=lambda message: message.body == "до встречи")


@pytest.mark.parametrize("kill", [kill_engine, kill_everything])
def test_registration_that_is_a_tenth_of_a_second_old_survives(office: Desk, kill: Callable[[Server], None]) -> None:
    number = office.user()
    port = register(office.server.udp, number, office.server.password(number), office.place("register"))
    time.sleep(ON_DISK)
    kill(office.server)
    (found,) = office.values("registrations", number)["registrations"]
    assert found["contact"].startswith(f"sip:{number}@127.0.0.1:{port}")


# ---- Ctrl-C


def test_interrupt_lets_calls_end_and_leaves_nothing_behind(office: Desk) -> None:
    one, other, third = office.phones(Linphone, Pjsua, Baresip)
    outgoing, _ = connect(one, other)
    server, process = office.server, office.server.process
    assert process is not None
    os.kill(process.pid, signal.SIGINT)
    process.wait_for("draining: 1 calls")
    assert third.wait_ended(third.call(one.account.number)).status == 503
    assert_hear_each_other(one, other)
    one.hang_up(outgoing)
    other.wait_ended()
    assert process.wait_ended() == 0
    assert processes_of(server) == []
    for address in (server.udp, server.tcp, server.tls, server.ws, server.wss):
        host, _, port = address.rpartition(":")
        with socket.socket(type=socket.SOCK_DGRAM if address == server.udp else socket.SOCK_STREAM) as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind((host, int(port)))
    server.start()
    connect(one, other)
    assert_hear_each_other(one, other)


def processes_of(server: Server) -> list[str]:
    """The command lines of all processes that work on this data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if entry.name.isdigit() and str(server.data.root).encode() in command:
                found.append(command.decode(errors="replace"))
    return found

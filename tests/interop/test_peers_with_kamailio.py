"""The phones prove themselves against Kamailio: what fails here is the fault of the harness, not of the server."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.peers.available import PHONES, require
from tests.support.peers.base import Ability, Account, Phone, Transport
from tests.support.peers.calls import State
from tests.support.peers.kamailio import Kamailio
from tests.support.peers.rtp import RtpEnd
from tests.support.peers.sipp import Sipp, register, row
from tests.support.peers.trace import Way

pytestmark = pytest.mark.interop

_numbers = map(str, itertools.count(101))
_tones = itertools.cycle(range(500, 2000, 150))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registrar and proxy."""
    require(Kamailio)
    with Kamailio(tmp_path_factory.mktemp("kamailio")) as kamailio:
        yield kamailio.address


class Desk:
    """Switches phones on and, at the end, off."""

    def __init__(self, server: str, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._phones: list[Phone] = []

    def phones(self, *kinds: type[Phone], transport: Transport = Transport.UDP, ready: bool = True) -> list[Phone]:
        require(*kinds)
        new = [self._phone(kind, transport) for kind in kinds]
        for phone in new:
            phone.start()
        for phone in new if ready else []:
            phone.wait_registered()
        return new

    def _phone(self, kind: type[Phone], transport: Transport) -> Phone:
        number = next(_numbers)
        account = Account(number, Kamailio.PASSWORD, self.server, transport, name=f"Анна {number}")
        phone = kind(account, self.folder / number, tone=next(_tones))
        self._phones.append(phone)
        return phone

    def clear(self) -> None:
        for phone in self._phones:
            phone.stop()


@pytest.fixture
def desk(server: str, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(server, tmp_path)
    yield desk
    desk.clear()


def _kind(phone: type[Phone]) -> str:
    return phone.kind


def assert_hear_each_other(one: Phone, other: Phone) -> None:
    """Both hear the other's tone from now on."""
    since = one.mark(), other.mark()
    one.wait_hears(other.tone, since=since[0])
    other.wait_hears(one.tone, since=since[1])


@pytest.mark.parametrize("callee", PHONES, ids=_kind)
@pytest.mark.parametrize("caller", PHONES, ids=_kind)
def test_phones_call_hear_and_hang_up(desk: Desk, caller: type[Phone], callee: type[Phone]) -> None:
    one, other = desk.phones(caller, callee)
    outgoing = one.call(other.account.number)
    incoming = other.wait_incoming()
    assert (incoming.number, incoming.name) == (one.account.number, one.account.name)
    one.wait_ringing()
    other.answer()
    one.wait_established()
    other.wait_established()
    one.wait_hears(other.tone)
    other.wait_hears(one.tone)
    one.hang_up()
    assert (one.wait_ended(outgoing).status, outgoing.hung_up_by) == (200, Way.SENT)
    assert other.wait_ended(incoming).hung_up_by is Way.RECEIVED


@pytest.mark.parametrize("kind", PHONES, ids=_kind)
def test_phone_calls_over_tcp(desk: Desk, kind: type[Phone]) -> None:
    one, other = desk.phones(kind, PHONES[0], transport=Transport.TCP)
    assert "/TCP" in one.wait_registered().header("Via")
    other.call(one.account.number)
    one.wait_incoming()
    one.answer()
    other.wait_established()
    assert_hear_each_other(one, other)
    one.hang_up()
    other.wait_ended()


@pytest.mark.parametrize("kind", PHONES, ids=_kind)
def test_phone_holds_resumes_and_dials_tones(desk: Desk, kind: type[Phone]) -> None:
    one, other = desk.phones(kind, PHONES[0])
    one.call(other.account.number)
    other.wait_incoming()
    other.answer()
    one.wait_established()
    other.wait_established()
    assert_hear_each_other(one, other)
    assert one.hold().status == 200
    assert one.resume().status == 200
    assert_hear_each_other(one, other)
    one.dtmf("1#")
    other.wait_dtmf("1#")
    other.hang_up()
    one.wait_ended()


@pytest.mark.parametrize("kind", PHONES, ids=_kind)
def test_refused_and_cancelled_calls_end_with_their_status(desk: Desk, kind: type[Phone]) -> None:
    one, other = desk.phones(PHONES[0], kind)
    for ability, status in ((Ability.REJECT_BUSY, 486), (Ability.REJECT_DECLINE, 603)):
        if ability in kind.abilities:
            call = one.call(other.account.number)
            other.wait_incoming()
            other.reject(status)
            assert one.wait_ended(call).status == status
    call = one.call(other.account.number)
    ringing = other.wait_incoming()
    one.hang_up()
    assert one.wait_ended(call).status == 487
    assert other.wait_ended(ringing).status == 487


@pytest.mark.parametrize("kind", PHONES, ids=_kind)
def test_phone_transfers_blind(desk: Desk, kind: type[Phone]) -> None:
    boss, caller, colleague = desk.phones(kind, PHONES[0], PHONES[1])
    caller.call(boss.account.number)
    boss.wait_incoming()
    boss.answer()
    caller.wait_established()
    assert boss.transfer(colleague.account.number).status == 202
    assert colleague.wait_incoming().number == caller.account.number
    colleague.answer()
    colleague.wait_established()
    assert_hear_each_other(caller, colleague)


@pytest.mark.parametrize("kind", [kind for kind in PHONES if Ability.ATTENDED_TRANSFER in kind.abilities], ids=_kind)
def test_phone_transfers_attended(desk: Desk, kind: type[Phone]) -> None:
    boss, caller, colleague = desk.phones(kind, PHONES[1], PHONES[2])
    caller.call(boss.account.number)
    first = boss.wait_incoming()
    boss.answer()
    boss.wait_established(first)
    boss.hold()
    second = boss.call(colleague.account.number)
    colleague.wait_incoming()
    colleague.answer()
    boss.wait_established(second)
    assert boss.attended_transfer(first, second).status == 202
    assert_hear_each_other(caller, colleague)
    assert caller.calls[-1].state is State.ESTABLISHED


@pytest.mark.parametrize("kind", PHONES, ids=_kind)
def test_phone_calls_sipp(desk: Desk, kind: type[Phone], tmp_path: Path) -> None:
    require(Sipp)
    (phone,) = desk.phones(kind)
    number = next(_numbers)
    port = register(desk.server, number, Kamailio.PASSWORD, tmp_path / "register")
    with (
        RtpEnd(tmp_path / "rtp", tone=440) as media,
        Sipp("uas", desk.server, tmp_path / "uas", port=port, media=media, hold=100) as sipp,
    ):
        sipp.start()
        phone.call(number)
        sipp.wait_said("established")
        phone.wait_hears(440)
        sipp.wait_hears(phone.tone)
        phone.hang_up()
        assert sipp.wait_done().successful == 1


@pytest.mark.parametrize("kind", PHONES, ids=_kind)
def test_sipp_calls_phone(desk: Desk, kind: type[Phone], tmp_path: Path) -> None:
    require(Sipp)
    (phone,) = desk.phones(kind)
    caller = row(next(_numbers), Kamailio.PASSWORD, phone.account.number)
    with (
        RtpEnd(tmp_path / "rtp", tone=440) as media,
        Sipp("uac_stays", desk.server, tmp_path / "uac", rows=[caller], media=media) as sipp,
    ):
        sipp.start()
        phone.wait_incoming()
        phone.answer()
        phone.wait_hears(440)
        sipp.wait_hears(phone.tone)
        phone.hang_up()
        assert sipp.wait_done().successful == 1


@pytest.mark.parametrize(
    ("scenario", "status"), [("uas_busy", 486), ("uas_decline", 603), ("uas_noanswer", 487)], ids=str
)
def test_sipp_refuses(desk: Desk, scenario: str, status: int, tmp_path: Path) -> None:
    require(Sipp)
    (phone,) = desk.phones(PHONES[0])
    number = next(_numbers)
    port = register(desk.server, number, Kamailio.PASSWORD, tmp_path / "register")
    with Sipp(scenario, desk.server, tmp_path / scenario, port=port) as sipp:
        sipp.start()
        call = phone.call(number)
        if scenario == "uas_noanswer":
            sipp.wait_said("called")
            phone.wait_ringing(call)
            phone.hang_up()
        assert phone.wait_ended(call).status == status
        assert sipp.wait_done().successful == 1


@pytest.mark.parametrize("kind", PHONES, ids=_kind)
def test_wrong_password_is_refused(server: str, kind: type[Phone], tmp_path: Path) -> None:
    require(kind)
    with kind(Account(next(_numbers), "wrong", server), tmp_path) as phone:
        phone.start()
        assert phone.wait_registration_refused() == 401

"""Somebody tries passwords: it costs time, him alone, and tells him nothing."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pbx.registrar.guard import FREE, SCANNED
from tests.scenarios.hostile.attackers import Answer, Datagrams
from tests.scenarios.hostile.telephones import Telephones
from tests.scenarios.hostile.victim import ROOT, Engine, complaints
from tests.support.messages import request
from tests.support.server import Server

OFFICE, ELSEWHERE = "127.20.0.1", "127.20.0.2"  # addresses: the office behind NAT, and somewhere else

_guessers = (f"127.66.{count // 250}.{1 + count % 250}" for count in itertools.count())


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose guard no other test has put to use."""
    numbers = [str(number) for number in range(101, 131)]
    with Engine(tmp_path_factory.mktemp("guarded") / "server", users=numbers) as server:
        yield server
        assert complaints(server) == []


@pytest.fixture
def guesser(guarded: Server) -> Iterator[Telephones]:
    """One at an address of its own."""
    with Telephones(guarded, next(_guessers)) as guesser:
        yield guesser


def gorizont(server: Server, *arguments: str) -> Any:
    """What the command line says, as values; its standard error where it fails."""
    command = [sys.executable, "-m", "pbx.cli", *arguments, "--json", "--data", str(server.data.root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def blocks(server: Server) -> dict[str, dict[str, Any]]:
    return {one["what"]: one for one in server.command("blocks")["blocks"]}


def guess(guesser: Telephones, number: str, password: str) -> Answer:
    """One try from a port of its own: the answer to the wrong password."""
    phone = guesser.phone(number, password=password)
    sent = phone.register()
    guesser.status(sent)
    return Answer.read(sent.latest.answer.to_bytes())


def block(guesser: Telephones, number: str) -> Answer:
    """Tries until it has to wait."""
    for count in range(FREE + 3):
        answer = guess(guesser, number, f"guess-{count}")
        if answer.status == 480:
            return answer
    raise AssertionError("nothing stops it")


def test_guessing_costs_time(guarded: Server, guesser: Telephones) -> None:
    answer = block(guesser, "101")
    assert answer.reason == "Too Many Wrong Passwords"
    first = int(answer.get("Retry-After") or 0)
    assert 5 <= first <= 10
    what = f"101@{guesser.host}"
    assert blocks(guarded)[what]["why"] == f"{FREE + 1} wrong passwords"
    # The right one is not heard either, while it has to wait.
    assert guess(guesser, "101", guarded.password("101")).status == 480
    guarded.process.wait_for(rf"! {what} waits 10 s: {FREE + 1} wrong passwords")  # type: ignore[union-attr]


def test_others_go_on_and_so_does_the_account_from_elsewhere(guarded: Server, guesser: Telephones) -> None:
    block(guesser, "102")
    # Another account at the same address, and the same account at another one.
    assert guess(guesser, "103", guarded.password("103")).status == 200
    with Telephones(guarded, ELSEWHERE) as elsewhere:
        elsewhere.registered("102")


def test_registered_phone_goes_on_whatever_a_neighbour_does_with_its_account(
    guarded: Server, guesser: Telephones
) -> None:
    phone = guesser.registered("104")
    block(guesser, "104")
    assert guesser.status(phone.register()) == 200
    assert guesser.outcome(phone.call("999")) == 404


def test_phone_that_repeats_one_old_password_locks_no_office_out(guarded: Server) -> None:
    with Telephones(guarded, OFFICE) as office:
        good = office.registered("105")
        forgotten = office.phone("106", password="from last year")
        for _ in range(40):
            assert office.status(forgotten.register()) in (401, 480)
        assert office.status(good.register()) == 200
        # Its own account with the right password from a registered desk beside it, and everybody else.
        for number in ("107", "108", "109"):
            office.registered(number)
    assert OFFICE not in blocks(guarded)


def test_address_that_tries_many_accounts_is_blocked_as_a_whole(guarded: Server, guesser: Telephones) -> None:
    numbers = [str(number) for number in range(900, 902 + SCANNED)]
    statuses = [guess(guesser, number, "1234").status for number in numbers]
    assert set(statuses[:SCANNED]) == {401}
    assert guesser.host in blocks(guarded)
    assert guess(guesser, "110", guarded.password("110")).status == 480
    with Telephones(guarded, ELSEWHERE) as elsewhere:
        elsewhere.registered("110")


def _shape(answer: Answer) -> list[str]:
    """An answer without what is new in each: nonces, tags, times."""
    volatile = ("Via", "From", "To", "Call-ID", "CSeq")
    rows = [name if name in volatile else f"{name}: {value}" for name, value in answer.rows]
    return [answer.start, *(row.partition("nonce=")[0] for row in rows)]


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS", "REFER", "BYE", "CANCEL"])
def test_known_and_unknown_numbers_answer_strangers_alike(guarded: Server, method: str) -> None:
    answers = []
    with Datagrams(guarded.udp) as stranger:
        for number in ("111", "999"):
            stranger.send(
                request(
                    method,
                    f"sip:{number}@office.test",
                    "Contact: <sip:stranger@192.0.2.1>",
                    from_="<sip:stranger@elsewhere.test>;tag=1",
                    to=f"<sip:{number}@office.test>",
                    call_id=f"{method}-{number}",
                    via=f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{method}{number};rport",
                )
            )
            answers.append(_shape(stranger.final(f"{method}-{number}")))
    assert answers[0] == answers[1]


def test_known_and_unknown_numbers_take_wrong_passwords_alike(guarded: Server, guesser: Telephones) -> None:
    known = [_shape(guess(guesser, "112", f"guess-{count}")) for count in range(FREE + 2)]
    unknown = [_shape(guess(guesser, "998", f"guess-{count}")) for count in range(FREE + 2)]
    assert [rows[0] for rows in known] == [rows[0] for rows in unknown]
    # The seconds that are left may be another second's.
    strip = [[row for row in rows if not row.startswith("Retry-After")] for rows in (*known, *unknown)]
    assert strip[: len(known)] == strip[len(known) :]


def test_blocks_are_shown_and_released_by_command(guarded: Server, guesser: Telephones) -> None:
    block(guesser, "113")
    what = f"113@{guesser.host}"
    (shown,) = [one for one in gorizont(guarded, "blocks")["blocks"] if one["what"] == what]
    assert shown["why"] == f"{FREE + 1} wrong passwords"
    assert shown["until"] > shown["since"]
    assert gorizont(guarded, "blocks", "--release", what) == {"released": what}
    assert what not in blocks(guarded)
    assert guess(guesser, "113", guarded.password("113")).status == 200
    assert gorizont(guarded, "blocks", "--release", what).startswith("gorizont: nothing is known against ")


def test_name_of_the_attackers_choosing_cannot_disturb_the_log(guarded: Server, guesser: Telephones) -> None:
    seen = len(guarded.output)
    name = "evil\x1b[31m\x07@10.0.0.1 waits 0 s"
    for count in range(FREE + 2):
        phone = guesser.phone("114", password=f"guess-{count}")
        phone.name = name
        sent = phone.register()
        guesser.status(sent)
    assert any(what.startswith("evil?[31m?") for what in blocks(guarded))
    guarded.process.wait_for(r"! evil\?\[31m\?", since=seen)  # type: ignore[union-attr]
    assert not any("\x1b" in line for line in guarded.output[seen:])


def test_flood_of_wrong_passwords_is_bounded_in_log_and_memory(guarded: Server, guesser: Telephones) -> None:
    """Thousands of tries that need no challenge each: the nonce of the first is used again, with a growing count."""
    phone = guesser.phone("115", password="first")
    sent = phone.register()
    guesser.status(sent)
    seen = len(guarded.output)
    signed = sent.latest.request
    with Datagrams(guarded.udp, guesser.host) as attacker:
        for round_ in range(10):
            for count in range(200):
                data = signed.to_bytes().replace(b"nc=00000001", b"nc=%08x" % (2 + round_ * 200 + count))
                via = b"Via: SIP/2.0/UDP h;rport;branch=z9hG4bK%d-%d\r\n" % (round_, count)
                attacker.send(data.replace(data[data.index(b"Via:") : data.index(b"Max-Forwards")], via))
            answers = attacker.all(f"flood-{round_}")
            assert len(answers) == 200
            assert {answer.status for answer in answers} <= {401, 480}
    assert len(guarded.output) - seen < 20
    with Telephones(guarded, ELSEWHERE) as elsewhere:
        elsewhere.registered("115")

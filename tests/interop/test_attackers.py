"""SIPVicious and sipsak, as whoever finds the server's port points them at it; and SIPp on a bad line.

SIPVicious looks for servers (svmap), numbers (svwar) and passwords (svcrack); sipsak floods, and damages requests.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.desk import Desk, connect
from tests.scenarios.hostile.lossy import LossyPath
from tests.scenarios.hostile.telephones import Telephones
from tests.scenarios.hostile.victim import Engine, complaints, engine_of
from tests.support.peers.available import require
from tests.support.peers.baresip import Baresip
from tests.support.peers.sipp import Sipp, register, row
from tests.support.processes import Process
from tests.support.server import Server

pytestmark = pytest.mark.interop

PEOPLE = [str(number) for number in range(501, 511)]


class SipVicious:
    @staticmethod
    def installed() -> bool:
        return _program("svwar").exists()


class Sipsak:
    @staticmethod
    def installed() -> bool:
        return shutil.which("sipsak") is not None


def _program(name: str) -> Path:
    return Path(sys.executable).with_name(f"sipvicious_{name}")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: what attackers do to its guard is no other test's concern."""
    with Engine(tmp_path_factory.mktemp("target") / "server", users=PEOPLE) as server:
        engine = engine_of(server)
        yield server
        assert engine_of(server) == engine
        assert complaints(server) == []
        assert server.command("ready")["endpoint"]["failures"] == 0


@pytest.fixture
def desk(target: Server, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(target, tmp_path)
    yield desk
    desk.clear()


def attacker(server: Server, folder: Path, tool: str, *options: str) -> Process:
    """A tool of SIPVicious, about to be started."""
    require(SipVicious)
    host, _, port = server.udp.rpartition(":")
    return Process([_program(tool), "-p", port, *options, host], name=tool, folder=folder)


def attack(server: Server, folder: Path, tool: str, *options: str) -> str:
    """Everything that such a tool has to say."""
    with attacker(server, folder, tool, *options) as process:
        process.wait_ended(timeout=40)
        return "\n".join(process.lines)


def wait_blocked(server: Server, what: str) -> None:
    """Waits until somebody has to wait, and `gorizont blocks` says so."""
    assert server.process is not None
    server.process.wait_for(f"! {what} waits 10 s: 6 wrong passwords")
    assert what in blocked(server)


def blocked(server: Server) -> list[str]:
    """Who is blocked, by the command line."""
    command = [sys.executable, "-m", "pbx.cli", "blocks", "--json", "--data", str(server.data.root)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=True, timeout=30)
    return [block["what"] for block in json.loads(done.stdout)["blocks"]]


def received(server: Server) -> int:
    """Messages that have come by UDP."""
    return int(server.command("ready")["transport"]["datagrams"])


# ---- SIPVicious


def test_svmap_finds_a_server_that_does_not_say_what_it_is(target: Server, tmp_path: Path) -> None:
    found = attack(target, tmp_path, "svmap")
    assert target.udp in found
    assert "unknown" in found


@pytest.mark.parametrize("force", [False, True], ids=["as it likes", "forced"])
@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS"])
def test_svwar_cannot_tell_numbers_that_exist_from_others(
    target: Server, tmp_path: Path, method: str, force: bool
) -> None:
    """Five of the ten numbers are there."""
    options = ["-e", "506-515", "-m", method, *(["--force"] if force else [])]
    found = attack(target, tmp_path, "svwar", *options)
    assert "found nothing" in found
    assert "| 50" not in found


def test_svcrack_is_stopped_before_it_comes_to_the_password(target: Server, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("\n".join(["1234", "secret", "password", "office", "letmein", "qwerty", "0000", "pw501"]))
    with attacker(target, tmp_path, "svcrack", "-u", "501", "-d", str(words)) as cracker:
        wait_blocked(target, "501@127.0.0.1")
        cracker.wait_for("found nothing", timeout=30)


def test_svcrack_would_find_a_password_that_comes_early(target: Server, tmp_path: Path) -> None:
    """So the others have not failed for a reason of their own."""
    words = tmp_path / "words"
    words.write_text("1234\npw502")
    found = attack(target, tmp_path, "svcrack", "-u", "502", "-d", str(words))
    assert "| 502       | pw502    |" in found


def test_phones_go_on_while_one_of_their_accounts_is_attacked_from_their_own_address(
    target: Server, desk: Desk, tmp_path: Path
) -> None:
    require(SipVicious, Baresip)
    anna, boris = (desk.phone(Baresip, number) for number in ("503", "504"))
    outgoing, _ = connect(anna, boris)
    with attacker(target, tmp_path, "svcrack", "-u", "503", "-r", "1000-1100"):
        wait_blocked(target, "503@127.0.0.1")
        anna.hang_up(outgoing)
        boris.wait_ended()
        connect(anna, boris)
        desk.phone(Baresip, "505")


# ---- sipsak


def _sipsak(server: Server, folder: Path, *options: str, seconds: float = 30) -> Process:
    require(Sipsak)
    host, _, port = server.udp.rpartition(":")
    return Process(["sipsak", "-r", port, *options, "-s", f"sip:506@{host}"], name="sipsak", folder=folder)


def test_sipsak_gets_its_answer_and_can_register(target: Server, tmp_path: Path) -> None:
    with _sipsak(target, tmp_path) as ping:
        assert ping.wait_ended() == 0
    with _sipsak(target, tmp_path, "-U", "-x", "600", "-u", "506", "-a", target.password("506")) as register_:
        assert register_.wait_ended() == 0, register_.report()
    assert {one["number"] for one in target.command("registrations", {"number": "506"})["registrations"]} == {"506"}


def test_flood_by_sipsak_ends_no_call_and_no_registration(target: Server, tmp_path: Path) -> None:
    """What finds the UDP buffer full is lost, and new calls are shed; connections have room of their own."""
    before = received(target)
    with Telephones(target) as telephones:
        anna, boris = telephones.registered("507", "TCP"), telephones.registered("508", "TCP")
        clara = telephones.registered("509")
        call, ring = telephones.connected(anna, boris)
        with _sipsak(target, tmp_path, "-F"):
            telephones.network.until(lambda: received(target) - before > 1_000, "the flood is there")
            assert telephones.status(call.reinvite(anna.sdp)) == 200
            assert telephones.status(boris.register()) == 200
            telephones.hang_up(ring, call)
        telephones.network.until(lambda: not target.command("ready")["refusing"], "new calls are welcome")
        telephones.hang_up(*telephones.connected(boris, clara))
        telephones.hang_up(*telephones.connected(clara, anna))


def test_damaged_requests_of_sipsak_are_answered(target: Server, tmp_path: Path) -> None:
    """Random mode damages an OPTIONS more and more, and stops at the first one that is not answered."""
    before = target.command("ready")["endpoint"]["malformed"]
    with _sipsak(target, tmp_path, "-R", "-t", "100") as damage:
        damage.wait_ended(timeout=30)
    assert target.command("ready")["endpoint"]["malformed"] > before


# ---- a bad line


def test_sipp_calls_over_a_line_that_loses_every_third_datagram(target: Server, desk: Desk) -> None:
    require(Sipp)
    with LossyPath(target.udp, to_server=[0, 0, 1], to_phones=[0, 1, 0]) as line:
        port = register(line.address, "509", target.password("509"), desk.place("register"), domain=target.udp)
        callee = desk.sipp("uas", port=port).start()
        caller = Sipp(
            "uac",
            line.address,
            desk.place("caller"),
            rows=[row("510", target.password("510"), "509")],
            domain=target.udp,
            hold=300,
        )
        counts = caller.run()
        assert (counts.successful, counts.failed) == (1, 0), caller.report()
        assert callee.wait_done().successful == 1
        assert counts.retransmissions > 0
        assert line.lost > 5
    assert target.wait_record(caller="510")["answered_by"] == "509"

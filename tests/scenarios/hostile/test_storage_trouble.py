"""A database that does not take what it is given: new work is refused, and nothing that was acknowledged is lost."""

import re
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from pbx.calls.models import LiveCallRow
from pbx.registrar.models import BindingRow
from tests.scenarios.hostile.telephones import Telephones
from tests.scenarios.hostile.victim import ROOT, Engine, complaints, engine_of
from tests.support.server import Server

PROMISED = 0.1  # s; what was acknowledged so long ago is on disk
MOST_PHONES = 9  # of one user
PEOPLE = ("101", "102", "103", "104", "105")


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, of 4 MB; skipped where nobody may mount one."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted by this user")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Fills a disk to its last octet; the file that does it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 1024)
    return ballast


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """The disk of `small_disk` is full within."""
    ballast = fill(Path(server.settings.database.url.removeprefix("sqlite:///")).parent)
    yield
    ballast.unlink()


@contextmanager
def file_too_large(server: Server) -> Iterator[None]:
    """What the engine writes into a file beyond its first kilobyte is refused within (EFBIG)."""
    pid = engine_of(server)
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def locked(server: Server) -> Iterator[None]:
    """Another program holds the database within."""
    other = sqlite3.connect(server.settings.database.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


Trouble = Callable[[Server], AbstractContextManager[None]]


@pytest.fixture
def roomy(tmp_path: Path) -> Iterator[Engine]:
    """A server with its data where they usually are."""
    with Engine(tmp_path / "server", users=PEOPLE) as server:
        yield server
        assert complaints(server) == []


@pytest.fixture
def cramped(tmp_path: Path) -> Iterator[Engine]:
    """A server whose database has a small disk of its own."""
    with small_disk(tmp_path / "disk") as disk:
        settings = f'[database]\nurl = "sqlite:///{disk / "gorizont.db"}"'
        with Engine(tmp_path / "server", users=PEOPLE, settings=settings) as server:
            yield server
            assert complaints(server) == []


def _ride_out(server: Engine, trouble: Trouble, words: str) -> None:
    """Trouble comes and goes; afterwards everything that was acknowledged outlives a kill."""
    process = server.process
    assert process is not None
    with Telephones(server) as telephones:
        anna, boris, clara, dora = (telephones.phone(number) for number in PEOPLE[:4])
        for phone in (anna, boris):
            assert telephones.status(phone.register()) == 200
        call, ring = telephones.connected(anna, boris)
        telephones.network.until(lambda: _has_call(server), "the call is on disk")
        time.sleep(PROMISED)  # so is what has changed of it since
        with trouble(server):
            # The engine does not know yet: what it acknowledges now it has to keep until it can be written.
            assert telephones.status(clara.register()) == 200
            process.wait_for(rf"engine ! {words}: \d+ rows? (is|are) kept until it works")
            refused = dora.register()
            assert telephones.status(refused) == 503
            assert refused.latest.answer.reason == "Storage Unavailable"
            assert int(refused.latest.answer.headers["Retry-After"][0]) > 0
            other = telephones.phone("105").call("102")
            assert telephones.outcome(other) == 503
            assert other.answered.reason == "Storage Unavailable"
            # Those who are there go on: a call that is up, and what needs no writing.
            assert telephones.status(call.reinvite(anna.sdp)) == 200
            telephones.hang_up(call, ring)
            assert telephones.status(anna.ask("OPTIONS", "102")) == 200
        process.wait_for("engine = the database takes rows again")
        assert telephones.status(dora.register()) == 200
        telephones.network.until(lambda: _stored(server) >= {"103", "104"}, "the bindings are on disk")
        server.wait_record(caller="101", cause="caller hung up")
        assert len(re.findall(words, "\n".join(server.output))) == 1
        server.restart()
        assert _registered(server) == set(PEOPLE[:4])
        telephones.hang_up(*telephones.connected(dora, clara))


def _registered(server: Server) -> set[str]:
    return {binding["number"] for binding in server.command("registrations")["registrations"]}


def _stored(server: Server) -> set[str]:
    with server.store.reading() as session:
        return set(session.scalars(select(BindingRow.number)))


def _has_call(server: Server) -> bool:
    with server.store.reading() as session:
        return session.scalar(select(LiveCallRow.call_id)) is not None


def test_full_disk_refuses_new_work_and_loses_nothing(cramped: Engine) -> None:
    _ride_out(cramped, full_disk, "the disk of the database is full")


def test_disk_that_takes_no_more_refuses_new_work_and_loses_nothing(roomy: Engine) -> None:
    _ride_out(roomy, file_too_large, "the disk of the database (is full|does not work)")


def test_locked_database_refuses_new_work_and_loses_nothing(roomy: Engine) -> None:
    _ride_out(roomy, locked, "the database is locked by another program")


def test_kill_while_the_database_is_locked_loses_no_more_than_a_moment(tmp_path: Path) -> None:
    """New work is refused long before the database itself says that it is locked."""
    numbers = [str(number) for number in range(2001, 3001)]
    with Engine(tmp_path / "server", users=numbers) as server, Telephones(server) as telephones:
        before = telephones.registered(numbers.pop())
        time.sleep(PROMISED)
        acknowledged = 0
        with locked(server):
            while (status := telephones.status(telephones.phone(numbers.pop()).register())) == 200:
                acknowledged += 1
            assert status == 503
            assert acknowledged
            assert server.process is not None
            server.process.kill()
        server.start()
        assert _registered(server) == {before.number}
        assert complaints(server) == []


def _run(*module_and_arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *module_and_arguments, "--data", str(data)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_command_on_a_full_disk_says_so_and_does_nothing(cramped: Engine) -> None:
    with full_disk(cramped):
        done = _run("pbx.cli", "user", "add", "199", data=cramped.data.root)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "gorizont: the disk of the database is full\n"


def test_first_start_on_a_full_disk_says_so(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        fill(disk)
        done = _run("pbx.cli", "serve", data=disk / "data")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No space left on device" in line or "disk of the database is full" in line


@pytest.mark.parametrize("program", [["pbx.cli", "serve"], ["pbx.engine"]], ids=["server", "engine"])
def test_start_on_a_read_only_disk_says_so(tmp_path: Path, program: list[str]) -> None:
    with small_disk(tmp_path / "disk") as disk:
        server = Engine(tmp_path / "server", settings=f'[database]\nurl = "sqlite:///{disk / "gorizont.db"}"')
        server.store.close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = _run(*program, data=server.data.root)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert re.search("Read-only file system|the database file cannot be opened$", line)


@pytest.mark.parametrize("kind", [Engine, Server], ids=["engine", "whole server"])
def test_kill_loses_no_registration_older_than_100_ms_and_no_record(tmp_path: Path, kind: type[Server]) -> None:
    numbers = [str(number) for number in range(201, 241)]
    acknowledged: dict[str, float] = {}
    with kind(tmp_path / "server", users=[*PEOPLE, *numbers]) as server, Telephones(server) as telephones:
        process = server.process
        assert process is not None
        anna, boris = telephones.registered("101"), telephones.registered("102")
        telephones.hang_up(*telephones.connected(anna, boris))
        began = time.monotonic()
        for number in numbers * MOST_PHONES:
            contact = telephones.registered(number).contact
            acknowledged[contact] = time.monotonic()
            if acknowledged[contact] - began > 0.3:
                break
        telephones.phone("103").register()  # under way
        killed = time.monotonic()
        process.kill()
        server.start()
        due = {contact for contact, at in acknowledged.items() if at < killed - PROMISED}
        assert due
        assert due - {binding["contact"] for binding in server.command("registrations")["registrations"]} == set()
        assert [record["cause"] for record in server.records()] == ["caller hung up"]
        # Nobody registers again, and all can be called.
        telephones.hang_up(*telephones.connected(boris, anna))
        assert complaints(server) == []

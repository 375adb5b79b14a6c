"""An installation from nothing: what the first start makes, what later ones leave alone, and how the server ends."""

import os
import re
import signal
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.data import DataFolder
from pbx.bus.client import call
from tests.support.ports import free_port, media_ports
from tests.support.processes import Process, wait_gone

ROOT = Path(__file__).parents[2]


class Installation:
    """A data folder that does not exist yet, and the program beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = DataFolder(folder / "data")
        self.port = free_port()
        self.config = folder / "office.toml"
        self.config.write_text(
            f'[sip]\ndomain = "office.test"\nudp = "127.0.0.1:{self.port}"\ntcp = "127.0.0.1:{self.port}"\n'
            f'tls = "127.0.0.1:{free_port()}"\nws = ""\nwss = ""\n[calls]\ndrain_seconds = 5\n'
            f'[web]\nhttp = ""\nhttps = "127.0.0.1:{free_port()}"\n'
            f'[media]\nports = "{media_ports()}"\n'
        )
        self._started = 0

    def start(self) -> Process:
        """The server, started but perhaps not ready yet."""
        return self.start_module("pbx.cli", "serve")

    def start_module(self, module: str, *arguments: str, **environment: str) -> Process:
        """One of our programs, on this installation."""
        self._started += 1
        place = ["--data", str(self.data.root), "--config", str(self.config)]
        return Process(
            [sys.executable, "-m", module, *arguments, *place],
            name=f"{module}-{self._started}",
            folder=self.folder,
            environment={"PYTHONPATH": str(ROOT), **environment},
        ).start()

    def run(self, *arguments: str) -> str:
        """The output of a command that must succeed."""
        command = self.start_module("pbx.cli", *arguments)
        assert command.wait_ended() == 0, command.report()
        return "\n".join(command.lines)


class Running(Installation):
    """One that has been started for the first time; `server` is what runs now."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = self.start_ready()

    def start_ready(self) -> Process:
        """Starts it and waits until it is ready."""
        self.server = self.start()
        self.server.wait_for("Gorizont is ready")
        return self.server


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """For tests that leave it running; each adds users of its own."""
    running = Running(tmp_path_factory.mktemp("running"))
    yield running
    running.server.kill()


def engine_of(server: Process) -> int:
    """The engine that was started last."""
    return int(re.findall(r"engine started as process (\d+)", "\n".join(server.lines))[-1])


def everything(data: DataFolder) -> dict[str, bytes]:
    """The keys and certificates."""
    return {path.name: path.read_bytes() for folder in (data.secrets, data.tls) for path in folder.iterdir()}


def test_first_start_makes_everything_for_its_owner_alone(running: Running) -> None:
    data = running.data
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (data.root, *data.root.rglob("*"))}
    for folder in (data.root, data.secrets, data.tls, data.run):
        assert modes[folder] == 0o700, folder
    for file in (data.database, data.storage_key, data.authority_key, data.private_key, data.engine_socket):
        assert modes[file] == 0o600, file
    assert {data.authority, data.certificate} <= set(modes)
    assert call(data.engine_socket, "ready")["ready"] is True


def test_first_start_says_where_it_listens_and_what_to_do_next(running: Running) -> None:
    running.server.wait_for("Then dial 102")
    output = "\n".join(running.server.lines)
    assert f"SIP over UDP        127.0.0.1:{running.port}" in output
    assert "SIP domain          office.test" in output
    assert re.search(rf"user add 101 --name \"Anna Orlova\" --data {running.data.root}", output)


def test_user_that_is_added_beside_the_server_is_in_force_at_once(running: Running) -> None:
    output = running.run("user", "add", "101", "--name", "Anna Orlova")
    assert re.search(rf"server +127\.0\.0\.1, port {running.port} \(UDP, TCP\)", output)
    # The reply to this one has the version that the engine goes by.
    version = call(running.data.engine_socket, "directory.changed", {"numbers": []})["version"]
    assert f"directory version {version}" in running.run("simulate", "102", "101")


def test_interrupt_ends_everything_and_the_next_start_keeps_what_there_was(installation: Installation) -> None:
    with installation.start() as server:
        server.wait_for("Gorizont is ready")
        installation.run("user", "add", "101")
        installation.run("user", "add", "102")
        made, engine = everything(installation.data), engine_of(server)
        os.kill(server.pid, signal.SIGINT)
        assert server.wait_ended() == 0
        wait_gone(engine)
    assert not installation.data.engine_socket.exists()
    with installation.start() as server:
        server.wait_for("Gorizont is ready")
        assert everything(installation.data) == made
        assert not any("made" in line or "Next, in another terminal" in line for line in server.lines)
        assert re.findall(r"^10\d", installation.run("user", "list"), re.MULTILINE) == ["101", "102"]


def test_second_server_on_the_same_data_is_refused(running: Running) -> None:
    second = running.start()
    assert second.wait_ended() == 1
    assert second.lines[-1].startswith(f"gorizont: a server runs on {running.data.root} already (process ")
    assert call(running.data.engine_socket, "ready")["ready"] is True


def test_engine_that_is_killed_is_restarted_and_knows_everybody(running: Running) -> None:
    server = running.server
    running.run("user", "add", "103")
    seen = len(server.lines)
    os.kill(engine_of(server), signal.SIGKILL)
    server.wait_for("engine was killed by SIGKILL: again in 0.1 s", since=seen)
    server.wait_for("engine is ready", since=seen)
    assert call(running.data.engine_socket, "ready")["ready"] is True
    assert "there is no user" not in running.run("user", "show", "103")


def test_kill_of_the_supervisor_leaves_no_process_and_no_obstacle(running: Running) -> None:
    killed, engine = running.server, engine_of(running.server)
    os.kill(killed.pid, signal.SIGKILL)
    wait_gone(engine)
    running.start_ready()
    killed.kill()
    assert call(running.data.engine_socket, "ready")["ready"] is True


def test_port_that_another_program_has_ends_the_start_with_its_name(installation: Installation) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", installation.port))
        server = installation.start()
        assert server.wait_ended() == 1
        output = "\n".join(server.lines)
    assert f"can't listen on UDP 127.0.0.1 port {installation.port}" in output
    assert "Traceback" not in output
    assert not any("again in" in line for line in server.lines)


def test_engine_alone_runs_after_a_first_start_by_command(installation: Installation) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(installation.folder / "notify"))
        systemd.settimeout(10)
        prepared = installation.start_module("pbx.first_start")
        assert prepared.wait_ended() == 0
        assert any("storage key" in line for line in prepared.lines)
        with installation.start_module("pbx.engine", NOTIFY_SOCKET=str(installation.folder / "notify")) as engine:
            assert systemd.recv(100) == b"READY=1"
            assert call(installation.data.engine_socket, "ready")["ready"] is True
            os.kill(engine.pid, signal.SIGTERM)
            assert systemd.recv(100) == b"STOPPING=1\nEXTEND_TIMEOUT_USEC=15000000"  # drain_seconds, and ten more
            assert engine.wait_ended() == 0


def test_first_starts_at_the_same_time_make_one_installation(installation: Installation) -> None:
    starts = [installation.start_module("pbx.first_start") for _ in range(3)]
    assert [start.wait_ended() for start in starts] == [0, 0, 0], "\n".join(start.report() for start in starts)
    said = [line for start in starts for line in start.lines]
    for made in (
        "storage key ",
        "certificate authority ",
        "server certificate ",
        "sign in as admin with the password ",
    ):
        assert len([line for line in said if line.startswith(made)]) == 1, said


def test_engine_without_a_first_start_says_what_is_missing(installation: Installation) -> None:
    engine = installation.start_module("pbx.engine")
    assert engine.wait_ended() == 1
    assert "Traceback" not in engine.report()

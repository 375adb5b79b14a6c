"""How a server that was attacked is: what it says of it, and how much memory it has."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path
from typing import Self

from tests.scenarios.hostile.telephones import Telephones
from tests.support.peers.peer import DEADLINE
from tests.support.phones import Phone
from tests.support.processes import Process
from tests.support.server import Server

ROOT = Path(__file__).parents[3]

# A traceback; and what the log has in its place: one line for a defect, a thread or process that ends by one.
_COMPLAINT = re.compile(r"Traceback|^\s+File \"|defect|the process ends|! thread |the database writer failed")


class Engine(Server):
    """The engine alone, as a unit of its own runs it: nobody attacks what would have to be started beside it."""

    def start(self) -> Self:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            notify = self.folder / "notify"
            notify.unlink(missing_ok=True)
            systemd.bind(str(notify))
            systemd.settimeout(3 * DEADLINE)
            self.process = Process(
                [sys.executable, "-m", "pbx.engine", "--data", str(self.data.root)],
                name="engine",
                folder=self.folder,
                environment={"PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": str(notify)},
            )
            self.process.start()
            assert systemd.recv(100) == b"READY=1"
        return self

    def restart(self) -> None:
        """Kills it by SIGKILL, and starts it again as a supervisor would."""
        assert self.process is not None
        self.process.kill()
        self.start()


def engine_of(server: Server) -> int:
    """The process that speaks SIP at the moment."""
    assert server.process is not None
    if isinstance(server, Engine):
        return server.process.pid
    started = [found[1] for line in server.output if (found := re.search(r"engine started as process (\d+)", line))]
    return int(started[-1])


def resident(server: Server) -> int:
    """Octets of memory that the engine has."""
    status = Path(f"/proc/{engine_of(server)}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def complaints(server: Server, since: int = 0) -> list[str]:
    """The log's lines, from number `since` on, that tell of something wrong with the server itself."""
    return [line for line in server.output[since:] if _COMPLAINT.search(line)]


class Office:
    """Two people on a server that is attacked, with a phone each, registered over UDP and TCP."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.telephones = Telephones(server)
        self.anna: Phone = self.telephones.registered("101")
        self.boris: Phone = self.telephones.registered("102", "TCP")

    def check(self) -> None:
        """They can still call each other."""
        self.telephones.hang_up(*self.telephones.connected(self.anna, self.boris))
        self.anna.talks.clear()
        self.boris.talks.clear()

    def close(self) -> None:
        self.telephones.network.close()

"""How a server that was attacked is: what it says of it, and how much memory it has."""

from __future__ import annotations

import re
from pathlib import Path

from tests.scenarios.hostile.telephones import Telephones
from tests.support.phones import Phone
from tests.support.server import Server

# A traceback; and what the log has in its place: one line for a defect, a thread or process that ends by one.
_COMPLAINT = re.compile(r"Traceback|^\s+File \"|defect|the process ends|! thread |the database writer failed")


def engine_of(server: Server) -> int:
    """The process that speaks SIP at the moment."""
    assert server.process is not None
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

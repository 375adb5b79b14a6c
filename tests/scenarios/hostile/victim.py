"""How a server that was attacked is: what it says of it, and how much memory it has."""

import re
from pathlib import Path

from tests.support.server import Server

# Of a defect of ours the log tells in one line; the supervisor tells of a process that has ended.
_COMPLAINT = re.compile(r"Traceback|^\s+File \"|defect|engine (ended|was killed)|the process ends")


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

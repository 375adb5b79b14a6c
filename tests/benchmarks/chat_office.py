"""The server whose chat is measured, who is in it, and what its processes take of processor and memory."""

import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from messaging.conversations import create_group
from pbx.directory.importing import UserLine, add_users
from pbx.directory.models import UserRow
from pbx.directory.secrets import SecretBox
from tests.benchmarks.builds import ROOT
from tests.benchmarks.kit import User
from tests.benchmarks.servers import START, pinned
from tests.support.processes import Process
from tests.support.server import ACTOR, Server
from web.auth.sessions import start_session

FIRST = 500_000  # the number of the first who chats
PARTS = {"web.server": "web", "pbx.engine": "engine"}  # processes that are told of, by their module
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Office:
    """Who chats: the tokens of the clients of each room, and the conversation that each room is."""

    tokens: list[list[str]]
    rooms: list[int]


def furnish(server: Server, *, clients: int, users: int, room: int, phones: Sequence[User] = ()) -> Office:
    """Makes users, a session for each client, and rooms in which so many clients hear each message.

    Args:
        users: clients are spread evenly over so many; those of one user are in the same room.
        phones: further users, for the SIP kit.
    """
    each = clients // users
    numbers = [str(FIRST + place) for place in range(users)]
    passwords = dict.fromkeys(numbers, "benchmark") | {user.number: user.password for user in phones}
    lines = [
        UserLine(line, number, f"User {number}", "user", None, None, password)
        for line, (number, password) in enumerate(passwords.items(), 1)
    ]
    box = SecretBox.open(server.data.storage_key)
    with server.store.transaction() as tx:
        add_users(tx, lines, box=box, password_hashes={}, actor=ACTOR)
    members = max(1, room // each)
    parts = [numbers[place : place + members] for place in range(0, users, members)]
    tokens: list[list[str]] = []
    rooms: list[int] = []
    with server.store.transaction() as tx:
        rows = {row.number: row for row in tx.session.scalars(select(UserRow))}
        for place, part in enumerate(parts):
            rooms.append(create_group(tx, f"Room {place}", part[1:], actor=part[0]))
            tokens.append(
                [
                    start_session(tx, rows[number], address="127.0.0.1", user_agent="benchmark")
                    for _ in range(each)
                    for number in part
                ]
            )
    return Office(tokens, rooms)


def serve(server: Server, cpu: int | None) -> Process:
    """Starts `gorizont serve` on one processor; `server` stops it."""
    command = [*pinned(cpu), sys.executable, "-m", "pbx.cli", "serve", "--data", str(server.data.root)]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    process = server.process = Process(command, name="gorizont", folder=server.folder, environment=environment)
    process.start()
    process.wait_for("Gorizont is ready", timeout=START)
    return process


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of processor that were used, by part of the server; "all" is the whole."""

    seconds: Counter[str]

    def since(self, before: "Usage") -> dict[str, float]:
        return {part: seconds - before.seconds[part] for part, seconds in self.seconds.items()}


class ProcessTree:
    """A process and all below it."""

    def __init__(self, root: int) -> None:
        self.root = root

    def pids(self) -> list[int]:
        """The root first. Processes that end meanwhile are left out."""
        children: dict[int, list[int]] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            if fields := _stat(int(folder.name)):
                children.setdefault(int(fields[1]), []).append(int(folder.name))
        found, queue = [], [self.root]
        while queue:
            pid = queue.pop(0)
            found.append(pid)
            queue += children.get(pid, ())
        return found

    def pid_of(self, module: str) -> int:
        """The process that runs this module."""
        return next(pid for pid in self.pids() if module in _command(pid))

    def usage(self) -> Usage:
        """User and system time until now."""
        seconds: Counter[str] = Counter()
        for pid in self.pids():
            if fields := _stat(pid):
                used = sum(map(int, fields[11:15])) / TICKS
                seconds["all"] += used  # type: ignore[assignment]  # a Counter of seconds
                seconds[_part(pid)] += used  # type: ignore[assignment]
        return Usage(seconds)

    def memory(self) -> dict[str, float]:
        """PSS in MiB, by part of the server; "all" is the whole."""
        mebibytes: dict[str, float] = {"all": 0.0}
        for pid in self.pids():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            if found := re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE):
                part = _part(pid)
                mebibytes[part] = mebibytes.get(part, 0.0) + int(found[1]) / 1024
                mebibytes["all"] += int(found[1]) / 1024
        return mebibytes


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; none if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def _part(pid: int) -> str:
    command = _command(pid)
    return next((part for module, part in PARTS.items() if module in command), "others")

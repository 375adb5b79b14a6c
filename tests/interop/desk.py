"""People with telephones on one server: what all tests of this folder begin with."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pbx.cli import main
from tests.support.peers.available import require
from tests.support.peers.base import Account, Phone, Transport
from tests.support.peers.calls import Call
from tests.support.peers.peer import DEADLINE
from tests.support.peers.recordings import FolderWatch
from tests.support.peers.rtp import RtpEnd
from tests.support.peers.sipp import Sipp, register, row
from tests.support.peers.web_phone import WebPhone
from tests.support.processes import PeerError
from tests.support.server import LOOK_AGAIN, Server

ROOT = Path(__file__).parents[2]

ELSEWHERE = ('SIP;cause=200;text="Call completed elsewhere"',)
"""The Reason with which a phone is told that another one of the same person has the call."""

numbers = map(str, itertools.count(101))
_tones = itertools.cycle(range(500, 2000, 150))  # as far apart as phones of one test have to be


class Desk:
    """Hires people, switches their phones on and, at the end, off.

    Args:
        server: running, or about to be.
        folder: where the phones have theirs.
    """

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._open: list[Phone | Sipp | WebPhone | RtpEnd] = []
        self._count = itertools.count(1)

    # ---- people

    def user(self) -> str:
        """Somebody new, with a name that is no ASCII."""
        number = next(numbers)
        self.server.add_user(number, f"Анна {number}")
        return number

    def group(self, *members: Phone, strategy: str = "all") -> str:
        """A new number that stands for these phones' users."""
        number = next(numbers)
        self.gorizont("group", "set", number, ",".join(one.account.number for one in members), "--strategy", strategy)
        return number

    def place(self, name: str) -> Path:
        """A folder of its own for something."""
        return self.folder / f"{name}-{next(self._count)}"

    # ---- the command line

    def gorizont(self, *arguments: str) -> str:
        """What a command prints, carried out beside the running server. Raises PeerError when it fails.

        By the program's own `main`, but in this process, which saves the time that Python takes to start.
        """
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = main([*arguments, "--data", str(self.server.data.root)])
        if status != 0:
            raise PeerError(f"gorizont {' '.join(arguments)}: {errors.getvalue()}")
        return output.getvalue()

    def program(self, *arguments: str) -> str:
        """What a command prints, as a process of its own: as somebody types it at a shell."""
        command = [sys.executable, "-m", "pbx.cli", *arguments, "--data", str(self.server.data.root)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != 0:
            raise PeerError(f"gorizont {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def values(self, *arguments: str) -> Any:
        """What a command answers to programs."""
        return json.loads(self.gorizont(*arguments, "--json"))

    # ---- phones

    def phones(self, *kinds: type[Phone], transport: Transport = Transport.UDP) -> list[Phone]:
        """Registered phones, each of a new user."""
        require(*kinds)
        new = [self.phone(kind, transport=transport, ready=False) for kind in kinds]
        for phone in new:
            phone.wait_registered()
        return new

    def phone(
        self,
        kind: type[Phone],
        number: str | None = None,
        *,
        account: tuple[str, str] | None = None,
        transport: Transport = Transport.UDP,
        address: str | None = None,
        expires: int = 600,
        ready: bool = True,
    ) -> Phone:
        """A phone of a new user, or of `number`; with its own `account` (SIP name and password) where that is given.

        Over UDP the person has typed the server's address, over streams the domain with the address as proxy. `address`
        is where the phone finds the server instead of by its own.
        """
        require(kind)
        name, password = account or self._account(number or self.user())
        server = self.server
        typed = Account(
            name,
            password,
            address or getattr(server, transport),
            transport,
            domain=None if transport is Transport.UDP else server.domain,
            ca=server.data.authority if transport is Transport.TLS else None,
            expires=expires,
        )
        phone = kind(typed, self.place(f"{kind.kind}-{name}"), tone=next(_tones))
        self._open.append(phone)
        phone.start()
        if ready:
            phone.wait_registered()
        return phone

    def _account(self, number: str) -> tuple[str, str]:
        return number, self.server.password(number)

    def web_phone(self, number: str | None = None, *, secure: bool = True) -> WebPhone:
        """A phone in a browser, of a new user or of `number`, connected and registered."""
        server, number = self.server, number or self.user()
        phone = WebPhone(
            number,
            server.password(number),
            server.wss if secure else server.ws,
            self.ear(),
            domain=server.domain,
            ca=server.data.authority if secure else None,
        ).connect()
        self._open.append(phone)
        assert phone.register().status == 200
        return phone

    # ---- SIPp

    def ear(self) -> RtpEnd:
        """What talks and listens for a SIPp."""
        end = RtpEnd(self.place("rtp"), tone=next(_tones))
        self._open.append(end)
        return end.__enter__()

    def sipp(self, scenario: str, **options: Any) -> Sipp:
        """A scenario at the server's domain, about to be started."""
        require(Sipp)
        transport = options.setdefault("transport", Transport.UDP)
        run = Sipp(scenario, getattr(self.server, transport), self.place(f"sipp-{scenario}"), **options)
        self._open.append(run)
        return run

    def sipp_callee(
        self, scenario: str = "uas", number: str | None = None, *, transport: Transport = Transport.UDP, **options: Any
    ) -> tuple[str, Sipp]:
        """A registered number, and the started scenario that takes its calls."""
        require(Sipp)
        number = number or self.user()
        address = getattr(self.server, transport)
        port = register(address, number, self.server.password(number), self.place("register"), transport=transport)
        return number, self.sipp(scenario, port=port, transport=transport, **options).start()

    def sipp_caller(self, dialled: str, scenario: str = "uac_stays", **options: Any) -> tuple[str, Sipp]:
        """A new number, and the started scenario that calls from it."""
        number = self.user()
        rows = [row(number, self.server.password(number), dialled)]
        return number, self.sipp(scenario, rows=rows, **options).start()

    # ---- what is known of calls

    def wait_records(self, count: int, *, timeout: float = DEADLINE, **values: object) -> list[dict[str, Any]]:
        """The records in which these columns have these values, the oldest first, once there are `count` of them.

        A record is on disk a moment after its call has ended. Raises PeerError when fewer come, or more.
        """
        deadline = time.monotonic() + timeout
        with FolderWatch(self.server.data.root) as watch:
            while True:
                found = [
                    record
                    for record in self.server.records()
                    if all(record[name] == value for name, value in values.items())
                ]
                if len(found) == count:
                    return found
                if len(found) > count or time.monotonic() >= deadline:
                    raise PeerError(f"{len(found)} records with {values}, not {count}: {found}")
                watch.wait(LOOK_AGAIN)

    # ---- the end

    def clear(self) -> None:
        """Switches everything off, the last one first."""
        for thing in reversed(self._open):
            if isinstance(thing, RtpEnd):
                thing.__exit__(None, None, None)
            elif isinstance(thing, WebPhone):
                thing.vanish()
            else:
                thing.stop()
        self._open.clear()


Talker = Phone | Sipp | WebPhone


def connect(caller: Phone | WebPhone, callee: Phone | WebPhone, dialled: str | None = None) -> tuple[Call, Call]:
    """One calls the other, who answers: the call as each of them has it."""
    outgoing = caller.call(dialled or number_of(callee))
    incoming = callee.wait_incoming()
    callee.answer(incoming)
    caller.wait_established(outgoing)
    callee.wait_established(incoming)
    return outgoing, incoming


def assert_hear_each_other(one: Talker, other: Talker) -> None:
    """Both hear the other's tone from now on."""
    since = one.mark(), other.mark()
    one.wait_hears(tone(other), since=since[0])
    other.wait_hears(tone(one), since=since[1])


def assert_silence(one: Talker, other: Talker) -> None:
    """Neither hears the other any more, but for what is still on its way."""
    since = one.mark(), other.mark()
    with pytest.raises(PeerError, match="hears no"):
        one.wait_hears(tone(other), since=since[0], at_least=0.6, timeout=1.0)
    with pytest.raises(PeerError, match="hears no"):
        other.wait_hears(tone(one), since=since[1], at_least=0.6, timeout=0.0)


def tone(peer: Talker) -> float:
    """What a peer says, in hertz."""
    if isinstance(peer, Phone):
        return peer.tone
    assert peer.media is not None
    return peer.media.tone


def number_of(phone: Phone | WebPhone) -> str:
    return phone.account.number if isinstance(phone, Phone) else phone.number


def kind(phone: type[Phone]) -> str:
    """For the names of parametrized tests."""
    return phone.kind

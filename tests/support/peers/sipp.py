"""SIPp 3.6 of Debian (no TLS in it), running the scenarios of `tests/support/scenarios` or of a test.

In a scenario, `[field0]` and so on are the injected values (of a `row`: number, credentials, whom to call), `[domain]`
is the host part of addresses, `[rtp_port]` the port of `media`. What a scenario logs as "says: ..." comes to
`wait_said`; "says: media HOST PORT" makes `media` talk there.

SIPp computes its digest for the URI `sip:HOST:PORT` of the server, with MD5 only, from the first challenge.
"""

import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.support.peers.base import Transport
from tests.support.peers.peer import DEADLINE, Peer
from tests.support.peers.recordings import Mark, describe, mark, wait_heard
from tests.support.peers.rtp import RtpEnd
from tests.support.peers.trace import Way
from tests.support.ports import free_port
from tests.support.processes import PeerError

SCENARIOS = Path(__file__).parents[1] / "scenarios"

_ANNOUNCED = re.compile(rb"^(?:UDP|TCP) message (sent|received) [\[(]")
_SAID = re.compile(r"^says: (.*)")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run came to."""

    successful: int
    failed: int
    retransmissions: int
    unexpected: int
    """Messages that the scenario didn't expect; part of `failed`."""
    errors: str
    """SIPp's error log, empty when there is nothing to tell."""


class Sipp(Peer):
    """One run of a scenario.

    Args:
        scenario: the name of one of ours, or a file.
        server: `host:port`.
        folder: a folder of its own.
        rows: the injected values, a row for each call (used again from the first when there are more calls).
        calls: how many calls to make or take before it ends by itself; None for no end.
        rate: new calls a second.
        hold: milliseconds of the scenario's pauses (how long it rings, or talks).
        domain: the host part of addresses; `server` if not given.
        port: its own port; any free one if not given. Register and answer on the same.
        media: what talks and listens for it.
        trace: whether to follow its messages: `messages` and `calls` are empty without. Costly in a run of thousands.
        options: further options of SIPp.
    """

    program: ClassVar[str] = "sipp"

    def __init__(
        self,
        scenario: str | Path,
        server: str,
        folder: Path,
        *,
        rows: Sequence[Sequence[str]] = (),
        calls: int | None = 1,
        rate: float = 10.0,
        hold: int = 1000,
        transport: Transport = Transport.UDP,
        domain: str | None = None,
        port: int | None = None,
        media: RtpEnd | None = None,
        trace: bool = True,
        options: Sequence[str] = (),
        keys: Mapping[str, str] | None = None,
    ) -> None:
        if transport is Transport.TLS:
            raise NotImplementedError("Debian's SIPp has no TLS")
        self.scenario = SCENARIOS / f"{scenario}.xml" if isinstance(scenario, str) else scenario
        super().__init__(f"sipp-{self.scenario.stem}", folder)
        self.server = server
        self.port = port or free_port()
        self.media = media
        self._rows = rows
        self._calls = calls
        self._options = list(options)
        self._timing = ["-r", f"{rate:g}", "-d", str(hold)]
        self._transport = {Transport.UDP: "u1", Transport.TCP: "t1"}[transport]
        self._keys = {"domain": domain or server, "rtp_port": str(media.port if media else 9), **(keys or {})}
        self._trace = trace
        self._said: list[str] = []

    @classmethod
    def installed(cls) -> bool:
        return shutil.which(cls.program) is not None

    def run(self, *, timeout: float = 30.0) -> Counts:
        """Run to the end of the last call."""
        return self.start().wait_done(timeout=timeout)

    def wait_done(self, *, timeout: float = 30.0) -> Counts:
        """Wait until SIPp has made or taken all its calls, and count them."""
        self.process.wait_ended(timeout=timeout)
        return self.counts()

    def counts(self) -> Counts:
        """Read the totals of a run that has ended. Raises PeerError if SIPp didn't get as far as counting."""
        errors, totals = self.folder / "errors.log", self.folder / "totals.csv"
        if not totals.exists() or len(lines := totals.read_text().splitlines()) < 2:
            raise PeerError(f"{self.name} counted nothing\n{self.report()}")
        last = dict(zip(lines[0].split(";"), lines[-1].split(";"), strict=False))
        return Counts(
            successful=int(last["SuccessfulCall(C)"]),
            failed=int(last["FailedCall(C)"]),
            retransmissions=int(last["Retransmissions(C)"]),
            unexpected=int(last["FailedUnexpectedMessage(C)"]),
            errors=errors.read_text(errors="replace") if errors.exists() else "",
        )

    @property
    def said(self) -> list[str]:
        """What the scenario logged so far."""
        with self._changed:
            return list(self._said)

    def wait_said(self, pattern: str, *, timeout: float = DEADLINE) -> re.Match[str]:
        """Wait until the scenario has logged something in which the pattern is found."""
        wanted = re.compile(pattern)
        return self._wait(
            lambda: next(filter(None, map(wanted.search, self._said)), None), f"it didn't say /{pattern}/", timeout
        )

    def mark(self) -> Mark:
        """Remember this moment of listening, for `wait_hears(..., since=...)`."""
        return mark(self._media.recordings())

    def wait_hears(
        self, hz: float, *, since: Mark | None = None, at_least: float = 0.4, timeout: float = DEADLINE
    ) -> None:
        """Wait until `media` has heard a tone for `at_least` seconds."""
        media = self._media
        if not wait_heard(media.folder, media.recordings, hz, since=since, at_least=at_least, timeout=timeout):
            raise PeerError(f"{self.name} hears no {hz:g} Hz but {describe(media.recordings())}\n{self.report()}")

    @property
    def _media(self) -> RtpEnd:
        if self.media is None:
            raise RuntimeError(f"{self.name} has no media")
        return self.media

    def _command(self) -> list[str | Path]:
        command: list[str | Path] = [self.program, self.server, "-sf", self.scenario]
        command += ["-i", "127.0.0.1", "-p", str(self.port), "-t", self._transport, "-bind_local", "-nostdin"]
        command += [*self._timing, "-trace_stat", "-stf", self.folder / "totals.csv"]
        command += ["-trace_err", "-error_file", self.folder / "errors.log"]
        command += ["-trace_logs", "-log_file", "/dev/stdout"]
        if self._trace:
            command += ["-trace_msg", "-message_file", "/dev/stdout"]
        if self._calls is not None:
            command += ["-m", str(self._calls)]
        if self._rows:
            rows = self.folder / "rows.csv"
            rows.write_text("SEQUENTIAL\n" + "".join(";".join(row) + "\n" for row in self._rows))
            command += ["-inf", rows]
        for name, value in self._keys.items():
            command += ["-key", name, value]
        return [*command, *self._options]

    def _announced(self, line: bytes) -> Way | None:
        found = _ANNOUNCED.search(line)
        return None if not found else Way.SENT if found[1] == b"sent" else Way.RECEIVED

    def _other_line(self, line: str) -> None:
        if not (said := _SAID.match(line)):
            return
        if self.media and (target := re.match(r"media (\S+) (\d+)", said[1])):
            self.media.talk_to(target[1], int(target[2]))
        with self._changed:
            self._said.append(said[1])
            self._changed.notify_all()

    def _started(self) -> None:
        self.process.wait_for(r"Resolving remote host .* Done")
        # Over UDP, a port that is not open yet says that the phone is gone.
        deadline = time.monotonic() + DEADLINE
        while self._transport == "u1" and self.process.running and not _is_open(self.port):
            if time.monotonic() >= deadline:
                raise PeerError(f"{self.name} does not listen\n{self.report()}")
            time.sleep(0.005)  # the kernel tells nobody

    def _quit(self) -> None:
        self.process.terminate()


def _is_open(port: int) -> bool:
    """Whether some socket of this machine takes datagrams at a port."""
    rows = [line.split() for name in ("udp", "udp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return any(int(columns[1].rpartition(":")[2], 16) == port for columns in rows)


def row(number: str, password: str, *more: str) -> list[str]:
    """Return the injected values of one call.

    The credentials are one value, since SIPp fills in values no deeper.
    """
    return [number, f"[authentication username={number} password={password}]", *more]


def register(
    server: str,
    number: str,
    password: str,
    folder: Path,
    *,
    transport: Transport = Transport.UDP,
    domain: str | None = None,
) -> int:
    """Register a number from a port of SIPp, and return the port, where a scenario that is called then listens."""
    run = Sipp("register", server, folder, rows=[row(number, password)], transport=transport, domain=domain)
    counts = run.run()
    if counts.successful != 1:
        raise PeerError(f"{number} was not registered: {counts.errors}\n{run.report()}")
    return run.port

"""The kit that makes the load, called as the program that it is, and the figures that it gives."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.support.shared import shared_data

RING = 50  # ms between the callee's 180 and its 200, which every response time of a call contains
HOLD = 500  # ms of a call
CALLS = ("call", "forward")


class KitError(Exception):
    """The kit could not measure; the text is what it said."""


@dataclass(frozen=True, slots=True)
class User:
    """A line of the kit's file of users; one with a `target` is always busy and forwards to it."""

    number: str
    password: str
    target: str | None = None

    @classmethod
    def read(cls, line: str) -> Self:
        number, password, *target = line.split(";")
        return cls(number, password, target[0] if target else None)

    @classmethod
    def read_all(cls, path: Path) -> list[Self]:
        return [cls.read(line) for line in path.read_text().splitlines()]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one scenario at one rate. Times in ms, memory in KiB."""

    scenario: str
    rate: float
    cpu: float | None  # of the whole process tree, for one successful operation
    cores: float
    idle_cores: float
    reached: float  # operations a second
    failed: int
    ends_agree: bool
    retransmissions: int
    p50: float | None
    p99: float | None
    pss_before: int
    pss_peak: int
    errors: str = ""

    @classmethod
    def read(cls, result: Mapping[str, Any]) -> Self:
        """From the JSON object of the kit, or one step of its ramp. Response times are without the callee's own."""
        own = RING if result["scenario"] in CALLS else 0
        p50, p99 = result["response_ms_p50"], result["response_ms_p99"]
        return cls(
            scenario=result["scenario"],
            rate=result["asked_rate"],
            cpu=result["server_cpu_ms_per_op"],
            cores=result["server_cores_used"],
            idle_cores=result["server_idle_cores"],
            reached=result["achieved_rate"],
            failed=result["failed"],
            ends_agree=result.get("ends_agree", True),  # some scenarios have one end only
            retransmissions=result["retransmissions"],
            p50=None if p50 is None else p50 - own,
            p99=None if p99 is None else p99 - own,
            pss_before=result["server_pss_kib_before"],
            pss_peak=result["server_pss_kib_peak"],
            errors=result.get("first_errors", ""),
        )

    @property
    def problem(self) -> str | None:
        """Why its figures mean nothing, or None if they do."""
        if self.failed:
            return f"{self.failed} operations failed"
        if not self.ends_agree:
            return "caller and callee counted different numbers of operations"
        return None if self.cpu is not None else "no operation succeeded"


@dataclass(frozen=True, slots=True)
class Capacity:
    """How far a server goes before operations fail or the rate is not reached."""

    rate: float | None  # operations a second that were sustained
    at_most: Measurement | None  # the run at that rate
    stopped_by: str

    @classmethod
    def read(cls, result: Mapping[str, Any]) -> Self:
        best, why = result["at_max"], result["stopped_by"]
        return cls(
            rate=result["max_sustained_rate"],
            at_most=None if best is None else Measurement.read(best),
            stopped_by=why if isinstance(why, str) else ", ".join(why),
        )


class Kit:
    """The programs of the kit, with what all calls of them share.

    Args:
        folder: where the users' files go.
        generator_cpu: SIPp runs on this CPU alone; on all if None.
        port: the first of ten ports on which SIPp may listen.
    """

    def __init__(self, folder: Path, *, generator_cpu: int | None, port: int) -> None:
        program = shared_data("bench", "sipbench.py")
        if program is None:
            raise KitError("the kit is not there: set GORIZONT_SHARED to the folder that has bench/sipbench.py")
        self.folder = folder
        self._program = program
        self._where = ["--local-port", str(port)]
        if generator_cpu is not None:
            self._where += ["--generator-cpus", str(generator_cpu)]

    @property
    def kamailio_config(self) -> Path:
        """The configuration of the server to compare with."""
        return self._program.with_name("peers") / "kamailio.cfg"

    def users(self, count: int, forward: int) -> Path:
        """The file of so many users, and so many more who are busy and forward."""
        path = self.folder / f"users-{count}-{forward}.csv"
        path.write_text(self._call("users", "--count", str(count), "--forward", str(forward)))
        return path

    def run(
        self, target: str, pid: int, users: Path, scenario: str, *, rate: float, count: int, registered: bool = False
    ) -> Measurement:
        """One measurement.

        Args:
            registered: all who take part have registered with this server in an earlier run of the scenario.
        """
        more = ["--rate", f"{rate:g}", "--count", str(count), *(["--no-register"] if registered else [])]
        return Measurement.read(self._measure("run", target, pid, users, scenario, more))

    def ramp(self, target: str, pid: int, users: Path, scenario: str, *, rate: float) -> Capacity:
        """Raises the rate, from this one on, until the server gives way."""
        more = ["--rate", f"{rate:g}", "--step", "3", "--refine", "1"]
        return Capacity.read(self._measure("ramp", target, pid, users, scenario, more))

    def _measure(
        self, verb: str, target: str, pid: int, users: Path, scenario: str, more: Sequence[str]
    ) -> dict[str, Any]:
        command = [verb, "--target", target, "--server-pid", str(pid), "--users", str(users), "--scenario", scenario]
        command += ["--hold", str(HOLD), "--ring", str(RING), "--register-rate", "500", *self._where, *more]
        result: dict[str, Any] = json.loads(self._call(*command))
        return result

    def _call(self, *arguments: str) -> str:
        command = [sys.executable, str(self._program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise KitError(done.stderr.strip())
        return done.stdout

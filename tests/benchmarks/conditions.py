"""Under which conditions a run was made."""

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.servers import Kamailio


@dataclass(frozen=True, slots=True)
class Conditions:
    """What figures depend on beside the server.

    `priority` is that of all that takes part: on a machine that others use, `chrt -f 1` keeps them out of the way.
    `load` is the system's load average when the run began.
    """

    processor: str
    processors: int
    memory_gib: float
    system: str
    python: str
    kamailio: str
    sipp: str
    libraries: str
    server_cpu: int | None
    generator_cpu: int | None
    priority: str
    load: float
    command: str

    def lines(self) -> list[str]:
        """In words, one fact a line."""
        if self.server_cpu is None:
            places = "servers and load share all processors: there are too few to keep them apart"
        else:
            places = f"servers on processor {self.server_cpu} (`taskset -c`), load on {self.generator_cpu}"
        return [
            f"{self.processor}, {self.processors} processors, {self.memory_gib:.0f} GiB; {self.system}",
            f"{self.python}, {self.libraries}; Kamailio {self.kamailio} with one worker; SIPp {self.sipp}",
            places,
            f"{self.priority}; load average when it began: {self.load:.2f}",
            f"`{self.command}`",
        ]


def conditions(server_cpu: int | None, generator_cpu: int | None) -> Conditions:
    """Those of this moment."""
    processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    total = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return Conditions(
        processor=processor[1] if processor else platform.machine(),
        processors=os.cpu_count() or 1,
        memory_gib=int(total[1]) / 2**20 if total else 0.0,
        system=f"{platform.system()} {platform.release()}",
        python=f"Python {platform.python_version()}",
        kamailio=Kamailio.version() or "is not installed",
        sipp=_sipp(),
        libraries=", ".join(
            f"{name} {found}" for name in ("uvloop", "SQLAlchemy", "mypy") if (found := _version(name))
        ),
        server_cpu=server_cpu,
        generator_cpu=generator_cpu,
        priority=_priority(),
        load=os.getloadavg()[0],
        command=" ".join(["python -m tests.benchmarks", *sys.argv[1:]]),
    )


def processors_apart() -> tuple[int | None, int | None]:
    """One processor for the servers and another for the load; None and None where there is only one."""
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2 or shutil.which("taskset") is None:
        return None, None
    return ours[0], ours[1]


def _priority() -> str:
    if os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR):
        return "servers and load at real-time priority (`chrt`)"
    return f"niceness {os.nice(0)}"


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _sipp() -> str:
    program = shutil.which("sipp")
    if program is None:
        return "is not installed"
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"SIPp v?(\d[\d.]*\d)", said)
    return found[1] if found else "of an unknown version"

"""The servers that are compared: black boxes with an address and the id of their first process."""

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tests.benchmarks.builds import ROOT, environment, run_python
from tests.benchmarks.kit import User
from tests.support.ports import free_port
from tests.support.processes import PeerError, Process

START = 30.0  # s
LOOK_AGAIN = 0.2  # s
HEAD = "id(int,auto) key_name(string) key_type(int) value_type(int) key_value(string) expires(int)\n"


class Measured(Protocol):
    """A server that runs."""

    name: str
    target: str

    @property
    def pid(self) -> int: ...

    def complaints(self) -> list[str]:
        """What it has logged of things that went wrong, each once."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Gorizont:
    """`gorizont serve` of one build, with a data folder of its own and all settings at their defaults.

    Args:
        name: what tables call it.
        build: the folder of its sources.
        folder: where the data folder goes.
        users: the kit's file of those who exist from the start.
        cpu: the processor on which all its processes run; any if None.
        web: whether it has a web server too, which follows every call.
    """

    def __init__(
        self, name: str, build: Path, folder: Path, users: Path, *, cpu: int | None, web: bool = False
    ) -> None:
        self.name = name
        arguments = [str(folder), str(users), *(["--web"] if web else [])]
        installed = run_python(build, "-m", "tests.benchmarks.installation", *arguments, also=ROOT)
        self.target = installed.split()[-1]
        self._process = Process(
            [*pinned(cpu), sys.executable, "-m", "pbx.cli", "serve", "--data", str(folder / "data")],
            name="gorizont",
            folder=folder,
            environment=environment(build),
        )

    def __enter__(self) -> Self:
        self._process.start()
        self._process.wait_for("Gorizont is ready", timeout=START)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def complaints(self) -> list[str]:
        return sorted({line.partition(" ! ")[2] for line in self._process.lines if " ! " in line})


class Kamailio:
    """Kamailio with one UDP worker, its default memory manager and the configuration of the kit.

    Args: as of Gorizont; `config` is the kit's.
    """

    def __init__(self, config: Path, folder: Path, users: Path, *, cpu: int | None) -> None:
        self.name = "Kamailio"
        known = User.read_all(users)
        tables = folder / "tables"
        tables.mkdir(parents=True)
        (tables / "version").write_text("table_name(string) table_version(int)\nsubscriber:2\nforward:2\n")
        (tables / "subscriber").write_text(_table([(user.number, user.password) for user in known]))
        (tables / "forward").write_text(_table([(user.number, user.target) for user in known if user.target]))
        port = free_port()
        self.target = f"127.0.0.1:{port}"
        command = [*pinned(cpu), "kamailio", "-f", str(config), "-Y", str(folder), "-m", "256", "-M", "16", "-DD", "-E"]
        for define in (f'TABLES="text://{tables}"', "WORKERS=1", f"PORT={port}"):
            command += ["-A", define]
        self._process = Process(command, name="kamailio", folder=folder)

    @staticmethod
    def version() -> str | None:
        """Like "5.6.3", or None where it is not installed."""
        program = shutil.which("kamailio", path="/usr/sbin:/usr/bin")
        if program is None:
            return None
        said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"kamailio (\d[\d.]*)", said)
        return found[1] if found else None

    def __enter__(self) -> Self:
        self._process.start()
        self._wait_answering()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # it holds nothing that is worth its five seconds of shutting down

    @property
    def pid(self) -> int:
        return self._process.pid

    def complaints(self) -> list[str]:
        return []  # it is here to be compared with

    def _wait_answering(self) -> None:
        """It says nothing when it is ready, so it is asked until it answers."""
        host, _, port = self.target.partition(":")
        deadline = time.monotonic() + START
        with socket.socket(type=socket.SOCK_DGRAM) as asker:
            asker.bind((host, 0))
            asker.settimeout(LOOK_AGAIN)
            own = "{}:{}".format(*asker.getsockname())
            probe = (
                f"OPTIONS sip:{self.target} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{port}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:{own}>;tag=1\r\nTo: <sip:{self.target}>\r\n"
                f"Call-ID: ready@{own}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            ).encode()
            while self._process.running and time.monotonic() < deadline:
                try:
                    asker.sendto(probe, (host, int(port)))
                    asker.recv(65536)
                except TimeoutError:
                    continue
                except ConnectionRefusedError:
                    time.sleep(LOOK_AGAIN)
                    continue
                return
        raise PeerError(f"Kamailio does not answer\n{self._process.report()}")


def pinned(cpu: int | None) -> list[str]:
    """What a command begins with, to run on one processor."""
    return [] if cpu is None else ["taskset", "-c", str(cpu)]


def _table(rows: Sequence[tuple[str, str]]) -> str:
    """A table of Kamailio's db_text for its hash tables."""
    return HEAD + "".join(f"{number}:{key}:0:0:{value}:0\n" for number, (key, value) in enumerate(rows, 1))

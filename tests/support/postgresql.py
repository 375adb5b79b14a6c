"""A PostgreSQL server for the tests alone: made in a temporary folder, gone at their end."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg


def find_binaries() -> Path | None:
    """The folder with `initdb` and `pg_ctl` of the newest PostgreSQL on this machine."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).parent)
    return max(folders, key=_version, default=None)


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


class PostgresqlServer:
    """A running server, reached by a Unix socket in its own folder. Nothing in it outlives a crash."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._numbers = count(1)

    def start(self) -> None:
        data, socket = self._folder / "data", self._folder
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        options = f"-k {socket} -c listen_addresses='' -c fsync=off -c full_page_writes=off"
        log = self._folder / "log"
        self._run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._folder / "data", "-m", "immediate", "-w", "stop")

    def restart(self) -> None:
        """As after an upgrade of the server: all connections are lost, no data is."""
        self._run("pg_ctl", "-D", self._folder / "data", "-m", "fast", "-w", "restart")

    def create_database(self, template: str = "template1") -> str:
        """A new database, by name."""
        name = f"test_{next(self._numbers)}"
        # Three times faster here than writing the copy into the log, and before version 15 the only way.
        strategy = "STRATEGY FILE_COPY" if _version(self._binaries) >= 15 else ""
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {strategy}')
        return name

    def drop_database(self, name: str) -> None:
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def _execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self._folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._binaries / program), *map(str, arguments)]
        who: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            who = {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid, "extra_groups": []}
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            # Not a pipe: the server that pg_ctl leaves running would keep it open.
            stdout=(output := tempfile.TemporaryFile()),  # noqa: SIM115  closed below
            stderr=subprocess.STDOUT,
            check=False,
            **who,
        )
        with output:
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{program} failed: {output.read().decode(errors='replace')}")


@contextlib.contextmanager
def running_postgresql(binaries: Path) -> Iterator[PostgresqlServer]:
    """A server that is stopped, with its folder removed, at the end of the block."""
    # Short, because a Unix socket's path may have 107 octets, and not inside pytest's folder, which
    # other users may not enter.
    with tempfile.TemporaryDirectory(prefix="gorizont-pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        server = PostgresqlServer(binaries, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()

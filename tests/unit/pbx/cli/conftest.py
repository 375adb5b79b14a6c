"""A data folder with an empty database, the program to call, and an engine that only notes what it is told."""

import asyncio
import io
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config.data import DataFolder
from pbx.bus.socket import BusServer
from pbx.cli import main
from pbx.directory.secrets import KEY_OCTETS
from pbx.storage.engine import open_database
from pbx.storage.unit import Store


@dataclass(frozen=True)
class Result:
    """What a command has left behind."""

    status: int
    output: str
    errors: str

    @property
    def values(self) -> Any:
        """The answer for programs."""
        return json.loads(self.output)


@dataclass
class Gorizont:
    """The program on one data folder."""

    data: DataFolder
    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *arguments: str, typed: str = "") -> Result:
        """Runs a command that may fail."""
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        try:
            status = main([*arguments, "--data", str(self.data.root)])
        except SystemExit as end:
            status = int(end.code or 0)
        captured = self.capture.readouterr()
        return Result(status, captured.out, captured.err)

    def good(self, *arguments: str, typed: str = "") -> Result:
        """Runs a command that must succeed without a word of warning."""
        result = self(*arguments, typed=typed)
        assert (result.status, result.errors) == (0, ""), result
        return result

    def values(self, *arguments: str, typed: str = "") -> Any:
        """The answer for programs of a command that must succeed."""
        return self.good(*arguments, "--json", typed=typed).values

    def error(self, *arguments: str, typed: str = "") -> str:
        """The one line of a command that must fail."""
        result = self(*arguments, typed=typed)
        assert result.status == 1, result
        (line,) = result.errors.splitlines()
        assert line.startswith("gorizont"), line
        return line

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = Store(open_database(f"sqlite:///{self.data.database}"))
        yield store
        store.close()


@pytest.fixture
def gorizont(
    tmp_path: Path, sqlite_template: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Gorizont:
    data = DataFolder(tmp_path / "data")
    data.create()
    shutil.copy(sqlite_template, data.database)
    data.storage_key.write_bytes(os.urandom(KEY_OCTETS))
    data.config_file.write_text(
        '[sip]\ndomain = "office.test"\nudp = "127.0.0.1:5060"\ntcp = ""\ntls = ""\nws = ""\nwss = ""\n'
    )
    return Gorizont(data, capsys, monkeypatch)


@dataclass
class Engine:
    """Answers commands from a table and notes them."""

    answers: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def handler(self, command: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
        def handle(data: Mapping[str, Any]) -> Mapping[str, Any]:
            self.asked.append((command, data))
            return self.answers[command](data)

        return handle

    @property
    def heard_of(self) -> list[list[str]]:
        """The numbers of each change that it was told."""
        return [data["numbers"] for command, data in self.asked if command == "directory.changed"]


COMMANDS = ("ready", "registrations", "calls.live", "blocks", "blocks.release", "directory.changed")


@pytest.fixture
def engine(gorizont: Gorizont) -> Iterator[Engine]:
    engine = Engine({"directory.changed": lambda _: {"version": 1}})
    loop = asyncio.new_event_loop()
    server = BusServer(
        gorizont.data.engine_socket, "engine", dict, {command: engine.handler(command) for command in COMMANDS}
    )
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield engine
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()

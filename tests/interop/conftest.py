"""One server for all tests that don't need their own; every test has people and phones of its own on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.desk import Desk
from tests.support.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("office") / "server") as server:
        yield server


@pytest.fixture
def desk(server: Server, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(server, tmp_path)
    yield desk
    desk.clear()

"""One server that is attacked by all tests of this folder, and that has to be as well after each as before it."""

from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.attackers import Datagrams
from tests.scenarios.hostile.victim import Engine, Office, complaints, engine_of, resident
from tests.support.server import Server

# What an attack may leave behind: tables that fill to their bounds, and what the allocator does not give back.
GROWTH = 64 * 2**20


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Engine(tmp_path_factory.mktemp("hostile") / "server", users=("101", "102", "103", "104")) as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """Checked afterwards: the same process still answers, and has logged no traceback and no defect."""
    seen, engine = len(shared_server.output), engine_of(shared_server)
    yield shared_server
    with Datagrams(shared_server.udp) as asker:
        asker.all("still-there")
    assert complaints(shared_server, seen) == []
    assert engine_of(shared_server) == engine
    assert shared_server.command("ready")["endpoint"]["failures"] == 0


@pytest.fixture(scope="session")
def shared_office(shared_server: Server) -> Iterator[Office]:
    office = Office(shared_server)
    yield office
    office.close()


@pytest.fixture
def office(shared_office: Office, server: Server) -> Iterator[Office]:
    """Checked afterwards: its people still call each other, and the server's memory is what it was."""
    before = resident(server)
    yield shared_office
    shared_office.check()
    assert resident(server) - before < GROWTH

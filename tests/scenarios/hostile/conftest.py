"""One server that is attacked by all tests of this folder, and that has to be as well after each as before it."""

from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.attackers import Datagrams
from tests.scenarios.hostile.victim import complaints
from tests.support.server import Server


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("hostile") / "server", users=("101", "102", "103")) as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """Checked afterwards: the same process still answers, and has logged no traceback and no defect."""
    seen = len(shared_server.output)
    yield shared_server
    with Datagrams(shared_server.udp) as asker:
        asker.all("still-there")
    assert complaints(shared_server, seen) == []
    assert shared_server.command("ready")["endpoint"]["failures"] == 0

"""A media process's machinery without the process: ports on 127.0.0.1, a loop that runs only when a test says so."""

from collections.abc import Callable, Iterator

import pytest

from pbx.media.plane import Loss
from pbx.media.relay.hub import Hub
from pbx.media.relay.leg import Machinery
from pbx.media.relay.ports import Addressing, PortPool, bound
from pbx.media.relay.readiness import RelayLoop
from pbx.media.relay.session import Session


@pytest.fixture
def loop() -> Iterator[RelayLoop]:
    loop = RelayLoop()
    yield loop
    loop.close()


@pytest.fixture
def machinery(loop: RelayLoop) -> Iterator[Machinery]:
    probe = bound("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    hub = Hub(loop.readiness, port)
    hub.listen(["127.0.0.1"])
    yield Machinery(loop, loop.readiness, PortPool(9_200, 9_399), hub, Addressing(["127.0.0.1"]))
    hub.close()


@pytest.fixture
def lost() -> list[Loss]:
    """Why the sessions of a test have ended by themselves."""
    return []


@pytest.fixture
def session(machinery: Machinery, lost: list[Loss]) -> Iterator[Session]:
    """A session of its own."""
    remember: Callable[[Session, Loss], None] = lambda session, loss: lost.append(loss)  # noqa: E731
    made = Session("one", machinery, remember)
    yield made
    made.close()

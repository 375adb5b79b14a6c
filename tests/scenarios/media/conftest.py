"""Carriers and parties for the tests of media: one process of each kind serves them all."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pbx.media.embedded import EmbeddedMedia
from tests.scenarios.media.browsers import Browser
from tests.scenarios.media.carriers import Carrier, RtpengineProcess, WorkerProcess, embedded, rtpengine
from tests.scenarios.media.loops import LoopThread
from tests.scenarios.media.parties import Party
from tests.support.ports import BLOCK, reserve


@pytest.fixture(scope="session")
def thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture(scope="session")
def ports() -> tuple[int, int]:
    """A thousand ports that no other test run on this machine has, below those that the system gives out."""
    first = reserve(1000 // BLOCK)
    return first, first + 999


@pytest.fixture(scope="session")
def embedded_carrier(
    thread: LoopThread, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Carrier]:
    worker = WorkerProcess(tmp_path_factory.mktemp("embedded"), (ports[0], ports[0] + 399))
    worker.start()
    carrier = embedded(thread, [worker.socket])
    yield carrier
    carrier.close()
    worker.stop()


@pytest.fixture(scope="session")
def rtpengine_carrier(
    thread: LoopThread, embedded_carrier: Carrier, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Carrier]:
    if not RtpengineProcess.installed():
        if os.environ.get("CI") == "true":
            pytest.fail("CI=true, but there is no rtpengine: install Debian's package rtpengine-daemon")
        pytest.skip("rtpengine is not installed")
    engine = RtpengineProcess(tmp_path_factory.mktemp("rtpengine"), (ports[0] + 400, ports[0] + 799))
    engine.process.start()
    assert isinstance(embedded_carrier.plane, EmbeddedMedia)
    lost = embedded_carrier.plane.on_lost
    carrier = rtpengine(thread, engine.port, embedded_carrier.plane)
    embedded_carrier.plane.on_lost = lost
    yield carrier
    carrier.close()
    engine.process.stop()


@pytest.fixture(params=["embedded", "rtpengine"])
def carrier(request: pytest.FixtureRequest) -> Carrier:
    """Each test that asks for it runs with both."""
    made: Carrier = request.getfixturevalue(f"{request.param}_carrier")
    return made


@pytest.fixture
def session(request: pytest.FixtureRequest) -> str:
    """A name for the session of this test."""
    return request.node.name.replace("[", ".").replace("]", "")


@pytest.fixture
def party(thread: LoopThread) -> Iterator[Callable[..., Party]]:
    """Makes parties, which are closed at the end."""
    made: list[Party] = []

    def make(*given: Any, **named: Any) -> Party:
        made.append(Party(thread, *given, **named))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def browser(thread: LoopThread) -> Iterator[Callable[..., Browser]]:
    """Makes browsers, which are closed at the end."""
    made: list[Browser] = []

    def make(*given: Any, **named: Any) -> Browser:
        made.append(Browser(thread, *given, **named))
        return made[-1]

    yield make
    for one in made:
        one.close()

"""The blocking subscriber, against a socket that a test plays the engine on."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pbx.bus.base import Envelope
from pbx.bus.following import BlockingSubscriber


class Enough(Exception):
    """Ends a subscription."""


class Engine:
    """Takes one connection after the other in a thread: writes what it is given, and closes."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.settimeout(10)
        self.requests: list[bytes] = []
        self._threads: list[threading.Thread] = []

    def serve(self, *connections: list[bytes]) -> None:
        """Each octet string is written after one request or, where it begins with !, without."""

        def run() -> None:
            for answers in connections:
                link, _ = self._listener.accept()
                with link:
                    link.settimeout(10)
                    for answer in answers:
                        if not answer.startswith(b"!"):
                            self.requests.append(link.recv(4096))
                        link.sendall(answer.removeprefix(b"!"))

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def close(self) -> None:
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "bus")
    yield engine
    engine.close()


def line(seq: int, kind: str = "snapshot") -> bytes:
    return Envelope("engine", seq, kind, {}).encode()


def take(path: Path, count: int, told: list[bool] | None = None) -> list[tuple[int, str]]:
    """So many envelopes; fails when the subscriber would wait for longer than it should."""
    waits = iter(range(20))

    def sleep(_: float) -> None:
        if next(waits, None) is None:
            raise Enough

    subscriber = BlockingSubscriber(path, sleep=sleep, on_connection=told.append if told is not None else None)
    stream = subscriber.subscribe()
    found = [next(stream) for _ in range(count)]
    stream.close()
    return [(envelope.seq, envelope.type) for envelope in found]


def test_snapshot_and_events_come_in_order_however_the_octets_are_cut(tmp_path: Path, engine: Engine) -> None:
    whole = line(3) + line(4, "a") + line(5, "b")
    engine.serve([whole[:7], b"!" + whole[7:90], b"!" + whole[90:]])
    assert take(tmp_path / "bus", 3) == [(3, "snapshot"), (4, "a"), (5, "b")]


def test_gap_makes_it_ask_for_a_new_snapshot_and_leave_out_what_comes_before(tmp_path: Path, engine: Engine) -> None:
    engine.serve([line(3) + line(5, "x") + line(6, "y"), line(6) + line(7, "c")])
    assert take(tmp_path / "bus", 3) == [(3, "snapshot"), (6, "snapshot"), (7, "c")]
    assert len(engine.requests) == 2


def test_restart_of_the_engine_begins_with_a_snapshot_again(tmp_path: Path, engine: Engine) -> None:
    engine.serve([line(8) + line(9, "a")], [line(0) + line(1, "b")])
    told: list[bool] = []
    assert take(tmp_path / "bus", 4, told) == [(8, "snapshot"), (9, "a"), (0, "snapshot"), (1, "b")]
    assert told[:3] == [True, False, True]


def test_line_that_is_none_ends_the_connection_only(tmp_path: Path, engine: Engine) -> None:
    engine.serve([b"no json\n"], [line(1)])
    assert take(tmp_path / "bus", 1) == [(1, "snapshot")]


def test_it_waits_while_there_is_no_engine(tmp_path: Path) -> None:
    with pytest.raises(Enough):
        take(tmp_path / "nothing", 1)

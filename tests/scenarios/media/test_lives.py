"""Processes that come and go: the engine's restart, a media process that is killed, ports that come back."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pbx.media.errors import MediaError
from pbx.media.plane import Loss
from tests.scenarios.media.carriers import Carrier, RtpengineProcess, WorkerProcess, embedded, rtpengine
from tests.scenarios.media.loops import LoopThread
from tests.scenarios.media.parties import Party
from tests.scenarios.media.test_relay import A, B, connect

MakeParty = Callable[..., Party]


@pytest.fixture
def workers(tmp_path: Path, ports: tuple[int, int]) -> Iterator[list[WorkerProcess]]:
    """Two media processes with 64 ports each."""
    made = [WorkerProcess(tmp_path, (ports[0] + 800, ports[0] + 927), index, 2) for index in range(2)]
    for one in made:
        one.start()
    yield made
    for one in made:
        one.stop()


@pytest.fixture
def engine(thread: LoopThread, workers: list[WorkerProcess]) -> Iterator[Carrier]:
    """The engine's side, connected to both."""
    carrier = embedded(thread, [one.socket for one in workers])
    yield carrier
    carrier.close()


def held_by(worker: WorkerProcess) -> int:
    """How many UDP sockets a media process has."""
    pid = worker.process._child.pid  # type: ignore[union-attr]
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            link = str(entry.readlink())
        except FileNotFoundError:
            continue
        if link.startswith("socket:["):
            inodes.add(link[8:-1])
    found = 0
    for table in ("udp", "udp6"):
        rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        found += sum(row.split()[9] in inodes for row in rows)
    return found


def test_audio_goes_on_when_the_engine_restarts(
    thread: LoopThread, engine: Carrier, workers: list[WorkerProcess], party: MakeParty
) -> None:
    a, b, c, d = party(A), party(B), party(600.0), party(700.0)
    connect(engine, "wanted", a, b)
    connect(engine, "forgotten", c, d)
    assert a.hears(B)
    engine.close()
    assert a.hears(B)
    assert b.hears(A)
    again = embedded(thread, [one.socket for one in workers])
    again.keep(["wanted", "never there"])
    assert again.loss_of("never there") is Loss.WORKER
    assert not d.hears(600.0, timeout=1.0)
    # The new engine knows the session as the old one did: it can be renegotiated, asked and ended.
    connect(again, "wanted", a, b)
    assert again.query("wanted").legs["a"][0].packets > 0
    assert a.hears(B)
    again.delete("wanted")
    again.close()


def test_killed_process_ends_its_calls_and_no_others(
    engine: Carrier, workers: list[WorkerProcess], party: MakeParty
) -> None:
    a, b, c, d = party(A), party(B), party(600.0), party(700.0)
    connect(engine, "one", a, b)
    connect(engine, "two", c, d)
    assert a.hears(B)
    assert c.hears(700.0)
    first = int(a.target[1] if a.target else 0)
    dead = next(one for one in workers if one.ports[0] + 64 * one.index <= first < one.ports[0] + 64 * (one.index + 1))
    dead.kill()
    assert engine.loss_of("one") is Loss.WORKER
    with pytest.raises(MediaError):
        engine.query("one")
    assert c.hears(700.0)
    assert d.hears(600.0)
    dead.again()
    engine.delete("two")
    for number in range(4):  # shared out between both again
        a, b = party(A), party(B)
        _until(lambda a=a, b=b, number=number: connect(engine, f"new {number}", a, b))
        assert b.hears(A)


def _begin(engine: Carrier, a: Party, workers: list[WorkerProcess]) -> list[int]:
    """A first session on each of the workers, with which it opens the port that all its browsers share.

    What each of them holds once that session has ended.
    """
    for number in range(len(workers)):
        engine.offer(f"first {number}", a.description())
    open_ = [held_by(one) for one in workers]
    for number in range(len(workers)):
        engine.delete(f"first {number}")
    _until(lambda: _check(all(held_by(one) < held for one, held in zip(workers, open_, strict=True))))
    return [held_by(one) for one in workers]


def test_ports_come_back_after_calls(engine: Carrier, workers: list[WorkerProcess], party: MakeParty) -> None:
    """More calls than there are ports, one after the other."""
    a, b = party(A), party(B)
    before = _begin(engine, a, workers)
    for number in range(40):
        connect(engine, f"call {number}", a, b)
        engine.delete(f"call {number}")
    connect(engine, "last", a, b)
    assert a.hears(B)
    engine.delete("last")
    with pytest.raises(MediaError):
        engine.query("last")
    engine.offer("bare", a.description())
    engine.delete("bare")
    assert [held_by(one) for one in workers] == before or _until(
        lambda: _check([held_by(one) for one in workers] == before)
    )


def test_no_ports_left_is_said_with_503(engine: Carrier, party: MakeParty) -> None:
    a = party(A)
    for number in range(30):  # each of the two has 31 pairs of ports, and a call takes two of them
        engine.offer(f"call {number}", a.description())
    with pytest.raises(MediaError) as failure:
        engine.offer("one too many", a.description())
    assert failure.value.status == 503
    for number in range(30):
        engine.delete(f"call {number}")
    assert b"m=audio" in engine.offer("after", a.description())
    engine.delete("after")


def test_failed_first_offer_leaves_nothing_behind(
    engine: Carrier, workers: list[WorkerProcess], party: MakeParty
) -> None:
    before = _begin(engine, party(A), workers)
    for number in range(3):
        with pytest.raises(MediaError):
            engine.offer(f"bad {number}", b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio x\r\n")
    assert [held_by(one) for one in workers] == before
    for number in range(3):
        engine.delete(f"bad {number}")


def test_restarted_rtpengine_is_noticed(
    thread: LoopThread, engine: Carrier, tmp_path: Path, ports: tuple[int, int], party: MakeParty
) -> None:
    if not RtpengineProcess.installed():
        pytest.skip("rtpengine is not installed")
    relay = RtpengineProcess(tmp_path / "rtpengine", (ports[0] + 930, ports[0] + 999))
    relay.process.start()
    carrier = rtpengine(thread, relay.port, engine.plane)  # type: ignore[arg-type]
    a, b = party(A), party(B)
    connect(carrier, "call", a, b)
    assert a.hears(B)
    relay.process.kill()
    relay.start_again()
    assert carrier.loss_of("call") is Loss.WORKER
    carrier.close()
    relay.process.stop()


def _check(holds: bool) -> bool:
    if not holds:
        raise MediaError("not yet")
    return holds


def _until(attempt: Callable[[], object]) -> object:
    """Tries until a process that was started is there."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return attempt() or True
        except MediaError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)

"""The client's end: one command with a clear answer, and a stream of events that heals itself."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pbx.bus.base import Envelope
from pbx.bus.client import SocketSubscriber, call
from pbx.bus.errors import BadLine, BusError, CommandError, NoAnswer, NotAllowed, NotRunning
from pbx.bus.socket import BusServer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine.sock"


@contextmanager
def answering(path: Path, *pieces: bytes, hang: bool = False) -> Iterator[None]:
    """A server that takes one request, sends the pieces and hangs up, or goes silent."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    done = threading.Event()

    def serve() -> None:
        link, _ = listener.accept()
        with link:
            link.recv(1 << 16)
            for piece in pieces:
                link.sendall(piece)
            if hang:
                done.wait(10)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(10)
        listener.close()


def test_call_returns_the_reply(path: Path) -> None:
    with answering(path, b'{"id":1,"reply":{"registr', b'ations":[]}}\n'):
        assert call(path, "registrations", {"number": "101"}) == {"registrations": []}


def test_call_takes_a_reply_of_many_pieces(path: Path) -> None:
    rows = [{"contact": f"sip:{number}@example.org"} for number in range(20_000)]
    with answering(path, json.dumps({"id": 1, "reply": {"registrations": rows}}).encode() + b"\n"):
        assert call(path, "registrations")["registrations"] == rows


def test_refusal_is_raised_again_with_its_code(path: Path) -> None:
    with (
        answering(path, b'{"id":1,"error":{"code":"not-blocked","message":"nobody of that name"}}\n'),
        pytest.raises(CommandError, match="nobody of that name") as caught,
    ):
        call(path, "blocks.release", {"what": "10.0.0.1"})
    assert caught.value.code == "not-blocked"


@pytest.mark.parametrize(
    ("pieces", "hang", "error", "text"),
    [
        ((), False, NotRunning, "stopped before it answered"),
        ((b'{"id":1,',), False, NotRunning, "stopped before it answered"),
        ((b"hello\n",), False, BadLine, "not JSON"),
        ((b'{"id":1}\n',), False, BadLine, "not a reply"),
        ((b'{"id":1,',), True, NoAnswer, "within 0.05 s"),
    ],
)
def test_answer_that_does_not_come_is_told_in_words(
    path: Path, pieces: Sequence[bytes], hang: bool, error: type[BusError], text: str
) -> None:
    with answering(path, *pieces, hang=hang), pytest.raises(error, match=text):
        call(path, "ready", timeout=0.05 if hang else 10)


def test_missing_and_dead_sockets_mean_that_the_server_is_not_running(path: Path) -> None:
    with pytest.raises(NotRunning, match="the server is not running"):
        call(path, "ready")
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with pytest.raises(NotRunning, match="the server is not running"):
        call(path, "ready")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use every socket")
def test_socket_of_somebody_else_is_told_as_that(path: Path) -> None:
    with answering(path):
        path.chmod(0)
        with pytest.raises(NotAllowed, match="run this as the account"):
            call(path, "ready")
        path.chmod(0o600)
        with pytest.raises(NotRunning):
            call(path, "ready")


@asynccontextmanager
async def engine(path: Path, node: str, snapshot: Mapping[str, Any]) -> AsyncIterator[BusServer]:
    server = BusServer(path, node, lambda: snapshot, {})
    await server.start()
    try:
        yield server
    finally:
        await server.close()


def test_subscriber_goes_on_after_a_restart_of_the_engine(path: Path) -> None:
    async def conversation() -> None:
        async with aclosing(SocketSubscriber(path, retry=0.001).subscribe()) as heard:
            first = asyncio.ensure_future(anext(heard))
            async with engine(path, "a", {"calls": 1}) as server:
                assert await first == Envelope("a", 0, "snapshot", {"calls": 1})
                server.publish("call.ended", {"call": "x"})
                assert (await anext(heard)).seq == 1
            async with engine(path, "b", {"calls": 0}):
                assert await anext(heard) == Envelope("b", 0, "snapshot", {"calls": 0})

    asyncio.run(asyncio.wait_for(conversation(), 20))


def test_subscriber_asks_for_the_snapshot_again_after_a_gap(path: Path) -> None:
    requests: list[Any] = []

    def envelope(seq: int, kind: str = "text.said") -> bytes:
        return Envelope("a", seq, kind, {}).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(json.loads(await reader.readline()))
        for seq, kind in ((4, "snapshot"), (5, "text.said"), (8, "text.said"), (9, "text.said")):
            writer.write(envelope(seq, kind))
        requests.append(json.loads(await reader.readline()))
        for seq, kind in ((10, "text.said"), (10, "snapshot"), (11, "text.said")):
            writer.write(envelope(seq, kind))
        await reader.read()
        writer.close()

    async def conversation() -> None:
        async with (
            await asyncio.start_unix_server(serve, str(path)),
            aclosing(SocketSubscriber(path, retry=0.001).subscribe()) as heard,
        ):
            got = [await anext(heard) for _ in range(4)]
            assert [(one.seq, one.type) for one in got] == [
                (4, "snapshot"), (5, "text.said"), (10, "snapshot"), (11, "text.said"),
            ]  # fmt: skip

    asyncio.run(asyncio.wait_for(conversation(), 20))
    assert [request["command"] for request in requests] == ["subscribe", "subscribe"]

"""The engine's socket: commands and their refusals, subscribers fast and slow, and who may use it."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from pbx.bus.base import Envelope
from pbx.bus.errors import BusError, CommandError
from pbx.bus.lines import MAX_REQUEST, encode
from pbx.bus.socket import BusServer

Values = Mapping[str, Any]
Run = Callable[[Awaitable[None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a conversation on each of the loops that the engine may have."""

    def run(conversation: Awaitable[None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(conversation, 20))

    return run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine.sock"


@asynccontextmanager
async def serving(
    path: Path, *, max_queued: int = 1 << 20, gather: float = 0.0, **commands: Any
) -> AsyncIterator[BusServer]:
    state = {"calls": 3}
    server = BusServer(path, "node-1", lambda: state, commands, max_queued=max_queued, gather=gather)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


class Client:
    """Writes octets, reads lines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def to(cls, path: Path) -> "AsyncIterator[Client]":
        client = cls(*await asyncio.open_unix_connection(str(path), limit=1 << 24))
        try:
            yield client
        finally:
            client.writer.close()

    def ask(self, command: str, key: object = 1, **data: object) -> None:
        self.writer.write(encode({"id": key, "command": command, "data": data}))

    async def line(self) -> Values:
        return json.loads(await self.reader.readuntil())  # type: ignore[no-any-return]

    async def reply(self, command: str, **data: object) -> Values:
        self.ask(command, **data)
        return await self.line()

    async def ended(self) -> bool:
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True


async def later(data: Values) -> Values:
    await asyncio.sleep(0)
    return {"later": dict(data)}


def busy(_data: Values) -> Values:
    raise CommandError("busy", "the line is busy")


async def busy_later(_data: Values) -> Values:
    await asyncio.sleep(0)
    raise CommandError("busy", "the line is busy")


def broken(_data: Values) -> Values:
    raise ZeroDivisionError("a fault of ours")


async def broken_later(_data: Values) -> Values:
    raise ZeroDivisionError("a fault of ours")


def no_json(_data: Values) -> Values:
    return {"what": object()}


INTERNAL = {"code": "internal", "message": "command {0} failed in the engine; its log says why"}
BUSY = {"code": "busy", "message": "the line is busy"}


@pytest.mark.parametrize(
    ("handler", "answer"),
    [
        (lambda data: {"now": dict(data)}, {"reply": {"now": {"number": "101"}}}),
        (later, {"reply": {"later": {"number": "101"}}}),
        (busy, {"error": BUSY}),
        (busy_later, {"error": BUSY}),
        (broken, {"error": INTERNAL}),
        (broken_later, {"error": INTERNAL}),
        (no_json, {"error": INTERNAL}),
    ],
)
def test_command_is_answered_by_its_handler_or_refused(run: Run, path: Path, handler: Any, answer: Any) -> None:
    async def conversation() -> None:
        async with serving(path, do=handler), Client.to(path) as client:
            got = await client.reply("do", number="101")
            expected = json.loads(json.dumps(answer).replace("{0}", "do"))
            assert got == {"id": 1, **expected}
            assert await client.reply("do", number="101") == got, "the connection goes on"

    run(conversation())


def test_fault_of_a_handler_is_logged_with_its_place(run: Run, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def conversation() -> None:
        async with serving(path, do=broken), Client.to(path) as client:
            await client.reply("do")

    run(conversation())
    (record,) = caplog.records
    assert record.getMessage() == "! command do failed"
    assert record.exc_info is not None


def test_unknown_command_is_refused_with_the_known_ones(run: Run, path: Path) -> None:
    async def conversation() -> None:
        async with serving(path, blocks=later, ready=later), Client.to(path) as client:
            answer = await client.reply("reboot")
            assert answer["error"]["code"] == "unknown-command"
            assert "blocks, ready" in answer["error"]["message"]

    run(conversation())


def test_pipelined_commands_are_answered_in_their_order(run: Run, path: Path) -> None:
    async def conversation() -> None:
        async with serving(path, slow=later, fast=dict), Client.to(path) as client:
            for number in range(200):
                client.ask("slow" if number % 3 else "fast", number)
            assert [(await client.line())["id"] for _ in range(200)] == list(range(200))

    run(conversation())


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\n",
        b"[1]\n",
        b'{"id":1}\n',
        b'{"id":null,"command":"ready"}\n',
        b'{"id":1,"command":7}\n',
        b'{"id":1,"command":"ready","data":[]}\n',
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b"x" * (MAX_REQUEST + 1),
    ],
    ids=lambda octets: repr(octets[:24]),
)
def test_request_that_makes_no_sense_ends_the_connection_with_an_answer(run: Run, path: Path, octets: bytes) -> None:
    async def conversation() -> None:
        async with serving(path, ready=later) as server, Client.to(path) as client:
            client.writer.write(octets)
            answer = await client.line()
            assert answer["id"] is None
            assert answer["error"]["code"] == "bad-request"
            assert await client.ended()
            async with Client.to(path) as other:
                assert "reply" in await other.reply("ready"), "others are not touched"
            assert not server.listening

    run(conversation())


def test_request_may_arrive_octet_by_octet(run: Run, path: Path) -> None:
    async def conversation() -> None:
        async with serving(path, ready=dict), Client.to(path) as client:
            for octet in b'{"id":"a","command":"ready","data":{"n":1}}\n':
                client.writer.write(bytes([octet]))
                await client.writer.drain()
            assert await client.line() == {"id": "a", "reply": {"n": 1}}

    run(conversation())


def test_subscriber_gets_the_snapshot_and_then_every_event(run: Run, path: Path) -> None:
    async def conversation() -> None:
        async with serving(path) as server, Client.to(path) as first, Client.to(path) as second:
            server.publish("call.began", {"call": "before"})
            assert await first.reply("subscribe") == {
                "v": 1, "node": "node-1", "seq": 0, "type": "snapshot", "data": {"calls": 3},
            }  # fmt: skip
            server.publish("call.began", {"call": "a"})
            second.ask("subscribe")  # handled after the event
            assert (await second.line())["seq"] == 1
            server.publish("call.ended", {"call": "a", "name": "Анна \ud800"})
            server.publish("call.began", {"call": "b"})
            began, ended, next_one = [await first.line() for _ in range(3)]
            assert (began["seq"], began["type"]) == (1, "call.began")
            assert (ended["seq"], ended["data"]["name"]) == (2, "Анна \ud800")
            assert next_one["data"] == {"call": "b"}
            assert [(await second.line())["seq"] for _ in range(2)] == [2, 3]

    run(conversation())


def test_events_of_a_moment_come_in_one_piece(run: Run, path: Path) -> None:
    async def conversation() -> None:
        async with serving(path, gather=60.0) as server, Client.to(path) as client, Client.to(path) as other:
            await client.reply("subscribe")
            for number in range(3):
                server.publish("call.began", {"call": number})
                await asyncio.sleep(0)
            await other.reply("subscribe")  # has it all sent, so that the other one's snapshot comes after it
            piece = await client.reader.read(1 << 16)
            assert [json.loads(line)["seq"] for line in piece.splitlines()] == [1, 2, 3]

    run(conversation())


def test_events_that_gather_are_told_before_the_end(run: Run, path: Path) -> None:
    async def conversation() -> None:
        async with serving(path, gather=60.0) as server, Client.to(path) as client:
            await client.reply("subscribe")
            server.publish("call.ended", {"call": "a"})
            await server.close()
            assert (await client.line())["type"] == "call.ended"

    run(conversation())


def test_nothing_is_made_for_nobody(run: Run, path: Path) -> None:
    class Untouchable(dict[str, object]):
        def __iter__(self) -> Any:
            raise AssertionError("was read")

        items = keys = __iter__

    async def conversation() -> None:
        async with serving(path, ready=dict) as server:
            server.publish("call.began", Untouchable(a=1))
            async with Client.to(path) as client:
                await client.reply("ready")  # a connection is no subscription
                assert not server.listening
                server.publish("call.began", Untouchable(a=1))
                await client.reply("subscribe")
                assert server.listening
            while server.listening:
                await asyncio.sleep(0)
            server.publish("call.began", Untouchable(a=1))

    run(conversation())


def test_slow_subscriber_is_cut_off_and_the_others_get_everything(
    run: Run, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    event = {"text": "x" * 10_000}

    async def conversation() -> None:
        async with (
            serving(path, max_queued=200_000) as server,
            Client.to(path) as slow,
            Client.to(path) as fast,
        ):
            slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
            slow.ask("subscribe")
            await fast.reply("subscribe")
            count = 0
            while len(caplog.records) == 0:
                assert count < 1000, "it was never cut off"
                count += 1
                server.publish("text.said", event)
                assert (await fast.line())["seq"] == count
            assert server.listening, "the fast one is still there"
            slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
            received = await asyncio.wait_for(_everything(slow.reader), 5)
            assert 0 < received.count(b"\n") < count + 1

            async with Client.to(path) as again:
                assert (await again.reply("subscribe"))["seq"] == count

    run(conversation())
    assert "too slowly" in caplog.text


async def _everything(reader: asyncio.StreamReader) -> bytes:
    octets = b""
    try:
        while piece := await reader.read(1 << 16):
            octets += piece
    except ConnectionError:
        pass
    return octets


def test_burst_larger_than_the_queue_reaches_a_subscriber_that_reads(run: Run, path: Path) -> None:
    async def conversation() -> None:
        async with serving(path, max_queued=10_000) as server, Client.to(path) as client:
            await client.reply("subscribe")
            for _ in range(100):
                server.publish("text.said", {"text": "x" * 1000})
            assert [(await client.line())["seq"] for _ in range(100)] == list(range(1, 101))

    run(conversation())


def test_client_that_does_not_read_its_replies_is_not_read_from(run: Run, path: Path) -> None:
    answered = 0

    def big(_data: Values) -> Values:
        nonlocal answered
        answered += 1
        return {"text": "x" * 100_000}

    async def conversation() -> None:
        async with serving(path, big=big, ready=dict), Client.to(path) as greedy, Client.to(path) as other:
            greedy.writer.transport.pause_reading()  # type: ignore[attr-defined]
            for number in range(500):
                greedy.ask("big", number)
            for _ in range(50):
                await other.reply("ready")
            assert 0 < answered < 50, "the answers that nobody reads would fill the memory"
            greedy.writer.transport.resume_reading()  # type: ignore[attr-defined]
            assert [(await greedy.line())["id"] for _ in range(500)] == list(range(500))

    run(conversation())


def test_only_the_owner_may_use_the_socket(run: Run, path: Path) -> None:
    async def conversation() -> None:
        mask = os.umask(0)
        try:
            async with serving(path):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
        finally:
            os.umask(mask)
        assert not path.exists(), "removed at the end"

    run(conversation())


def test_second_engine_on_the_same_socket_is_refused(run: Run, path: Path) -> None:
    async def conversation() -> None:
        async with serving(path, ready=dict):
            with pytest.raises(BusError, match="another engine already listens"):
                async with serving(path):
                    pass
            async with Client.to(path) as client:
                assert "reply" in await client.reply("ready")

    run(conversation())


def test_socket_that_a_killed_engine_left_is_replaced(run: Run, path: Path) -> None:
    async def conversation() -> None:
        async with serving(path):
            path.rename(path.with_name("kept"))
        path.with_name("kept").rename(path)  # nobody listens behind it any more
        async with serving(path, ready=dict), Client.to(path) as client:
            assert "reply" in await client.reply("ready")

    run(conversation())


def test_file_in_the_way_is_left_alone(run: Run, path: Path) -> None:
    path.write_text("mine")

    async def conversation() -> None:
        with pytest.raises(BusError, match="not a socket"):
            async with serving(path):
                pass

    run(conversation())
    assert path.read_text() == "mine"


def test_path_that_cannot_be_used_is_an_error_in_words(run: Run, tmp_path: Path) -> None:
    async def conversation(path: Path) -> None:
        with pytest.raises(BusError, match="cannot listen on"):
            async with serving(path):
                pass

    run(conversation(tmp_path / "missing" / "engine.sock"))
    run(conversation(tmp_path / ("x" * 200)))


def test_close_does_not_wait_for_ever_for_a_client_that_does_not_read(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pbx.bus.socket.LAST_WORDS", 0.01)

    async def conversation() -> None:
        async with serving(path, max_queued=1 << 24) as server, Client.to(path) as client:
            await client.reply("subscribe")
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            for _ in range(100):
                server.publish("text.said", {"text": "x" * 100_000})
            await server.close()

    run(conversation())


@pytest.mark.parametrize(
    "line",
    [b"{}", b'{"v":2,"node":"a","seq":1,"type":"x","data":{}}', b'{"v":1,"node":"a","seq":"1","type":"x","data":{}}'],
)
def test_line_that_is_no_envelope_of_this_version_is_refused(line: bytes) -> None:
    with pytest.raises(BusError):
        Envelope.decode(line)


def test_envelope_survives_the_way_over_the_wire() -> None:
    envelope = Envelope("node-1", 7, "call.ended", {"seconds": 1.5, "who": ["101", None]})
    assert Envelope.decode(envelope.encode()) == envelope
    assert envelope.encode().count(b"\n") == 1

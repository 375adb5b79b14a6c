"""The engine's side of a media process, against one that a test plays: late, silent, gone, talking nonsense."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pbx.media import embedded
from pbx.media.control import read_statistics, statistics_values
from pbx.media.embedded import EmbeddedMedia
from pbx.media.errors import MediaError, MediaUnavailable, NotAcceptable, UnknownSession
from pbx.media.plane import Loss, MediaProfile, SessionStatistics, StreamStatistics


class Played:
    """A media process as a test plays it: takes requests, answers what it is told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.holds: list[str] = []
        self.asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answers = True
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def die(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        self._writers.clear()
        self.path.unlink()

    def say(self, line: dict[str, Any] | bytes) -> None:
        for writer in self._writers:
            writer.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.say({"event": "hello", "sessions": self.holds})
        while line := await reader.readline():
            request = json.loads(line)
            await self.asked.put(request)
            if self.answers:
                self.say({"id": request["id"], "reply": {"sdp": "told"}})


Losses = list[tuple[set[str], Loss]]
Scene = Callable[[Played, EmbeddedMedia, Losses], Awaitable[None]]


def play(tmp_path: Path, scene: Scene) -> None:
    """Runs a scene between a process and the engine's side of it."""

    async def run() -> None:
        process = Played(tmp_path / "media.sock")
        await process.start()
        plane = EmbeddedMedia(asyncio.get_running_loop(), [process.path])
        lost: Losses = []
        plane.on_lost = lambda sessions, loss: lost.append((set(sessions), loss))
        plane.start()
        await asyncio.wait_for(plane._processes[0].ready.wait(), 5)
        try:
            await asyncio.wait_for(scene(process, plane, lost), 10)
        finally:
            plane.close()
            if process.path.exists():
                await process.die()
            await asyncio.sleep(0.01)

    asyncio.run(run())


def offered(plane: EmbeddedMedia, session: str = "one") -> "asyncio.Future[bytes | MediaError]":
    future: asyncio.Future[bytes | MediaError] = asyncio.get_running_loop().create_future()
    plane.offer(session, b"sdp", source="a", target="b", profile=MediaProfile.RTP, done=future.set_result)
    return future


def test_request_is_answered_with_a_description(tmp_path: Path) -> None:
    async def scene(process: Played, plane: EmbeddedMedia, lost: list[Any]) -> None:
        assert await offered(plane) == b"told"
        request = await process.asked.get()
        assert (request["do"], request["session"], request["profile"]) == ("offer", "one", "rtp")

    play(tmp_path, scene)


@pytest.mark.parametrize("code", [NotAcceptable.code, UnknownSession.code, "something new"])
def test_refusal_has_the_status_that_its_code_stands_for(tmp_path: Path, code: str) -> None:
    async def scene(process: Played, plane: EmbeddedMedia, lost: list[Any]) -> None:
        process.answers = False
        answer = offered(plane)
        request = await process.asked.get()
        process.say({"id": request["id"], "error": {"code": code, "message": "no"}})
        result = await answer
        assert isinstance(result, MediaError)
        assert result.status == {"not-acceptable": 488, "unknown-session": 481}.get(code, 500)

    play(tmp_path, scene)


def test_unknown_session_is_not_asked_for(tmp_path: Path) -> None:
    async def scene(process: Played, plane: EmbeddedMedia, lost: list[Any]) -> None:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        plane.query("nobody", future.set_result)
        assert isinstance(await future, UnknownSession)
        plane.delete("nobody")
        assert process.asked.empty()

    play(tmp_path, scene)


def test_process_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PATIENCE", 0.05)

    async def scene(process: Played, plane: EmbeddedMedia, lost: list[Any]) -> None:
        process.answers = False
        assert isinstance(await offered(plane), MediaUnavailable)

    play(tmp_path, scene)


def test_death_fails_what_waits_and_reports_what_was_held(tmp_path: Path) -> None:
    async def scene(process: Played, plane: EmbeddedMedia, lost: list[Any]) -> None:
        await offered(plane)
        process.answers = False
        waiting = offered(plane)
        await process.asked.get()
        await process.die()
        assert isinstance(await waiting, MediaUnavailable)
        while not lost:
            await asyncio.sleep(0.01)
        assert lost == [({"one"}, Loss.WORKER)]
        assert isinstance(await offered(plane, "two"), MediaUnavailable)

    play(tmp_path, scene)


def test_broken_connection_to_a_process_that_lives_loses_nothing(tmp_path: Path) -> None:
    async def scene(process: Played, plane: EmbeddedMedia, lost: list[Any]) -> None:
        await offered(plane)
        process.holds = ["one"]
        for writer in process._writers:
            writer.close()
        process._writers.clear()
        plane._processes[0].ready.clear()
        await plane._processes[0].ready.wait()
        assert await offered(plane) == b"told"
        assert lost == []

    play(tmp_path, scene)


def test_session_that_ended_while_its_process_was_out_of_reach_is_ended_there_too(tmp_path: Path) -> None:
    async def scene(process: Played, plane: EmbeddedMedia, lost: list[Any]) -> None:
        await offered(plane)
        await process.asked.get()
        process.holds = ["one"]
        for writer in process._writers:
            writer.close()
        process._writers.clear()
        while plane._processes[0].ready.is_set():
            await asyncio.sleep(0)
        plane.delete("one")
        request = await process.asked.get()
        assert (request["do"], request["session"]) == ("delete", "one")
        assert lost == []

    play(tmp_path, scene)


def test_process_that_talks_nonsense_is_called_anew(tmp_path: Path) -> None:
    async def scene(process: Played, plane: EmbeddedMedia, lost: list[Any]) -> None:
        await offered(plane)
        process.holds = ["one"]
        process.say(b"nonsense\n")
        while len(process._writers) < 2:
            await asyncio.sleep(0.005)
        process._writers.pop(0)
        await plane._processes[0].ready.wait()
        assert await offered(plane) == b"told"
        assert lost == []

    play(tmp_path, scene)


def test_defect_of_whoever_asked_does_not_disturb_the_others(tmp_path: Path) -> None:
    async def scene(process: Played, plane: EmbeddedMedia, lost: list[Any]) -> None:
        def clumsy(result: bytes | MediaError) -> None:
            raise RuntimeError(result)

        plane.offer("one", b"sdp", source="a", target="b", profile=MediaProfile.RTP, done=clumsy)
        assert await offered(plane, "two") == b"told"
        assert lost == []

    play(tmp_path, scene)


def test_defect_of_whoever_waits_does_not_keep_a_dead_process_away(tmp_path: Path) -> None:
    async def scene(process: Played, plane: EmbeddedMedia, lost: list[Any]) -> None:
        def clumsy(result: bytes | MediaError) -> None:
            raise RuntimeError(result)

        process.answers = False
        plane.offer("one", b"sdp", source="a", target="b", profile=MediaProfile.RTP, done=clumsy)
        waiting = offered(plane, "two")
        for _ in range(2):
            await process.asked.get()
        await process.die()
        assert isinstance(await waiting, MediaUnavailable)
        process.answers = True
        await process.start()
        await plane._processes[0].ready.wait()
        assert await offered(plane, "three") == b"told"

    play(tmp_path, scene)


def test_sessions_that_nobody_wants_any_more_are_ended(tmp_path: Path) -> None:
    async def run() -> None:
        process = Played(tmp_path / "media.sock")
        process.holds = ["old", "wanted"]
        await process.start()
        plane = EmbeddedMedia(asyncio.get_running_loop(), [process.path])
        lost: list[Any] = []
        plane.on_lost = lambda sessions, loss: lost.append(set(sessions))
        plane.start()
        plane.keep(["wanted", "missing"])
        await asyncio.wait_for(plane._processes[0].ready.wait(), 5)
        request = await asyncio.wait_for(process.asked.get(), 5)
        assert (request["do"], request["session"]) == ("delete", "old")
        assert lost == [{"missing"}]
        await offered(plane, "new")
        assert (await process.asked.get())["session"] == "new"
        plane.close()
        await process.die()
        await asyncio.sleep(0.01)

    asyncio.run(run())


def test_statistics_come_over_as_they_are() -> None:
    stream = StreamStatistics("audio", "PCMU", 1, 172, 0, 1.5, None, 4.4, 2, 344, 0)
    statistics = SessionStatistics({"a": (stream,), "b": ()})
    assert read_statistics(json.loads(json.dumps(statistics_values(statistics)))) == statistics


def test_sessions_are_shared_out_evenly_and_the_share_of_a_dead_process_goes_to_the_others(tmp_path: Path) -> None:
    async def held(processes: list[Played], plane: EmbeddedMedia, names: list[str]) -> list[int]:
        """How many of these new sessions each process is asked for."""
        for name in names:
            await offered(plane, name)
        return [one.asked.qsize() for one in processes]

    async def run() -> None:
        processes = [Played(tmp_path / f"media-{index}.sock") for index in range(4)]
        for one in processes:
            await one.start()
        plane = EmbeddedMedia(asyncio.get_running_loop(), [one.path for one in processes])
        lost: list[str] = []
        plane.on_lost = lambda sessions, _: lost.extend(sessions)
        plane.start()
        for side in plane._processes:
            await asyncio.wait_for(side.ready.wait(), 5)
        assert await held(processes, plane, [f"a {number}" for number in range(40)]) == [10, 10, 10, 10]
        await processes[1].die()
        while len(lost) < 10:
            await asyncio.sleep(0.01)
        assert await held(processes, plane, [f"b {number}" for number in range(30)]) == [20, 10, 20, 20]
        await processes[1].start()
        await asyncio.wait_for(plane._processes[1].ready.wait(), 5)
        # The new one catches up, and from then on gets its share again.
        assert await held(processes, plane, [f"c {number}" for number in range(28)]) == [22, 32, 22, 22]
        plane.close()
        for one in processes:
            await one.die()
        await asyncio.sleep(0.01)

    asyncio.run(run())

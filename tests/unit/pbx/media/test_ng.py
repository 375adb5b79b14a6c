"""What comes of a request to rtpengine, which a test plays: its answer, its refusals by their kind, silence."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from pbx.media import bencode, ng
from pbx.media.errors import MediaError, MediaUnavailable, NotAcceptable, UnknownSession
from pbx.media.ng import NgClient


class Played:
    """An rtpengine that answers what it is told to."""

    def __init__(self) -> None:
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.asked: list[bytes] = []

    async def request(self) -> tuple[bytes, Any]:
        """The cookie of the next request, and who has sent it."""
        data, source = await asyncio.get_running_loop().sock_recvfrom(self.socket, 65_536)
        self.asked.append(data)
        return data.partition(b" ")[0], source

    async def answer(self, body: bytes) -> None:
        cookie, source = await self.request()
        self.socket.sendto(cookie + b" " + body, source)


def ask(rtpengine: Played, played: Any) -> Mapping[str, Any] | MediaError:
    """The result of one request, while `played` goes on."""

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        client = NgClient(loop, rtpengine.socket.getsockname())
        client.open()
        result: asyncio.Future[Any] = loop.create_future()
        client.ask({"command": "offer"}, result.set_result)
        playing = loop.create_task(played)
        try:
            return await asyncio.wait_for(result, 5)
        finally:
            playing.cancel()
            client.close()

    return asyncio.run(run())


@pytest.fixture
def rtpengine() -> Any:
    made = Played()
    yield made
    made.socket.close()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"result": "error", "error-reason": "Unknown call-id"}, UnknownSession),
        ({"result": "error", "error-reason": "Incomplete SDP specification"}, NotAcceptable),
        ({"result": "load limit", "message": "Parallel session limit reached"}, MediaUnavailable),
        ({}, NotAcceptable),
        ([1], NotAcceptable),
    ],
)
def test_refusal_is_told_by_its_kind(rtpengine: Played, said: Any, expected: type[MediaError]) -> None:
    result = ask(rtpengine, rtpengine.answer(bencode.encode(said)))
    assert isinstance(result, expected)
    assert str(result)


@pytest.mark.parametrize("noise", [b"", b"d", b"d3:key", b"i99", b"d" * 40])
def test_answer_that_makes_no_sense_is_a_refusal(rtpengine: Played, noise: bytes) -> None:
    assert isinstance(ask(rtpengine, rtpengine.answer(noise)), NotAcceptable)


def test_request_whose_answer_is_lost_is_asked_again_by_the_same_name(
    rtpengine: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ng, "TRIES", (0.05, 1.0))

    async def played() -> None:
        await rtpengine.request()
        await rtpengine.answer(bencode.encode({"result": "ok", "sdp": "v=0"}))

    result = ask(rtpengine, played())
    assert isinstance(result, dict)
    assert result["sdp"] == b"v=0"
    assert rtpengine.asked[0] == rtpengine.asked[1]


def test_silence_is_said_to_be_one(rtpengine: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ng, "TRIES", (0.02, 0.02))
    assert isinstance(ask(rtpengine, asyncio.sleep(5)), MediaUnavailable)


def test_answer_of_somebody_else_is_ignored(rtpengine: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ng, "TRIES", (0.1,))

    async def played() -> None:
        cookie, source = await rtpengine.request()
        with socket.socket(type=socket.SOCK_DGRAM) as stranger:
            stranger.sendto(cookie + b" " + bencode.encode({"result": "ok"}), source)
        await asyncio.sleep(5)

    assert isinstance(ask(rtpengine, played()), MediaUnavailable)

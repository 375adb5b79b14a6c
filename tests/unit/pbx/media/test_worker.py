"""What a media process says to requests, whatever is in them: each is answered, and the next one too."""

import asyncio
import json
from pathlib import Path
from typing import Any

from pbx.media.control import sdp_text
from pbx.media.relay.readiness import RelayLoop
from pbx.media.worker import MediaWorker
from tests.support.ports import BLOCK, reserve
from tests.unit.pbx.media.descriptions import CHROME, G711, VIDEO_PHONE, phone


def answers(loop: RelayLoop, path: Path, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What comes back for requests that follow each other on one connection."""

    async def run() -> list[dict[str, Any]]:
        first = reserve(1)
        worker = MediaWorker(loop, path, (first, first + BLOCK - 1), ["127.0.0.1"])
        await worker.start()
        reader, writer = await asyncio.open_unix_connection(str(path))
        await reader.readline()  # hello
        found = []
        for number, request in enumerate(requests):
            writer.write(json.dumps({"id": number, "session": "one", **request}).encode() + b"\n")
            found.append(json.loads(await reader.readline() or "{}"))
        writer.close()
        await worker.close()
        return found

    return loop.run_until_complete(asyncio.wait_for(run(), 10))


def test_request_that_goes_wrong_in_an_unforeseen_way_is_refused_and_the_others_go_on(
    loop: RelayLoop, tmp_path: Path
) -> None:
    """The one that answers here has fewer streams than were ever offered to it."""
    attend = {"do": "attend", "source_host": "", "echo": True}
    told = answers(
        loop,
        tmp_path / "media.sock",
        [
            {**attend, "source": "a", "sdp": sdp_text(CHROME)},
            {**attend, "source": "b", "sdp": sdp_text(phone(*G711))},
            {"do": "answer", "source": "b", "target": "a", "source_host": "", "sdp": sdp_text(VIDEO_PHONE)},
            {"do": "query"},
        ],
    )
    assert told[2]["error"]["code"] == "not-acceptable"
    assert set(told[3]["reply"]["legs"]) == {"a", "b"}


def test_request_without_what_it_needs_is_refused(loop: RelayLoop, tmp_path: Path) -> None:
    told = answers(loop, tmp_path / "media.sock", [{"do": "offer"}, {"do": "dance"}, {"do": "play"}, {"do": "delete"}])
    assert [one.get("error", {}).get("code") for one in told] == [
        "not-acceptable",
        "not-acceptable",
        "unknown-session",
        None,
    ]

"""What the engine and a media process say to each other: one JSON object on a line, over a Unix socket.

    engine → process   {"id":1,"do":"offer","session":"…","sdp":"…","source":"…", …}
    process → engine   {"id":1,"reply":{"sdp":"…"}}   {"id":1,"error":{"code":"…","message":"…"}}
                       {"event":"lost","sessions":["…"],"loss":"CONSENT"}

A process greets whoever connects with {"event":"hello","sessions":[…]}: what it still holds from before. Octets of a
description travel as latin-1 text.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pbx.media.plane import SessionStatistics, StreamStatistics

MAX_LINE = 1 << 20  # octets; a description has at most 64 KiB, its JSON at most six times that

HELLO, LOST = "hello", "lost"


def sdp_text(sdp: bytes) -> str:
    return sdp.decode("latin-1")


def sdp_bytes(text: str) -> bytes:
    return text.encode("latin-1")


def statistics_values(statistics: SessionStatistics) -> dict[str, Any]:
    """The statistics of a session as JSON has them."""
    return {"legs": {tag: [asdict(stream) for stream in streams] for tag, streams in statistics.legs.items()}}


def read_statistics(values: Mapping[str, Any]) -> SessionStatistics:
    """The opposite."""
    return SessionStatistics(
        {tag: tuple(StreamStatistics(**stream) for stream in streams) for tag, streams in values["legs"].items()}
    )

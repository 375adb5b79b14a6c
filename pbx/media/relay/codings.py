"""The codecs that speech can be decoded from and encoded in, and when what does that is loaded.

FFmpeg's libraries take 17 MB, and most calls never need them: packets are passed on as they are. So `speech`, and what
is built on it, is imported when the first call wants it, by a thread, in which it holds up the packets of others by
some 10 ms at a time; in the event loop it would be 50 ms and more.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module

PACKETS_A_SECOND = 50

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Coding:
    """How FFmpeg calls a codec, and what it works on. `clock` is that of its RTP timestamps (RFC 3551 §4.5.2)."""

    decoder: str
    encoder: str
    rate: int
    clock: int
    bit_rate: int = 0

    @property
    def step(self) -> int:
        """Of the RTP timestamp, for one packet."""
        return self.clock // PACKETS_A_SECOND


CODINGS = {
    "pcmu": Coding("pcm_mulaw", "pcm_mulaw", 8000, 8000),
    "pcma": Coding("pcm_alaw", "pcm_alaw", 8000, 8000),
    "g722": Coding("g722", "g722", 16_000, 8000),
    "opus": Coding("libopus", "libopus", 48_000, 48_000, 32_000),
}


class Loading:
    """Loads `speech` once in the life of a process, for all who wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, Callable[[], None]]] = []

    def then(self, loop: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
        """Calls `action` in the loop once `speech` is loaded: at once where it is."""
        with self._lock:
            if not self._done:
                self._waiting.append((loop, action))
                if len(self._waiting) == 1:
                    threading.Thread(target=self._load, name="loads codecs", daemon=True).start()
                return
        action()

    def _load(self) -> None:
        try:
            import_module("pbx.media.relay.speech")
        except Exception:
            logger.exception("! speech can't be coded here")  # each call that wants it will fail by the same error
        with self._lock:
            self._done = True
        for loop, action in self._waiting:
            with suppress(RuntimeError):  # it is closed: the process ends
                loop.call_soon_threadsafe(action)
        self._waiting.clear()


loading = Loading()

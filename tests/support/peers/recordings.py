"""Waiting until somebody hears a tone, by being told of every write to a recording."""

import ctypes
import os
import select
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.tones import dominant_tone, read_wav, seconds_heard

Mark = Mapping[Path, float]
"""A moment of listening: how many seconds each recording held."""

_IN_MODIFY, _IN_CLOSE_WRITE, _IN_CREATE = 0x2, 0x8, 0x100  # inotify(7)
_STEP = 0.1  # seconds of new audio that are worth a new measurement


class FolderWatch:
    """Tells when a file in a folder grew (Linux inotify)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1

    def __enter__(self) -> Self:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        events = _IN_MODIFY | _IN_CLOSE_WRITE | _IN_CREATE
        if self._descriptor < 0 or libc.inotify_add_watch(self._descriptor, bytes(self._folder), events) < 0:
            raise OSError(ctypes.get_errno(), f"can't watch {self._folder}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def wait(self, timeout: float) -> bool:
        """Wait for the next change; False at the deadline."""
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, timeout))
        if ready:
            os.read(self._descriptor, 64 * (struct.calcsize("iIII") + 256))
        return bool(ready)


def mark(recordings: list[Path]) -> Mark:
    """Remember how much has been heard so far."""
    return {path: read_wav(path).seconds for path in recordings}


def wait_heard(
    folder: Path,
    recordings: Callable[[], list[Path]],
    hz: float,
    *,
    since: Mark | None = None,
    at_least: float = 0.4,
    timeout: float = 10.0,
) -> bool:
    """Wait until the recordings hold a tone for `at_least` seconds after a mark; False at the deadline."""
    deadline = time.monotonic() + timeout
    measured, before = -1.0, since or {}
    with FolderWatch(folder) as watch:
        while True:
            heard = [(read_wav(path), before.get(path, 0.0)) for path in recordings()]
            length = sum(recording.seconds for recording, _ in heard)
            if abs(length - measured) >= _STEP:  # shorter, too: a phone may begin its file anew
                measured = length
                if sum(seconds_heard(recording, hz, since=start) for recording, start in heard) >= at_least:
                    return True
            if not watch.wait(deadline - time.monotonic()):
                return False


def describe(recordings: list[Path], *, since: Mark | None = None) -> str:
    """Say what is in the recordings, for a failure's text."""
    parts = []
    for path in recordings:
        recording = read_wav(path)
        tone = dominant_tone(recording, since=(since or {}).get(path, 0.0))
        what = f"{tone.hz:.0f} Hz at {tone.level:.0f} dB" if tone else "silence"
        parts.append(f"{path.name} ({recording.seconds:.1f} s): {what}")
    return "; ".join(parts) or "no recording"

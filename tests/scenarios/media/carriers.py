"""Both carriers of media as a test uses them: the same verbs, waiting for the answer, on 127.0.0.1."""

import asyncio
import queue
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pbx.media.embedded import EmbeddedMedia
from pbx.media.errors import MediaError
from pbx.media.plane import Loss, MediaProfile, SessionStatistics
from pbx.media.rtpengine import RtpengineMedia
from tests.scenarios.media.loops import DEADLINE, LoopThread
from tests.support.ports import free_port
from tests.support.processes import Process

ROOT = Path(__file__).parents[3]
START = 60.0  # seconds that a process may take to begin on a busy machine


class WorkerProcess:
    """A media process in a data folder of its own, with a range of ports of its own. `sounds` is a folder of them."""

    def __init__(
        self, folder: Path, ports: tuple[int, int], index: int = 0, workers: int = 1, sounds: Path | None = None
    ) -> None:
        self.data = folder / "data"
        (self.data / "run").mkdir(parents=True, exist_ok=True)
        self.ports = ports
        self.index = index
        self.workers = workers
        self.sounds = sounds
        self._folder = folder
        self._starts = 0
        self.process = self._new()

    @property
    def socket(self) -> Path:
        return self.data / "run" / f"media-{self.index}.sock"

    def start(self) -> None:
        self.process.start()

    def again(self) -> None:
        """A new one in the place of one that has ended, as the supervisor does it."""
        self.process = self._new()
        self.process.start()

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def _new(self) -> Process:
        self._starts += 1
        first, last = self.ports
        environment = {
            "PYTHONPATH": str(ROOT),
            "GORIZONT_MEDIA__PORTS": f"{first}-{last}",
            "GORIZONT_MEDIA__WORKERS": str(self.workers),
            "GORIZONT_MEDIA__ADDRESS": "127.0.0.1,::1",
            "GORIZONT_MEDIA__SOUNDS": str(self.sounds or ""),
        }
        command = [sys.executable, "-m", "pbx.media.worker", "--data", self.data, "--index", str(self.index)]
        name = f"media-{self.index}-{self._starts}"
        return Process(command, name=name, folder=self._folder, environment=environment)


class RtpengineProcess:
    """An rtpengine in user space, on 127.0.0.1."""

    PROGRAM = Path("/usr/bin/rtpengine")

    def __init__(self, folder: Path, ports: tuple[int, int]) -> None:
        self.port = free_port()
        self._folder = folder
        self._command = [
            self.PROGRAM,
            "--config-file=none",
            "--table=-1",
            "--interface=127.0.0.1",
            f"--listen-ng=127.0.0.1:{self.port}",
            f"--port-min={ports[0]}",
            f"--port-max={ports[1]}",
            "--foreground",
            "--log-stderr",
            "--log-level=5",
            "--num-threads=1",
        ]
        folder.mkdir(parents=True, exist_ok=True)
        self.process = Process(self._command, name="rtpengine", folder=folder)

    def start_again(self) -> None:
        """A new one in the place of one that was killed."""
        self.process = Process(self._command, name="rtpengine-2", folder=self._folder)
        self.process.start()

    @classmethod
    def installed(cls) -> bool:
        return cls.PROGRAM.exists()


class Carrier:
    """A media plane whose every verb waits. What it reports as lost is in `lost`."""

    def __init__(self, thread: LoopThread, plane: EmbeddedMedia | RtpengineMedia, name: str) -> None:
        self.name = name
        self.plane = plane
        self.lost: queue.Queue[tuple[frozenset[str], Loss]] = queue.Queue()
        self._thread = thread
        plane.on_lost = self._lose

    def offer(self, session: str, sdp: bytes, profile: MediaProfile = MediaProfile.RTP, **names: str) -> bytes:
        """The description for the other party. Raises MediaError."""
        names = {"source": "a", "target": "b", **names}
        return self._described(
            lambda done: self.plane.offer(session, sdp, profile=profile, done=done, **names)  # type: ignore[arg-type]
        )

    def answer(self, session: str, sdp: bytes, **names: str) -> bytes:
        """The answer for the one who offered. Raises MediaError."""
        names = {"source": "b", "target": "a", **names}
        return self._described(
            lambda done: self.plane.answer(session, sdp, done=done, **names)  # type: ignore[arg-type]
        )

    def echo(self, session: str, sdp: bytes) -> bytes:
        return self._described(lambda done: self.plane.echo(session, sdp, source="a", done=done))

    def attend(self, session: str, sdp: bytes) -> bytes:
        return self._described(lambda done: self.plane.attend(session, sdp, source="a", done=done))

    def play(self, session: str, prompt: str, *, target: str = "a", repeat: bool = False) -> "queue.Queue[Any]":
        """Begins to play; the queue gets None or an error at the end."""
        ended: queue.Queue[Any] = queue.Queue()
        self._thread.call(lambda: self.plane.play(session, target=target, prompt=prompt, repeat=repeat, done=ended.put))
        return ended

    def stop_play(self, session: str, target: str = "a") -> None:
        self._thread.call(lambda: self.plane.stop_play(session, target=target))

    def query(self, session: str) -> SessionStatistics:
        result = self._thread.wait(lambda done: self.plane.query(session, done))
        if isinstance(result, MediaError):
            raise result
        assert isinstance(result, SessionStatistics)
        return result

    def drop(self, session: str, leg: str) -> None:
        self._thread.call(lambda: self.plane.drop(session, leg=leg))

    def delete(self, session: str) -> None:
        self._thread.call(lambda: self.plane.delete(session))

    def keep(self, sessions: Collection[str]) -> None:
        self._thread.call(lambda: self.plane.keep(sessions))

    def loss_of(self, session: str, timeout: float = DEADLINE) -> Loss:
        """Why that session has ended by itself, once it has."""
        deadline = time.monotonic() + timeout
        while True:
            sessions, loss = self.lost.get(timeout=max(deadline - time.monotonic(), 0.01))
            if session in sessions:
                return loss

    def close(self) -> None:
        self._thread.call(self.plane.close)

    def _described(self, begin: Any) -> bytes:
        result = self._thread.wait(begin)
        if isinstance(result, MediaError):
            raise result
        assert isinstance(result, bytes)
        return result

    def _lose(self, sessions: Collection[str], loss: Loss) -> None:
        self.lost.put((frozenset(sessions), loss))


def embedded(thread: LoopThread, sockets: Collection[Path]) -> Carrier:
    """The carrier of our own, connected to processes that run."""

    async def build() -> EmbeddedMedia:
        plane = EmbeddedMedia(thread.loop, list(sockets))
        plane.start()
        await asyncio.wait_for(asyncio.gather(*(one.ready.wait() for one in plane._processes)), START)
        return plane

    return Carrier(thread, thread.run(build(), START + 1), "embedded")


def rtpengine(thread: LoopThread, port: int, own: EmbeddedMedia) -> Carrier:
    """The carrier that asks rtpengine, with media processes of our own beside it."""

    def build() -> RtpengineMedia:
        plane = RtpengineMedia(thread.loop, ("127.0.0.1", port), own)
        plane.start()
        return plane

    return Carrier(thread, thread.call(build), "rtpengine")

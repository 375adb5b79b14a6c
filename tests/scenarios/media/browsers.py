"""A browser's media by aiortc: it says a tone and shows a colour, and tells what it hears and sees."""

import asyncio
import time
from collections.abc import Coroutine
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from aiortc import (
    AudioStreamTrack,
    MediaStreamError,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from av import AudioFrame, AudioResampler, VideoFrame

from tests.scenarios.media.loops import DEADLINE, LoopThread
from tests.support.tones import Recording, dominant_tone, seconds_heard

Got = TypeVar("Got")
RATE = 48_000
SIZE = 160, 120


class Tone(AudioStreamTrack):  # type: ignore[misc]  # aiortc's own types are not exported
    """A sine of that frequency."""

    def __init__(self, hz: float) -> None:
        super().__init__()
        self._hz = hz
        self._at = 0
        self._start: float | None = None

    async def recv(self) -> AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        if self._start is None:
            self._start = time.time()
        count = RATE // 50
        await asyncio.sleep(max(0.0, self._start + self._at / RATE - time.time()))
        samples = (8000 * np.sin(2 * np.pi * self._hz * (self._at + np.arange(count)) / RATE)).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._at, Fraction(1, RATE)
        self._at += count
        return frame


class Colour(VideoStreamTrack):  # type: ignore[misc]
    """A picture of one brightness."""

    def __init__(self, brightness: int) -> None:
        super().__init__()
        self._brightness = brightness

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(
            np.full((SIZE[1] * 3 // 2, SIZE[0]), self._brightness, dtype=np.uint8), format="yuv420p"
        )
        frame.pts, frame.time_base = pts, time_base
        return frame


class Browser:
    """A peer connection. Everything waits for what happens in the loop's thread."""

    def __init__(
        self,
        thread: LoopThread,
        tone: float,
        codecs: tuple[str, ...] = (),
        video: str = "",
        brightness: int = 200,
    ) -> None:
        self.tone = tone
        self.frames: list[tuple[float, float]] = []
        self._thread = thread
        self._codecs = codecs
        self._video = video
        self._brightness = brightness
        self._heard: list[tuple[float, np.ndarray]] = []
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.connection: RTCPeerConnection = thread.call(self._made)

    def _made(self) -> RTCPeerConnection:
        connection = RTCPeerConnection()
        connection.on("track", self._on_track)
        return connection

    # ---- descriptions

    def offer(self) -> bytes:
        """Its offer, with all candidates."""

        async def make() -> bytes:
            self._add_tracks()
            await self.connection.setLocalDescription(await self.connection.createOffer())
            return self._described()

        return self._run(make())

    def answer(self, offer: bytes) -> bytes:
        """Its answer."""

        async def make() -> bytes:
            await self.connection.setRemoteDescription(RTCSessionDescription(offer.decode(), "offer"))
            self._add_tracks()
            await self.connection.setLocalDescription(await self.connection.createAnswer())
            return self._described()

        return self._run(make())

    def take(self, answer: bytes) -> None:
        """The answer to its offer."""
        description = RTCSessionDescription(answer.decode(), "answer")
        self._run(self.connection.setRemoteDescription(description))

    def _add_tracks(self) -> None:
        if any(sender.track for sender in self.connection.getSenders()):
            return
        self.connection.addTrack(Tone(self.tone))
        if self._video:
            self.connection.addTrack(Colour(self._brightness))
        for transceiver in self.connection.getTransceivers():
            wanted = self._codecs if transceiver.kind == "audio" else (self._video,)
            if wanted and wanted[0]:
                known = RTCRtpSender.getCapabilities(transceiver.kind).codecs
                transceiver.setCodecPreferences([one for one in known if one.mimeType.split("/")[1] in wanted])

    def _described(self) -> bytes:
        sdp: str = self.connection.localDescription.sdp
        return sdp.encode()

    # ---- hearing and seeing

    def hears(self, tone: float, timeout: float = DEADLINE) -> bool:
        """Whether within the time it hears that tone for a third of a second, beginning now."""

        async def hear() -> bool:
            start = time.monotonic()
            while time.monotonic() < start + timeout:
                pieces = [samples for when, samples in self._heard if when >= start]
                if pieces and seconds_heard(Recording(RATE, np.concatenate(pieces)), tone) >= 0.3:
                    return True
                await self._something(0.5)
            return False

        return self._run(hear(), timeout + 5)

    def tone_heard(self) -> float | None:
        """The frequency that dominates all it has heard."""
        pieces = [samples for _, samples in self._heard]
        tone = dominant_tone(Recording(RATE, np.concatenate(pieces))) if pieces else None
        return None if tone is None else tone.hz

    def sees(self, brightness: int, timeout: float = DEADLINE) -> bool:
        """Whether a picture of about that brightness comes within the time."""

        async def see() -> bool:
            start = time.monotonic()
            while time.monotonic() < start + timeout:
                if any(when >= start and abs(level - brightness) < 12 for when, level in self.frames):
                    return True
                await self._something(0.5)
            return False

        return self._run(see(), timeout + 5)

    @property
    def state(self) -> str:
        return str(self.connection.connectionState)

    def vanish(self) -> None:
        """Is gone without a word: its sockets are closed, nobody is told."""

        async def cut() -> None:
            for transceiver in self.connection.getTransceivers():
                ice = transceiver.sender.transport.transport
                await ice._connection.close()

        self._run(cut())

    def close(self) -> None:
        async def shut() -> None:
            for task in self._tasks:
                task.cancel()
            await self.connection.close()

        self._run(shut())

    def _on_track(self, track: Any) -> None:
        listen = self._listen if track.kind == "audio" else self._watch
        self._tasks.append(asyncio.ensure_future(listen(track)))

    async def _listen(self, track: Any) -> None:
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            for one in resampler.resample(frame):
                self._heard.append((time.monotonic(), one.to_ndarray()[0] / 32768))
            self._changed.set()

    async def _watch(self, track: Any) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            level = float(frame.to_ndarray(format="yuv420p")[: frame.height].mean())
            self.frames.append((time.monotonic(), level))
            self._changed.set()

    async def _something(self, seconds: float) -> None:
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    def _run(self, work: Coroutine[Any, Any, Got], timeout: float = DEADLINE) -> Got:
        return self._thread.run(work, timeout)

"""Parties of a session that speak RTP or SRTP themselves: each says a tone, and tells which tone it hears."""

import asyncio
import os
import re
import socket
import struct
import time
from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pylibsrtp import Error, Policy, Session

from pbx.media.relay.codings import CODINGS
from pbx.media.relay.speech import Decoder, Encoder, frame_of
from tests.scenarios.media.loops import DEADLINE, LoopThread
from tests.support.tones import Recording, dominant_tone, seconds_heard

SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
}


@dataclass(frozen=True)
class Format:
    """A codec as a party describes it."""

    number: int
    name: str
    clock: int = 8000
    channels: str = ""

    @property
    def rtpmap(self) -> str:
        return f"a=rtpmap:{self.number} {self.name}/{self.clock}{self.channels}"


PCMU, PCMA, G722 = Format(0, "PCMU"), Format(8, "PCMA"), Format(9, "G722")
OPUS = Format(111, "opus", 48_000, "/2")
EVENTS = Format(101, "telephone-event")


class Party:
    """A phone's voice: two sockets of 127.0.0.1, a tone to say and an ear.

    Args:
        formats: what it describes; it speaks the first that both have.
        suites: SRTP suites that it offers or takes; none for plain RTP.
        host: where it is.
    """

    def __init__(
        self,
        thread: LoopThread,
        tone: float,
        formats: Sequence[Format] = (PCMU, EVENTS),
        suites: Sequence[str] = (),
        host: str = "127.0.0.1",
        protocol: str = "",
    ) -> None:
        self.tone = tone
        self.formats = list(formats)
        self.suites = list(suites)
        self.host = host
        self.protocol = protocol or ("RTP/SAVP" if suites else "RTP/AVP")
        self.rtp, self.rtcp = _pair(host)
        self.port = int(self.rtp.getsockname()[1])
        self.packets: list[bytes] = []
        self.sources: set[tuple[str, int]] = set()
        self.reports: list[bytes] = []
        self.forged = 0
        self.muxed = False
        self.direction = "sendrecv"
        self.ssrc = int.from_bytes(os.urandom(4), "big")
        self.target: tuple[str, int] | None = None
        self.rtcp_target: tuple[str, int] | None = None
        self.speaking = PCMU
        self._thread = thread
        self._keys = {suite: os.urandom(SUITES[suite][1]) for suite in self.suites}
        self._out: Session | None = None
        self._in: Session | None = None
        self._heard: list[tuple[float, np.ndarray]] = []
        self._decoders: dict[int, Decoder] = {}
        self._names: dict[int, str] = {}
        self._changed = asyncio.Event()
        self._sequence = int.from_bytes(os.urandom(2), "big") >> 1
        self._timestamp = int.from_bytes(os.urandom(4), "big")
        self._encoder: Encoder | None = None
        self._place = 0
        self._talking: asyncio.TimerHandle | None = None
        thread.call(self._listen)

    # ---- descriptions

    def description(
        self, *, answer_to: bytes | None = None, address: str = "", port: int = 0, extra: str = ""
    ) -> bytes:
        """Its offer, or its answer; `address` and `port` where it lies about itself."""
        host, kind = address or self.host, "IP6" if ":" in self.host else "IP4"
        formats, crypto = (
            self.formats,
            [
                f"a=crypto:{tag} {suite} inline:{b64encode(key).decode()}"
                for tag, (suite, key) in enumerate(self._keys.items(), 1)
            ],
        )
        protocol = self.protocol
        if answer_to is not None:
            text = answer_to.decode()
            protocol = re.findall(r"^m=audio \d+ (\S+)", text, re.M)[0]
            known = {(name.lower(), int(rate)): int(number) for number, name, rate in _rtpmaps(text)}
            formats = [
                Format(known[one.name.lower(), one.clock], one.name, one.clock, one.channels)
                for one in self.formats
                if (one.name.lower(), one.clock) in known
            ]
            crypto = self._taken_up(text)
        lines = [
            "v=0",
            f"o=- 1 1 IN {kind} {host}",
            "s=-",
            f"c=IN {kind} {host}",
            "t=0 0",
            f"m=audio {port or self.port} {protocol} " + " ".join(str(one.number) for one in formats),
            *(one.rtpmap for one in formats),
            "a=ptime:20",
            f"a={self.direction}",
            *(["a=rtcp-mux"] if self.muxed else []),
            *crypto,
        ]
        if extra:
            lines.append(extra)
        if answer_to is not None:
            self._agree(answer_to.decode(), [f.number for f in formats])
        return ("\r\n".join(lines) + "\r\n").encode()

    def take(self, answer: bytes) -> None:
        """The answer to its offer: it begins to talk."""
        text = answer.decode()
        for tag, suite, key in re.findall(r"^a=crypto:(\d+) (\S+) inline:(\S+)", text, re.M):
            ours = list(self._keys.values())[int(tag) - 1]
            self._encrypt(suite, ours, _key(key))
        self._agree(text, [int(number) for number, _, _ in _rtpmaps(text)])

    def _taken_up(self, text: str) -> list[str]:
        """Its a=crypto for the first suite of an offer that it knows."""
        for tag, suite, key in re.findall(r"^a=crypto:(\d+) (\S+) inline:(\S+)", text, re.M):
            if suite in self._keys:
                ours = self._keys[suite]
                self._encrypt(suite, ours, _key(key))
                return [f"a=crypto:{tag} {suite} inline:{b64encode(ours).decode()}"]
        return []

    def _encrypt(self, suite: str, ours: bytes, theirs: bytes) -> None:
        profile = SUITES[suite][0]
        self._out = Session(Policy(key=ours, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        self._in = Session(Policy(key=theirs, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))

    def _agree(self, text: str, numbers: list[int]) -> None:
        maps = {int(number): (name, int(rate)) for number, name, rate in _rtpmaps(text)}
        speak = next(number for number in numbers if number in maps and maps[number][0].lower() in CODINGS)
        name, clock = maps[speak]
        self.speaking = Format(speak, name, clock)
        self._names = {number: maps[number][0] for number in numbers if number in maps}
        found = re.search(r"^m=audio (\d+)", text, re.M)
        host = re.search(r"^c=IN IP[46] (\S+)", text, re.M)
        rtcp = re.search(r"^a=rtcp:(\d+)", text, re.M)
        assert found
        assert host
        port = int(found[1])
        self.target = (host[1], port) if port else None
        muxed = self.muxed and "a=rtcp-mux" in text
        self.rtcp_target = (host[1], port if muxed else int(rtcp[1]) if rtcp else port + 1)
        self._thread.call(self._begin)

    # ---- talking

    def _begin(self) -> None:
        if self._encoder is None or self._encoder.coding is not CODINGS[self.speaking.name.lower()]:
            self._encoder = Encoder(self.speaking.name)
        if self._talking is None and self.target is not None:
            self._due = self._thread.loop.time()
            self._talk()

    def _talk(self) -> None:
        assert self._encoder is not None
        self._due += 0.02
        self._talking = self._thread.loop.call_at(self._due, self._talk)
        if self.target is None:
            return
        rate = 16_000
        at = self._place + np.arange(rate // 50)
        self._place += rate // 50
        samples = (8000 * np.sin(2 * np.pi * self.tone * at / rate)).astype("<i2")
        for payload in self._encoder.encode(frame_of(array("h", samples.tobytes()), rate)):
            self.say(self.speaking.number, payload)
            self._timestamp = (self._timestamp + self._encoder.step) & 0xFFFFFFFF

    def say(self, number: int, payload: bytes, *, marker: bool = False, extension: bytes = b"") -> None:
        """Sends one packet at once. In the loop's thread."""
        assert self.target is not None
        first = 0x90 if extension else 0x80
        second = number | (0x80 if marker else 0)
        header = struct.pack("!BBHII", first, second, self._sequence, self._timestamp, self.ssrc)
        self._sequence = (self._sequence + 1) & 0xFFFF
        packet = header + extension + payload
        self.rtp.sendto(self._out.protect(packet) if self._out else packet, self.target)

    def press(self, key: int) -> None:
        """A key of the dial pad: an event of 100 ms, its end repeated."""
        number = next(n for n, name in self._names.items() if name == "telephone-event")

        def send() -> None:
            for step in range(1, 6):
                end = 0x80 if step > 3 else 0
                self.say(number, bytes((key, end | 10)) + struct.pack("!H", 160 * step), marker=step == 1)
            self._timestamp = (self._timestamp + 1600) & 0xFFFFFFFF

        self._thread.call(send)

    def report(self, packet: bytes) -> None:
        """Sends RTCP."""

        def send() -> None:
            assert self.rtcp_target is not None
            data = self._out.protect_rtcp(packet) if self._out else packet
            (self.rtp if self.rtcp_target == self.target else self.rtcp).sendto(data, self.rtcp_target)

        self._thread.call(send)

    def silence(self) -> None:
        """Says nothing any more, and still hears."""
        self.target = None

    # ---- hearing

    def hears(self, tone: float, timeout: float = DEADLINE) -> bool:
        """Whether within the time it hears that tone for a third of a second, beginning now."""
        return self._thread.run(self._hears(tone, timeout), timeout + 5)

    async def _hears(self, tone: float, timeout: float) -> bool:
        start = time.monotonic()
        while time.monotonic() < start + timeout:
            recording = self._recording(start)
            if recording is not None and seconds_heard(recording, tone) >= 0.3:
                return True
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), 0.5)
            except TimeoutError:
                continue
        return False

    def tone_heard(self, since: float = 0.0) -> float | None:
        """The frequency that dominates what it has heard."""
        recording = self._thread.call(lambda: self._recording(since))
        tone = dominant_tone(recording) if recording is not None else None
        return None if tone is None else tone.hz

    def waits_until(self, condition: Callable[[], bool], timeout: float = DEADLINE) -> bool:
        """Whether the condition, which is about what came to it, holds within the time."""

        async def wait() -> bool:
            deadline = time.monotonic() + timeout
            while not condition():
                self._changed.clear()
                try:
                    await asyncio.wait_for(self._changed.wait(), deadline - time.monotonic())
                except TimeoutError:
                    return condition()
            return True

        return self._thread.run(wait(), timeout + 5)

    def events(self) -> list[int]:
        """The keys that were pressed on the other side, each once."""
        found: dict[int, int] = {}
        for packet in list(self.packets):
            if self._names.get(packet[1] & 0x7F) == "telephone-event":
                found[int.from_bytes(packet[4:8], "big")] = packet[12]
        return list(found.values())

    def _recording(self, since: float) -> Recording | None:
        pieces = [samples for when, samples in self._heard if when >= since]
        return Recording(48_000, np.concatenate(pieces)) if pieces else None

    def _listen(self) -> None:
        self._thread.loop.add_reader(self.rtp.fileno(), self._readable)
        self._thread.loop.add_reader(self.rtcp.fileno(), self._rtcp_readable)

    def _readable(self) -> None:
        try:
            packet, source = self.rtp.recvfrom(2048)
        except OSError:
            return
        if 191 < packet[1] < 224:
            self._take_report(packet)
            return
        if self._in is not None:
            try:
                packet = self._in.unprotect(packet)
            except Error:
                self.forged += 1
                return
        self.sources.add(source[:2])
        self.packets.append(packet)
        number = packet[1] & 0x7F
        name = self._names.get(number, "").lower()
        if name in CODINGS:
            decoder = self._decoders.setdefault(number, Decoder(name))
            start = 12 + (4 + 4 * int.from_bytes(packet[14:16], "big") if packet[0] & 0x10 else 0)
            for frame in decoder.decode(packet[start:]):
                samples = np.frombuffer(bytes(frame.planes[0])[: 2 * frame.samples], "<i2") / 32768
                self._heard.append((time.monotonic(), np.repeat(samples, 48_000 // frame.sample_rate)))
        self._changed.set()

    def _rtcp_readable(self) -> None:
        try:
            self._take_report(self.rtcp.recv(2048))
        except OSError:
            return

    def _take_report(self, packet: bytes) -> None:
        if self._in is not None:
            try:
                packet = self._in.unprotect_rtcp(packet)
            except Error:
                self.forged += 1
                return
        self.reports.append(packet)
        self._changed.set()

    def close(self) -> None:
        def shut() -> None:
            if self._talking is not None:
                self._talking.cancel()
            for one in (self.rtp, self.rtcp):
                self._thread.loop.remove_reader(one.fileno())
                one.close()

        self._thread.call(shut)


def _rtpmaps(text: str) -> list[tuple[str, str, str]]:
    return re.findall(r"^a=rtpmap:(\d+) ([\w.-]+)/(\d+)", text, re.M)


def _key(text: str) -> bytes:
    """A key of a=crypto; rtpengine leaves out the padding."""
    encoded = text.partition("|")[0]
    return b64decode(encoded + "=" * (-len(encoded) % 4))


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """Two sockets, of an even port and the next."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        rtp, rtcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
        rtp.bind((host, 0))
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            try:
                rtcp.bind((host, port + 1))
            except OSError:
                pass
            else:
                for one in (rtp, rtcp):
                    one.setblocking(False)
                return rtp, rtcp
        rtp.close()
        rtcp.close()

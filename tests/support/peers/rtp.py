"""An RTP end of our own, for a peer that speaks SIP but has no voice: it says a tone and writes down what it hears."""

import os
import select
import socket
import struct
import threading
import time
import wave
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from tests.support.tones import PCMU, decode_g711, encode_g711

RATE = 8000
PACKET = 160  # samples, 20 ms
EVENT = 101  # the payload type of telephone-event in our scenarios' session descriptions (RFC 4733)
KEYS = "0123456789*#ABCD"


class RtpEnd:
    """G.711 and telephone events on a UDP port of 127.0.0.1.

    Args:
        folder: where `heard.wav` goes; made if needed.
        tone: what it says, in hertz.
        payload_type: PCMU or PCMA.

    Attributes:
        tone: as given.
        port: the port to offer, an even one (RFC 3550 section 11).
        digits: the keys that the other side pressed.
        source: where the last packet came from.
    """

    def __init__(self, folder: Path, *, tone: float, payload_type: int = PCMU) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.tone = tone
        self.digits = ""
        self.source: tuple[str, int] | None = None
        self._socket = _even_socket()
        self.port: int = self._socket.getsockname()[1]
        self._payload_type = payload_type
        seconds = 10  # repeated without a click: a whole number of periods for every whole frequency
        sine = 0.25 * np.sin(2 * np.pi * tone * np.arange(seconds * RATE) / RATE)
        self._saying = encode_g711(sine, payload_type)
        self._target: tuple[str, int] | None = None
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._run, name="RTP end", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._waker)
        self._thread.join()
        os.close(self._wake)
        self._socket.close()

    def talk_to(self, host: str, port: int) -> None:
        """Say the tone to an address from now on; port 0 silences it."""
        self._target = (host, port) if port else None

    def recordings(self) -> list[Path]:
        return [path for path in [self.folder / "heard.wav"] if path.exists()]

    def _run(self) -> None:
        sequence, due, events, ear = 0, time.monotonic(), set[int](), self._socket.fileno()
        with (self.folder / "heard.wav").open("wb", buffering=0) as file, wave.open(file, "wb") as heard:
            heard.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
            heard.writeframes(b"")
            while True:
                ready, _, _ = select.select([ear, self._wake], [], [], max(0.0, due - time.monotonic()))
                if self._wake in ready:
                    return
                if ear in ready:
                    self._listen(heard, events)
                if time.monotonic() >= due:
                    self._talk(sequence)
                    sequence, due = sequence + 1, due + PACKET / RATE

    def _talk(self, sequence: int) -> None:
        if self._target is None:
            return
        start = sequence * PACKET % len(self._saying)
        header = struct.pack("!BBHII", 0x80, self._payload_type, sequence & 0xFFFF, sequence * PACKET, 0x474F5249)
        self._socket.sendto(header + self._saying[start : start + PACKET], self._target)

    def _listen(self, heard: wave.Wave_write, events: set[int]) -> None:
        try:
            packet, self.source = self._socket.recvfrom(2048)
        except ConnectionRefusedError:  # nobody is at the target yet, or any more
            return
        if len(packet) < 12 or packet[0] >> 6 != 2:
            return
        payload_type, timestamp = packet[1] & 0x7F, int.from_bytes(packet[4:8], "big")
        payload = packet[12 + 4 * (packet[0] & 0x0F) :]
        if payload_type == EVENT and payload:
            if timestamp not in events:  # an event is repeated under the timestamp of its beginning
                events.add(timestamp)
                self.digits += KEYS[payload[0]]
        elif payload_type in (0, 8):
            samples = decode_g711(payload, payload_type) * 32768
            heard.writeframesraw(samples.astype("<i2").tobytes())


def _even_socket() -> socket.socket:
    while True:
        candidate = socket.socket(type=socket.SOCK_DGRAM)
        candidate.bind(("127.0.0.1", 0))
        if candidate.getsockname()[1] % 2 == 0:
            return candidate
        candidate.close()

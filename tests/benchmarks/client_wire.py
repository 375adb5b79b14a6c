"""What passes a telephone's sockets on loopback, with the kernel's time of it.

A phone's own trace and recordings come later by what its program buffers.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import numpy as np

from tests.benchmarks.packets import Datagram, datagram, listen, receive
from tests.support.tones import PCMA, PCMU, decode_g711


class Wire:
    """Keeps the SIP and RTP that goes to and from ports that it was told of.

    Args:
        port: of the server, for SIP over UDP.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._media = 0
        self._seen: list[Datagram] = []
        self._changed = threading.Condition()
        self._socket = listen()
        self._reader = threading.Thread(target=self._read, name="wire", daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._port = 0
        self._reader.join(2)
        self._socket.close()

    def forget(self) -> None:
        """Another call begins."""
        with self._changed:
            self._seen.clear()
            self._media = 0

    def sip(self, start: bytes, cseq: bytes = b"INVITE", *, timeout: float = 20.0) -> Datagram:
        """The first message that begins so. Raises TimeoutError."""

        def fits(one: Datagram) -> bool:
            return one.payload.startswith(start) and re.search(rb"\nCSeq: *\d+ " + cseq, one.payload) is not None

        return self._wait(fits, timeout, start.decode())

    def audible(self, *, timeout: float = 20.0) -> Datagram:
        """The first packet of RTP to the phone in which something can be heard. Raises TimeoutError."""

        def fits(one: Datagram) -> bool:
            return one.target == self._media and is_audible(one.payload)

        return self._wait(fits, timeout, "RTP that can be heard")

    def spoken(self, *, timeout: float = 20.0) -> Datagram:
        """The first packet of RTP from the phone in which something can be heard. Raises TimeoutError."""

        def fits(one: Datagram) -> bool:
            return one.source == self._media and is_audible(one.payload)

        return self._wait(fits, timeout, "RTP of the phone that can be heard")

    def _wait(self, fits: Callable[[Datagram], bool], timeout: float, what: str) -> Datagram:
        deadline, looked = time.monotonic() + timeout, 0
        with self._changed:
            while True:
                while looked < len(self._seen):
                    looked += 1
                    if fits(self._seen[looked - 1]):
                        return self._seen[looked - 1]
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no {what} in {timeout:g} s")

    def _read(self) -> None:
        while self._port:
            try:
                one = datagram(*receive(self._socket))
            except TimeoutError:
                continue
            if one is None:
                continue
            if self._port in (one.source, one.target):
                self._learn(one)
            elif not self._media or self._media not in (one.source, one.target):
                continue
            with self._changed:
                self._seen.append(one)
                self._changed.notify_all()

    def _learn(self, one: Datagram) -> None:
        """Where the phone takes media: it says so in its answer."""
        found = re.search(rb"\r\nm=audio (\d+) ", one.payload)
        if found and one.source != self._port and one.payload.startswith(b"SIP/2.0 200"):
            self._media = int(found[1])


def is_audible(packet: bytes, threshold: float = 0.01) -> bool:
    """Whether a packet of RTP with G.711 has a sample above this share of full scale."""
    if len(packet) <= 12 or packet[0] >> 6 != 2 or (kind := packet[1] & 0x7F) not in (PCMU, PCMA):
        return False
    samples = decode_g711(packet[12 + 4 * (packet[0] & 15) :], kind)
    return bool(len(samples) and np.abs(samples).max() > threshold)

"""UDP on loopback as a packet socket sees it: the octets, and the kernel's time of when they were sent.

What sender and receiver know of that comes later, by what their programs buffer and by the steps of their clocks.
Needs root, or CAP_NET_RAW.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

BUFFER = 1 << 26  # octets; each datagram takes some 2 kB more than it has
LOOK_AGAIN = 0.2  # s
UDP = 17

ETH_P_IP = 0x0800
SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 26, 33, 35  # <asm-generic/socket.h>; Python has no names for them
SOL_PACKET, PACKET_STATISTICS = 263, 6
PACKET_IGNORE_OUTGOING = 23  # on loopback each packet would be seen going out and coming in


@dataclass(frozen=True, slots=True)
class Datagram:
    """One that was seen; `at` is the wall clock in ms, as a page's `Date.now()` has it."""

    at: float
    source: int
    target: int
    payload: bytes


def listen(port: int | None = None) -> socket.socket:
    """A packet socket for all IPv4 on loopback, or for the UDP to and from one port. Raises PermissionError."""
    listening = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    try:
        listening.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        listening.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        with contextlib.suppress(PermissionError):  # who may, gets it beyond the limit
            listening.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        if port is not None:
            _filter(listening, port)
        listening.bind(("lo", ETH_P_IP))
        listening.settimeout(LOOK_AGAIN)
    except OSError:
        listening.close()
        raise
    return listening


def receive(listening: socket.socket) -> tuple[bytes, bytes]:
    """The next packet from its IP header on, and its time stamp. Raises TimeoutError when none comes for a moment."""
    packet, extra, _, _ = listening.recvmsg(65_535, 64)
    return packet, extra[0][2]


def datagram(packet: bytes, stamp: bytes) -> Datagram | None:
    """What `receive` returned, taken apart; None if it is no UDP."""
    length = (packet[0] & 15) * 4
    if packet[9] != UDP or len(packet) < length + 8:
        return None
    source, target = struct.unpack_from("!HH", packet, length)
    whole, rest = struct.unpack("qq", stamp)
    return Datagram(whole * 1e3 + rest / 1e6, source, target, packet[length + 8 :])


class Capture:
    """Keeps all UDP to and from one port.

    Packets are taken apart when they are asked for, not while they come: the load needs the processor.
    """

    def __init__(self, port: int) -> None:
        self.lost = 0
        """Packets for which there was no room, once it is over."""
        self._socket = listen(port)
        self._seen: list[tuple[bytes, bytes]] = []
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read, name="capture", daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._reader.join()
        _, self.lost = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self._socket.close()

    def datagrams(self) -> list[Datagram]:
        """All that were seen, as they were sent: two processors may have handed them over in another order."""
        found = [one for packet, stamp in self._seen if (one := datagram(packet, stamp)) is not None]
        return sorted(found, key=lambda one: one.at)

    def _read(self) -> None:
        """Until it is over and nothing is left in the socket."""
        while True:
            try:
                self._seen.append(receive(self._socket))
            except TimeoutError:
                if self._over.is_set():
                    return


def _filter(listening: socket.socket, port: int) -> None:
    """Has the kernel leave out what is not to or from this port: other programs' traffic would take room and time."""
    steps = (
        (0x30, 0, 0, 9),  # A = protocol
        (0x15, 0, 6, UDP),  # another one: to the last step
        (0xB1, 0, 0, 0),  # X = length of the IP header
        (0x48, 0, 0, 0),  # A = port that it comes from
        (0x15, 2, 0, port),
        (0x48, 0, 0, 2),  # A = port that it goes to
        (0x15, 0, 1, port),
        (0x06, 0, 0, 1 << 16),  # all of it
        (0x06, 0, 0, 0),  # nothing
    )
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    described = struct.pack("HP", len(steps), ctypes.addressof(program))
    listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)

"""A bad line between phones and a server: loses datagrams by a fixed pattern, both ways."""

import selectors
import socket
import threading
from collections.abc import Sequence
from itertools import cycle
from types import TracebackType
from typing import Self

from tests.scenarios.hostile.attackers import OWN_HOST, address_of

# Where the server sees phones come from: another address than theirs, so that it answers and calls on this path.
OUTSIDE = "127.251." + OWN_HOST.split(".", 2)[2]


class LossyPath:
    """Stands in front of a server's UDP address, at an `address` of its own.

    The patterns are read one value a datagram, again and again: 1 loses it. `lost` counts those.
    """

    def __init__(self, server: str, *, to_server: Sequence[int], to_phones: Sequence[int]) -> None:
        self.lost = 0
        self._server = address_of(server)
        self._to_server, self._to_phones = cycle(to_server), cycle(to_phones)
        self._inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inside.bind(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._inside, selectors.EVENT_READ)
        self._waker, self._wakened = socket.socketpair()
        self._selector.register(self._wakened, selectors.EVENT_READ)
        self._outside: dict[tuple[str, int], socket.socket] = {}
        self._thread = threading.Thread(target=self._run, name="lossy path", daemon=True)

    @property
    def address(self) -> str:
        host, port = self._inside.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._waker.close()
        self._thread.join()
        for each in (self._inside, self._wakened, *self._outside.values()):
            each.close()
        self._selector.close()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._wakened:
                    return
                if key.fileobj is self._inside:
                    data, phone = self._inside.recvfrom(65_536)
                    if self._passes(self._to_server):
                        self._outside_of(phone).sendto(data, self._server)
                else:
                    assert isinstance(key.fileobj, socket.socket)
                    data = key.fileobj.recv(65_536)
                    if self._passes(self._to_phones):
                        self._inside.sendto(data, key.data)

    def _passes(self, pattern: "cycle[int]") -> bool:
        lost = next(pattern)
        self.lost += lost
        return not lost

    def _outside_of(self, phone: tuple[str, int]) -> socket.socket:
        """The socket that stands for a phone outside."""
        if phone not in self._outside:
            outside = self._outside[phone] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            outside.bind((OUTSIDE, phone[1]))  # the port is the same: old phones are answered at that in their Via
            self._selector.register(outside, selectors.EVENT_READ, phone)
        return self._outside[phone]

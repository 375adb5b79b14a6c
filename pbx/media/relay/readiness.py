"""Which sockets have packets: an epoll of our own, which the event loop watches as if it were one socket.

A UDP socket that is connected reports a port that was closed at the far end as an error, and goes on. libuv, on
which uvloop stands, takes such an error for the end of the socket and never looks at it again (`uv__poll_io`), so
these sockets are kept away from it. Many that are ready at once also cost the loop one turn only.
"""

import asyncio
import select
from collections.abc import Callable

AT_ONCE = 128  # sockets that are served before the loop gets its turn


class Readiness:
    """Calls a function for each socket that can be read or has an error. Linux only, as epoll is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._epoll.fileno(), self._serve)

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Calls `callback` whenever there is something, in place of what was called for this descriptor before."""
        if descriptor not in self._callbacks:
            self._epoll.register(descriptor, select.EPOLLIN)
        self._callbacks[descriptor] = callback

    def forget(self, descriptor: int) -> None:
        """To be called before the descriptor is closed."""
        if self._callbacks.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def close(self) -> None:
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _serve(self) -> None:
        callbacks = self._callbacks
        for descriptor, _ in self._epoll.poll(0, AT_ONCE):
            callback = callbacks.get(descriptor)  # one served before may have closed it
            if callback is not None:
                callback()

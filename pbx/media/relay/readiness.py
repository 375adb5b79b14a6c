"""Which sockets have packets: an epoll in which the media process waits, and the event loop around it.

A packet that comes wakes the process, and is dealt with where the process waits; the event loop gets its turn when
there is something for it: a request of the engine, a timer, or what a packet has given it to do. So a packet costs one
system call to wait, shared with all that are ready, one to read and one to send.

uvloop isn't used here. A UDP socket that is connected reports a port that was closed at the far end as an error, and
goes on; libuv takes such an error for the end of the socket and never looks at it again (`uv__poll_io`).
"""

import asyncio
import logging
import select
import selectors
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

AT_ONCE = 128  # sockets that are served before the loop may get its turn

logger = logging.getLogger(__name__)


class Readiness(selectors.EpollSelector):
    """A selector for an event loop that beside it calls a function for each socket that has packets or an error.

    Attributes:
        due: whether the loop has to get its turn. Who gives it something to do sets this.
    """

    def __init__(self) -> None:
        super().__init__()
        self.due = False
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self.watch(self.fileno(), self._give_turn)  # what the loop waits for, all in one

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Calls `callback` whenever there is something, in place of what was called for this descriptor before."""
        if self._callbacks.get(descriptor, _nothing) is _nothing:
            self._epoll.register(descriptor, select.EPOLLIN)
        self._callbacks[descriptor] = callback

    def forget(self, descriptor: int) -> None:
        """To be called before the descriptor is closed."""
        if self._callbacks.get(descriptor, _nothing) is not _nothing:
            self._epoll.unregister(descriptor)
            self._callbacks[descriptor] = _nothing  # it may be among those that are just being served

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Serves packets until the loop has something to do; None waits for that without end."""
        until = None if timeout is None else time.monotonic() + timeout
        self.due = False
        while not self.due:
            self.serve(timeout)
            if until is not None:
                timeout = until - time.monotonic()
                if timeout <= 0:
                    break
        return super().select(0)

    def serve(self, timeout: float | None) -> None:
        """Waits, and serves all that are ready then."""
        callbacks = self._callbacks
        ready = self._epoll.poll(timeout, AT_ONCE)
        try:
            for descriptor, _ in ready:
                callbacks[descriptor]()
        except Exception:  # the next ones are still ready
            logger.exception("! a packet can't be dealt with")

    def close(self) -> None:
        self._epoll.close()
        super().close()

    def _give_turn(self) -> None:
        self.due = True


class RelayLoop(asyncio.SelectorEventLoop):
    """The event loop of a media process. `readiness` serves the sockets with media."""

    def __init__(self) -> None:
        self.readiness = Readiness()
        super().__init__(self.readiness)

    def call_soon(  # type: ignore[override]  # typeshed's has a variadic type, which callers don't need
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        self.readiness.due = True
        return super().call_soon(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self.readiness.due = True
        return super().call_at(when, callback, *args, context=context)


def _nothing() -> None:
    """In the place of a function whose socket is gone."""

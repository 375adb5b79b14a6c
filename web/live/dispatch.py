"""From an action's commit to those who are to hear of it, in the loop and in the order of the commits.

A store calls its listeners in the thread of the action (`pbx.storage.unit`), where nothing of gevent may be touched.
`Dispatcher.put` is such a listener; the handlers run one after the other in a greenlet of their own, so they may use
the thread pool and send to rooms.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import gevent
from gevent.queue import Queue

logger = logging.getLogger(__name__)

E = TypeVar("E")


class Dispatcher:
    """Carries events to handlers.

    Until `start`, and where it is never called as in tests, events are handled at once in the caller's thread.
    """

    def __init__(self) -> None:
        self._handlers: dict[type[Any], list[Callable[[Any], None]]] = {}
        self._queue: Queue | None = None
        self._loop: Any = None

    def on(self, kind: type[E], handler: Callable[[E], None]) -> None:
        """Has `handler` called with every event of this class, or of one below it."""
        self._handlers.setdefault(kind, []).append(handler)

    def put(self, event: object) -> None:
        """Takes an event, in any thread."""
        if self._queue is None:
            self._handle(event)
        else:
            self._loop.run_callback_threadsafe(self._queue.put, event)

    def start(self) -> None:
        """From now on events are handled in a greenlet of this loop."""
        self._queue = Queue()
        self._loop = gevent.get_hub().loop
        gevent.spawn(self._run, self._queue)

    def _run(self, queue: Queue) -> None:
        for event in queue:
            self._handle(event)

    def _handle(self, event: object) -> None:
        for kind in type(event).__mro__:
            for handler in self._handlers.get(kind, ()):
                try:
                    handler(event)
                except Exception:
                    # The action is done and stays done: events are hints, browsers read the truth by the API.
                    logger.exception("! telling of %s failed", type(event).__name__)

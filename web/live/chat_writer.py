"""All changes of chat, one after the other: what comes while the database is busy is written together.

One transaction at a time means that events leave in the order of the sequence, and that many small messages
wait for the disk once.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

import gevent
from gevent.event import AsyncResult

from messaging.batch import Action, commit_together
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Store, Transaction
from web.threads import InlineThreads, Threads

logger = logging.getLogger(__name__)

T = TypeVar("T")

MOST = 100  # actions in one transaction
PAUSE = 0.02  # seconds between two transactions, in which what comes is gathered; nobody waits for the first


class ChatWriter:
    """Does actions on chat; called in the loop, by any greenlet. Without threads, all is done at once."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads
        self._inline = isinstance(threads, InlineThreads)
        self._waiting: list[tuple[Action, AsyncResult]] = []
        self._busy = False

    def act(self, action: Callable[[Transaction], T]) -> T:
        """What the action returns, once it is committed; raises what it raises, and DatabaseRefused."""
        result = AsyncResult()
        self._waiting.append((action, result))
        if self._inline:
            self._write()
        elif not self._busy:
            self._busy = True
            gevent.spawn(self._write)
        return cast(T, result.get())

    def later(self, action: Callable[[Transaction], object]) -> None:
        """Does an action whose result nobody waits for; a failure is logged."""
        self.after(0.0, lambda: self.act(action))

    def after(self, seconds: float, work: Callable[[], object]) -> None:
        """Does `work` in a greenlet of its own; a failure is logged."""
        if self._inline:
            self._logged(work)
        else:
            gevent.spawn_later(seconds, self._logged, work)

    def _logged(self, work: Callable[[], object]) -> None:
        try:
            work()
        except DatabaseRefused as error:
            logger.warning("! chat could not be changed: %s", error)
        except Exception:
            logger.exception("! chat could not be changed")

    def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            self._write_batch(batch)
            if not self._inline:
                gevent.sleep(PAUSE)
        self._busy = False

    def _write_batch(self, batch: list[tuple[Action, AsyncResult]]) -> None:
        actions = [action for action, _ in batch]

        def work() -> Any:
            return commit_together(self._store, actions)

        try:
            done, _ = self._threads.run(work)
        except Exception as error:
            for _, result in batch:
                result.set_exception(error)
            return
        for (_, result), one in zip(batch, done, strict=True):
            if one.error is not None:
                result.set_exception(one.error)
            else:
                result.set(one.result)

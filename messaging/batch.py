"""Several people's actions in one transaction: the disk is waited for once, not once for each.

Actions check before they change anything, so one that is refused leaves the others untouched. Should one
fail in a way that nobody foresaw, all are undone and each is done again alone.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from messaging.errors import MessagingError
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Store, Transaction

Action = Callable[[Transaction], Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an action: its result, or what it raised."""

    result: Any = None
    error: Exception | None = None


class _Undone(Exception):
    """One of several actions failed in a way that may have left something behind."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def commit_together(store: Store, actions: Sequence[Action]) -> tuple[list[Done], list[object]]:
    """Does all actions in their order; what became of each, and all events in order.

    The store's listeners hear the events too.
    """
    try:
        return _do(store, actions)
    except _Undone:
        pass
    done: list[Done] = []
    events: list[object] = []
    for action in actions:
        try:
            one, happened = _do(store, [action])
        except _Undone as failure:
            one, happened = [Done(error=failure.error)], []
        done += one
        events += happened
    return done, events


def _do(store: Store, actions: Sequence[Action]) -> tuple[list[Done], list[object]]:
    done: list[Done] = []
    try:
        with store.transaction() as tx:
            for action in actions:
                try:
                    done.append(Done(action(tx)))
                except MessagingError as refusal:
                    done.append(Done(error=refusal))
    except DatabaseRefused as error:
        return [Done(error=error) for _ in actions], []
    except Exception as error:
        raise _Undone(error) from error
    return done, tx.events

"""The engine's events from the bus, for those in this process who want them.

services.engine_events.on("sip.message", take)      # take(data) is called in the loop
services.engine_events.on("snapshot", start_anew)   # after a start of either side, or when events were missed
"""

import logging
from collections.abc import Callable
from pathlib import Path

import gevent

from pbx.bus.base import Envelope
from pbx.bus.following import BlockingSubscriber
from pbx.bus.lines import Values

logger = logging.getLogger(__name__)

Take = Callable[[Values], None]


class EngineEvents:
    """Hands each event to those who asked for its type."""

    def __init__(self) -> None:
        self._takers: dict[str, list[Take]] = {}
        self.connected = False

    def on(self, kind: str, take: Take) -> None:
        """Has `take` called with the data of every event of this type; of a snapshot too, whose type is "snapshot"."""
        self._takers.setdefault(kind, []).append(take)

    def hear(self, envelope: Envelope) -> None:
        """Hands one event on."""
        for take in self._takers.get(envelope.type, ()):
            try:
                take(envelope.data)
            except Exception:
                # One event that cannot be used must not end all others.
                logger.exception("! event %s of %s could not be used", envelope.type, envelope.node)

    def follow(self, socket: Path) -> None:
        """Hears the engine at this socket, for as long as the process lives. Runs in a greenlet of its own."""
        subscriber = BlockingSubscriber(socket, sleep=gevent.sleep, on_connection=self._connection)
        for envelope in subscriber.subscribe():
            self.hear(envelope)

    def _connection(self, there: bool) -> None:
        self.connected = there
        logger.info("= %s", "the engine is there" if there else "the engine is away")

"""What peers send that is no SIP, in the log: one line now and then, whatever the flood."""

import logging
from collections.abc import Callable

from sip.errors import ParseError
from sip.transport.base import Flow

log = logging.getLogger(__name__)

EVERY = 10.0  # s between two lines


class Complaints:
    """Counts malformed messages, and tells of one of them at most every so often. `now` gives seconds."""

    def __init__(self, now: Callable[[], float], counters: dict[str, int]) -> None:
        self._now = now
        self._counters = counters
        self._quiet_until = 0.0

    def malformed(self, flow: Flow, error: ParseError) -> None:
        """A message from this flow could not be read."""
        self._counters["malformed"] += 1
        now = self._now()
        if now < self._quiet_until:
            return
        self._quiet_until = now + EVERY
        host, port = flow.remote
        total = self._counters["malformed"]
        log.warning(
            "! malformed message from %s %s port %d: %s (%d since the start)", flow.transport, host, port, error, total
        )

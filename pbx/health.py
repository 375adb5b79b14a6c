"""Whether the engine takes new work: overload, a refusing database, draining."""

from __future__ import annotations

import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)

# Share of a socket's receive buffer that waits unread. A full buffer loses packets, and callers retransmit: by
# then it is too late. An eighth of 4 MiB is some 700 packets, 20 ms of work.
OVERLOADED_AT = 1 / 8  # at two looks one after the other: a moment's stall leaves a backlog that is worked off before
FULL_AT = 1 / 2  # at one look
RELIEVED_AT = 1 / 32
CALM = 50  # looks without overload before it counts as over in the log: a flood comes in waves


class Health:
    """Says why new calls are refused.

    Args:
        backlog: share of the fullest receive buffer that waits, 0 to 1.
        database_error: why the database refuses, None while it works.
        calls: how many calls there are.
        most_calls: how many there may be.
    """

    def __init__(
        self,
        backlog: Callable[[], float],
        database_error: Callable[[], str | None],
        calls: Callable[[], int],
        most_calls: int,
    ) -> None:
        self._look_at_backlog = backlog
        self._database_error = database_error
        self._calls = calls
        self._most_calls = most_calls
        self.overloaded = False
        self.draining = False
        self.refused = 0  # calls since the start
        self.backlog = 0.0  # at the last look
        self._told = False  # whether the log has an overload that it doesn't have the end of
        self._calm = 0

    def look(self) -> None:
        """To be called several times a second: notices overload, and its end."""
        before, backlog = self.backlog, self._look_at_backlog()
        self.backlog = backlog
        lasting = backlog > OVERLOADED_AT and before > OVERLOADED_AT
        self.overloaded = backlog > RELIEVED_AT if self.overloaded else lasting or backlog > FULL_AT
        if self.overloaded:
            self._calm = 0
            if not self._told:
                self._told = True
                logger.warning("! overloaded: %d %% of a receive buffer wait, new calls are refused", backlog * 100)
        elif self._told:
            self._calm += 1
            if self._calm >= CALM:
                self._told = False
                logger.warning("= no longer overloaded: %d calls were refused since the start", self.refused)

    def refusing(self) -> str:
        """The reason phrase of the 503 for a new call, "" when it is welcome."""
        reason = self.reason()
        if reason:
            self.refused += 1
        return reason

    def reason(self) -> str:
        """Why new calls are refused at the moment, "" while they are not."""
        if self.draining:
            return "Shutting Down"
        if self.overloaded:
            return "Overloaded"
        if self._database_error() is not None:
            return "Storage Unavailable"
        if self._calls() >= self._most_calls:
            return "Too Many Calls"
        return ""

"""Whether the engine takes new work: overload, a refusing database, draining."""

from __future__ import annotations

from collections.abc import Callable

# Share of a socket's receive buffer that waits unread. A full buffer loses packets, and callers retransmit: by
# then it is too late. An eighth of 4 MiB is some 700 packets, 20 ms of work.
OVERLOADED_AT = 1 / 8
RELIEVED_AT = 1 / 32


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
        self._backlog = backlog
        self._database_error = database_error
        self._calls = calls
        self._most_calls = most_calls
        self.overloaded = False
        self.draining = False
        self.shed = 0  # calls refused since the start

    def look(self) -> None:
        """To be called several times a second: notices overload, and its end."""
        backlog = self._backlog()
        self.overloaded = backlog > (RELIEVED_AT if self.overloaded else OVERLOADED_AT)

    def refusing(self) -> str:
        """The reason phrase of the 503 for a new call, "" when it is welcome."""
        reason = self.reason()
        if reason:
            self.shed += 1
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

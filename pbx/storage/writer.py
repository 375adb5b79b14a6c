"""The write-behind: rows of the call engine go to the database without making a phone wait for it.

`put` appends to a queue, nothing more: it takes no lock and calls nobody, so that it costs the event
loop a fraction of a microsecond. One thread empties the queue, lets a later row with the same primary
key replace an earlier one, and writes what is left in one transaction, at most 50 ms after the first
row was put.

A removal is written even when the row that it removes was still in the queue: an older version of the
row may be in the database already.

While the database refuses (full, locked, gone), rows are kept and tried again with growing pauses, and
`healthy` is False so that the engine takes no new work; so it is as soon as the oldest row has waited for too long,
before the database has said anything. A row that the database can never take, such
as text with a NUL for PostgreSQL, is the row's own fault: it is logged and left out, because one such
row from a hostile phone must not stop all others.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from pbx.storage.bulk import execute_many
from pbx.storage.engine import for_urgent_writing
from pbx.storage.errors import LOCKED, is_refusal, refused
from pbx.storage.statements import Statement

logger = logging.getLogger(__name__)

Parameters = tuple[object, ...]
OnHealth = Callable[[bool, str | None], None]

DELAY = 0.05  # seconds in which rows gather; what is acknowledged is on disk within twice that
LIMIT = 50_000  # rows that may wait: about 40 MB, and a minute at a thousand registrations a second
# Seconds for which the oldest row may wait: a kill of ours loses what waits. The web process has the database now and
# then for some milliseconds, on a slow disk for a tenth of a second; who has it for longer does not let go soon.
LOCK_PATIENCE = 0.5
SLOW = 2.0  # while it is our own write that takes so long
FIRST_PAUSE, LAST_PAUSE = 0.1, 2.0  # seconds between attempts while the database refuses

# What a row itself can be to blame for; everything else is the database's refusal.
ROW_FAULTS = (IntegrityError, DataError, UnicodeError, OverflowError)
LIMIT_EXCEEDED = "54"  # SQLSTATE class of PostgreSQL: a text that is too long for an index, among others


class WriteBehind:
    """Takes rows from one thread and writes them in another, which it starts.

    Args:
        engine: the database.
        delay: seconds in which rows gather before they are written together.
        limit: rows that may wait before `healthy` turns False.
        pauses: seconds before the first retry, and at most before a later one.
        on_health: called with `healthy` and `error` when the database begins or ceases to refuse, in
            the writer's thread.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        delay: float = DELAY,
        limit: int = LIMIT,
        pauses: tuple[float, float] = (FIRST_PAUSE, LAST_PAUSE),
        on_health: OnHealth | None = None,
    ) -> None:
        self._engine = for_urgent_writing(engine, self._found_locked)
        self._delay = delay
        self._limit = limit
        self._pauses = pauses
        self._on_health = on_health
        self._refusal: str | None = None
        # From the caller to the thread: rows, and marks (None, Event) to be set when all before is written.
        self._queue: deque[tuple[Statement, Parameters] | tuple[None, threading.Event]] = deque()
        self._idle = False
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._closing = False
        # The thread's own: what it took from the queue and has not written yet.
        self._unwritten: dict[tuple[str, object], tuple[Statement, Parameters]] = {}
        self._marks: list[threading.Event] = []
        self._oldest = 0.0  # no row that waits was put before this moment; 0 while none waits
        self._waits_for_lock = False
        self.rejected = 0  # rows left out since the start
        self._thread = threading.Thread(target=self._run, name="write-behind", daemon=True)
        self._thread.start()

    def put(self, statement: Statement, parameters: Parameters) -> None:
        """Has a row written soon; the last one put for a primary key wins."""
        self._queue.append((statement, parameters))
        if self._idle:
            self._wake.set()

    @property
    def healthy(self) -> bool:
        """Whether the engine may take new work."""
        return self._refusal is None and len(self._queue) <= self._limit and not self._is_late()

    @property
    def error(self) -> str | None:
        """Why it may not, in one line; None when it may."""
        if self._refusal is not None:
            return self._refusal
        if len(self._queue) > self._limit:
            return f"the database is too slow: {len(self._queue)} rows wait"
        if self._is_late():
            return LOCKED if self._waits_for_lock else "the database is too slow"
        return None

    def _is_late(self) -> bool:
        oldest = self._oldest
        return oldest > 0.0 and time.monotonic() - oldest > (LOCK_PATIENCE if self._waits_for_lock else SLOW)

    def flush(self, timeout: float | None = None) -> bool:
        """Writes everything that was put before, now. False when it took longer than `timeout` seconds."""
        written = threading.Event()
        self._queue.append((None, written))
        self._hurry.set()
        self._wake.set()
        return written.wait(timeout)

    def close(self, timeout: float = 10.0) -> bool:
        """Writes everything and stops; nothing may be put afterwards.

        False when the database refused for `timeout` seconds; what was not written is lost then.
        """
        if self._closing:
            return not self._unwritten
        self.flush(timeout)
        self._closing = True
        self._hurry.set()
        self._wake.set()
        self._thread.join(timeout)
        written = not (self._thread.is_alive() or self._unwritten or self._queue)
        if not written:
            logger.error("! rows are lost at the stop: %s", self.error or "they came too late")
        return written

    def _run(self) -> None:
        first, last = self._pauses
        while not self._closing:
            self._await_rows()
            if not self._oldest:
                self._oldest = time.monotonic()
            self._hurry.wait(self._delay)
            taken = time.monotonic()
            self._take()
            pause = first
            while not self._write():
                if self._closing:
                    return
                self._hurry.wait(pause)
                taken = time.monotonic()
                self._take()
                pause = min(2 * pause, last)
            self._oldest = taken if self._queue else 0.0

    def _await_rows(self) -> None:
        self._wake.clear()
        # From here on `put` sets the event; what was put or asked before is seen by looking.
        self._idle = True
        if not self._queue and not self._closing:
            self._wake.wait()
        self._idle = False

    def _take(self) -> None:
        """Empties the queue: a later row takes the place of an earlier one with the same key."""
        self._hurry.clear()
        queue, unwritten = self._queue, self._unwritten
        for _ in range(len(queue)):
            entry = queue.popleft()
            if entry[0] is None:
                self._marks.append(entry[1])
            else:
                statement, parameters = entry
                unwritten[statement.table, parameters[0]] = entry

    def _write(self) -> bool:
        """Writes what was taken. False, with everything kept, when the database refuses."""
        try:
            if self._unwritten:
                self._write_rows()
        except Exception as error:
            self._note_refusal(error)
            return False
        self._unwritten.clear()
        for mark in self._marks:
            mark.set()
        self._marks.clear()
        self._note_health(None)
        return True

    def _write_rows(self) -> None:
        batches: dict[Statement, list[Parameters]] = {}
        for statement, parameters in self._unwritten.values():
            batches.setdefault(statement, []).append(parameters)
        try:
            with self._engine.begin() as connection:
                if self._waits_for_lock:
                    self._has_lock()
                for statement, rows in batches.items():
                    execute_many(connection, statement, rows)
        except Exception as error:
            if not _is_row_fault(error):
                raise
            self._write_singly(batches)

    def _found_locked(self) -> None:
        self._waits_for_lock = True

    def _has_lock(self) -> None:
        self._waits_for_lock = False
        waited = time.monotonic() - self._oldest
        if self._refusal is None and waited > LOCK_PATIENCE:
            logger.warning("! %s for %.1f s, and new work refused meanwhile", LOCKED.replace(" is ", " was "), waited)

    def _write_singly(self, batches: dict[Statement, list[Parameters]]) -> None:
        """Writes row by row, without those that can't be written."""
        rejected = 0
        with self._engine.begin() as connection:
            for statement, rows in batches.items():
                for row in rows:
                    try:
                        with connection.begin_nested():
                            execute_many(connection, statement, [row])
                    except Exception as error:
                        if not _is_row_fault(error):
                            raise
                        rejected += 1
                        reason = str(getattr(error, "orig", error)).splitlines()[0]
                        logger.error("! row %r of %s is left out: %s", row[0], statement.table, reason)
        self.rejected += rejected

    def _note_refusal(self, error: Exception) -> None:
        if self._refusal is None and not is_refusal(error):
            logger.error("! the database writer failed", exc_info=error)
        self._note_health(str(refused(error)))

    def _note_health(self, refusal: str | None) -> None:
        before, self._refusal = self._refusal, refusal
        if (before is None) == (refusal is None):
            return
        if refusal is None:
            logger.warning("= the database takes rows again")
        else:
            logger.error("! %s: %d rows are kept until it works", refusal, len(self._unwritten))
        if self._on_health is not None:
            try:
                self._on_health(refusal is None, refusal)
            except Exception:
                logger.exception("! telling of the writer's health failed")  # the writer goes on


def _is_row_fault(error: Exception) -> bool:
    """Whether a row itself is to blame, so that it can never be written."""
    if isinstance(error, OperationalError):
        return str(getattr(error.orig, "sqlstate", "")).startswith(LIMIT_EXCEEDED)
    return isinstance(error, ROW_FAULTS)

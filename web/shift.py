"""A shift of the worker: what is to be done, done.

Pictures are looked at and get their thumbnails, at night goes what the rules of retention say, and then the files that
nothing needs any more: uploads that were not finished or never sent, and those of what has gone. All of it starts from
what the database says is to be done, so that a shift which is broken off leaves its work to the next one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from config.data import DataFolder
from config.settings import Settings
from messaging.attachments import (
    note_thumbnail,
    note_unlinked,
    to_unlink,
    try_thumbnail,
    waiting_for_thumbnails,
)
from messaging.files import FileStore
from messaging.holds import HeldCopyStore
from messaging.retention import MessageStore, UploadedFileStore
from messaging.thumbnails import make_thumbnail
from pbx.calls.expiry import CallRecordStore
from pbx.doorbell import Doorbell, ring
from pbx.retention.policy import ExpiringStore
from pbx.retention.service import sweep
from pbx.storage.engine import open_database
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Store

logger = logging.getLogger(__name__)

LINGERS = 10.0  # seconds in which the next ring finds this shift still there
PICTURES = 20  # in one go
BATCH = 100  # files in one transaction
PAUSE = 0.05  # seconds between batches, in which others get at the database

STORES: Sequence[ExpiringStore] = (MessageStore(), UploadedFileStore(), CallRecordStore(), HeldCopyStore())
"""What a sweep goes through: all that the rules of retention are about, and what was kept for holds that are lifted."""


class Worker:
    """Does the work there is; `local_now` gives the time of the office, in which nights are counted.

    Args:
        stop: set when the process is to end.
        stamp: a file that remembers the last sweep.
    """

    def __init__(
        self,
        store: Store,
        files: FileStore,
        *,
        bell: Path,
        stamp: Path,
        sweep_hour: int,
        local_now: Callable[[], datetime],
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._files = files
        self._bell = bell
        self._stamp = stamp
        self._sweep_hour = sweep_hour
        self._local_now = local_now
        self._stop = stop

    def look_at_pictures(self) -> int:
        """Makes the thumbnails that are missing, oldest first; how many pictures it looked at."""
        with self._store.reading() as session:
            waiting = waiting_for_thumbnails(session, PICTURES)
        for picture in waiting:
            if self._stop.is_set():
                break
            with self._store.transaction() as tx:
                try_thumbnail(tx, picture)
            size = make_thumbnail(self._files.path(picture), self._files.thumbnail(picture))
            if size is not None:
                with self._store.transaction() as tx:
                    note_thumbnail(tx, picture, size)
                ring(self._bell)
        return len(waiting)

    def remove_files(self) -> int:
        """Removes files that were never finished, never sent, belonged to a deleted message, or grew too old."""
        removed = 0
        while self._goes_on():
            with self._store.reading() as session:
                expired = to_unlink(session, self._local_now(), BATCH)
            for file in expired:  # large ones take a while, for which no writer of the database waits
                self._files.remove(file)
            if expired:
                with self._store.transaction() as tx:
                    note_unlinked(tx, expired)
            removed += len(expired)
            if len(expired) < BATCH:
                break
        if removed:
            logger.info("= removed %d files", removed)
        return removed

    def sweep_if_due(self) -> bool:
        """Carries the rules of retention out, once a night; whether this was the time."""
        now = self._local_now()
        last = self._last_sweep()
        if last is not None and is_due(last, now, self._sweep_hour):
            if any(sweep(self._store, STORES, batch=BATCH, goes_on=self._goes_on).values()):
                ring(self._bell)
        elif last is not None:
            return False
        self._stamp.write_text(now.isoformat())
        return last is not None

    def _last_sweep(self) -> datetime | None:
        try:
            return datetime.fromisoformat(self._stamp.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _goes_on(self) -> bool:
        return not self._stop.wait(PAUSE)


def is_due(last: datetime, now: datetime, hour: int) -> bool:
    """Whether there was a `hour` o'clock between the two."""
    latest = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if latest > now:
        latest -= timedelta(days=1)
    return last < latest


def work(settings: Settings, data: DataFolder, bell: Doorbell, stop: threading.Event) -> None:
    """Does all that there is, and what comes, until it has been quiet for a while."""
    store = Store(open_database(settings.database.url))
    zone = settings.calls.time_zone
    worker = Worker(
        store,
        FileStore(settings.files.folder),
        bell=data.chat_bell,
        stamp=data.run / "last-sweep",
        sweep_hour=settings.retention.sweep_hour,
        local_now=lambda: datetime.now(zone) if zone is not None else datetime.now().astimezone(),
        stop=stop,
    )
    _attempt(worker.sweep_if_due)
    _attempt(worker.remove_files)  # afterwards: a sweep leaves the octets of what it has removed
    while not stop.is_set():
        while _attempt(worker.look_at_pictures) == PICTURES and not stop.is_set():
            pass
        if stop.is_set() or not bell.wait(LINGERS):
            break
    store.close()


def _attempt(action: Callable[[], int]) -> int:
    """What the action gives; 0 where it can't be done now, for a reason that is not its own."""
    try:
        return action()
    except DatabaseRefused as error:
        logger.warning("! %s", error)
    except OSError as error:
        logger.error("! a file could not be written or removed: %s", error)
    return 0

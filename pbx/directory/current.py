"""The directory that is in force in a process, and how it follows the database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from pbx.directory.secrets import SecretBox
from pbx.directory.snapshot import Directory
from pbx.directory.snapshot_loader import directory_version, load_directory, refresh_directory
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Store

logger = logging.getLogger(__name__)


class CurrentDirectory:
    """Holds one immutable `Directory`; `refresh` and `check` run in a thread, everybody else just reads.

    `box` opens the passwords of devices; without it the directory has no devices.
    `on_change` hears which numbers changed, in the thread of the refresh; none means any may have.
    """

    def __init__(
        self, store: Store, box: SecretBox | None, ring_seconds: int, on_change: Callable[[Collection[str]], None]
    ) -> None:
        self._store = store
        self._box = box
        self._on_change = on_change
        with store.reading() as session:
            self._directory = load_directory(session, box, ring_seconds)

    def get(self) -> Directory:
        """The directory in force."""
        return self._directory

    def refresh(self, numbers: Collection[str]) -> None:
        """Takes over what the database says about these numbers. Raises DatabaseRefused."""
        while True:
            before = self._directory
            with self._store.reading() as session:
                changed = refresh_directory(session, self._box, before, numbers)
            if self._directory is before:  # else another thread has taken over something else meanwhile
                self._directory = changed
                break
        self._on_change(numbers)

    def check(self) -> None:
        """Takes over everything if the database has another version: somebody changed it and could not tell."""
        try:
            with self._store.reading() as session:
                if directory_version(session) == self._directory.version:
                    return
                loaded = load_directory(session, self._box, self._directory.ring_seconds)
                if loaded.version >= self._directory.version:
                    self._directory = loaded
        except DatabaseRefused as error:
            logger.warning("! the directory could not be checked: %s", error)
            return
        self._on_change(())

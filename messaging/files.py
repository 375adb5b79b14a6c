"""Octets of files on disk: one file for each attachment and one for its thumbnail, below one folder.

Names are ids that we have made up, never what somebody called the file. The length of a file is how far
its upload has come, so what was acknowledged is what is there, whatever was killed in between.
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from messaging.errors import FileGone, NotFound, OutOfRange, TooMuch

_ID = re.compile(r"[A-Za-z0-9_-]{16,32}")


def unfinished(thumbnail: Path) -> Path:
    """Where a thumbnail is while it is being made; one that was broken off stays there."""
    return thumbnail.with_name(thumbnail.name + ".new")


class FileStore:
    """The files below `root`, which are for the owner of the server alone."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, file: str) -> Path:
        """Where a file is, whether it is there or not. Raises NotFound for what is no id."""
        if not _ID.fullmatch(file):
            raise NotFound("there is no such attachment")
        return self.root / file[:2] / file

    def thumbnail(self, file: str) -> Path:
        """Where its thumbnail is."""
        path = self.path(file)
        return path.with_name(path.name + ".webp")

    def create(self, file: str) -> None:
        """An empty file. Raises OSError."""
        path = self.path(file)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def received(self, file: str) -> int:
        """How many octets are there. Raises FileGone."""
        try:
            return self.path(file).stat().st_size
        except FileNotFoundError as error:
            raise FileGone("the file is not there any more") from error

    def append(self, file: str, offset: int, pieces: Iterable[bytes], *, size: int) -> int:
        """Adds octets at the end of a file; how many are there then. `sync` has them on disk.

        What has arrived before `pieces` break off stays. Args: `offset` is where the sender thinks the end
        to be; `size` is what the file will have at most.

        Raises OutOfRange, FileGone; TooMuch when more comes than the file has, and what is too much is
        not kept.
        """
        with self._alone(file) as handle:
            end = handle.seek(0, os.SEEK_END)
            if end != offset:
                raise OutOfRange(end)
            for piece in pieces:
                if end + len(piece) > size:
                    raise TooMuch(f"the upload was announced with {size} octets, and more came")
                left = memoryview(piece)
                while left:  # a disk that is nearly full takes a part, and says so the next time
                    left = left[handle.write(left) :]
                end += len(piece)
            return end

    def sync(self, file: str) -> None:
        """Has what was added on disk when it returns. Raises FileGone."""
        with self.open(file) as handle:
            os.fsync(handle.fileno())

    def beginning(self, file: str, octets: int) -> bytes:
        """The first octets. Raises FileGone."""
        with self.open(file) as handle:
            return handle.read(octets)

    def open(self, file: str) -> BinaryIO:
        """The file for reading. Raises FileGone."""
        try:
            return self.path(file).open("rb")
        except FileNotFoundError as error:
            raise FileGone("the file is not there any more") from error

    def remove(self, file: str) -> None:
        """Removes a file and its thumbnail; that they aren't there is no error."""
        for path in (self.path(file), self.thumbnail(file), unfinished(self.thumbnail(file))):
            path.unlink(missing_ok=True)

    @contextmanager
    def _alone(self, file: str) -> Iterator[BinaryIO]:
        """The file for writing, while no other request writes to it. Raises FileGone, OutOfRange."""
        try:
            handle = self.path(file).open("r+b", buffering=0)
        except FileNotFoundError as error:
            raise FileGone("the file is not there any more") from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutOfRange(handle.seek(0, os.SEEK_END)) from None
            yield handle

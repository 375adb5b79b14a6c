"""One server to a data folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class AlreadyRunning(Exception):
    """Another server uses the data folder."""


@contextlib.contextmanager
def only_instance(lock: Path) -> Iterator[None]:
    """Holds a lock file as long as the block runs; the kernel lets go of it whatever happens to this process.

    Raises AlreadyRunning, with the process that holds it.
    """
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            folder = lock.parent.parent
            raise AlreadyRunning(f"a server runs on {folder} already (process {holder})") from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)

"""A bell between two processes: one rings when it has left something in the database, the other looks.

A ring carries nothing and may be lost; whoever waits looks now and then without one.
"""

import contextlib
import os
import select
import socket
from pathlib import Path
from types import TracebackType


class Doorbell:
    """Where a process hears rings: a Unix socket for datagrams, for the owner of the server alone.

    The socket of an earlier process of the same kind is replaced. Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        mask = os.umask(0o177)
        try:
            self._socket.bind(os.fspath(path))
        finally:
            os.umask(mask)
        self._socket.setblocking(False)

    def wait(self, seconds: float) -> bool:
        """Whether it rang within this time; several rings are one."""
        readable, _, _ = select.select([self._socket], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while readable:
                self._socket.recv(1)
        return bool(readable)

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> "Doorbell":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def ring(path: Path) -> None:
    """Rings at a process, if it is there."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.setblocking(False)
        link.sendto(b"!", os.fspath(path))

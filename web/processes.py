"""Which processes of the installation are there, seen from beside: by the sockets that each of them holds.

A process makes its socket when it starts, so the socket's age is the process's. A connection that is made and ended
again is nothing to any of them.
"""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.data import DataFolder
from config.settings import Settings

PATIENCE = 1.0  # seconds for a process to take a connection


@dataclass(frozen=True, slots=True)
class Process:
    """A process: since when it is there, None where it is not."""

    name: str
    since: datetime | None


def others(settings: Settings, data: DataFolder) -> list[Process]:
    """The media processes and the worker."""
    media = [
        Process(f"media {index}", listens_since(data.media_socket(index), socket.SOCK_STREAM))
        for index in range(settings.media.workers)
    ]
    return [*media, Process("worker", listens_since(data.worker_bell, socket.SOCK_DGRAM))]


def listens_since(path: Path, kind: socket.SocketKind) -> datetime | None:
    """Since when a process listens at a Unix socket, None where none does; one that was killed leaves the file."""
    try:
        with socket.socket(socket.AF_UNIX, kind) as link:
            link.settimeout(PATIENCE)
            link.connect(str(path))
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None

"""Ports for servers that run side by side, in this test run and in others on this machine."""

import fcntl
import os
import socket
from contextlib import suppress
from itertools import count
from pathlib import Path
from tempfile import gettempdir

BLOCK = 200
# Below the range from which the kernel takes ports by itself (Linux: from 32768 on).
LOWEST, HIGHEST = 10_000, 30_000
SIDE_BY_SIDE = 8  # servers that one process of a test has at once, at the most

_locks: list[int] = []  # held until the process ends
_block: list[int] = []  # of the ports for signalling and the web
_own: list[int] = []  # the first ports of the blocks for media
_turns = count()
_signalling = count()


def free_port() -> int:
    """A port that nobody uses at this moment for UDP or TCP, and that no other test run takes meanwhile.

    The kernel hands out none of these to a connection that opens before the server does. It comes back
    only after many others.
    """
    if not _block:
        _block.append(reserve(1))
    for _ in range(BLOCK):
        port = _block[0] + next(_signalling) % BLOCK
        if _is_free(port) and _is_free(port, socket.SOCK_STREAM):
            return port
    raise RuntimeError("somebody else uses the ports that are this process's own")


def media_ports() -> str:
    """A range that nobody uses at this moment, as `[media] ports` wants it."""
    for _ in range(2 * SIDE_BY_SIDE):
        if len(_own) < SIDE_BY_SIDE:
            _own.append(reserve(1))
            first = _own[-1]
        else:
            first = _own[next(_turns) % SIDE_BY_SIDE]
        if all(_is_free(port) for port in range(first, first + 4)):
            return f"{first}-{first + BLOCK - 1}"
    raise RuntimeError("somebody else uses the ports that are this process's own")


def reserve(blocks: int) -> int:
    """The first port of so many neighbouring blocks, which are this process's own until it ends.

    Raises RuntimeError where other processes have them all.
    """
    size = blocks * BLOCK
    for first in range(LOWEST, HIGHEST - size + 1, size):
        taken = [lock for lock in map(_lock, range(first, first + size, BLOCK)) if lock is not None]
        if len(taken) == blocks:
            _locks.extend(taken)
            return first
        for lock in taken:
            os.close(lock)
    raise RuntimeError("all ranges of ports are in use by other test runs")


def _lock(first: int) -> int | None:
    """The lock of a block, None where another process has it."""
    lock = os.open(Path(gettempdir(), f"gorizont-test-ports-{first}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    os.close(lock)
    return None


def _is_free(port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> bool:
    with socket.socket(socket.AF_INET6, kind) as both:
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            both.bind(("::", port))
        except OSError:
            return False
        return True

"""Where work goes that would block the loop that all browsers share: the database, password hashes, pictures.

Under gevent a blocked loop stops everybody, and SQLite and argon2 know nothing of gevent. So they run in native
threads, while the greenlet that asked waits.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from gevent.threadpool import ThreadPool

T = TypeVar("T")

DATABASE_THREADS = 8  # SQLite has one writer; more readers than this gain nothing on an office server
HASH_THREADS = 2  # each hash takes a core and 64 MiB for a tenth of a second


class Threads(Protocol):
    """Runs functions away from the loop."""

    def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, which may use the database; what it raises is raised here."""

    def run_slow(self, work: Callable[[], T]) -> T:
        """The same for work that takes a core for long, as password hashes; few run at once."""


class GeventThreads:
    """The threads of a running server."""

    def __init__(self) -> None:
        self._pool = ThreadPool(DATABASE_THREADS)
        self._slow = ThreadPool(HASH_THREADS)

    def run(self, work: Callable[[], T]) -> T:
        result: T = self._pool.spawn(work).get()
        return result

    def run_slow(self, work: Callable[[], T]) -> T:
        result: T = self._slow.spawn(work).get()
        return result

    def close(self) -> None:
        """Ends the threads when they have done what they were given."""
        self._pool.kill()
        self._slow.kill()


class InlineThreads:
    """No threads at all: for programs without gevent, such as tests."""

    def run(self, work: Callable[[], T]) -> T:
        return work()

    def run_slow(self, work: Callable[[], T]) -> T:
        return work()

"""What can go wrong with the database. Each message is one line that a person can act on.

StorageError
├── UnsupportedDatabase     the URL names a database that we don't speak to
└── DatabaseRefused         it is locked, full, unreachable or broken: nothing of this action happened
"""

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class StorageError(Exception):
    """Root of everything that `pbx.storage` raises on purpose."""


class UnsupportedDatabase(StorageError):
    """The URL names a database that we don't speak to."""


class DatabaseRefused(StorageError):
    """The database did not do what it was asked, for a reason of its own; asking again may help."""


LOCKED = "the database is locked by another program"
FULL = "the disk of the database is full"
UNREACHABLE = "the database server cannot be reached"

# By the beginning of SQLite's result code or PostgreSQL's SQLSTATE.
_WORDS = {
    "SQLITE_BUSY": LOCKED,
    "SQLITE_LOCKED": LOCKED,
    "SQLITE_FULL": FULL,
    "SQLITE_IOERR": "the disk of the database does not work",
    "SQLITE_READONLY": "the database may not be written by this user",
    "SQLITE_CANTOPEN": "the database file cannot be opened",
    "SQLITE_NOTADB": "the database file is no SQLite database",
    "SQLITE_CORRUPT": "the database file is damaged",
    "55P03": LOCKED,
    "53100": FULL,
    "08": UNREACHABLE,
    "57P": "the database server is stopping or starting",
    "28": "the database server does not accept the user or password of [database] url",
    "3D": "the database server has no database of the name in [database] url",
}


def is_refusal(error: BaseException) -> bool:
    """Whether the database failed, rather than the statement or its data."""
    if isinstance(error, PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError | ProgrammingError)


def refused(error: BaseException) -> DatabaseRefused:
    """A refusal in words; the driver's own where we have none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    for prefix, words in _WORDS.items():
        if code.startswith(prefix):
            return DatabaseRefused(words)
    first_line = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    return DatabaseRefused(f"the database refused: {first_line}")

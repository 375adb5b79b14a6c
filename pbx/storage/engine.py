"""Opening the database: SQLite in a file by default, PostgreSQL for those who outgrow it.

SQLite runs in WAL mode, where readers never wait for the writer, with `synchronous=FULL`: each commit
is synced before it returns. NORMAL would survive a kill of any process too, but not a power cut, after
which it may lose the last commits; and FULL costs little where commits are few, because the call
engine writes in batches (`pbx.storage.writer`).

Every transaction that may write begins with `BEGIN IMMEDIATE`. A transaction that reads first and
writes later would be refused at once, without waiting, if somebody else wrote in between.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from pbx.storage.errors import DatabaseRefused, UnsupportedDatabase

PATIENCE = 5.0  # seconds that a writer waits for another one
LOOK_AGAIN = 0.002  # seconds; how often an urgent writer looks whether the other one is done


def open_database(url: str, *, patience: float = PATIENCE) -> Engine:
    """An engine for `url`; connections are opened when they are needed.

    Args:
        url: `sqlite:////path.db`, which is created for its owner alone if missing, or `postgresql://…`.
        patience: seconds to wait for a lock that somebody else holds.

    Raises UnsupportedDatabase, and DatabaseRefused where the SQLite file cannot be created.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UnsupportedDatabase("the database URL cannot be read") from error
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return _open_sqlite(parsed, patience)
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return _open_postgresql(parsed, patience)
    raise UnsupportedDatabase(f"{parsed.render_as_string()} is neither a SQLite file nor a PostgreSQL database")


def for_reading(engine: Engine) -> Engine:
    """The same database, for transactions that only read: they see one state of it, and lock nothing."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(begin="DEFERRED")
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def for_urgent_writing(engine: Engine, on_lock: Callable[[], None] = lambda: None) -> Engine:
    """The same database, for a writer that must not starve beside others who write often.

    `on_lock` is called when somebody else is found in a transaction, before waiting for that one's end.

    SQLite itself looks for a lock after 1, 2, 5, 10 … 100 ms. Beside somebody who holds it for 3 ms in 5 that was
    measured to last a second and more; who looks often is in within some milliseconds.
    """
    return engine.execution_options(begin=on_lock) if engine.dialect.name == "sqlite" else engine


def _open_sqlite(url: URL, patience: float) -> Engine:
    _create_closed(Path(str(url.database)))
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself, see begin()
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={round(patience * 1000)}")  # first: the next may have to wait
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        how = connection.get_execution_options().get("begin", "IMMEDIATE")
        if callable(how):
            _begin_urgently(connection, patience, how)
        else:
            connection.exec_driver_sql(f"BEGIN {how}")

    return engine


def _begin_urgently(connection: Connection, patience: float, on_lock: Callable[[], None]) -> None:
    """Begins a transaction as soon as nobody else is in one, or raises what SQLite says after `patience` seconds."""
    driver: Any = connection.connection.driver_connection
    deadline = time.monotonic() + patience
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < deadline:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # the primary code, without its details
                    break
            on_lock()
            time.sleep(LOOK_AGAIN)
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # an error of this is one of SQLAlchemy's
    finally:
        driver.execute(f"PRAGMA busy_timeout={round(patience * 1000)}")


def _create_closed(path: Path) -> None:
    """Makes the file for its owner alone, since it holds call records and password hashes; SQLite gives
    its -wal and -shm files the same mode.

    A file that is there is not touched: closing it here would release the locks that other connections
    of this process have on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    if path.exists():
        return
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass  # another process was first
    except OSError as error:
        raise DatabaseRefused(f"the database {path} cannot be created: {error.strerror}") from error


def _open_postgresql(url: URL, patience: float) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        connect_args={
            "application_name": "gorizont",
            "connect_timeout": 5,
            # A server that vanished is noticed in seconds, not after the kernel's quarter of an hour.
            "tcp_user_timeout": 5000,
            "options": f"-c lock_timeout={round(patience * 1000)}",
        },
    )

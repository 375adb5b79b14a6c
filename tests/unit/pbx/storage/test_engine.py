"""Opening the database: what is promised about locks, files and durability."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from pbx.storage.engine import for_reading, open_database
from pbx.storage.errors import DatabaseRefused, UnsupportedDatabase, refused

Open = Callable[..., Engine]


@pytest.fixture
def sqlite(tmp_path: Path, open_engine: Open) -> Engine:
    return open_engine(f"sqlite:///{tmp_path}/a.db", patience=0.01)


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "mysql://a:topsecret@b/c", "postgresql+asyncpg://a@b/c", "nonsense"],
)
def test_other_databases_are_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(UnsupportedDatabase) as caught:
        open_database(url)
    assert "topsecret" not in str(caught.value)


def test_new_sqlite_file_is_for_its_owner_alone(sqlite: Engine, tmp_path: Path) -> None:
    with sqlite.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseRefused, match=r"none/a.db cannot be created: No such file"):
        open_database(f"sqlite:///{tmp_path}/none/a.db")


def test_existing_file_is_not_opened_beside_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    open_database(url)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", None)  # closing it again would release the locks of other connections
        open_database(url)


def test_sqlite_connection_is_durable_and_checks_foreign_keys(sqlite: Engine) -> None:
    with sqlite.connect() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10}


def test_sqlite_writer_locks_at_its_beginning_and_readers_go_on(sqlite: Engine) -> None:
    with sqlite.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    with sqlite.begin():  # has written nothing yet
        with pytest.raises(DBAPIError) as caught, sqlite.begin():
            pass
        assert str(refused(caught.value)) == "the database is locked by another program"
        with for_reading(sqlite).connect() as reader:
            assert reader.execute(text("SELECT count(*) FROM t")).scalar() == 0


def test_reader_sees_one_state(database_url: str, open_engine: Open) -> None:
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    with for_reading(engine).connect() as reader:
        assert reader.execute(text("SELECT count(*) FROM t")).scalar() == 0
        with engine.begin() as writer:
            writer.execute(text("INSERT INTO t VALUES (1)"))
        assert reader.execute(text("SELECT count(*) FROM t")).scalar() == 0
    with for_reading(engine).connect() as reader:
        assert reader.execute(text("SELECT count(*) FROM t")).scalar() == 1


def test_lock_that_somebody_keeps_is_given_up_in_words(database_url: str, open_engine: Open) -> None:
    engine = open_engine(database_url, patience=0.01)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))
    with engine.begin() as owner:
        owner.execute(text("UPDATE t SET n = 2"))
        with pytest.raises(DBAPIError) as caught, engine.begin() as other:
            other.execute(text("UPDATE t SET n = 3"))
    assert str(refused(caught.value)) == "the database is locked by another program"


def test_unreachable_server_is_said_in_one_line(tmp_path: Path, open_engine: Open) -> None:
    engine = open_engine(f"postgresql://u:topsecret@/x?host={tmp_path}")
    with pytest.raises(DBAPIError) as caught:
        engine.connect()
    said = str(refused(caught.value))
    assert said.startswith("the database refused: connection")
    assert "\n" not in said
    assert "topsecret" not in said


def test_file_that_is_no_database_is_said_in_words(tmp_path: Path, open_engine: Open) -> None:
    (tmp_path / "a.db").write_text("no database at all, though it is long enough " * 30)
    with pytest.raises(DBAPIError) as caught:
        open_engine(f"sqlite:///{tmp_path}/a.db").connect()
    assert str(refused(caught.value)) == "the database file is no SQLite database"

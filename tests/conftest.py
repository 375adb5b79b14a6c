"""Fixtures that all tests share: an empty database of each kind, and a store on a migrated one."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from config.migrations import upgrade
from pbx.directory.secrets import SecretBox
from pbx.storage.engine import open_database
from pbx.storage.unit import Store
from tests.support.postgresql import PostgresqlServer, find_binaries, running_postgresql


def pytest_configure() -> None:
    """Servers that tests start hear SIGINT and SIGHUP, also where a shell has started us with them ignored."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`--numprocesses auto`: every third worker waits, for timers and for what has to be heard."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server of the tests' own. Where continuous integration runs, it must be there."""
    binaries = find_binaries()
    if binaries is None and os.environ.get("CI") != "true":
        pytest.skip("no PostgreSQL server on this machine: there is no /usr/lib/postgresql/*/bin/initdb")
    if binaries is None:
        pytest.fail("CI=true, but there is no PostgreSQL server: install Debian's package postgresql")
    with running_postgresql(binaries) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of database; a test that asks for it, or for what stands on it, runs on both."""
    return str(request.param)


@pytest.fixture
def database_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path}/gorizont.db"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def migrated_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database with all tables, copied from one that was migrated once."""
    if backend == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "gorizont.db")
        yield f"sqlite:///{tmp_path}/gorizont.db"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    name = server.create_database(request.getfixturevalue("postgresql_template"))
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "gorizont.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql: PostgresqlServer) -> str:
    name = postgresql.create_database()
    _migrate(postgresql.url(name))
    return name


def _migrate(url: str) -> None:
    engine = open_database(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture
def open_engine() -> Iterator[Callable[..., Engine]]:
    """`pbx.storage.engine.open_database`, whose engines are closed at the end."""
    engines: list[Engine] = []

    def open_one(url: str, **options: float) -> Engine:
        engines.append(open_database(url, **options))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.dispose()


@pytest.fixture
def store(migrated_url: str) -> Iterator[Store]:
    """A store on a database with all tables and nobody in it."""
    store = Store(open_database(migrated_url))
    yield store
    store.close()


@pytest.fixture
def box() -> SecretBox:
    """A box with a key that only this test has."""
    return SecretBox(os.urandom(32))

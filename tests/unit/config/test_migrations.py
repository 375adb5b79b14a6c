"""The migrations give the database exactly the shape that the models describe, on both databases."""

import importlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from config.errors import MigrationError
from config.migrations import current, downgrade, newest, upgrade
from pbx.storage.base import Base

Open = Callable[..., Engine]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def engine(database_url: str, open_engine: Open) -> Engine:
    return open_engine(database_url)


def load_all_models() -> None:
    """Imports the models of every subject, so that the metadata has all tables."""
    for package in ("pbx", "messaging", "web"):
        for path in (ROOT / package).rglob("models.py"):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def is_compared(name: str | None, kind: str, parents: object) -> bool:
    """All but the index of words, which is another thing in each database (`messaging.search`)."""
    return kind != "table" or not str(name).startswith("message_search")


OPTIONS = {"compare_type": True, "compare_server_default": True, "include_name": is_compared}


def test_migrated_database_equals_the_models(engine: Engine) -> None:
    load_all_models()
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=OPTIONS)
        assert compare_metadata(context, Base.metadata) == []
        names = [name for name in inspect(connection).get_table_names() if is_compared(name, "table", None)]
    assert set(names) == {*Base.metadata.tables, "alembic_version"}


def test_comparison_sees_a_column_that_no_migration_has(engine: Engine) -> None:
    load_all_models()
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE users ADD COLUMN shoe_size INTEGER"))
        (difference,) = compare_metadata(MigrationContext.configure(connection, opts=OPTIONS), Base.metadata)
    assert difference[0] == "remove_column"


def test_second_upgrade_changes_nothing(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE directory_version SET version = 7"))
    upgrade(engine)
    assert current(engine) == newest()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version FROM directory_version")).all() == [(7,)]


def test_downgrade_to_base_leaves_nothing_and_upgrade_works_again(engine: Engine) -> None:
    upgrade(engine)
    downgrade(engine, "base")
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    assert current(engine) is None
    upgrade(engine)
    assert current(engine) == newest()


def test_constraints_hold_by_name_on_both_databases(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        (key,) = inspect(connection).get_foreign_keys("bindings")
        (unique,) = inspect(connection).get_unique_constraints("users")
    assert (key["name"], key["options"]) == ("fk_bindings_number", {"ondelete": "CASCADE"})
    assert unique["name"] == "uq_users_employee_id"


def test_two_processes_that_start_together_migrate_once(database_url: str, open_engine: Open) -> None:
    failures: list[Exception] = []
    barrier = threading.Barrier(2)

    def start() -> None:
        engine = open_engine(database_url)
        try:
            barrier.wait(10)
            upgrade(engine)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []


def test_database_of_a_newer_version_is_refused(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for change in (upgrade, lambda engine: downgrade(engine, "base")):
        with pytest.raises(MigrationError, match=r"shape 9999.*used by a newer one"):
            change(engine)


def test_unreachable_database_is_said_in_one_line(tmp_path: Path, open_engine: Open) -> None:
    with pytest.raises(MigrationError, match=r"^the database cannot be used: connection") as caught:
        upgrade(open_engine(f"postgresql://u:topsecret@/x?host={tmp_path}"))
    assert "\n" not in str(caught.value)
    assert "topsecret" not in str(caught.value)


def test_locked_database_is_said_in_one_line(tmp_path: Path, open_engine: Open) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    with (
        open_engine(url).begin(),
        pytest.raises(MigrationError, match=r"^the database cannot be used: database is locked$"),
    ):
        upgrade(open_engine(url, patience=0.01))


def test_folder_that_is_gone_is_said(tmp_path: Path, open_engine: Open) -> None:
    (tmp_path / "data").mkdir()
    engine = open_engine(f"sqlite:///{tmp_path}/data/a.db")
    (tmp_path / "data" / "a.db").unlink()
    (tmp_path / "data").rmdir()
    with pytest.raises(MigrationError, match=r"^the database cannot be used: .*a.db.lock: No such file"):
        upgrade(engine)


def test_interrupted_migration_leaves_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    def fail(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(op, "bulk_insert", fail)  # in the middle of the first migration
        with pytest.raises(KeyboardInterrupt):
            upgrade(engine)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    upgrade(engine)
    assert current(engine) == newest()

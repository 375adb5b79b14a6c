"""The write-behind loses nothing, keeps the last word, and says when the database refuses."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select, text

from pbx.calls.models import DELETE_LIVE_CALL, UPSERT_LIVE_CALL, LiveCallRow
from pbx.registrar.models import DELETE_BINDING, UPSERT_BINDING, BindingRow
from pbx.storage.engine import for_urgent_writing, open_database
from pbx.storage.unit import Store
from pbx.storage.writer import DELAY, LOCK_PATIENCE, WriteBehind
from tests.support.postgresql import PostgresqlServer

PAUSES = (0.005, 0.01)
LONG = 10.0  # seconds: for what comes at once, unless it is broken

Open = Callable[..., WriteBehind]


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = open_database(migrated_url, patience=0.01)
    yield engine
    engine.dispose()


@pytest.fixture
def patient(migrated_url: str) -> Iterator[Engine]:
    """The same database, which says only after a long time that it is locked."""
    engine = open_database(migrated_url, patience=LONG)
    yield engine
    engine.dispose()


@pytest.fixture
def open_writer(engine: Engine) -> Iterator[Open]:
    """Makes writers that are closed at the end."""
    writers: list[WriteBehind] = []

    def open_one(**options: Any) -> WriteBehind:
        database = options.pop("database", engine)
        writers.append(WriteBehind(database, **{"pauses": PAUSES, **options}))
        return writers[-1]

    yield open_one
    for writer in writers:
        writer.close(LONG)


def call(call_id: str, state: str = "{}") -> tuple[str, str, float]:
    return (call_id, state, 1.5)


def state(writer: WriteBehind) -> tuple[bool, str | None]:
    return writer.healthy, writer.error


def calls(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return dict(connection.execute(select(LiveCallRow.call_id, LiveCallRow.state)).all())


def binding(key: str, **other: object) -> tuple[object, ...]:
    row: dict[str, object] = {
        "id": f"101|{key}", "number": "101", "sip_name": "101", "contact": f"sip:101@{key}",
        "instance": None, "reg_id": None, "q": 1.0, "path": "[]", "call_id": "a@b", "cseq": 1,
        "expires_at": 1e9, "flow": "UDP 10.0.0.1:5060 10.0.0.7:5060", "user_agent": None, "gruu": None,
        "updated_at": 1.0,
    }  # fmt: skip
    row.update(other)
    return tuple(row[column] for column in UPSERT_BINDING.columns)


def add_user(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO users (number, name, role, version, created_at, updated_at)"
                " VALUES ('101', 'Anna', 'user', 1, '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
            )
        )


class Commits:
    """Counts the commits on an engine; `first` is set by the first of them."""

    def __init__(self, engine: Engine) -> None:
        self.number = 0
        self.first = threading.Event()
        event.listen(engine, "commit", self._note)

    def _note(self, connection: Connection) -> None:
        self.number += 1
        self.first.set()


def test_row_is_written_without_being_asked_again(engine: Engine, open_writer: Open) -> None:
    health: list[object] = []
    writer = open_writer(on_health=lambda *said: health.append(said))
    commits = Commits(engine)
    writer.put(UPSERT_LIVE_CALL, call("a"))
    assert commits.first.wait(LONG)
    assert writer.flush(LONG)
    assert calls(engine) == {"a": "{}"}
    assert (writer.healthy, writer.error, health) == (True, None, [])


def test_last_row_of_a_key_wins(engine: Engine, open_writer: Open) -> None:
    writer = open_writer(delay=LONG)
    for state in ("1", "2", "3"):
        writer.put(UPSERT_LIVE_CALL, call("a", state))
    writer.put(UPSERT_LIVE_CALL, call("b", "1"))
    assert writer.flush(LONG)
    assert calls(engine) == {"a": "3", "b": "1"}


def test_removal_takes_a_row_that_waits_and_its_older_version_in_the_database(
    engine: Engine, open_writer: Open
) -> None:
    writer = open_writer(delay=LONG)
    writer.put(UPSERT_LIVE_CALL, call("old", "1"))
    assert writer.flush(LONG)
    writer.put(UPSERT_LIVE_CALL, call("old", "2"))
    writer.put(UPSERT_LIVE_CALL, call("new"))
    writer.put(DELETE_LIVE_CALL, ("old",))
    writer.put(DELETE_LIVE_CALL, ("new",))
    writer.put(DELETE_LIVE_CALL, ("never",))
    assert writer.flush(LONG)
    assert calls(engine) == {}


def test_row_put_after_its_removal_stays(engine: Engine, open_writer: Open) -> None:
    writer = open_writer(delay=LONG)
    writer.put(UPSERT_LIVE_CALL, call("a", "1"))
    assert writer.flush(LONG)
    writer.put(DELETE_LIVE_CALL, ("a",))
    writer.put(UPSERT_LIVE_CALL, call("a", "2"))
    assert writer.flush(LONG)
    assert calls(engine) == {"a": "2"}


def test_equal_keys_in_two_tables_are_two_rows(engine: Engine, open_writer: Open) -> None:
    add_user(engine)
    writer = open_writer(delay=LONG)
    writer.put(UPSERT_LIVE_CALL, call("101|x"))
    writer.put(UPSERT_BINDING, binding("x"))
    writer.put(DELETE_BINDING, ("101|x",))
    assert writer.flush(LONG)
    assert calls(engine) == {"101|x": "{}"}


@pytest.mark.parametrize("number", [1, 63, 64, 65, 200])
def test_many_rows_are_one_transaction(engine: Engine, open_writer: Open, number: int) -> None:
    writer = open_writer(delay=LONG)
    commits = Commits(engine)
    for index in range(number):
        writer.put(UPSERT_LIVE_CALL, call(f"{index}", f"{index}"))
    assert writer.flush(LONG)
    assert commits.number == 1
    assert calls(engine) == {f"{index}": f"{index}" for index in range(number)}


def test_columns_without_value_stay_empty_in_all_rows(engine: Engine, open_writer: Open) -> None:
    add_user(engine)
    writer = open_writer(delay=LONG)
    writer.put(UPSERT_BINDING, binding("x"))
    writer.put(UPSERT_BINDING, binding("y", instance="urn:uuid:1", reg_id=7, cseq=2**32 - 1))
    writer.put(UPSERT_BINDING, binding("z"))
    assert writer.flush(LONG)
    query = select(BindingRow.id, BindingRow.instance, BindingRow.reg_id, BindingRow.cseq)
    with engine.connect() as connection:
        assert sorted(connection.execute(query).all()) == [
            ("101|x", None, None, 1),
            ("101|y", "urn:uuid:1", 7, 2**32 - 1),
            ("101|z", None, None, 1),
        ]


def test_flush_without_rows_returns(open_writer: Open) -> None:
    assert open_writer().flush(LONG)


@pytest.mark.parametrize(
    "fault",
    [
        {"cseq": 2**70},
        {"user_agent": "half a character \udcff"},
        {"number": "102", "id": "102|x"},  # of a user who has just been removed
    ],
)
def test_row_that_cannot_be_written_does_not_stop_the_others(
    engine: Engine, open_writer: Open, fault: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    add_user(engine)
    writer = open_writer(delay=LONG)
    writer.put(UPSERT_LIVE_CALL, call("a"))
    writer.put(UPSERT_BINDING, binding("x", **fault))
    writer.put(UPSERT_BINDING, binding("y"))
    assert writer.flush(LONG)
    with engine.connect() as connection:
        assert connection.scalars(select(BindingRow.id)).all() == ["101|y"]
    assert calls(engine) == {"a": "{}"}
    assert (writer.healthy, writer.rejected) == (True, 1)
    assert f"row '{fault.get('id', '101|x')}' of bindings is left out" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # SQLite takes it
def test_text_with_nul_does_not_stop_the_others(engine: Engine, open_writer: Open) -> None:
    writer = open_writer(delay=LONG)
    writer.put(UPSERT_LIVE_CALL, call("a", "\0"))
    writer.put(UPSERT_LIVE_CALL, call("b"))
    assert writer.flush(LONG)
    assert (calls(engine), writer.rejected) == ({"b": "{}"}, 1)


class Health:
    """Follows a writer's health by its callback."""

    def __init__(self) -> None:
        self.said: list[tuple[bool, str | None]] = []
        self.ill, self.well = threading.Event(), threading.Event()

    def __call__(self, healthy: bool, error: str | None) -> None:
        self.said.append((healthy, error))
        (self.well if healthy else self.ill).set()


LOCK = {"sqlite": "UPDATE live_calls SET state = ''", "postgresql": "LOCK TABLE live_calls"}


def test_locked_database_is_told_and_nothing_is_lost(
    engine: Engine, open_writer: Open, backend: str, migrated_url: str
) -> None:
    health = Health()
    writer = open_writer(on_health=health)
    other = Store(open_database(migrated_url))
    with other.transaction() as tx:
        tx.session.execute(text(LOCK[backend]))
        writer.put(UPSERT_LIVE_CALL, call("a", "1"))
        writer.put(UPSERT_LIVE_CALL, call("b", "1"))
        assert health.ill.wait(LONG)
        assert state(writer) == (False, "the database is locked by another program")
        writer.put(UPSERT_LIVE_CALL, call("a", "2"))  # while it is kept
        writer.put(DELETE_LIVE_CALL, ("b",))
        assert not writer.flush(0)
    assert health.well.wait(LONG)
    assert writer.flush(LONG)
    assert calls(engine) == {"a": "2"}
    assert state(writer) == (True, None)
    assert health.said == [(False, "the database is locked by another program"), (True, None)]
    other.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # which can be told to be full
def test_full_disk_is_told_and_nothing_is_lost(engine: Engine, open_writer: Open) -> None:
    pages = {"max_page_count": 1}  # SQLite takes what there is already

    @event.listens_for(engine, "checkout")
    def limit(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages['max_page_count']}")

    health = Health()
    writer = open_writer(on_health=health)
    rows = {f"{index}": 1000 * "x" for index in range(100)}
    for call_id, state in rows.items():
        writer.put(UPSERT_LIVE_CALL, call(call_id, state))
    assert health.ill.wait(LONG)
    assert writer.error == "the disk of the database is full"
    assert calls(engine) == {}
    pages["max_page_count"] = 10_000
    assert health.well.wait(LONG)
    assert calls(engine) == rows


def test_missing_table_is_a_refusal_and_no_fault_of_the_rows(engine: Engine, open_writer: Open) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE live_calls RENAME TO elsewhere"))
    health = Health()
    writer = open_writer(on_health=health)
    writer.put(UPSERT_LIVE_CALL, call("a"))
    assert health.ill.wait(LONG)
    assert "live_calls" in (writer.error or "")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO live_calls"))
    assert health.well.wait(LONG)
    assert (calls(engine), writer.rejected) == ({"a": "{}"}, 0)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_server_that_restarts_gets_every_row(engine: Engine, open_writer: Open, postgresql: PostgresqlServer) -> None:
    writer = open_writer()
    writer.put(UPSERT_LIVE_CALL, call("before"))
    assert writer.flush(LONG)
    postgresql.restart()
    writer.put(UPSERT_LIVE_CALL, call("after"))
    assert writer.flush(LONG)
    assert set(calls(engine)) == {"before", "after"}


def test_listener_that_fails_does_not_stop_the_writer(
    engine: Engine, open_writer: Open, backend: str, migrated_url: str
) -> None:
    asked = threading.Event()

    def fail(healthy: bool, error: str | None) -> None:
        asked.set()
        raise LookupError

    writer = open_writer(on_health=fail)
    other = Store(open_database(migrated_url))
    with other.transaction() as tx:
        tx.session.execute(text(LOCK[backend]))
        writer.put(UPSERT_LIVE_CALL, call("a"))
        assert asked.wait(LONG)
    assert writer.flush(LONG)
    assert calls(engine) == {"a": "{}"}
    other.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # PostgreSQL does not tell that a statement waits
def test_lock_is_told_before_the_database_has_said_anything(
    patient: Engine, open_writer: Open, backend: str, migrated_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What is acknowledged while it waits would be lost by a kill."""
    writer = open_writer(database=patient)
    other = Store(open_database(migrated_url))
    with other.transaction() as tx:
        tx.session.execute(text(LOCK[backend]))
        writer.put(UPSERT_LIVE_CALL, call("a"))
        assert writer.healthy  # for a moment anybody may have it
        began = time.monotonic()
        while writer.healthy:
            assert time.monotonic() < began + LONG
            time.sleep(0.001)
        assert time.monotonic() - began > LOCK_PATIENCE - DELAY
        assert writer.error == "the database is locked by another program"
    assert writer.flush(LONG)
    assert state(writer) == (True, None)
    assert "the database was locked by another program for 0." in caplog.text


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_writer_gets_its_turn_beside_somebody_who_writes_all_the_time(
    patient: Engine, open_writer: Open, migrated_url: str
) -> None:
    """With SQLite's own pauses the other one has ten turns and more meanwhile, now and then a hundred."""
    writer = open_writer(database=patient)
    other, holds, stop = open_database(migrated_url, patience=LONG), threading.Event(), threading.Event()
    turns = 0

    def write_often() -> None:
        nonlocal turns
        with for_urgent_writing(other).connect() as connection:
            while not stop.is_set():
                with connection.begin():
                    connection.execute(text(LOCK["sqlite"]))
                    turns += 1
                    holds.set()
                    time.sleep(0.008)
                time.sleep(0.002)

    busy = threading.Thread(target=write_often)
    busy.start()
    waits: list[int] = []
    for index in range(40):
        holds.clear()
        assert holds.wait(LONG)
        before = turns
        writer.put(UPSERT_LIVE_CALL, call(f"{index}"))
        assert writer.flush(LONG)
        waits.append(turns - before)
    stop.set()
    busy.join()
    other.dispose()
    assert sum(waits) / len(waits) < 5


def test_too_many_waiting_rows_are_told(open_writer: Open) -> None:
    writer = open_writer(delay=LONG, limit=3)
    for index in range(4):
        writer.put(UPSERT_LIVE_CALL, call(f"{index}"))
    assert state(writer) == (False, "the database is too slow: 4 rows wait")
    assert writer.flush(LONG)
    assert state(writer) == (True, None)


def test_close_writes_what_waits(engine: Engine, open_writer: Open) -> None:
    writer = open_writer(delay=LONG)
    writer.put(UPSERT_LIVE_CALL, call("a"))
    assert writer.close(LONG)
    assert calls(engine) == {"a": "{}"}


def test_close_while_the_database_refuses_says_what_is_lost(
    open_writer: Open, backend: str, migrated_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    health = Health()
    writer = open_writer(on_health=health)
    other = Store(open_database(migrated_url))
    with other.transaction() as tx:
        tx.session.execute(text(LOCK[backend]))
        writer.put(UPSERT_LIVE_CALL, call("a"))
        assert health.ill.wait(LONG)
        assert not writer.close(0.05)
    assert "rows are lost at the stop: the database is locked by another program" in caplog.text
    other.close()


CHILD = """
import json, sys
from pbx.calls.models import UPSERT_LIVE_CALL
from pbx.storage.engine import for_urgent_writing, open_database
from pbx.storage.writer import DELAY, LOCK_PATIENCE, WriteBehind
writer = WriteBehind(open_database(sys.argv[1]))
for index in range(500):
    writer.put(UPSERT_LIVE_CALL, (str(index), "{}", 1.0))
print(json.dumps(writer.flush()), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_killed_process_leaves_every_written_row(engine: Engine, migrated_url: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, migrated_url],
        cwd=Path(__file__).parents[4],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()) is True
        child.send_signal(signal.SIGKILL)
    assert len(calls(engine)) == 500

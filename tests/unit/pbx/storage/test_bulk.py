"""Many rows in few statements, on both databases."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event, select

from pbx.calls.models import UPSERT_LIVE_CALL, LiveCallRow
from pbx.storage.bulk import execute_many
from pbx.storage.engine import open_database
from pbx.storage.statements import Statement
from pbx.storage.unit import Store

KNOWN = Statement(
    table="live_calls",
    columns=("call_id",),
    head="SELECT asked.column1 FROM (VALUES ",
    row="({})",
    tail=") AS asked WHERE EXISTS (SELECT 1 FROM live_calls WHERE call_id = asked.column1)",
)


@pytest.fixture
def store(migrated_url: str) -> Iterator[Store]:
    store = Store(open_database(migrated_url))
    yield store
    store.close()


def test_rows_are_written_and_found_in_few_statements(store: Store) -> None:
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    rows = [(f"call {number}", "{}", float(number)) for number in range(100)]
    with store.transaction() as tx:
        assert execute_many(tx.session.connection(), UPSERT_LIVE_CALL, rows) == []
    assert sum("INSERT" in text for text in asked) == 3  # of 64, 32 and 4 rows
    with store.reading() as session:
        assert session.scalars(select(LiveCallRow.updated_at).order_by(LiveCallRow.updated_at)).all() == [
            float(number) for number in range(100)
        ]
        wanted = [(f"call {number}",) for number in range(98, 102)]
        assert sorted(execute_many(session.connection(), KNOWN, wanted)) == [("call 98",), ("call 99",)]


def test_no_rows_are_no_statement(store: Store) -> None:
    with store.reading() as session:
        assert execute_many(session.connection(), KNOWN, []) == []

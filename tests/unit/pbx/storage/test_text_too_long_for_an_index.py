"""Whom a phone has dialled may be as long as a message, and one call must not keep the database from all others."""

import hashlib

import pytest
from sqlalchemy import select

from pbx.calls.models import UPSERT_CALL_RECORD, CallRecordRow
from pbx.storage.unit import Store
from pbx.storage.writer import WriteBehind


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # SQLite takes it
def test_text_too_long_for_an_index_does_not_stop_the_others(store: Store) -> None:
    dialled = "".join(hashlib.sha512(str(place).encode()).hexdigest() for place in range(100))
    writer = WriteBehind(store.engine, pauses=(0.005, 0.01))
    for call_id, number in (("a", dialled), ("b", "102")):
        row = (call_id, "101", "Anna", number, None, 1.0, None, 2.0, "not-found", "", "{}", "[]")
        writer.put(UPSERT_CALL_RECORD, row)
    assert writer.close()
    with store.reading() as session:
        assert session.scalars(select(CallRecordRow.id)).all() == ["b"]
    assert (writer.healthy, writer.rejected) == (True, 1)

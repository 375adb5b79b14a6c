"""An action is one transaction, one audit line, and events after the commit."""

import logging
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from pbx.audit.models import AuditEntry
from pbx.directory.models import GroupRow
from pbx.directory.snapshot import Strategy
from pbx.storage.engine import open_database
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Store, Transaction

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def group(number: str) -> GroupRow:
    return GroupRow(number=number, strategy=Strategy.ALL, version=1, updated_at=NOON)


def numbers(store: Store) -> list[str]:
    with store.reading() as session:
        return list(session.scalars(select(GroupRow.number).order_by(GroupRow.number)))


def test_rows_audit_and_events_come_together(store: Store) -> None:
    heard: list[object] = []
    store.listen(lambda event: heard.append((event, numbers(store))))
    with store.transaction() as tx:
        tx.session.add(group("600"))
        tx.audit("cli:root", "group.set", "600", before=None, after={"members": ["101"]})
        tx.emit("made")
        assert heard == []
    assert heard == [("made", ["600"])]  # told when it could be read already
    with store.reading() as session:
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.actor, entry.action, entry.subject) == ("cli:root", "group.set", "600")
        assert (entry.before, entry.after) == (None, {"members": ["101"]})


def test_all_of_a_transaction_has_one_time(store: Store) -> None:
    clock = iter([NOON])
    fixed = Store(store.engine, now=lambda: next(clock))
    with fixed.transaction() as tx:
        tx.audit("cli:root", "a", "1")
        tx.audit("cli:root", "b", "2")
        assert tx.now == NOON
    with store.reading() as session:
        assert set(session.scalars(select(AuditEntry.at))) == {NOON}


def test_what_raises_has_not_happened(store: Store) -> None:
    heard: list[object] = []
    store.listen(heard.append)

    def fail(tx: Transaction) -> None:
        tx.session.add(group("600"))
        tx.session.flush()
        tx.audit("cli:root", "group.set", "600")
        tx.emit("made")
        raise LookupError

    with pytest.raises(LookupError), store.transaction() as tx:
        fail(tx)
    assert (numbers(store), heard) == ([], [])
    with store.reading() as session:
        assert session.scalars(select(AuditEntry)).all() == []


def test_commit_that_fails_emits_nothing(store: Store) -> None:
    heard: list[object] = []
    store.listen(heard.append)
    with store.transaction() as tx:
        tx.session.add(group("600"))

    def again() -> None:
        with store.transaction() as tx:
            tx.session.add(group("600"))  # is written with the commit
            tx.emit("made")

    with pytest.raises(IntegrityError):
        again()
    assert heard == []


def test_listener_that_fails_does_not_undo_or_hide(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[object] = []

    def fail(event: object) -> None:
        raise LookupError

    store.listen(fail)
    store.listen(heard.append)
    with caplog.at_level(logging.ERROR), store.transaction() as tx:
        tx.session.add(group("600"))
        tx.emit("made")
    assert (numbers(store), heard) == (["600"], ["made"])
    assert "a listener failed on str" in caplog.text


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # SQLite has no such transactions
def test_reader_cannot_write(store: Store) -> None:
    with pytest.raises(DatabaseRefused, match="read-only transaction"), store.reading() as session:
        session.execute(text("DELETE FROM users"))


def test_locked_database_refuses_in_words(store: Store) -> None:
    impatient = Store(open_database(store.engine.url.render_as_string(False), patience=0.01))
    with store.transaction() as tx:
        tx.session.execute(text("UPDATE directory_version SET version = 5"))
        with (
            pytest.raises(DatabaseRefused, match="locked by another program"),
            impatient.transaction() as other,
        ):
            other.session.execute(text("UPDATE directory_version SET version = 6"))
    impatient.close()


def test_objects_stay_readable_after_the_transaction(store: Store) -> None:
    with store.transaction() as tx:
        row = group("600")
        tx.session.add(row)
    assert row.number == "600"

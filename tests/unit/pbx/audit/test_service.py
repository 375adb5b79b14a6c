"""Reading the audit trail, newest first and page by page."""

from datetime import UTC, datetime, timedelta

import pytest

from pbx.audit.service import entries
from pbx.storage.unit import Store

START = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(store: Store) -> Store:
    """With entries "1" to "6", a minute apart: odd ones by 101 about "odd", even ones by cli:root."""
    minutes = iter(range(1, 7))
    clocked = Store(store.engine, now=lambda: START + timedelta(minutes=next(minutes)))
    for number in range(1, 7):
        odd = number % 2 == 1
        with clocked.transaction() as tx:
            tx.audit("101" if odd else "cli:root", f"{number}", "odd" if odd else "even", after=number)
    return store


def found(store: Store, **options: object) -> str:
    with store.reading() as session:
        return "".join(entry.action for entry in entries(session, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "654321"),
        ({"limit": 2}, "65"),
        ({"subject": "odd"}, "531"),
        ({"actor": "cli:root"}, "642"),
        ({"actor": "cli:root", "subject": "odd"}, ""),
        ({"since": START + timedelta(minutes=5)}, "65"),
    ],
)
def test_entries_are_the_newest_that_match(store: Store, options: dict[str, object], expected: str) -> None:
    assert found(store, **options) == expected


def test_pages_follow_each_other(store: Store) -> None:
    with store.reading() as session:
        first = entries(session, limit=4)
        second = entries(session, limit=4, before_id=first[-1].id)
    assert [entry.action for entry in (*first, *second)] == ["6", "5", "4", "3", "2", "1"]


def test_entry_keeps_time_and_values(store: Store) -> None:
    with store.reading() as session:
        (entry,) = entries(session, limit=1)
    assert (entry.at, entry.before, entry.after) == (START + timedelta(minutes=6), None, 6)

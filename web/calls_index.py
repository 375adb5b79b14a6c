"""Whose calls are whose: an index over the records of the engine, kept by the web process.

The engine writes a record when a call has ended. Who was in it stands in its plan and events; a person's history would
have to read all of them. So each new record gets a row for each user in it: those that the bus tells of together
(`web.live.ended_calls`), what else there is at a start of either process and whenever a history is asked for. A record
that comes late, because the database refused for a while, is found all the same: the look goes back a while before the
newest that is indexed.
"""

import json
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session

from pbx.audit.models import AuditEntry
from pbx.calls.models import CallRecordRow
from pbx.storage.bulk import execute_many
from pbx.storage.statements import Statement
from pbx.storage.unit import Transaction
from web.models import CallPartyRow

logger = logging.getLogger(__name__)

LOOK_BACK = 600.0  # seconds; longer than the engine keeps records that it cannot write
BATCH = 500
USER_REMOVED = "user.removed"  # in the audit trail, see pbx.directory.users

_RECORDS: Any = CallRecordRow.__table__
_BY_ID = (
    select(*_RECORDS.c)
    .where(_RECORDS.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_RECORDS.c.ended_at, _RECORDS.c.id)
)
_REMOVED = (
    select(AuditEntry.subject, func.max(AuditEntry.at).label("at"))
    .where(AuditEntry.subject.in_(bindparam("numbers", expanding=True)), AuditEntry.action == USER_REMOVED)
    .group_by(AuditEntry.subject)
)
# Leaves out who is no user, and what is there already.
_ADD = Statement(
    table="call_parties",
    columns=("call_id", "number", "outgoing", "missed", "started_at"),
    head="""INSERT INTO call_parties (call_id, number, outgoing, missed, started_at)
        SELECT called.column1, called.column2, called.column3, called.column4, called.column5 FROM (VALUES """,
    row="({})",
    tail=""") AS called WHERE EXISTS (SELECT 1 FROM users WHERE number = called.column2)
        ON CONFLICT DO NOTHING RETURNING call_id, number""",
)

Record = Any
"""A row of `call_records`; its columns by their names."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A record that is indexed now, and the users in it, the caller first."""

    record: Record
    parties: tuple[str, ...]


class CallsIndex:
    """Knows how far the index has come; both of these run in a database thread."""

    def __init__(self) -> None:
        self._newest: float | None = None
        self._nobodys: dict[str, float] = {}  # when calls ended in which there is no user, so that no row says so

    def behind(self, session: Session) -> Sequence[Record]:
        """A batch of the records that are not indexed, the oldest first.

        At a start all records are looked through, which takes seconds where they are millions: no writer waits for it.
        """
        nobodys = self._nobodys
        indexed = exists().where(CallPartyRow.call_id == _RECORDS.c.id)
        query = select(*_RECORDS.c).where(~indexed).order_by(_RECORDS.c.ended_at, _RECORDS.c.id)
        if self._newest is not None:
            query = query.where(_RECORDS.c.ended_at >= self._newest - LOOK_BACK)
        rows = session.execute(query.limit(BATCH + len(nobodys)))
        found = [record for record in rows if record.id not in nobodys][:BATCH]
        if not found and self._newest is None:
            self._newest = session.scalars(select(func.max(CallRecordRow.ended_at))).one()
        return found

    def take(self, tx: Transaction, records: Sequence[Record]) -> list[str]:
        """Indexes these; their ids."""
        indexed = {one.record.id for one in index_calls(tx.session, records)}
        self._newest = max(record.ended_at for record in records)
        nobodys = {record.id: record.ended_at for record in records if record.id not in indexed}
        oldest = self._newest - LOOK_BACK
        self._nobodys = {one: at for one, at in {**self._nobodys, **nobodys}.items() if at >= oldest}
        return [record.id for record in records]


def load_records(session: Session, ids: Sequence[str]) -> Sequence[Record]:
    """The records of these calls that can be read, in the order in which the calls ended."""
    return session.execute(_BY_ID, {"ids": ids}).all()


def load_indexed(session: Session, ids: Sequence[str]) -> list[Indexed]:
    """Likewise, with the users in whose history they stand."""
    query = select(CallPartyRow.call_id, CallPartyRow.number).where(CallPartyRow.call_id.in_(ids))
    there = {(row.call_id, row.number) for row in session.execute(query)}
    return [
        Indexed(record, tuple(number for number in parties_of(record) if (record.id, number) in there))
        for record in load_records(session, ids)
    ]


def index_calls(session: Session, records: Sequence[Record]) -> list[Indexed]:
    """Adds those of these records that are not in the index, and tells which: all in which there is a user."""
    numbers = {record.id: parties_of(record) for record in records}
    since = _since(session, {number for those in numbers.values() for number in those})
    rows = [
        _row(record, number)
        for record in records
        for number in numbers[record.id]
        if number not in since or record.ended_at > since[number]
    ]
    added = set(execute_many(session.connection(), _ADD, rows))
    parties = (tuple(number for number in numbers[record.id] if (record.id, number) in added) for record in records)
    return [Indexed(record, users) for record, users in zip(records, parties, strict=True) if users]


def _since(session: Session, numbers: Collection[str]) -> dict[str, float]:
    """Since when a number is somebody else's, where it was taken from a user: the calls before are none of his."""
    removed = session.execute(_REMOVED, {"numbers": list(numbers)})
    return {row.subject: row.at.timestamp() for row in removed}


def parties_of(record: Record) -> tuple[str, ...]:
    """All numbers that a call rang or came from, the caller first."""
    return tuple(dict.fromkeys(_numbers(record)))


def _numbers(record: Record) -> Iterator[str]:
    yield record.caller
    yield record.dialled
    if record.answered_by is not None:
        yield record.answered_by
    try:
        events = json.loads(record.events)
        yield from (str(event["target"]) for event in events if "target" in event)
    except (ValueError, TypeError):
        logger.warning("! the events of call %s cannot be read", record.id)


def _row(record: Record, number: str) -> tuple[str, str, bool, bool, float]:
    outgoing = number == record.caller
    return record.id, number, outgoing, not outgoing and record.answered_at is None, record.started_at

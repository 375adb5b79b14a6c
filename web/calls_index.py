"""Whose calls are whose: an index over the records of the engine, kept by the web process.

The engine writes a record when a call has ended. Who was in it stands in its plan and events; a person's history would
have to read all of them. So each new record gets a row for each user in it, when the bus tells of it and whenever a
history is asked for. A record that comes late, because the database refused for a while, is found all the same: the
look goes back a while before the newest that is indexed.
"""

import json
import logging
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from pbx.calls.models import CallRecordRow
from pbx.directory.models import UserRow
from pbx.storage.unit import Transaction
from web.models import CallPartyRow

logger = logging.getLogger(__name__)

LOOK_BACK = 600.0  # seconds; longer than the engine keeps records that it cannot write
BATCH = 500


class CallsIndex:
    """Knows how far the index has come; `catch_up` runs in a database thread."""

    def __init__(self) -> None:
        self._newest: float | None = None

    def is_behind(self, session: Session) -> bool:
        """Whether there are records that are not indexed."""
        return session.scalars(self._unindexed().limit(1)).first() is not None

    def catch_up(self, tx: Transaction) -> list[str]:
        """Indexes a batch of new records; their ids."""
        users = set(tx.session.scalars(select(UserRow.number)))
        records = tx.session.scalars(self._unindexed().limit(BATCH)).all()
        for record in records:
            tx.session.add_all(_rows(record, users))
        if records:
            self._newest = max(record.ended_at for record in records)
        elif self._newest is None:
            self._newest = tx.session.scalars(select(func.max(CallRecordRow.ended_at))).one()
        return [record.id for record in records]

    def _unindexed(self) -> Any:
        indexed = exists().where(CallPartyRow.call_id == CallRecordRow.id)
        query = select(CallRecordRow).where(~indexed).order_by(CallRecordRow.ended_at, CallRecordRow.id)
        if self._newest is not None:
            query = query.where(CallRecordRow.ended_at >= self._newest - LOOK_BACK)
        return query


def parties_of(record: CallRecordRow) -> tuple[str, ...]:
    """All numbers that a call rang or came from, the caller first."""
    return tuple(dict.fromkeys(_numbers(record)))


def _numbers(record: CallRecordRow) -> Iterator[str]:
    yield record.caller
    yield record.dialled
    if record.answered_by is not None:
        yield record.answered_by
    try:
        events = json.loads(record.events)
        yield from (str(event["target"]) for event in events if "target" in event)
    except (ValueError, TypeError):
        logger.warning("! the events of call %s cannot be read", record.id)


def _rows(record: CallRecordRow, users: Collection[str]) -> Iterator[CallPartyRow]:
    for number in parties_of(record):
        if number in users:
            outgoing = number == record.caller
            yield CallPartyRow(
                call_id=record.id,
                number=number,
                outgoing=outgoing,
                missed=not outgoing and record.answered_at is None,
                started_at=record.started_at,
            )

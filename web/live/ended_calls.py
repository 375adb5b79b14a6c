"""Calls that have ended: into the histories of those who were in them, and into the timelines of those who called.

The engine tells that records can be read, those of a while at once. All of them are taken in one transaction, so that
a call costs a fraction of one, and the disk is waited for once. A record that cannot be read yet is looked for again;
what was missed, because either process was away, is found when the engine is heard again.
"""

import logging
from collections.abc import Sequence
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from messaging.call_entries import CallNote, note_calls, noted_until, set_noted_until
from pbx.bus.lines import Values
from pbx.calls.models import CallRecordRow
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Transaction
from web.api.calls import call_item, index_new_calls, is_private
from web.calls_index import Indexed, Record, index_calls, load_indexed, load_records
from web.live.events import CallRecorded
from web.services import Services

logger = logging.getLogger(__name__)

GATHER = 0.2  # seconds in which what the engine tells gathers, and the last of it comes to the disk
BATCH = 200  # calls in one transaction, so that it is short
LATE = (0.5, 2.0, 10.0, 60.0, 300.0)  # seconds between looks for a record that does not come
LOOK_BACK = 600.0  # seconds before the last call that was noted: a record may come late, see web.calls_index
FIRST_LOOK_BACK = 7 * 86_400.0  # seconds of calls that a new installation of chat takes over


def connect(given: Services) -> None:
    """Registers what is heard on the bus."""
    ended = EndedCalls(given)
    given.engine_events.on("call.recorded", ended.recorded)
    # In a greenlet of its own: it may take seconds, in which the bus has to be read.
    given.engine_events.on("snapshot", lambda _: given.chat.after(0.0, ended.catch_up))


class EndedCalls:
    """Takes them, one batch after the other so that timelines are in order."""

    def __init__(self, given: Services) -> None:
        self._given = given
        self._new: list[str] = []
        self._taking = False
        self._missed = self._catching_up = False

    def recorded(self, data: Values) -> None:
        """The records of these calls can be read."""
        self._new += map(str, data["calls"])
        if not self._taking:
            self._taking = True
            self._given.chat.after(GATHER, self._take_new)

    def _take_new(self) -> None:
        try:
            while self._new:
                some, self._new = self._new[:BATCH], self._new[BATCH:]
                self._take(some)
        finally:
            self._taking = False

    def _take(self, calls: Sequence[str], pauses: Sequence[float] = LATE) -> None:
        """Takes these calls; what cannot be read is looked for again after these pauses."""
        taken: list[str] = []
        indexed: list[Indexed] = []
        try:
            taken, indexed = self._given.chat.act(partial(_take_all, calls=calls))
        except DatabaseRefused as error:
            logger.warning("! calls are not in histories and chat yet: %s", error)
        except Exception:
            if len(calls) == 1:
                logger.exception("! call %s cannot be taken into histories and chat", calls[0])
                return
            for one in calls:  # one of them must not hold the others up
                self._take([one], pauses)
            return
        self._tell(indexed)
        missing = set(calls).difference(taken)
        if missing and pauses:
            again = [one for one in calls if one in missing]
            self._given.chat.after(pauses[0], lambda: self._take(again, pauses[1:]))

    def catch_up(self) -> None:
        """Takes all calls since the last that was noted, and some before it."""
        self._missed = True
        if self._catching_up:
            return
        self._catching_up = True
        try:
            while self._missed:
                self._missed = False
                self._take_missed()
        finally:
            self._catching_up = False

    def _take_missed(self) -> None:
        given = self._given
        new = index_new_calls(given)
        for start in range(0, len(new) if given.browsers.connected else 0, BATCH):
            self._tell(given.read(partial(load_indexed, ids=new[start : start + BATCH])))
        place: tuple[float, str] = (given.chat.act(_oldest), "")
        while records := given.read(partial(_records_from, place=place)):
            given.chat.act(partial(_note_all, records=records))
            place = (records[-1].ended_at, records[-1].id)

    def _tell(self, indexed: Sequence[Indexed]) -> None:
        """Tells the parties of calls that they stand in the history."""
        given = self._given
        for one in indexed:
            for number in one.parties:
                if given.browsers.is_there(number):
                    item = call_item(given, one.record, outgoing=number == one.record.caller)
                    given.rooms.to_user(number, CallRecorded(call=item))


def _take_all(tx: Transaction, calls: Sequence[str]) -> tuple[list[str], list[Indexed]]:
    """The calls whose record is there, and those that were not indexed before."""
    records = load_records(tx.session, calls)
    indexed = index_calls(tx.session, records)
    _note_all(tx, records)
    return [record.id for record in records], indexed


def _note_all(tx: Transaction, records: Sequence[Record]) -> None:
    note_calls(tx, [_note_of(record) for record in records if not _hides(record)])
    if records:
        set_noted_until(tx, records[-1].ended_at)


def _hides(record: Record) -> bool:
    """Whether the caller is not to be known by the conversation that the call would stand in.

    Only the plan of such a call has the word, so the others need not be taken apart.
    """
    return "private" in record.plan and is_private(record)


def _oldest(tx: Transaction) -> float:
    until = noted_until(tx)
    if until is not None:
        return until - LOOK_BACK
    newest = tx.session.scalar(select(func.max(CallRecordRow.ended_at)))
    return (newest or tx.now.timestamp()) - FIRST_LOOK_BACK


def _records_from(session: Session, place: tuple[float, str]) -> list[CallRecordRow]:
    """The records after a place in the order of their ends."""
    at, name = place
    later = (CallRecordRow.ended_at > at) | ((CallRecordRow.ended_at == at) & (CallRecordRow.id > name))
    query = select(CallRecordRow).where(later).order_by(CallRecordRow.ended_at, CallRecordRow.id).limit(BATCH)
    return list(session.scalars(query))


def _note_of(record: Record) -> CallNote:
    return CallNote(
        id=record.id,
        caller=record.caller,
        callee=record.dialled,
        answered_by=record.answered_by,
        outcome=record.outcome.value,
        started_at=record.started_at,
        answered_at=record.answered_at,
        ended_at=record.ended_at,
    )

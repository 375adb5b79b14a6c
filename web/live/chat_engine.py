"""Chat and telephony: calls and messages of phones come into the timeline, what browsers say goes to softphones.

The bus says that something is there, the database what it is; whatever was missed, because either process was
away, is found when the engine is heard again.
"""

import json
import logging
from collections import deque
from functools import partial

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from messaging.call_entries import CallNote, note_call, noted_until, set_noted_until
from messaging.events import MessageSent
from messaging.sip_gateway import ForPhones, SipMessage, for_phones, take_message
from pbx.bus.errors import BusError
from pbx.bus.lines import Values
from pbx.calls.models import CallRecordRow, SipInboxRow
from pbx.storage.unit import Transaction
from web.services import Services

logger = logging.getLogger(__name__)

GATHER = 0.2  # seconds in which calls that ended gather
LOOK_BACK = 600.0  # seconds before the last call that was noted: a record may come late, see web.calls_index
FIRST_LOOK_BACK = 7 * 86_400.0  # seconds of calls that a new installation of chat takes over
BATCH = 200
MOST_FOR_PHONES = 1000  # messages that wait for the engine; it is away if there are more


def connect(given: Services) -> None:
    """Registers what is heard on the bus, and what the bus is told."""
    calls, inbox, phones = Calls(given), Inbox(given), Phones(given)
    bus = given.engine_events
    bus.on("call.recorded", lambda data: calls.recorded(data))
    bus.on("sip.message", lambda data: inbox.arrived(data))
    bus.on("snapshot", lambda _: calls.catch_up())
    bus.on("snapshot", lambda _: inbox.catch_up())
    given.events.on(MessageSent, phones.said)


class Calls:
    """Notes calls that have ended in the conversations of those who called each other."""

    def __init__(self, given: Services) -> None:
        self._given = given
        self._new: list[str] = []
        self._gathering = False

    def recorded(self, data: Values) -> None:
        """The record of a call can be read."""
        self._new.append(str(data["id"]))
        if not self._gathering:
            self._gathering = True
            self._given.chat.after(GATHER, self._note_new)

    def catch_up(self) -> None:
        """Notes all calls since the last that was noted, and some before it."""
        oldest = self._given.chat.act(self._oldest)
        place: tuple[float, str] = (oldest, "")
        while rows := self._given.read(partial(_records_from, place=place)):
            self._note(rows)
            place = (rows[-1].ended_at, rows[-1].id)

    def _oldest(self, tx: Transaction) -> float:
        until = noted_until(tx)
        if until is not None:
            return until - LOOK_BACK
        newest = tx.session.scalar(select(func.max(CallRecordRow.ended_at)))
        return (newest or tx.now.timestamp()) - FIRST_LOOK_BACK

    def _note_new(self) -> None:
        self._gathering = False
        new, self._new = self._new, []
        query = select(CallRecordRow).where(CallRecordRow.id.in_(new)).order_by(CallRecordRow.ended_at)
        # Should the database refuse now, the next start of either process finds them.
        self._note(self._given.read(lambda session: list(session.scalars(query))))

    def _note(self, records: list[CallRecordRow]) -> None:
        # A caller who hides the number is not to be known by the conversation that the call would stand in.
        notes = [_note_of(record) for record in records if not json.loads(record.plan).get("private")]

        def note_all(tx: Transaction) -> None:
            for note in notes:
                note_call(tx, note)
            if records:
                set_noted_until(tx, max(records[-1].ended_at, noted_until(tx) or 0.0))

        self._given.chat.act(note_all)


class Inbox:
    """Takes what phones have said to each other."""

    def __init__(self, given: Services) -> None:
        self._given = given

    def arrived(self, data: Values) -> None:
        """A phone said something; its row in the database may be a moment late."""
        message = SipMessage(str(data["id"]), str(data["from"]), str(data["to"]), str(data["text"]), float(data["at"]))
        self._given.chat.later(lambda tx: take_message(tx, message))

    def catch_up(self) -> None:
        """Takes all that lies in the inbox, and empties it."""
        query = select(SipInboxRow).order_by(SipInboxRow.at).limit(BATCH)
        while rows := self._given.read(lambda session: list(session.scalars(query))):
            self._given.chat.act(partial(_take_all, rows=rows))


class Phones:
    """Tells softphones what was said in a conversation of two."""

    def __init__(self, given: Services) -> None:
        self._given = given
        self._waiting: deque[ForPhones] = deque(maxlen=MOST_FOR_PHONES)
        self._telling = False

    def said(self, event: MessageSent) -> None:
        """A message was sent."""
        facts = self._given.chat_members.facts(event.conversation)
        told = for_phones(event.message, facts) if facts is not None else None
        if told is None or not self._given.presence.phones_of(told.to):
            return
        self._waiting.append(told)
        if not self._telling:
            self._telling = True
            self._given.chat.after(0.0, self._tell_all)

    def _tell_all(self) -> None:
        while self._waiting:
            self._tell(self._waiting.popleft())
        self._telling = False

    def _tell(self, told: ForPhones) -> None:
        try:
            data = {"from": told.sender, "to": told.to, "text": told.text, "id": told.id}
            self._given.ask_engine("messages.send", data)
        except BusError as error:
            logger.warning("! the phones of %s were not told of a message: %s", told.to, error)


def _records_from(session: Session, place: tuple[float, str]) -> list[CallRecordRow]:
    """The records after a place in the order of their ends."""
    at, name = place
    later = (CallRecordRow.ended_at > at) | ((CallRecordRow.ended_at == at) & (CallRecordRow.id > name))
    query = select(CallRecordRow).where(later).order_by(CallRecordRow.ended_at, CallRecordRow.id).limit(BATCH)
    return list(session.scalars(query))


def _note_of(record: CallRecordRow) -> CallNote:
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


def _take_all(tx: Transaction, rows: list[SipInboxRow]) -> None:
    for row in rows:
        take_message(tx, SipMessage(row.id, row.sender, row.receiver, row.text, row.at))
    tx.session.execute(delete(SipInboxRow).where(SipInboxRow.id.in_([row.id for row in rows])))

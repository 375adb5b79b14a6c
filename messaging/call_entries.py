"""Calls in the timeline: a call between two users stands in their conversation, once.

Whoever knows of calls passes plain values; what this module knows is how a call looks in chat. Calls come many at a
time, and are looked up and written in as many statements as one would need.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import bindparam, select, update

from messaging.conversations import direct_between, directs_of
from messaging.events import MessageSent
from messaging.models import CHAT_STATE, MessageKind
from messaging.sequence import advance
from messaging.store import NewMessage, add_entries
from messaging.views import Message
from pbx.directory.models import UserRow
from pbx.storage.bulk import execute_many
from pbx.storage.statements import Statement
from pbx.storage.unit import Transaction

_NOTED = Statement(
    table="messages",
    columns=("author", "client_id"),
    head="SELECT asked.column2 FROM (VALUES ",
    row="({})",
    # A plain IN would have SQLite read the whole table.
    tail=""") AS asked WHERE EXISTS (
        SELECT 1 FROM messages WHERE author = asked.column1 AND client_id = asked.column2)""",
)
_UNTIL = CHAT_STATE.c.calls_until
_SET_UNTIL = (
    update(CHAT_STATE)
    .where(_UNTIL.is_(None) | (bindparam("ended_at") > _UNTIL))
    .values(calls_until=bindparam("ended_at"))
)
_USERS = select(UserRow.number).where(UserRow.number.in_(bindparam("numbers", expanding=True)))


@dataclass(frozen=True, slots=True)
class CallNote:
    """A call that has ended.

    Args:
        callee: whom the caller wanted: the number dialled.
        answered_by: who answered, if anybody; another than `callee` where the call was forwarded.
        outcome: as the call record says it, "answered", "busy", "no-answer" …
        started_at, answered_at, ended_at: seconds of the Unix epoch.
    """

    id: str
    caller: str
    callee: str
    answered_by: str | None
    outcome: str
    started_at: float
    answered_at: float | None
    ended_at: float

    @property
    def client_id(self) -> str:
        """What makes noting it twice harmless; nobody's own id has a colon."""
        return f"call:{self.id}"[:80]

    @property
    def duration(self) -> int:
        """Seconds of talk."""
        return 0 if self.answered_at is None else max(round(self.ended_at - self.answered_at), 0)


def note_calls(tx: Transaction, notes: Sequence[CallNote]) -> list[Message]:
    """Notes calls in the conversations of caller and callee, in this order; the entries.

    Left out is what is noted already, and a call of which one of the two is no user (any more). A call counts as
    unread for the one who missed it.
    """
    session = tx.session
    between_two = {note.id: note for note in notes if note.caller != note.callee}
    if not between_two:
        return []
    advance(session)
    keys = [(note.caller, note.client_id) for note in between_two.values()]
    noted = set(execute_many(session.connection(), _NOTED, keys))
    new = [note for note in between_two.values() if (note.client_id,) not in noted]
    entries = [_entry(note, conversation) for note, conversation in _placed(tx, new)]
    if not entries:
        return []
    messages = add_entries(tx, advance(session, len(entries)), entries)
    for message in messages:
        tx.emit(MessageSent(message.id, message.conversation, message))
    return messages


def _placed(tx: Transaction, notes: list[CallNote]) -> Iterator[tuple[CallNote, int]]:
    """Each call of two users with their conversation, which is made if there is none."""
    pairs = [(note.caller, note.callee) for note in notes]
    known = directs_of(tx.session, pairs)
    strangers = {number for pair, found in zip(pairs, known, strict=True) if found is None for number in pair}
    users = set(tx.session.scalars(_USERS, {"numbers": list(strangers)})) if strangers else set()
    for note, pair, found in zip(notes, pairs, known, strict=True):
        if found is not None:
            yield note, found
        elif users.issuperset(pair):
            yield note, direct_between(tx, *pair)


def _entry(note: CallNote, conversation: int) -> NewMessage:
    detail = {
        "id": note.id,
        "caller": note.caller,
        "callee": note.callee,
        "answered_by": note.answered_by,
        "outcome": note.outcome,
        "missed": note.answered_at is None,
        "duration": note.duration,
    }
    return NewMessage(
        conversation,
        note.caller,
        MessageKind.CALL,
        silent=note.answered_at is not None,
        client_id=note.client_id,
        detail=detail,
        created_at=datetime.fromtimestamp(note.started_at, UTC),
    )


def noted_until(tx: Transaction) -> float | None:
    """The end of the latest call that is known to be noted with all before it; None at the beginning."""
    until: float | None = tx.session.scalars(select(_UNTIL)).one()
    return until


def set_noted_until(tx: Transaction, ended_at: float) -> None:
    """All calls that ended up to then are noted; where a later time is known already, that holds."""
    tx.session.execute(_SET_UNTIL, {"ended_at": ended_at})

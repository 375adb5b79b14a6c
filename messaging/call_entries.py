"""Calls in the timeline: a call between two users stands in their conversation, once.

Whoever knows of calls passes plain values; what this module knows is how a call looks in chat.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, update

from messaging.checks import check_users
from messaging.conversations import direct_between
from messaging.errors import NotFound
from messaging.events import MessageSent
from messaging.models import CHAT_STATE, MessageKind
from messaging.sequence import advance
from messaging.store import NewMessage, add_message, already_sent
from messaging.views import Message
from pbx.storage.unit import Transaction


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
    def duration(self) -> int:
        """Seconds of talk."""
        return 0 if self.answered_at is None else max(round(self.ended_at - self.answered_at), 0)


def note_call(tx: Transaction, note: CallNote) -> Message | None:
    """Notes a call in the conversation of caller and callee.

    None where there is nothing to note: it is noted already, or one of the two is no user (any more).
    It counts as unread for the one who missed it.
    """
    session = tx.session
    if note.caller == note.callee:
        return None
    advance(session)
    client_id = f"call:{note.id}"[:80]
    if already_sent(session, note.caller, client_id) is not None:
        return None
    try:
        check_users(session, [note.caller, note.callee])
    except NotFound:
        return None
    conversation = direct_between(tx, note.caller, note.callee)
    detail = {
        "id": note.id,
        "caller": note.caller,
        "callee": note.callee,
        "answered_by": note.answered_by,
        "outcome": note.outcome,
        "missed": note.answered_at is None,
        "duration": note.duration,
    }
    new = NewMessage(
        conversation,
        note.caller,
        MessageKind.CALL,
        silent=note.answered_at is not None,
        client_id=client_id,
        detail=detail,
        created_at=datetime.fromtimestamp(note.started_at, UTC),
    )
    message = add_message(tx, advance(session), new)
    tx.emit(MessageSent(message.id, conversation, message))
    return message


def noted_until(tx: Transaction) -> float | None:
    """The end of the latest call that is known to be noted with all before it; None at the beginning."""
    until: float | None = tx.session.scalars(select(CHAT_STATE.c.calls_until)).one()
    return until


def set_noted_until(tx: Transaction, ended_at: float) -> None:
    """All calls that ended up to then are noted."""
    tx.session.execute(update(CHAT_STATE).values(calls_until=ended_at))

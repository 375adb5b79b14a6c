"""What people have read: one mark for each in each conversation, which only moves forward.

What counts as unread are messages of others after the mark, but those that were deleted and those that
only say what happened. It is counted by the index of the timeline, and no further than a badge shows.
"""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, literal, select, update

from messaging.access import access_conversation
from messaging.events import ReadChanged
from messaging.models import MEMBERS, MESSAGES
from messaging.sequence import advance
from pbx.storage.unit import Transaction

MOST_UNREAD = 100  # more are not counted: a badge says 99+

_MARK = (
    update(MEMBERS)
    .where(MEMBERS.c.id == bindparam("membership"))
    .values(read_seq=bindparam("read"), changed_seq=bindparam("seq"))
)


def mark_read(tx: Transaction, conversation: int, seq: int, *, actor: str) -> int:
    """The actor has read all up to the message `seq`; where their mark now is. Raises NotFound."""
    number = advance(tx.session)
    membership = access_conversation(tx.session, conversation, actor=actor)
    read = min(seq, membership.last_seq)
    if read <= membership.read_seq:
        return membership.read_seq
    tx.session.execute(_MARK, {"membership": membership.id, "read": read, "seq": number})
    tx.emit(ReadChanged(number, conversation, actor, read))
    return read


def unread_of_member() -> ColumnElement[Any]:
    """How many messages the member of the surrounding query has not read, as a column."""
    unread = (
        select(literal(1))
        .where(
            MESSAGES.c.conversation_id == MEMBERS.c.conversation_id,
            MESSAGES.c.id > MEMBERS.c.read_seq,
            MESSAGES.c.author != MEMBERS.c.number,
            MESSAGES.c.silent.is_(False),
            MESSAGES.c.deleted_at.is_(None),
        )
        .limit(MOST_UNREAD)
        .correlate(MEMBERS)
        .subquery()
    )
    return select(func.count()).select_from(unread).correlate(MEMBERS).scalar_subquery()

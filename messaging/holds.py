"""Legal holds in chat: what people edit or delete meanwhile is kept aside, where only an admin's export finds it.

A hold on a number concerns what that person wrote, and every conversation that they are or were in. People
go on as ever: an edit shows the new text, a deletion leaves an empty row, and nothing tells them of the
hold. Copies whose hold is lifted go with the next sweep; their files become uploads of nobody whose time is up, so that
the octets go as those do, after the commit.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, literal, or_, select
from sqlalchemy.orm import Session

from messaging.models import ATTACHMENTS, HELD_FILES, HELD_MESSAGES, MEMBERS, MESSAGES, Kept, Thumbnail
from pbx.retention.models import HoldRow
from pbx.retention.policy import Policy
from pbx.storage.unit import Transaction

Numbers = Sequence[str] | Select[Any]

_COPIED = ("id", "position", "name", "type", "size", "created_at")


def is_held() -> ColumnElement[bool]:
    """Whether a hold concerns the message of the surrounding query."""
    return concerns(select(HoldRow.number))


def concerns(numbers: Numbers) -> ColumnElement[bool]:
    """Whether the message of the surrounding query concerns one of these people."""
    return _concerns(MESSAGES.c.author, MESSAGES.c.conversation_id, numbers)


def copies_concern(numbers: Numbers) -> ColumnElement[bool]:
    """Likewise, of a copy that was kept."""
    return _concerns(HELD_MESSAGES.c.author, HELD_MESSAGES.c.conversation_id, numbers)


def conversations_of(numbers: Numbers) -> Select[Any]:
    """The ids of all conversations that these people are or were in."""
    return select(MEMBERS.c.conversation_id).where(MEMBERS.c.was.in_(numbers))


def keep_if_held(tx: Transaction, seq: int, row: Row[Any], why: Kept, *, actor: str) -> None:
    """Keeps a message as it is, if a hold concerns it; with its files, if it is about to be deleted.

    Args:
        seq: the number of the change that is about to come.
        row: of the message, before it.
    """
    session = tx.session
    if session.scalar(select(MESSAGES.c.id).where(MESSAGES.c.id == row.id, is_held())) is None:
        return
    session.execute(
        insert(HELD_MESSAGES),
        {
            "seq": seq,
            "message_id": row.id,
            "conversation_id": row.conversation_id,
            "author": row.author,
            "text": row.text,
            "written_at": row.edited_at or row.created_at,
            "why": why,
            "kept_at": tx.now,
            "kept_from": actor,
        },
    )
    if why is Kept.DELETED and row.attachments:
        of_message = ATTACHMENTS.c.message_id == row.id
        # One that retention has removed is a name without octets; nothing of it is left to keep.
        of_message &= ATTACHMENTS.c.removed_at.is_(None)
        copied = select(literal(seq), *(ATTACHMENTS.c[name] for name in _COPIED)).where(of_message)
        session.execute(insert(HELD_FILES).from_select(["held_seq", *_COPIED], copied))
        session.execute(delete(ATTACHMENTS).where(of_message))


def count_held(session: Session, number: str) -> tuple[int, int]:
    """How many messages a hold on this number concerns, and how many copies are kept for it."""
    messages = select(func.count()).select_from(MESSAGES).where(concerns([number]))
    copies = select(func.count()).select_from(HELD_MESSAGES).where(copies_concern([number]))
    return session.execute(messages).scalar_one(), session.execute(copies).scalar_one()


class HeldCopyStore:
    """Copies that no hold concerns any more. No rule is asked: people had removed these already."""

    name = "copies of changed messages"

    def count(self, session: Session, policy: Policy, now: datetime) -> int:
        del policy, now
        query = select(func.count()).select_from(HELD_MESSAGES).where(_released())
        return int(session.execute(query).scalar_one())

    def expired(self, session: Session, policy: Policy, now: datetime, limit: int) -> Sequence[int]:
        del policy, now
        query = select(HELD_MESSAGES.c.seq).where(_released()).order_by(HELD_MESSAGES.c.seq).limit(limit)
        return list(session.scalars(query))

    def retire(self, tx: Transaction, batch: Sequence[int]) -> int:
        session = tx.session
        # Of nobody: it must not come into the sight of its author again, not even for a moment.
        values: dict[str, Any] = {"owner": "", "stored": True, "thumbnail": Thumbnail.NONE, "expires_at": tx.now}
        constants = [literal(value, ATTACHMENTS.c[name].type) for name, value in values.items()]
        given_back = select(*(HELD_FILES.c[name] for name in _COPIED), *constants)
        given_back = given_back.where(HELD_FILES.c.held_seq.in_(batch))
        session.execute(insert(ATTACHMENTS).from_select([*_COPIED, *values], given_back))
        session.execute(delete(HELD_FILES).where(HELD_FILES.c.held_seq.in_(batch)))
        query = delete(HELD_MESSAGES).where(HELD_MESSAGES.c.seq.in_(batch)).returning(HELD_MESSAGES.c.seq)
        return len(session.execute(query).all())


def _released() -> ColumnElement[bool]:
    return ~copies_concern(select(HoldRow.number))


def _concerns(author: ColumnElement[Any], conversation: ColumnElement[Any], numbers: Numbers) -> ColumnElement[bool]:
    return or_(author.in_(numbers), conversation.in_(conversations_of(numbers)))

"""What retention removes of chat: old messages with their files, or old files alone. Legal holds (`messaging.holds`)
win.

The octets go after the commit (`messaging.attachments.to_unlink`): the disk takes its time, in which nobody could write
to the database, and a transaction that is undone must not have lost any.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from messaging.holds import is_held
from messaging.models import ATTACHMENTS, CHAT_STATE, MESSAGES
from messaging.search import forget_words
from messaging.sequence import advance
from pbx.retention.policy import FILES, Policy
from pbx.retention.policy import MESSAGES as MESSAGE_STORE
from pbx.storage.unit import Transaction


class MessageStore:
    """Messages, by when they were sent. Their files go with them."""

    name = MESSAGE_STORE

    def count(self, session: Session, policy: Policy, now: datetime) -> int:
        condition = self._expired(policy, now)
        if condition is None:
            return 0
        return int(session.execute(select(func.count()).select_from(MESSAGES).where(condition)).scalar_one())

    def expired(self, session: Session, policy: Policy, now: datetime, limit: int) -> Sequence[int]:
        condition = self._expired(policy, now)
        if condition is None:
            return []
        query = select(MESSAGES.c.id).where(condition).order_by(MESSAGES.c.created_at).limit(limit)
        return list(session.scalars(query))

    def retire(self, tx: Transaction, batch: Sequence[int]) -> int:
        session = tx.session
        # A client that has a copy of these does not learn of each: it is told to read anew.
        session.execute(update(CHAT_STATE).values(purged_seq=advance(session)))
        gone = {"message_id": None, "removed_at": tx.now, "expires_at": tx.now}
        session.execute(update(ATTACHMENTS).where(ATTACHMENTS.c.message_id.in_(batch)).values(**gone))
        forget_words(session, batch)
        return len(session.execute(delete(MESSAGES).where(MESSAGES.c.id.in_(batch)).returning(MESSAGES.c.id)).all())

    def _expired(self, policy: Policy, now: datetime) -> ColumnElement[bool] | None:
        oldest = policy.oldest(self.name, now)
        return None if oldest is None else (MESSAGES.c.created_at < oldest) & ~is_held()


class UploadedFileStore:
    """Files of messages, by when they were uploaded. The message stays and says what it had."""

    name = FILES

    def count(self, session: Session, policy: Policy, now: datetime) -> int:
        query = self._query(policy, now, func.count())
        return 0 if query is None else int(session.execute(query).scalar_one())

    def expired(self, session: Session, policy: Policy, now: datetime, limit: int) -> Sequence[str]:
        query = self._query(policy, now, ATTACHMENTS.c.id)
        if query is None:
            return []
        return list(session.scalars(query.order_by(ATTACHMENTS.c.created_at).limit(limit)))

    def retire(self, tx: Transaction, batch: Sequence[str]) -> int:
        session = tx.session
        session.execute(update(CHAT_STATE).values(purged_seq=advance(session)))
        query = update(ATTACHMENTS).where(ATTACHMENTS.c.id.in_(batch), ATTACHMENTS.c.removed_at.is_(None))
        values = {"removed_at": tx.now, "expires_at": tx.now}
        return len(session.execute(query.values(**values).returning(ATTACHMENTS.c.id)).all())

    def _query(self, policy: Policy, now: datetime, column: Any) -> Any:
        oldest = policy.oldest(self.name, now)
        if oldest is None:
            return None
        return (
            select(column)
            .select_from(ATTACHMENTS.join(MESSAGES, MESSAGES.c.id == ATTACHMENTS.c.message_id))
            .where(ATTACHMENTS.c.created_at < oldest, ATTACHMENTS.c.removed_at.is_(None), ~is_held())
        )

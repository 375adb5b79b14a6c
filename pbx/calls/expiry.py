"""What retention removes of calls: records of calls that began too long ago."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Table, delete, func, or_, select
from sqlalchemy.orm import Session

from pbx.calls.models import CallMediaRow, CallRecordRow
from pbx.retention.models import HoldRow
from pbx.retention.policy import CALLS, Policy
from pbx.storage.unit import Transaction

RECORDS = cast(Table, CallRecordRow.__table__)
MEDIA = cast(Table, CallMediaRow.__table__)


class CallRecordStore:
    """A hold concerns the calls that somebody made, was called by, or answered."""

    name = CALLS

    def count(self, session: Session, policy: Policy, now: datetime) -> int:
        condition = self._expired(policy, now)
        if condition is None:
            return 0
        return int(session.execute(select(func.count()).select_from(RECORDS).where(condition)).scalar_one())

    def expired(self, session: Session, policy: Policy, now: datetime, limit: int) -> Sequence[str]:
        condition = self._expired(policy, now)
        if condition is None:
            return []
        query = select(RECORDS.c.id).where(condition).order_by(RECORDS.c.started_at).limit(limit)
        return list(session.scalars(query))

    def retire(self, tx: Transaction, batch: Sequence[str]) -> int:
        tx.session.execute(delete(MEDIA).where(MEDIA.c.call_id.in_(batch)))
        query = delete(RECORDS).where(RECORDS.c.id.in_(batch)).returning(RECORDS.c.id)
        return len(tx.session.execute(query).all())

    def _expired(self, policy: Policy, now: datetime) -> ColumnElement[bool] | None:
        oldest = policy.oldest(self.name, now)
        if oldest is None:
            return None
        holds = select(HoldRow.number)
        held = or_(
            RECORDS.c.caller.in_(holds),
            RECORDS.c.dialled.in_(holds),
            func.coalesce(RECORDS.c.answered_by, "").in_(holds),
        )
        return (RECORDS.c.started_at < oldest.timestamp()) & ~held

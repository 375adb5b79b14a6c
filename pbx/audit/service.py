"""Reading the audit trail. Writing to it is `pbx.storage.unit.Transaction.audit`, and nothing else."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pbx.audit.models import AuditEntry


def entries(
    session: Session,
    *,
    subject: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> Sequence[AuditEntry]:
    """The newest entries, newest first.

    Args:
        subject, actor: only entries about this subject, or by this actor.
        action: only entries whose action begins so, as "user." or "forwarding.set".
        since: only entries from this time on.
        before_id: only entries older than this one: the way to the next page.
        limit: how many at most.
    """
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    if actor is not None:
        query = query.where(AuditEntry.actor == actor)
    if action is not None:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    if since is not None:
        query = query.where(AuditEntry.at >= since)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return session.scalars(query).all()

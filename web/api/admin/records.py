"""What has happened: calls of everybody, and the audit trail."""

from datetime import UTC, datetime

from pydantic import Field
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from pbx.audit.models import Json
from pbx.audit.service import entries
from pbx.calls.models import CallRecordRow
from pbx.routing.number import comparable
from pbx.routing.outcome import Outcome
from web.api.calls import CallFacts, call_facts
from web.api.section import Access, Section
from web.api.shapes import LARGEST_ID, Moment, Page, Shape
from web.auth.sessions import SignedIn
from web.looks import ALL_CALLS, CALLS_SEARCHED
from web.services import services

section = Section("admin_records", title="admin: records", prefix="/api/v1/admin")

PAGE = 100


class RecordsQuery(Shape):
    """Which calls."""

    q: str = Field(default="", max_length=64, examples=["102"], description="a number of any party, or its beginning")
    outcome: Outcome | None = None
    since: Moment | None = None
    until: Moment | None = None
    before: str | None = Field(default=None, max_length=64, description="the cursor `next` of the part before")
    limit: int = Field(default=PAGE, ge=1, le=1000)


class RecordPage(Page[CallFacts]):
    """A part of the calls, the newest first."""


class AuditQuery(Shape):
    """Which entries."""

    actor: str | None = Field(default=None, max_length=100, examples=["101"])
    subject: str | None = Field(default=None, max_length=200, examples=["102"])
    action: str | None = Field(default=None, max_length=60, examples=["user."], description="or how it begins")
    before: int | None = Field(default=None, ge=0, le=LARGEST_ID, description="the cursor `next` of the part before")
    limit: int = Field(default=PAGE, ge=1, le=1000)


class AuditItem(Shape):
    """Who did what to whom."""

    id: int = Field(examples=[4711])
    at: Moment
    actor: str = Field(examples=["101"], description="a number, or who typed a command as cli:root")
    action: str = Field(examples=["user.changed"])
    subject: str = Field(examples=["102"])
    before: object = Field(examples=[{"name": "Boris"}])
    after: object = Field(examples=[{"name": "Boris Petrov"}])


class AuditPage(Page[AuditItem]):
    """A part of the audit trail, the newest first."""


@section.get("/calls", Access.ADMIN, query=RecordsQuery, answer=RecordPage)
def show_records(user: SignedIn, query: RecordsQuery) -> RecordPage:
    """Calls that have ended, the newest first; audited with what was looked for."""
    given = services()
    part = comparable(query.q.strip())
    given.looks.note(user.number, CALLS_SEARCHED, part or ALL_CALLS, _filter(query))

    def find(session: Session) -> list[CallRecordRow]:
        row = CallRecordRow
        wanted = select(row).order_by(row.started_at.desc(), row.id.desc()).limit(query.limit + 1)
        if part:
            of = (row.caller, row.dialled, row.answered_by)
            wanted = wanted.where(or_(*(number.startswith(part, autoescape=True) for number in of)))
        if query.outcome is not None:
            wanted = wanted.where(row.outcome == query.outcome)
        if query.since is not None:
            wanted = wanted.where(row.started_at >= _seconds(query.since))
        if query.until is not None:
            wanted = wanted.where(row.started_at < _seconds(query.until))
        if query.before is not None:
            last = session.get(row, query.before)
            if last is None:  # retention has removed it meanwhile, with all before it
                return []
            earlier, same = row.started_at < last.started_at, row.started_at == last.started_at
            wanted = wanted.where(or_(earlier, and_(same, row.id < last.id)))
        return list(session.scalars(wanted))

    rows = given.read(find)
    items = [call_facts(given, row, hidden=False) for row in rows[: query.limit]]
    return RecordPage(items=items, next=items[-1].id if len(rows) > query.limit else None)


@section.get("/audit", Access.ADMIN, query=AuditQuery, answer=AuditPage)
def show_audit(user: SignedIn, query: AuditQuery) -> AuditPage:
    """Who changed what, and who looked at what is somebody else's."""
    del user
    rows = services().read(
        lambda session: entries(
            session,
            subject=query.subject,
            actor=query.actor,
            action=query.action,
            before_id=query.before,
            limit=query.limit + 1,
        )
    )
    items = [
        AuditItem(
            id=row.id,
            at=row.at,
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            before=row.before,
            after=row.after,
        )
        for row in rows[: query.limit]
    ]
    return AuditPage(items=items, next=str(items[-1].id) if len(rows) > query.limit else None)


def _filter(query: RecordsQuery) -> dict[str, Json] | None:
    """What was looked for besides the number, for the audit."""
    wanted: dict[str, Json] = {} if query.outcome is None else {"outcome": query.outcome.value}
    times = (("since", query.since), ("until", query.until))
    return wanted | {name: _aware(moment).isoformat() for name, moment in times if moment is not None} or None


def _seconds(moment: datetime) -> float:
    """Seconds of the Unix epoch."""
    return _aware(moment).timestamp()


def _aware(moment: datetime) -> datetime:
    """A time without a zone is in UTC, as all times here."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

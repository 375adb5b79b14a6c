"""A user's calls: those that have ended, with "why did it go there", and those in progress."""

import json
import logging
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from pbx.calls.history import story
from pbx.calls.models import CallRecordRow
from pbx.routing.number import comparable
from pbx.routing.outcome import Outcome
from pbx.routing.words import Language
from pbx.storage.unit import Transaction
from web.api.section import Access, Section
from web.api.shapes import CallDevice, CallItem, Cause, Direction, LiveCall, Moment, Page, Party, Shape, from_seconds
from web.auth.sessions import SignedIn
from web.causes import cause_of
from web.errors import Conflict, Missing
from web.happenings import CallsLookedAt
from web.language import wanted_language
from web.looks import CALL_VIEWED
from web.models import CallPartyRow, PreferencesRow
from web.services import Services, services

section = Section("calls")

logger = logging.getLogger(__name__)

PAGE = 50
LONGEST_RING = 86_400.0  # seconds that nobody waits for an answer
BROWSER = "browser"
BROWSER_ACCOUNT = "-web-"  # in the SIP names of browsers, see pbx.registrar
ANONYMOUS = "anonymous"

_UNREADABLE = {
    Language.ENGLISH: "the record of this call cannot be read",
    Language.RUSSIAN: "запись об этом звонке не читается",
}


class CallsQuery(Shape):
    """Which calls."""

    before: str | None = Field(default=None, max_length=64, description="the cursor `next` of the part before")
    limit: int = Field(default=PAGE, ge=1, le=200)
    with_: str | None = Field(
        default=None, alias="with", max_length=64, examples=["101"], description="the other party"
    )
    filter: Literal["missed", "in", "out"] | None = None


class CallPage(Page[CallItem]):
    """A part of my calls, the newest first."""

    missed: int = Field(examples=[2], description="missed calls that I have not looked at")


class CallFacts(Shape):
    """A call that has ended, as nobody's in particular."""

    id: str = Field(examples=["5f0c2a9e1b7d4c38"])
    caller: str = Field(examples=["101"])
    caller_name: str = Field(examples=["Anna Orlova"])
    dialled: str = Field(examples=["102"])
    answered_by: str | None = Field(examples=["102"])
    answered_by_name: str | None = Field(examples=["Boris Petrov"])
    started_at: Moment
    answered_at: Moment | None
    ended_at: Moment
    outcome: Outcome
    cause: Cause


class CallStory(CallFacts):
    """A call with the reasons why it went where it went."""

    explanation: list[str] = Field(examples=[["1  rings 102 for 20 s, because 102 was dialled", "2  102 answers"]])


class LiveCalls(Shape):
    """Calls in progress."""

    items: list[LiveCall]


class Pull(Shape):
    """Where the call is to go on."""

    device: str = Field(max_length=64, examples=["102-k3fw"], description="a SIP name of mine, or `browser`: this one")


class Seen(Shape):
    """Until when missed calls were looked at."""

    seen_at: Moment


@section.get("/me/calls", Access.USER, query=CallsQuery, answer=CallPage)
def show_calls(user: SignedIn, query: CallsQuery) -> CallPage:
    """My calls that have ended, the newest first."""
    given = services()
    index_new_calls(given)
    number = user.number

    def find(session: Session) -> tuple[list[tuple[CallRecordRow, CallPartyRow]], int, float]:
        seen_until = _seen_until(session, number)
        wanted = (
            select(CallRecordRow, CallPartyRow)
            .join(CallPartyRow, CallPartyRow.call_id == CallRecordRow.id)
            .where(CallPartyRow.number == number)
            .order_by(CallPartyRow.started_at.desc(), CallPartyRow.call_id.desc())
            .limit(query.limit + 1)
        )
        if query.filter == "missed":
            wanted = wanted.where(CallPartyRow.missed)
        elif query.filter is not None:
            wanted = wanted.where(CallPartyRow.outgoing == (query.filter == "out"))
        if query.with_ is not None:
            other = comparable(query.with_)
            # Who did not want to be known is not found by asking for everybody in turn.
            known = or_(CallPartyRow.outgoing, ~CallRecordRow.plan.contains('"private"'))
            called = or_(CallRecordRow.dialled == other, CallRecordRow.answered_by == other)
            wanted = wanted.where(or_(called, and_(CallRecordRow.caller == other, known)))
        if query.before is not None:
            last = session.get(CallPartyRow, (query.before, number))
            if last is None:  # retention has removed it meanwhile, with all before it
                return [], _unseen(session, number, seen_until), seen_until
            earlier = CallPartyRow.started_at < last.started_at
            same = and_(CallPartyRow.started_at == last.started_at, CallPartyRow.call_id < last.call_id)
            wanted = wanted.where(or_(earlier, same))
        found = [(record, party) for record, party in session.execute(wanted)]
        return found, _unseen(session, number, seen_until), seen_until

    found, missed, seen_until = given.read(find)
    items = [
        call_item(given, record, outgoing=party.outgoing, seen_until=seen_until)
        for record, party in found[: query.limit]
    ]
    return CallPage(items=items, next=items[-1].id if len(found) > query.limit else None, missed=missed)


@section.put("/me/calls/seen", Access.USER, answer=Seen)
def mark_seen(user: SignedIn) -> Seen:
    """I have looked at my missed calls."""
    given = services()

    def mark(tx: Transaction) -> float:
        row = tx.session.get(PreferencesRow, user.number)
        if row is None:
            row = PreferencesRow(number=user.number, language=None, theme=None, status="", calls_seen_at=0.0)
            tx.session.add(row)
        row.calls_seen_at = tx.now.timestamp()
        tx.emit(CallsLookedAt(user.number))
        return row.calls_seen_at

    return Seen(seen_at=from_seconds(given.act(mark)))


@section.get("/me/calls/live", Access.USER, answer=LiveCalls)
def show_live_calls(user: SignedIn) -> LiveCalls:
    """My calls in progress."""
    given = services()
    views = given.ask_engine("calls.live", {})["calls"]
    return LiveCalls(items=[live_call(given, view, user.number) for view in views if user.number in numbers_in(view)])


@section.post("/me/calls/<call>/pull", Access.USER, body=Pull)
def pull_call(user: SignedIn, call: str, body: Pull) -> None:
    """Go on with a call of mine on another device of mine."""
    given = services()
    sip_name = body.device
    if sip_name == BROWSER:
        known = given.browser_phones.sip_name(user.session)
        if known is None:
            raise Conflict("this browser has no phone yet: load the page again", code="browser-has-no-phone")
        sip_name = known
    given.ask_engine("calls.pull", {"call": call, "number": user.number, "sip_name": sip_name})


@section.get("/calls/<call>", Access.USER, answer=CallStory)
def explain_call(user: SignedIn, call: str) -> CallStory:
    """Why a call went where it went: one of mine, or any for an admin, which is audited."""
    given, language = services(), wanted_language()
    index_new_calls(given)

    def find(session: Session) -> tuple[CallRecordRow | None, CallPartyRow | None]:
        return session.get(CallRecordRow, call), session.get(CallPartyRow, (call, user.number))

    record, party = given.read(find)
    if record is None or (party is None and not user.is_admin):
        raise Missing("there is no record of this call")
    if party is None:
        parties = dict.fromkeys((record.caller, record.dialled, record.answered_by or record.dialled))
        given.looks.note(user.number, CALL_VIEWED, record.id, {"parties": list(parties)})
    hidden = is_private(record) and not user.is_admin and user.number != record.caller
    facts = call_facts(given, record, hidden=hidden)
    return CallStory(**facts.model_dump(), explanation=_explanation(record, language, hidden=hidden))


def index_new_calls(given: Services) -> list[str]:
    """Brings the index of calls up to date; the ids of the new ones."""
    index, new = given.calls_index, list[str]()
    while records := given.read(index.behind):
        new += given.act(partial(index.take, records=records))
    return new


def call_item(
    given: Services,
    record: CallRecordRow,
    *,
    outgoing: bool,
    seen_until: float = 0.0,
) -> CallItem:
    """A record as its caller (`outgoing`), or one of those whom it was for, sees it.

    `seen_until` is when the missed calls were looked at, in seconds of the Unix epoch.
    """
    facts = call_facts(given, record, hidden=not outgoing and is_private(record))
    missed = not outgoing and record.answered_at is None
    dialled = Party(number=record.dialled, name=given.name_of(record.dialled))
    return CallItem(
        id=record.id,
        direction=Direction.OUT if outgoing else Direction.IN,
        other=dialled if outgoing else Party(number=facts.caller, name=facts.caller_name),
        dialled=facts.dialled,
        answered_by=facts.answered_by,
        answered_by_name=facts.answered_by_name,
        started_at=facts.started_at,
        answered_at=facts.answered_at,
        ended_at=facts.ended_at,
        outcome=facts.outcome,
        cause=facts.cause,
        missed=missed,
        seen=not missed or record.ended_at <= seen_until,
    )


def call_facts(given: Services, record: CallRecordRow, *, hidden: bool) -> CallFacts:
    """A record; `hidden` leaves out who called, as the caller asked for (RFC 3323)."""
    answered_by = record.answered_by
    code, detail = cause_of(record.cause)
    return CallFacts(
        id=record.id,
        caller=ANONYMOUS if hidden else record.caller,
        caller_name="" if hidden else record.caller_name or given.name_of(record.caller),
        dialled=record.dialled,
        answered_by=answered_by,
        answered_by_name=None if answered_by is None else given.name_of(answered_by),
        started_at=from_seconds(record.started_at),
        answered_at=from_seconds(record.answered_at) if record.answered_at is not None else None,
        ended_at=from_seconds(record.ended_at),
        outcome=record.outcome,
        cause=Cause(code=code, detail=detail),
    )


def is_private(record: CallRecordRow) -> bool:
    """Whether the caller did not want to be known."""
    try:
        return bool(json.loads(record.plan).get("private", False))
    except (ValueError, AttributeError):
        return True  # nobody can tell any more


def live_call(given: Services, view: Mapping[str, Any], viewer: str | None) -> LiveCall:
    """A call in progress (`pbx.calls.views`) as one of those whom it concerns sees it, or an admin: None."""
    number = view["caller"]
    caller = Party(number=number, name=view.get("caller_name") or given.name_of(number))
    called = view.get("answered_by") or view["dialled"]
    callee = Party(number=called, name=given.name_of(called))
    outgoing = viewer == number
    if view.get("private") and viewer is not None and not outgoing:
        caller = Party(number=ANONYMOUS, name="")
    answered_at, sip_name = view.get("answered_at"), view.get("devices", {}).get(viewer)
    return LiveCall(
        id=str(view["id"]),
        caller=caller,
        callee=callee,
        dialled=view["dialled"],
        state=view["state"],
        started_at=from_seconds(view["started_at"]),
        answered_at=from_seconds(answered_at) if answered_at is not None else None,
        direction=None if viewer is None else Direction.OUT if outgoing else Direction.IN,
        other=None if viewer is None else callee if outgoing else caller,
        device=CallDevice(sip_name=sip_name, browser=BROWSER_ACCOUNT in sip_name) if sip_name else None,
    )


def _without_caller(record: CallRecordRow) -> CallRecordRow:
    """A copy of a record whose notes, as of a transfer, do not name who called."""
    number = re.compile(rf"\b{re.escape(record.caller)}\b")
    events = json.loads(record.events)
    for event in events:
        if "text" in event:
            event["text"] = number.sub(ANONYMOUS, event["text"])
    columns = {column.key: getattr(record, column.key) for column in CallRecordRow.__table__.columns}
    return CallRecordRow(**{**columns, "events": json.dumps(events), "cause": number.sub(ANONYMOUS, record.cause)})


def numbers_in(view: Mapping[str, Any]) -> frozenset[str]:
    """Whom a call in progress concerns: who called, who was called, who rings and who talks."""
    named = (view["caller"], view["dialled"], view.get("answered_by"), *view["ringing"], *view["parties"])
    return frozenset(str(number) for number in named if number)


def _seen_until(session: Session, number: str) -> float:
    row = session.get(PreferencesRow, number)
    return row.calls_seen_at if row is not None else 0.0


def _unseen(session: Session, number: str, since: float) -> int:
    """How many calls were missed since then. One that rang at that moment was not missed yet."""
    unseen = (
        select(CallPartyRow.call_id)
        .join(CallRecordRow, CallRecordRow.id == CallPartyRow.call_id)
        .where(
            CallPartyRow.number == number,
            CallPartyRow.missed,
            CallPartyRow.started_at > since - LONGEST_RING,
            CallRecordRow.ended_at > since,
        )
    )
    return len(session.scalars(unseen.limit(1000)).all())


def _explanation(record: CallRecordRow, language: Language, *, hidden: bool) -> list[str]:
    try:
        return story(_without_caller(record) if hidden else record, language)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        logger.error("! the record of call %s cannot be read: %r", record.id, error)
        return [_UNREADABLE[language]]

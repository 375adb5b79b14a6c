"""`gorizont calls` and `gorizont explain`: calls in progress, calls that have ended, and why they went so."""

import argparse
import json
import time
from typing import Any

from sqlalchemy import select

from pbx.calls.history import story
from pbx.calls.models import CallRecordRow
from pbx.cli.answer import Answer, CliError, duration, moment, table
from pbx.cli.office import Office

FEW = 5  # calls that a message names at most


def show_all(options: argparse.Namespace, office: Office) -> Answer:
    """Calls in progress, or those that have ended."""
    return _live(office) if options.live else _ended(office, options.limit)


def explain_one(options: argparse.Namespace, office: Office) -> Answer:
    """Why a call went where it went, from its record."""
    record = _find(office, options.call)
    lines = story(record)
    values = {
        **_values(record),
        "plan": json.loads(record.plan),
        "events": json.loads(record.events),
        "story": lines,
    }
    return Answer(values, lines)


def _live(office: Office) -> Answer:
    calls = office.ask("calls.live")["calls"]
    now = time.time()
    rows = [
        [
            one["caller"],
            one["dialled"],
            one["answered_by"],
            one["state"],
            duration(now - (one["answered_at"] or one["started_at"])),
            one["id"],
        ]
        for one in calls
    ]
    headings = ["caller", "dialled", "answered by", "state", "for", "call"]
    return Answer({"calls": calls}, table(headings, rows, "there are no calls"))


def _ended(office: Office, limit: int) -> Answer:
    query = select(CallRecordRow).order_by(CallRecordRow.started_at.desc(), CallRecordRow.id).limit(limit)
    with office.store.reading() as session:
        records = session.scalars(query).all()
    rows = [
        [
            moment(one.started_at),
            one.caller,
            one.dialled,
            one.answered_by,
            one.outcome.value,
            "" if one.answered_at is None else duration(one.ended_at - one.answered_at),
            one.id,
        ]
        for one in records
    ]
    headings = ["began", "caller", "dialled", "answered by", "outcome", "talked", "call"]
    return Answer({"calls": [_values(one) for one in records]}, table(headings, rows, "no call has ended yet"))


def _find(office: Office, call: str) -> CallRecordRow:
    """The record of the call that begins so. Raises CliError when there is none, or several."""
    query = select(CallRecordRow).where(CallRecordRow.id.startswith(call, autoescape=True)).limit(FEW)
    with office.store.reading() as session:
        exact = session.get(CallRecordRow, call)
        found = [exact] if exact is not None else session.scalars(query).all()
    if not call or not found:
        raise CliError(f"there is no record of a call {call}: `gorizont calls` shows those that have ended")
    if len(found) > 1:
        raise CliError(f"several calls begin with {call}: {', '.join(record.id for record in found)}")
    return found[0]


def _values(record: CallRecordRow) -> dict[str, Any]:
    """Times are seconds of the Unix epoch, as for calls in progress."""
    return {
        "id": record.id,
        "caller": record.caller,
        "caller_name": record.caller_name,
        "dialled": record.dialled,
        "answered_by": record.answered_by,
        "started_at": record.started_at,
        "answered_at": record.answered_at,
        "ended_at": record.ended_at,
        "outcome": record.outcome.value,
        "cause": record.cause,
    }

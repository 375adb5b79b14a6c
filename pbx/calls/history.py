"""Calls that have ended, as their records tell of them: for those who read, without any SIP."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from pbx.calls.causes import ended, in_words
from pbx.calls.models import CallRecordRow
from pbx.routing.explain import Happened, explain
from pbx.routing.outcome import Outcome
from pbx.routing.record import from_dict
from pbx.routing.words import Language


class Note(NamedTuple):
    """Something of a call that is no outcome of ringing: a transfer, a take-over."""

    at: datetime
    text: str


def event_state(event: Happened | Note) -> dict[str, Any]:
    """An event as JSON values."""
    at = event.at.isoformat()
    if isinstance(event, Note):
        return {"at": at, "text": event.text}
    return {
        "step": event.step,
        "target": event.target,
        "outcome": event.outcome.value,
        "at": at,
        "seconds": event.seconds,
    }


def read_event(stored: dict[str, Any]) -> Happened | Note:
    """An event of a record or of a stored call. Raises KeyError, TypeError or ValueError when it is none."""
    at = datetime.fromisoformat(stored["at"])
    if "text" in stored:
        return Note(at, stored["text"])
    return Happened(stored["step"], stored["target"], Outcome(stored["outcome"]), at, stored["seconds"])


def story(record: CallRecordRow, language: Language = Language.ENGLISH) -> list[str]:
    """Why a call went where it went, in words. Notes are told as they were written, in English."""
    plan = from_dict(json.loads(record.plan))
    events = [read_event(stored) for stored in json.loads(record.events)]
    lines = explain(plan, [event for event in events if isinstance(event, Happened)], language)
    zone = plan.at.tzinfo
    notes = [event for event in events if isinstance(event, Note)]
    lines += [f"   {note.at.astimezone(zone):%H:%M:%S}  {note.text}" for note in notes]
    at = datetime.fromtimestamp(record.ended_at, zone)
    lines.append(f"{ended(at, language)}: {in_words(record.cause, language)}")
    return lines

"""Legal holds: whose chat and calls are kept whatever the rules say and people do; and the one door to what is kept."""

import json
from collections.abc import Iterable, Iterator

from flask import Response
from pydantic import Field
from sqlalchemy import or_, select

from messaging.errors import FileGone
from messaging.export import held_conversations, held_files, held_messages
from messaging.files import FileStore
from messaging.holds import count_held
from pbx.calls.models import CallRecordRow
from pbx.retention.models import HoldRow
from pbx.retention.service import REASON_LENGTH, lift_hold, list_holds, note_export, set_hold
from pbx.storage.unit import Store
from web.api.chat_files import disposition
from web.api.section import Access, Section
from web.api.shapes import Moment, Shape, from_seconds
from web.archive import Entry, zipped
from web.auth.sessions import SignedIn
from web.services import Services, services

section = Section("admin_holds", title="admin: legal holds", prefix="/api/v1/admin")

PIECE = 256 << 10  # octets of a file that are read at once
CALLS = 500  # that are read at once


class NewHold(Shape):
    """Why."""

    reason: str = Field(min_length=1, max_length=REASON_LENGTH, examples=["case 7/2026"])


class Hold(NewHold):
    """A legal hold: nothing that concerns this number is removed, by nobody."""

    number: str = Field(examples=["102"])
    name: str = Field(examples=["Boris Petrov"], description='"" where the user was removed')
    set_at: Moment
    set_by: str = Field(examples=["101"])
    messages: int = Field(examples=[1204], description="that the hold concerns")
    kept: int = Field(examples=[3], description="copies of messages that people edited or deleted meanwhile")


class Holds(Shape):
    """All of them, by number."""

    items: list[Hold]


@section.get("/retention/holds", Access.ADMIN, answer=Holds)
def show_holds(user: SignedIn) -> Holds:
    """The legal holds."""
    del user
    given = services()
    rows = given.read(lambda session: [(row, *count_held(session, row.number)) for row in list_holds(session)])
    return Holds(items=[_hold(given, *found) for found in rows])


@section.put("/retention/holds/<number>", Access.ADMIN, body=NewHold, answer=Hold)
def put_hold(user: SignedIn, number: str, body: NewHold) -> Hold:
    """Keep everything that concerns a user until the hold is lifted; audited."""
    given = services()
    row = given.act(lambda tx: set_hold(tx, number, body.reason, actor=user.number))
    messages, kept = given.read(lambda session: count_held(session, number))
    return _hold(given, row, messages, kept)


@section.delete("/retention/holds/<number>", Access.ADMIN)
def delete_hold(user: SignedIn, number: str) -> None:
    """Lift a hold; audited. The rules apply from the next night on, and what people had deleted goes then."""
    services().act(lambda tx: lift_hold(tx, number, actor=user.number))


@section.get("/retention/holds/<number>/export", Access.ADMIN, sends="application/zip")
def export_hold(user: SignedIn, number: str) -> Response:
    """Everything that the hold keeps, as a ZIP archive; audited before the first octet goes out.

    `about.json`, `conversations.jsonl`, `messages.jsonl` with what messages said before they were edited or deleted,
    `calls.jsonl`, and `files/`.
    """
    given = services()
    row = given.act(lambda tx: note_export(tx, number, actor=user.number))
    about = {
        "number": row.number,
        "name": given.name_of(row.number),
        "reason": row.reason,
        "held_since": row.set_at.isoformat(),
        "exported_at": given.now().isoformat(),
        "exported_by": user.number,
    }
    entries = _entries(given.store, FileStore(given.settings.files.folder), number, about)
    response = Response(_away_from_the_loop(given, zipped(entries, given.local_now())), mimetype="application/zip")
    response.headers["Content-Disposition"] = disposition("attachment", f"hold-{number}.zip")
    return response


def _entries(store: Store, files: FileStore, number: str, about: dict[str, str]) -> Iterator[Entry]:
    """The files of the archive."""
    yield "about.json", True, [json.dumps(about, ensure_ascii=False, indent=2).encode()]
    with store.reading() as session:
        conversations = held_conversations(session, number)
    yield "conversations.jsonl", True, _lines(conversations)
    yield "messages.jsonl", True, _lines(held_messages(store, number))
    yield "calls.jsonl", True, _lines(_calls(store, number))
    for file in held_files(store, number):
        try:
            handle = files.open(file.id)
        except FileGone:  # lost on disk: the archive has the rest, and says in its lines that there was one
            continue
        with handle:
            yield file.path, False, iter(lambda: handle.read(PIECE), b"")  # noqa: B023  read before the next one


def _calls(store: Store, number: str) -> Iterator[dict[str, object]]:
    """The calls that this person made, was called by or answered, oldest first."""
    row = CallRecordRow
    concerned = or_(row.caller == number, row.dialled == number, row.answered_by == number)
    place: tuple[float, str] | None = None
    while True:
        wanted = select(row).where(concerned).order_by(row.started_at, row.id).limit(CALLS)
        if place is not None:
            at, last = place
            wanted = wanted.where(or_(row.started_at > at, (row.started_at == at) & (row.id > last)))
        with store.reading() as session:
            found = list(session.scalars(wanted))
        for one in found:
            yield {
                "id": one.id,
                "caller": one.caller,
                "caller_name": one.caller_name,
                "dialled": one.dialled,
                "answered_by": one.answered_by,
                "started_at": from_seconds(one.started_at).isoformat(),
                "answered_at": None if one.answered_at is None else from_seconds(one.answered_at).isoformat(),
                "ended_at": from_seconds(one.ended_at).isoformat(),
                "outcome": one.outcome.value,
                "cause": one.cause,
            }
        if len(found) < CALLS:
            return
        place = found[-1].started_at, found[-1].id


def _lines(values: Iterable[object]) -> Iterator[bytes]:
    """One JSON value a line."""
    return (json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values)


def _away_from_the_loop(given: Services, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Each piece is made in a database thread, while browsers are served."""
    while piece := given.threads.run(lambda: next(pieces, b"")):
        yield piece


def _hold(given: Services, row: HoldRow, messages: int, kept: int) -> Hold:
    return Hold(
        number=row.number,
        name=given.name_of(row.number),
        reason=row.reason,
        set_at=row.set_at,
        set_by=row.set_by,
        messages=messages,
        kept=kept,
    )

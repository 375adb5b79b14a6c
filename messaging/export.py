"""Everything that a legal hold keeps of chat, for whoever has to hand it over.

Read in steps, each in a session of its own, so that years of chat need neither memory nor a long transaction.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from messaging.holds import concerns, conversations_of
from messaging.models import ATTACHMENTS, CONVERSATIONS, HELD_FILES, HELD_MESSAGES, MEMBERS, MESSAGES
from messaging.views import JsonObject, as_messages, iso
from pbx.storage.unit import Store

STEP = 500  # messages that are read at once


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file to hand over; `path` is where it stands among what is handed over."""

    id: str
    path: str


def held_conversations(session: Session, number: str) -> list[JsonObject]:
    """The conversations that this person is or was in, with everybody who is or was in them."""
    rows = session.execute(
        select(CONVERSATIONS).where(CONVERSATIONS.c.id.in_(conversations_of([number]))).order_by(CONVERSATIONS.c.id)
    ).all()
    members: dict[int, list[JsonObject]] = {}
    wanted = select(MEMBERS).where(MEMBERS.c.conversation_id.in_(conversations_of([number]))).order_by(MEMBERS.c.id)
    for member in session.execute(wanted):
        members.setdefault(member.conversation_id, []).append(
            {"number": member.was, "joined_at": iso(member.joined_at), "is_in": member.left_seq is None}
        )
    return [
        {
            "id": row.id,
            "kind": row.kind.value,
            "title": row.title,
            "created_at": iso(row.created_at),
            "members": members.get(row.id, []),
        }
        for row in rows
    ]


def held_messages(store: Store, number: str) -> Iterator[JsonObject]:
    """All messages that concern this person, oldest first.

    One that was edited or deleted under the hold has `before`: what it said then, oldest first, who changed it
    and when. `files` says where each of its files stands.
    """
    last = 0
    while True:
        with store.reading() as session:
            rows = session.execute(
                select(MESSAGES).where(concerns([number]), MESSAGES.c.id > last).order_by(MESSAGES.c.id).limit(STEP)
            ).all()
            before = _before(session, [row.id for row in rows])
            found = [
                {
                    **message.as_json(),
                    "attachments": [
                        {**one.as_json(), "path": None if one.removed else path_of(one.id, one.name)}
                        for one in message.attachments
                    ],
                    "before": before.get(message.id, []),
                }
                for message in as_messages(session, rows)
            ]
        yield from found
        if len(rows) < STEP:
            return
        last = rows[-1].id


def held_files(store: Store, number: str) -> Iterator[HeldFile]:
    """The files of these messages that are still there, those of deleted ones too."""
    attached = (
        select(ATTACHMENTS.c.id, ATTACHMENTS.c.name)
        .join(MESSAGES, MESSAGES.c.id == ATTACHMENTS.c.message_id)
        .where(concerns([number]), ATTACHMENTS.c.removed_at.is_(None))
    )
    kept = (
        select(HELD_FILES.c.id, HELD_FILES.c.name)
        .join(HELD_MESSAGES, HELD_MESSAGES.c.seq == HELD_FILES.c.held_seq)
        .join(MESSAGES, MESSAGES.c.id == HELD_MESSAGES.c.message_id)
        .where(concerns([number]))
    )
    for query, key in ((attached, ATTACHMENTS.c.id), (kept, HELD_FILES.c.id)):
        last = ""
        while True:
            with store.reading() as session:
                rows = session.execute(query.where(key > last).order_by(key).limit(STEP)).all()
            yield from (HeldFile(row.id, path_of(row.id, row.name)) for row in rows)
            if len(rows) < STEP:
                break
            last = rows[-1].id


def path_of(file: str, name: str) -> str:
    """Where a file stands: two of one name are told apart by their id."""
    return f"files/{file}/{name}"


def _before(session: Session, messages: list[int]) -> dict[int, list[JsonObject]]:
    """What messages said before they were changed."""
    files: dict[int, list[JsonObject]] = {}
    of_these = select(HELD_MESSAGES.c.seq).where(HELD_MESSAGES.c.message_id.in_(messages))
    query = select(HELD_FILES).where(HELD_FILES.c.held_seq.in_(of_these)).order_by(HELD_FILES.c.position)
    for file in session.execute(query):
        said = {"id": file.id, "name": file.name, "type": file.type, "size": file.size}
        files.setdefault(file.held_seq, []).append({**said, "path": path_of(file.id, file.name)})
    found: dict[int, list[JsonObject]] = {}
    copies = select(HELD_MESSAGES).where(HELD_MESSAGES.c.message_id.in_(messages)).order_by(HELD_MESSAGES.c.seq)
    for copy in session.execute(copies):
        found.setdefault(copy.message_id, []).append(_copy(copy, files.get(copy.seq, [])))
    return found


def _copy(row: Any, files: list[JsonObject]) -> JsonObject:
    return {
        "text": row.text,
        "written_at": iso(row.written_at),
        "changed": row.why.value,
        "changed_at": iso(row.kept_at),
        "changed_by": row.kept_from,
        "attachments": files,
    }

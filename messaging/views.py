"""Conversations, messages and attachments as values, and how they look as JSON.

These are what actions return, what events carry and what the API shows: one form in all three places.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from messaging.models import (
    ATTACHMENTS,
    CONVERSATIONS,
    MEMBERS,
    MESSAGES,
    ConversationKind,
    MessageKind,
    Role,
    Thumbnail,
)
from pbx.audit.models import Json

JsonObject = dict[str, Any]


def iso(at: datetime | None) -> str | None:
    """A time as the API says it: ISO 8601 in UTC, milliseconds."""
    return None if at is None else at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message. `width` and `height` are those of a picture, once it was looked at."""

    id: str
    name: str
    type: str
    size: int
    width: int | None
    height: int | None
    has_thumbnail: bool
    removed: bool

    def as_json(self) -> JsonObject:
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "size": self.size,
            "width": self.width,
            "height": self.height,
            "has_thumbnail": self.has_thumbnail,
            "removed": self.removed,
        }


@dataclass(frozen=True, slots=True)
class Message:
    """A message; its id is its place in the sequence."""

    id: int
    conversation: int
    changed_seq: int
    author: str
    client_id: str | None
    kind: MessageKind
    silent: bool
    text: str
    reply_to: int | None
    detail: Json
    attachments: tuple[Attachment, ...]
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None

    def as_json(self) -> JsonObject:
        return {
            "id": self.id,
            "conversation": self.conversation,
            "seq": self.id,
            "changed_seq": self.changed_seq,
            "client_id": self.client_id,
            "author": self.author,
            "kind": self.kind.value,
            "silent": self.silent,
            "text": self.text,
            "attachments": [one.as_json() for one in self.attachments],
            "reply_to": self.reply_to,
            "call": self.detail if self.kind is MessageKind.CALL else None,
            "system": self.detail if self.kind is MessageKind.SYSTEM else None,
            "created_at": iso(self.created_at),
            "edited_at": iso(self.edited_at),
            "deleted_at": iso(self.deleted_at),
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """What a conversation is to all its members. `reads` has the newest message that each has read."""

    id: int
    kind: ConversationKind
    title: str | None
    members: tuple[str, ...]
    owners: tuple[str, ...]
    reads: Mapping[str, int]
    created_at: datetime
    changed_seq: int

    def as_json(self) -> JsonObject:
        return {
            "id": self.id,
            "kind": self.kind.value,
            "title": self.title,
            "members": list(self.members),
            "owners": list(self.owners),
            "reads": dict(self.reads),
            "created_at": iso(self.created_at),
            "seq": self.changed_seq,
        }


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a conversation is to one of its members."""

    facts: Facts
    last: Message | None
    unread: int
    read_seq: int
    muted: bool

    def as_json(self) -> JsonObject:
        return {
            **self.facts.as_json(),
            "last": None if self.last is None else self.last.as_json(),
            "unread": self.unread,
            "read_seq": self.read_seq,
            "muted": self.muted,
        }


_FACTS = select(CONVERSATIONS).where(CONVERSATIONS.c.id.in_(bindparam("ids", expanding=True)))
_MEMBERS = (
    select(MEMBERS.c.conversation_id, MEMBERS.c.number, MEMBERS.c.role, MEMBERS.c.read_seq)
    .where(
        MEMBERS.c.conversation_id.in_(bindparam("ids", expanding=True)),
        MEMBERS.c.left_seq.is_(None),
        MEMBERS.c.number.is_not(None),
    )
    .order_by(MEMBERS.c.id)
)
_MESSAGES = select(MESSAGES).where(MESSAGES.c.id.in_(bindparam("ids", expanding=True)))
_ATTACHMENTS = (
    select(ATTACHMENTS)
    .where(ATTACHMENTS.c.message_id.in_(bindparam("ids", expanding=True)))
    .order_by(ATTACHMENTS.c.position)
)
MOST_KEYS = 500  # keys in one statement: SQLite takes 32766, PostgreSQL 65535


def load_facts(session: Session, ids: Iterable[int]) -> dict[int, Facts]:
    """The conversations with these ids, without asking who wants to know."""
    found: dict[int, Facts] = {}
    for some in _pieces(ids):
        rows = session.execute(_FACTS, {"ids": some}).all()
        members: dict[int, list[Any]] = {}
        for member in session.execute(_MEMBERS, {"ids": some}):
            members.setdefault(member.conversation_id, []).append(member)
        for row in rows:
            those = members.get(row.id, [])
            found[row.id] = Facts(
                id=row.id,
                kind=row.kind,
                title=row.title,
                members=tuple(one.number for one in those),
                owners=tuple(one.number for one in those if one.role is Role.OWNER),
                reads={one.number: one.read_seq for one in those},
                created_at=row.created_at,
                changed_seq=row.changed_seq,
            )
    return found


def load_messages(session: Session, ids: Iterable[int]) -> dict[int, Message]:
    """The messages with these ids, without asking who wants to know."""
    found: dict[int, Message] = {}
    for some in _pieces(ids):
        found.update((one.id, one) for one in as_messages(session, session.execute(_MESSAGES, {"ids": some}).all()))
    return found


def as_messages(session: Session, rows: Iterable[Row[Any]]) -> list[Message]:
    """Rows of `messages` with their attachments, in the same order."""
    rows = list(rows)
    files: dict[int, list[Attachment]] = {}
    for some in _pieces(row.id for row in rows if row.attachments):
        for row in session.execute(_ATTACHMENTS, {"ids": some}):
            files.setdefault(row.message_id, []).append(as_attachment(row))
    return [as_message(row, tuple(files.get(row.id, ()))) for row in rows]


def as_message(row: Any, attachments: tuple[Attachment, ...] = ()) -> Message:
    """A row of `messages`."""
    return Message(
        id=row.id,
        conversation=row.conversation_id,
        changed_seq=row.changed_seq,
        author=row.author,
        client_id=row.client_id,
        kind=row.kind,
        silent=row.silent,
        text=row.text,
        reply_to=row.reply_to,
        detail=row.detail,
        attachments=attachments,
        created_at=row.created_at,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
    )


def as_attachment(row: Any) -> Attachment:
    """A row of `attachments`."""
    return Attachment(
        id=row.id,
        name=row.name,
        type=row.type,
        size=row.size,
        width=row.width,
        height=row.height,
        has_thumbnail=row.thumbnail is Thumbnail.MADE and row.removed_at is None,
        removed=row.removed_at is not None,
    )


def _pieces(ids: Iterable[int]) -> list[list[int]]:
    """The keys in as many lists as statements are needed for them."""
    keys = list(ids)
    return [keys[start : start + MOST_KEYS] for start in range(0, len(keys), MOST_KEYS)]

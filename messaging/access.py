"""The one door to each thing of chat: nobody gets a conversation, message or file but through here.

What somebody may not see does not exist for them, so nothing can be learnt by trying ids.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from messaging.errors import NotAllowed, NotFound
from messaging.models import ATTACHMENTS, CONVERSATIONS, MEMBERS, MESSAGES, ConversationKind, Role
from messaging.sequence import Database

_MEMBERSHIP = (
    select(
        MEMBERS.c.id.label("membership"),
        MEMBERS.c.role,
        MEMBERS.c.read_seq,
        MEMBERS.c.muted,
        CONVERSATIONS.c.id,
        CONVERSATIONS.c.kind,
        CONVERSATIONS.c.title,
        CONVERSATIONS.c.last_seq,
    )
    .join(CONVERSATIONS, CONVERSATIONS.c.id == MEMBERS.c.conversation_id)
    .where(
        MEMBERS.c.conversation_id == bindparam("conversation"),
        MEMBERS.c.number == bindparam("number"),
        MEMBERS.c.left_seq.is_(None),
    )
)
_MESSAGE = select(MESSAGES).where(MESSAGES.c.id == bindparam("id"))
_ATTACHMENT = select(ATTACHMENTS).where(ATTACHMENTS.c.id == bindparam("id"))
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody's place in a conversation: `id` is where in the sequence they got it."""

    id: int
    conversation: int
    kind: ConversationKind
    title: str | None
    number: str
    role: Role
    read_seq: int
    muted: bool
    last_seq: int

    @property
    def is_owner(self) -> bool:
        return self.role is Role.OWNER


def access_conversation(database: Database, conversation: int, *, actor: str) -> Membership:
    """The actor's place in a conversation. Raises NotFound where they have none."""
    row = None
    if 0 < conversation <= _LARGEST_ID:
        row = database.execute(_MEMBERSHIP, {"conversation": conversation, "number": actor}).one_or_none()
    if row is None:
        raise NotFound(f"there is no conversation {conversation}")
    return Membership(
        row.membership, row.id, row.kind, row.title, actor, row.role, row.read_seq, row.muted, row.last_seq
    )


def access_group(session: Session, conversation: int, *, actor: str) -> Membership:
    """Likewise, of a group. Raises NotFound; NotAllowed for the conversation of two people."""
    membership = access_conversation(session, conversation, actor=actor)
    if membership.kind is not ConversationKind.GROUP:
        raise NotAllowed("a conversation of two people keeps its members and has no title")
    return membership


def access_message(session: Session, message: int, *, actor: str) -> tuple[Row[Any], Membership]:
    """A message of a conversation that the actor is in. Raises NotFound."""
    row = session.execute(_MESSAGE, {"id": message}).one_or_none() if 0 < message <= _LARGEST_ID else None
    if row is not None:
        try:
            return row, access_conversation(session, row.conversation_id, actor=actor)
        except NotFound:
            pass
    raise NotFound(f"there is no message {message}")


def access_attachment(session: Session, attachment: str, *, actor: str) -> Row[Any]:
    """A file of a message that the actor can see; or one of their own, not yet in any. Raises NotFound."""
    row = session.execute(_ATTACHMENT, {"id": attachment}).one_or_none()
    if row is not None and row.stored:
        if row.message_id is None and row.owner == actor:
            return row
        if row.message_id is not None:
            try:
                access_message(session, row.message_id, actor=actor)
            except NotFound:
                pass
            else:
                return row
    raise NotFound("there is no such attachment")


def access_upload(session: Session, upload: str, *, actor: str, now: datetime) -> Row[Any]:
    """A file that the actor is uploading, or has uploaded and not used yet. Raises NotFound."""
    row = session.execute(_ATTACHMENT, {"id": upload}).one_or_none()
    if row is None or row.owner != actor or row.message_id is not None or row.removed_at is not None:
        raise NotFound("there is no such upload")
    if row.expires_at is not None and row.expires_at <= now:
        raise NotFound("the upload was not finished in time")
    return row

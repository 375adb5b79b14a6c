"""The rows of chat.

The number of the sequence at which a message or a membership began is its id, so ids order a timeline.
Each row that a client keeps a copy of has `changed_seq`, the number of its last change.

A membership of a user who is removed from the directory loses its number by the foreign key, in the
very transaction that removes the user: whoever gets the number next is not taken for that person.
`conversations.settle_removed` tells the others. Whose membership it was stays written in `was`, for legal
holds, which outlive the user.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import JSON, BigInteger, Boolean, Double, ForeignKey, Index, Integer, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column

from pbx.directory.models import NAME_LENGTH, NUMBER_LENGTH
from pbx.storage.base import Base

# SQLite knows a row by its key alone only where the column is called INTEGER.
BIG = BigInteger().with_variant(Integer, "sqlite")
CLIENT_ID_LENGTH = 80
FILE_ID_LENGTH = 32
FILE_NAME_LENGTH = 255
FILE_TYPE_LENGTH = 100


class ConversationKind(StrEnum):
    DIRECT = "direct"
    """Of two people, for good."""
    GROUP = "group"


class Role(StrEnum):
    OWNER = "owner"
    """May remove members, and messages of others."""
    MEMBER = "member"


class MessageKind(StrEnum):
    TEXT = "text"
    CALL = "call"
    """A call between the two of a direct conversation."""
    SYSTEM = "system"
    """Something that happened to the conversation."""


class Thumbnail(StrEnum):
    NONE = "none"
    """Not a picture."""
    WAITING = "waiting"
    READY = "ready"
    """It is there, and nobody was told yet."""
    MADE = "made"
    FAILED = "failed"
    """A picture that we can't or won't read, or that is being tried."""


class Kept(StrEnum):
    """Why a copy of a message was kept (`messaging.holds`)."""

    EDITED = "edited"
    DELETED = "deleted"


class ChatStateRow(Base):
    """One row: the last number of the sequence, which is also the lock of all writers of chat."""

    __tablename__ = "chat_state"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)  # always 1
    seq: Mapped[int] = mapped_column(BIG)
    purged_seq: Mapped[int] = mapped_column(BIG)  # when retention last removed something
    calls_until: Mapped[float | None] = mapped_column(Double)  # calls that ended before are in the timelines


class ConversationRow(Base):
    """A conversation. `pair` makes that of two people unique: "101:102"."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)
    kind: Mapped[ConversationKind]
    title: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    pair: Mapped[str | None] = mapped_column(String(2 * NUMBER_LENGTH + 1), unique=True)
    created_at: Mapped[datetime]
    changed_seq: Mapped[int] = mapped_column(BIG)  # of itself, its members or its messages, not of read marks
    last_seq: Mapped[int] = mapped_column(BIG)  # of its newest message


class MembershipRow(Base):
    """Somebody in a conversation. Its row stays when they leave, for their other devices to hear of it."""

    __tablename__ = "conversation_members"
    __table_args__ = (Index("uq_conversation_members_conversation_id", "conversation_id", "number", unique=True),)

    id: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    number: Mapped[str | None] = mapped_column(ForeignKey("users.number", ondelete="SET NULL"), index=True)
    was: Mapped[str] = mapped_column(String(NUMBER_LENGTH), index=True)  # the number when they joined
    role: Mapped[Role]
    joined_at: Mapped[datetime]
    left_seq: Mapped[int | None] = mapped_column(BIG)
    read_seq: Mapped[int] = mapped_column(BIG)  # the newest message that they have read
    muted: Mapped[bool] = mapped_column(Boolean)
    changed_seq: Mapped[int] = mapped_column(BIG, index=True)


class MessageRow(Base):
    """A message. One that was deleted stays without its text, so that nobody wonders where it went."""

    __tablename__ = "messages"
    __table_args__ = (
        # For timelines; and with all that says whether a message is unread, so that counting reads no rows.
        Index("ix_messages_conversation_id", "conversation_id", "id", "author", "silent", "deleted_at"),
        Index("uq_messages_author", "author", "client_id", unique=True),
    )

    id: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    changed_seq: Mapped[int] = mapped_column(BIG, index=True)
    author: Mapped[str] = mapped_column(String(NUMBER_LENGTH))
    client_id: Mapped[str | None] = mapped_column(String(CLIENT_ID_LENGTH))  # what makes sending twice harmless
    kind: Mapped[MessageKind]
    silent: Mapped[bool] = mapped_column(Boolean)  # does not count as unread
    text: Mapped[str] = mapped_column(Text)
    reply_to: Mapped[int | None] = mapped_column(BIG)
    detail: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)  # of a call, or of what happened
    attachments: Mapped[int] = mapped_column(Integer)  # how many
    created_at: Mapped[datetime] = mapped_column(index=True)
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class AttachmentRow(Base):
    """A file: uploaded first, then attached to one message."""

    __tablename__ = "attachments"

    id: Mapped[str] = mapped_column(String(FILE_ID_LENGTH), primary_key=True)
    owner: Mapped[str] = mapped_column(String(NUMBER_LENGTH), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(FILE_NAME_LENGTH))
    type: Mapped[str] = mapped_column(String(FILE_TYPE_LENGTH))  # by its octets, not by what its owner says
    size: Mapped[int] = mapped_column(BIG)
    stored: Mapped[bool] = mapped_column(Boolean)  # all octets have arrived
    thumbnail: Mapped[Thumbnail] = mapped_column(index=True)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime | None] = mapped_column(index=True)  # while it is in no message, or has to go from disk
    removed_at: Mapped[datetime | None]  # the file is gone, or about to go; the row says what it was


class HeldMessageRow(Base):
    """A message as it was before somebody edited or deleted it while a legal hold concerned it."""

    __tablename__ = "held_messages"

    seq: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)  # of the edit or deletion
    message_id: Mapped[int] = mapped_column(BIG, index=True)
    conversation_id: Mapped[int] = mapped_column(BIG, index=True)
    author: Mapped[str] = mapped_column(String(NUMBER_LENGTH), index=True)
    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]  # this text
    why: Mapped[Kept]
    kept_at: Mapped[datetime]
    kept_from: Mapped[str] = mapped_column(String(NUMBER_LENGTH))  # who edited or deleted it


class HeldFileRow(Base):
    """A file of such a message. Nobody reaches it as an attachment any more; its octets stay where they are."""

    __tablename__ = "held_files"

    id: Mapped[str] = mapped_column(String(FILE_ID_LENGTH), primary_key=True)
    held_seq: Mapped[int] = mapped_column(ForeignKey("held_messages.seq", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(FILE_NAME_LENGTH))
    type: Mapped[str] = mapped_column(String(FILE_TYPE_LENGTH))
    size: Mapped[int] = mapped_column(BIG)
    created_at: Mapped[datetime]


CHAT_STATE = cast(Table, ChatStateRow.__table__)
CONVERSATIONS = cast(Table, ConversationRow.__table__)
MEMBERS = cast(Table, MembershipRow.__table__)
MESSAGES = cast(Table, MessageRow.__table__)
ATTACHMENTS = cast(Table, AttachmentRow.__table__)
HELD_MESSAGES = cast(Table, HeldMessageRow.__table__)
HELD_FILES = cast(Table, HeldFileRow.__table__)

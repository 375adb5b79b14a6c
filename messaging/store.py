"""Writing messages: the hot path of chat, in statements that are put together once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from messaging.models import CONVERSATIONS, MEMBERS, MESSAGES, MessageKind
from messaging.search import index_words
from messaging.sequence import Database
from messaging.views import Attachment, Message, as_message
from pbx.audit.models import Json
from pbx.storage.unit import Transaction

_INSERT = insert(MESSAGES)
_LAST = (
    update(CONVERSATIONS)
    .where(CONVERSATIONS.c.id == bindparam("conversation"))
    .values(last_seq=bindparam("seq"), changed_seq=bindparam("seq"))
)
_CHANGED = (
    update(CONVERSATIONS).where(CONVERSATIONS.c.id == bindparam("conversation")).values(changed_seq=bindparam("seq"))
)
_READ = (
    update(MEMBERS)
    .where(
        MEMBERS.c.conversation_id == bindparam("conversation"),
        MEMBERS.c.number == bindparam("reader"),
        MEMBERS.c.left_seq.is_(None),
    )
    .values(read_seq=bindparam("seq"), changed_seq=bindparam("seq"))
)
_SENT = select(MESSAGES).where(MESSAGES.c.author == bindparam("author"), MESSAGES.c.client_id == bindparam("client_id"))


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message before it has its number."""

    conversation: int
    author: str
    kind: MessageKind
    silent: bool = False
    text: str = ""
    client_id: str | None = None
    reply_to: int | None = None
    detail: Json = None
    attachments: tuple[Attachment, ...] = field(default=())
    created_at: datetime | None = None  # the time of the transaction, if not given


def add_message(tx: Transaction, seq: int, new: NewMessage) -> Message:
    """Stores a message as the newest of its conversation. What it says is checked already."""
    database = tx.session.connection()
    created_at = new.created_at or tx.now
    database.execute(_INSERT, _values(seq, new, created_at))
    database.execute(_LAST, {"conversation": new.conversation, "seq": seq})
    if new.kind is MessageKind.TEXT:
        database.execute(_READ, {"conversation": new.conversation, "reader": new.author, "seq": seq})
        index_words(database, seq, " ".join([new.text, *(one.name for one in new.attachments)]))
    return _message(seq, new, created_at)


def add_entries(tx: Transaction, first: int, entries: Sequence[NewMessage]) -> list[Message]:
    """Stores several messages that nobody wrote, so without text, in this order; `first` is the number of the first."""
    database = tx.session.connection()
    numbered = [(seq, new, new.created_at or tx.now) for seq, new in enumerate(entries, first)]
    database.execute(_INSERT, [_values(*one) for one in numbered])
    last = {new.conversation: seq for seq, new, _ in numbered}
    database.execute(_LAST, [{"conversation": conversation, "seq": seq} for conversation, seq in last.items()])
    return [_message(*one) for one in numbered]


def _values(seq: int, new: NewMessage, created_at: datetime) -> dict[str, Any]:
    return {
        "id": seq,
        "conversation_id": new.conversation,
        "changed_seq": seq,
        "author": new.author,
        "client_id": new.client_id,
        "kind": new.kind,
        "silent": new.silent,
        "text": new.text,
        "reply_to": new.reply_to,
        "detail": new.detail,
        "attachments": len(new.attachments),
        "created_at": created_at,
        "edited_at": None,
        "deleted_at": None,
    }


def _message(seq: int, new: NewMessage, created_at: datetime) -> Message:
    return Message(
        id=seq,
        conversation=new.conversation,
        changed_seq=seq,
        author=new.author,
        client_id=new.client_id,
        kind=new.kind,
        silent=new.silent,
        text=new.text,
        reply_to=new.reply_to,
        detail=new.detail,
        attachments=new.attachments,
        created_at=created_at,
        edited_at=None,
        deleted_at=None,
    )


def message_changed(tx: Transaction, seq: int, conversation: int, message: int, values: dict[str, Any]) -> Message:
    """Changes columns of a message; as it now is, without its attachments."""
    query = update(MESSAGES).where(MESSAGES.c.id == message).values(**values, changed_seq=seq).returning(MESSAGES)
    row = tx.session.execute(query).one()
    tx.session.execute(_CHANGED, {"conversation": conversation, "seq": seq})
    return as_message(row)


def already_sent(database: Database, author: str, client_id: str) -> Row[Any] | None:
    """The message that this author has sent under this id before."""
    return database.execute(_SENT, {"author": author, "client_id": client_id}).one_or_none()

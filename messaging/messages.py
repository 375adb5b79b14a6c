"""Actions on messages: send, edit, delete; and reading a timeline.

Sending is idempotent by the author's `client_id`: whoever gets no answer sends the same again. Authors
edit and delete what they wrote since they joined; an owner of a group may delete anybody's. A deleted
message leaves a row without text. Where a legal hold concerns it, what it said is kept aside
(`messaging.holds`), and nobody who chats can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from messaging.access import access_conversation, access_message
from messaging.attachments import announce_thumbnails, claim, detach
from messaging.checks import MAX_ATTACHMENTS, check_client_id, check_text
from messaging.errors import BadValue, NotAllowed, NotFound
from messaging.events import MessageChanged, MessageSent
from messaging.holds import keep_if_held
from messaging.models import MESSAGES, Kept, MessageKind
from messaging.search import forget_words, index_words
from messaging.sequence import advance
from messaging.store import NewMessage, add_message, already_sent, message_changed
from messaging.views import Message, as_messages, load_messages
from pbx.storage.unit import Transaction

PAGE = 50
MOST = 200  # messages in one answer

_REPLIED = select(MESSAGES.c.id).where(
    MESSAGES.c.id == bindparam("id"), MESSAGES.c.conversation_id == bindparam("conversation")
)


def send(
    tx: Transaction,
    conversation: int,
    *,
    actor: str,
    client_id: str,
    text: str = "",
    attachments: Sequence[str] = (),
    reply_to: int | None = None,
    untold: bool = False,
) -> Message:
    """Sends a message; the one that is there if it was sent before.

    Args:
        untold: nobody may have heard of one that is there, because the database was lost at its commit; so it is
            told as if it were sent now, and catching up finds it anew.
        attachments: ids of files that the actor has uploaded.
        reply_to: id of the message of the same conversation that this one answers.

    Raises BadValue, NotFound.
    """
    session = tx.session
    text = check_text(text)
    check_client_id(client_id)
    if not text and not attachments:
        raise BadValue("a message needs text or an attachment")
    if len(attachments) > MAX_ATTACHMENTS or len(set(attachments)) != len(attachments):
        raise BadValue(f"a message has at most {MAX_ATTACHMENTS} attachments, each once")
    database = session.connection()
    seq = advance(database)
    access_conversation(database, conversation, actor=actor)
    sent = already_sent(database, actor, client_id)
    if sent is not None:
        if sent.conversation_id != conversation:
            raise BadValue("this client_id was used in another conversation")
        if untold:
            message_changed(tx, seq, conversation, sent.id, {})
            message = load_messages(session, [sent.id])[sent.id]
            tx.emit(MessageSent(seq, conversation, message))
            return message
        return as_messages(session, [sent])[0]
    if reply_to is not None and not _is_in(session, reply_to, conversation):
        raise NotFound(f"there is no message {reply_to} in this conversation to reply to")
    files = claim(session, attachments, seq, actor=actor, now=tx.now) if attachments else None
    new = NewMessage(
        conversation,
        actor,
        MessageKind.TEXT,
        text=text,
        client_id=client_id,
        reply_to=reply_to,
        attachments=files.views if files is not None else (),
    )
    message = add_message(tx, seq, new)
    if files is not None:
        files.carry_out(session)
    tx.emit(MessageSent(seq, conversation, message))
    return message


def edit(tx: Transaction, message: int, text: str, *, actor: str) -> Message:
    """Changes the text of an own message. Raises NotFound, NotAllowed, BadValue."""
    session = tx.session
    text = check_text(text)
    seq = advance(session)
    row, membership = access_message(session, message, actor=actor)
    if row.kind is not MessageKind.TEXT or row.author != actor or row.id < membership.id:
        raise NotAllowed("only the author may edit a message")
    if row.deleted_at is not None:
        raise NotAllowed("the message was deleted")
    if not text and not row.attachments:
        raise BadValue("a message needs text or an attachment")
    if row.text == text:
        return load_messages(session, [message])[message]
    keep_if_held(tx, seq, row, Kept.EDITED, actor=actor)
    changed = message_changed(tx, seq, row.conversation_id, message, {"text": text, "edited_at": tx.now})
    changed = replace(changed, attachments=load_messages(session, [message])[message].attachments)
    forget_words(session, [message])
    index_words(session, message, " ".join([text, *(one.name for one in changed.attachments)]))
    tx.emit(MessageChanged(seq, changed.conversation, changed))
    return changed


def delete(tx: Transaction, message: int, *, actor: str) -> Message:
    """Deletes a message of one's own, or as an owner of the group; what remains of it.

    Its files go with it. Raises NotFound, NotAllowed.
    """
    session = tx.session
    seq = advance(session)
    row, membership = access_message(session, message, actor=actor)
    own = row.author == actor and row.id >= membership.id
    if row.kind is not MessageKind.TEXT or not (own or membership.is_owner):
        raise NotAllowed("only the author or an owner of the group may delete a message")
    if row.deleted_at is not None:
        return load_messages(session, [message])[message]
    keep_if_held(tx, seq, row, Kept.DELETED, actor=actor)
    forget_words(session, [message])
    if row.attachments:
        detach(session, message, now=tx.now)
    values: dict[str, Any] = {"text": "", "attachments": 0, "deleted_at": tx.now}
    changed = message_changed(tx, seq, row.conversation_id, message, values)
    if not own:
        tx.audit(actor, "message.deleted", str(message), before={"author": row.author})
    tx.emit(MessageChanged(seq, changed.conversation, changed))
    return changed


def show_thumbnails(tx: Transaction) -> int:
    """Tells everybody who has a message with pictures that thumbnails of them are there; how many messages."""
    session = tx.session
    seq = advance(session)
    messages = announce_thumbnails(tx)
    for message in messages:
        conversation = session.scalars(select(MESSAGES.c.conversation_id).where(MESSAGES.c.id == message)).one()
        message_changed(tx, seq, conversation, message, {})
        tx.emit(MessageChanged(seq, conversation, load_messages(session, [message])[message]))
        seq = advance(session)
    return len(messages)


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, oldest first, and whether there are more in the direction in which one reads."""

    messages: tuple[Message, ...]
    more: bool


def timeline(
    session: Session,
    conversation: int,
    *,
    actor: str,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> Page:
    """The newest messages of a conversation; those before, or the first after, a place. Raises NotFound."""
    access_conversation(session, conversation, actor=actor)
    if before is not None and after is not None:
        raise BadValue("messages are either before or after a place")
    limit = min(max(limit, 1), MOST)
    query = select(MESSAGES).where(MESSAGES.c.conversation_id == conversation).limit(limit + 1)
    if after is not None:
        query = query.where(MESSAGES.c.id > after).order_by(MESSAGES.c.id)
    else:
        query = query.order_by(MESSAGES.c.id.desc())
        if before is not None:
            query = query.where(MESSAGES.c.id < before)
    rows = session.execute(query).all()
    found = list(rows[:limit])
    if after is None:
        found.reverse()
    return Page(tuple(as_messages(session, found)), more=len(rows) > limit)


def _is_in(session: Session, message: int, conversation: int) -> bool:
    return session.execute(_REPLIED, {"id": message, "conversation": conversation}).one_or_none() is not None

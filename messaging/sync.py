"""Everything that somebody sees of chat, and everything that changed since they last looked.

The answer to `changes` makes the same of an old copy as reading all anew: a property that the tests hold
for every action.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, or_, select
from sqlalchemy.orm import Session

from messaging.access import access_conversation
from messaging.models import CHAT_STATE, CONVERSATIONS, MEMBERS, MESSAGES
from messaging.receipts import unread_of_member
from messaging.views import Conversation, JsonObject, Message, as_messages, load_facts, load_messages

PAGE = 200
MOST = 500  # conversations or messages in one answer


@dataclass(frozen=True, slots=True)
class Conversations:
    """A page of somebody's conversations, the one with the newest message first."""

    items: tuple[Conversation, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What came after a number of the sequence. With `reset` everything is to be read anew."""

    seq: int
    reset: bool = False
    conversations: tuple[Conversation, ...] = ()
    removed: tuple[int, ...] = ()
    messages: tuple[Message, ...] = ()
    reads: tuple[tuple[int, str, int], ...] = ()  # conversation, number, the newest message that they have read

    def as_json(self) -> JsonObject:
        return {
            "seq": self.seq,
            "reset": self.reset,
            "conversations": [one.as_json() for one in self.conversations],
            "removed": list(self.removed),
            "messages": [one.as_json() for one in self.messages],
            "reads": [
                {"conversation": conversation, "number": number, "read_seq": read_seq}
                for conversation, number, read_seq in self.reads
            ],
        }


def conversation_of(session: Session, conversation: int, *, actor: str) -> Conversation:
    """One conversation. Raises NotFound."""
    access_conversation(session, conversation, actor=actor)
    return _conversations(session, actor, MEMBERS.c.conversation_id == conversation)[0]


def list_conversations(session: Session, *, actor: str, before: int | None = None, limit: int = PAGE) -> Conversations:
    """The actor's conversations; `before` is the `next` of the page before."""
    limit = min(max(limit, 1), MOST)
    conditions = [] if before is None else [_order() < before]
    found = _conversations(session, actor, *conditions, limit=limit + 1)
    more = found[limit - 1] if len(found) > limit else None
    return Conversations(tuple(found[:limit]), None if more is None else _place(session, more.facts.id))


def changes(session: Session, since: int, *, actor: str) -> Changes:
    """What changed for the actor after `since`. Too much of it, or something removed by retention: reset."""
    state = session.execute(select(CHAT_STATE)).one()
    if since >= state.seq:
        # A number that was never given out is of another database: one that was restored from a backup.
        return Changes(state.seq, reset=since > state.seq)
    if since < state.purged_seq or since < 0:
        return Changes(state.seq, reset=True)
    mine = select(MEMBERS.c.conversation_id).where(MEMBERS.c.number == actor, MEMBERS.c.left_seq.is_(None))
    # What changed lately is little, what is in one's conversations is nearly everything: the index of changes is the
    # one to use, so there is no other here for a planner to choose (+ 0) and no order to prefer.
    rows = session.execute(
        select(MESSAGES)
        .where(MESSAGES.c.changed_seq > since, (MESSAGES.c.conversation_id + 0).in_(mine))
        .order_by(MESSAGES.c.changed_seq)
        .limit(MOST + 1)
    ).all()
    if len(rows) > MOST:
        return Changes(state.seq, reset=True)
    changed = or_(CONVERSATIONS.c.changed_seq > since, MEMBERS.c.changed_seq > since)
    conversations = _conversations(session, actor, changed, limit=MOST + 1)
    if len(conversations) > MOST:
        return Changes(state.seq, reset=True)
    removed = session.scalars(
        select(MEMBERS.c.conversation_id).where(MEMBERS.c.number == actor, MEMBERS.c.left_seq > since)
    )
    return Changes(
        state.seq,
        conversations=tuple(conversations),
        removed=tuple(removed),
        messages=tuple(as_messages(session, sorted(rows, key=lambda row: row.id))),
        reads=tuple(_reads(session, since, mine)),
    )


def purged_at(session: Session) -> int:
    """The number of the sequence at which retention last removed something."""
    return int(session.execute(select(CHAT_STATE.c.purged_seq)).scalar_one())


def _reads(session: Session, since: int, mine: Any) -> list[tuple[int, str, int]]:
    query = (
        select(MEMBERS.c.conversation_id, MEMBERS.c.number, MEMBERS.c.read_seq)
        .where(
            MEMBERS.c.changed_seq > since,
            (MEMBERS.c.conversation_id + 0).in_(mine),
            MEMBERS.c.left_seq.is_(None),
            MEMBERS.c.number.is_not(None),
        )
        .order_by(MEMBERS.c.changed_seq)
    )
    return [(row.conversation_id, row.number, row.read_seq) for row in session.execute(query)]


def _conversations(
    session: Session, actor: str, *conditions: ColumnElement[bool], limit: int | None = None
) -> list[Conversation]:
    query = (
        select(
            CONVERSATIONS.c.id,
            CONVERSATIONS.c.last_seq,
            MEMBERS.c.read_seq,
            MEMBERS.c.muted,
            unread_of_member().label("unread"),
        )
        .join(MEMBERS, MEMBERS.c.conversation_id == CONVERSATIONS.c.id)
        .where(MEMBERS.c.number == actor, MEMBERS.c.left_seq.is_(None), *conditions)
        .order_by(_order().desc())
    )
    rows = session.execute(query if limit is None else query.limit(limit)).all()
    facts = load_facts(session, [row.id for row in rows])
    last = load_messages(session, [row.last_seq for row in rows])
    return [Conversation(facts[row.id], last.get(row.last_seq), row.unread, row.read_seq, row.muted) for row in rows]


def _order() -> ColumnElement[int]:
    """The place of a conversation in the list: by its newest message, or where it was made."""
    return case((CONVERSATIONS.c.last_seq > CONVERSATIONS.c.id, CONVERSATIONS.c.last_seq), else_=CONVERSATIONS.c.id)


def _place(session: Session, conversation: int) -> int:
    return session.execute(select(_order()).where(CONVERSATIONS.c.id == conversation)).scalar_one()

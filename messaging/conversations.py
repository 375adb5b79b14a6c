"""Actions on conversations and their members.

The conversation of two people is one and stays. A group has owners, who may remove others; any member
may add somebody or change the title, and whoever joins sees what was said before. Who leaves, or is
removed, loses access; what they wrote stays with the others. The last owner who leaves hands over to
the member who has been there longest.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session

from messaging.access import access_conversation, access_group
from messaging.checks import MAX_MEMBERS, check_title, check_users
from messaging.errors import BadValue, NotAllowed, NotFound, TooMuch
from messaging.events import ConversationChanged, ConversationRemoved, MessageSent, MutedChanged
from messaging.models import CONVERSATIONS, MEMBERS, ConversationKind, MessageKind, Role
from messaging.sequence import advance
from messaging.store import NewMessage, add_message
from messaging.views import Facts, load_facts
from pbx.audit.models import Json
from pbx.storage.unit import Transaction

_BY_PAIR = select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.pair == bindparam("pair"))
_MEMBERS = (
    select(MEMBERS)
    .where(MEMBERS.c.conversation_id == bindparam("conversation"), MEMBERS.c.left_seq.is_(None))
    .order_by(MEMBERS.c.id)
)
_DIRECTS = select(CONVERSATIONS.c.pair, CONVERSATIONS.c.id).where(
    CONVERSATIONS.c.pair.in_(bindparam("pairs", expanding=True)),
    # Both there, as `direct_between` wants it: of one who was removed, the number is gone or the end is set.
    select(func.count(MEMBERS.c.number))
    .where(MEMBERS.c.conversation_id == CONVERSATIONS.c.id, MEMBERS.c.left_seq.is_(None))
    .scalar_subquery()
    == 2,
    ~exists().where(MEMBERS.c.conversation_id == CONVERSATIONS.c.id, MEMBERS.c.number.is_(None)),
)
_GONE = select(MEMBERS).where(MEMBERS.c.number.is_(None), MEMBERS.c.left_seq.is_(None))


def open_direct(tx: Transaction, other: str, *, actor: str) -> int:
    """The conversation of the actor with somebody; made if there is none. Raises NotFound, BadValue."""
    if other == actor:
        raise BadValue("a conversation needs somebody else")
    check_users(tx.session, [other, actor])
    advance(tx.session)
    return direct_between(tx, actor, other)


def direct_between(tx: Transaction, one: str, other: str) -> int:
    """Likewise, for two that are known to be users; the sequence is held already."""
    session = tx.session
    first, second = sorted((one, other))
    pair = _pair(one, other)
    found: int | None = session.scalars(_BY_PAIR, {"pair": pair}).one_or_none()
    if found is not None:
        if len(session.execute(_MEMBERS, {"conversation": found}).all()) == 2 and _both_there(session, found):
            return found
        # One of them was removed, and the number is somebody else's now: theirs is a new conversation.
        session.execute(update(CONVERSATIONS).where(CONVERSATIONS.c.id == found).values(pair=None))
    conversation = _add_conversation(tx, ConversationKind.DIRECT, None, [(first, Role.MEMBER), (second, Role.MEMBER)])
    session.execute(update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation).values(pair=pair))
    _changed(tx, conversation, joined=(first, second))
    return conversation


def directs_of(session: Session, pairs: Sequence[tuple[str, str]]) -> list[int | None]:
    """The conversation that each of these pairs of users has, None where there is none or one is no user."""
    wanted = [_pair(*both) for both in pairs]
    known = {row.pair: row.id for row in session.execute(_DIRECTS, {"pairs": list(dict.fromkeys(wanted))})}
    return [known.get(pair) for pair in wanted]


def create_group(tx: Transaction, title: str, members: list[str], *, actor: str) -> int:
    """A new group of the actor, who owns it, and others. Raises BadValue, NotFound, TooMuch."""
    title = check_title(title)
    numbers = check_users(tx.session, [actor, *members])
    advance(tx.session)
    roles = [(number, Role.OWNER if number == actor else Role.MEMBER) for number in numbers]
    conversation = _add_conversation(tx, ConversationKind.GROUP, title, roles)
    _changed(tx, conversation, joined=tuple(numbers))
    _tell(tx, conversation, actor, {"what": "group.created", "title": title})
    return conversation


def change_title(tx: Transaction, conversation: int, title: str, *, actor: str) -> None:
    """Raises NotFound, NotAllowed, BadValue."""
    title = check_title(title)
    advance(tx.session)
    if access_group(tx.session, conversation, actor=actor).title == title:
        return
    tx.session.execute(update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation).values(title=title))
    _changed(tx, conversation)
    _tell(tx, conversation, actor, {"what": "title.changed", "title": title})


def set_muted(tx: Transaction, conversation: int, muted: bool, *, actor: str) -> None:
    """Whether the actor wants to hear of new messages. Raises NotFound."""
    seq = advance(tx.session)
    membership = access_conversation(tx.session, conversation, actor=actor)
    if membership.muted is muted:
        return
    tx.session.execute(update(MEMBERS).where(MEMBERS.c.id == membership.id).values(muted=muted, changed_seq=seq))
    tx.emit(MutedChanged(seq, conversation, actor, muted))


def add_member(tx: Transaction, conversation: int, number: str, *, actor: str) -> None:
    """Adds somebody to a group; nothing happens if they are in it. Raises NotFound, NotAllowed, TooMuch."""
    session = tx.session
    seq = advance(session)
    membership = access_group(session, conversation, actor=actor)
    (number,) = check_users(session, [number])
    members = session.execute(_MEMBERS, {"conversation": conversation}).all()
    if any(member.number == number for member in members):
        return
    if len(members) >= MAX_MEMBERS:
        raise TooMuch(f"a group has at most {MAX_MEMBERS} members")
    session.execute(
        delete(MEMBERS).where(MEMBERS.c.conversation_id == conversation, MEMBERS.c.number == number)
    )  # what was left of an earlier stay
    _add_members(tx, conversation, seq, [(number, Role.MEMBER)], read_seq=membership.last_seq)
    tx.audit(actor, "conversation.member.added", str(conversation), after={"number": number})
    _changed(tx, conversation, joined=(number,))
    _tell(tx, conversation, actor, {"what": "member.added", "number": number})


def remove_member(tx: Transaction, conversation: int, number: str, *, actor: str) -> None:
    """Takes somebody out of a group: oneself, or by an owner. Raises NotFound, NotAllowed."""
    session = tx.session
    seq = advance(session)
    membership = access_group(session, conversation, actor=actor)
    if number != actor and not membership.is_owner:
        raise NotAllowed("only an owner of the group may remove others")
    members = session.execute(_MEMBERS, {"conversation": conversation}).all()
    leaving = next((member for member in members if member.number == number), None)
    if leaving is None:
        raise NotFound(f"{number} is not in the group")
    session.execute(update(MEMBERS).where(MEMBERS.c.id == leaving.id).values(left_seq=seq, changed_seq=seq))
    _keep_an_owner(session, [member for member in members if member.id != leaving.id])
    tx.audit(actor, "conversation.member.removed", str(conversation), before={"number": number})
    tx.emit(ConversationRemoved(seq, conversation, number))
    _changed(tx, conversation)
    what = "member.left" if number == actor else "member.removed"
    _tell(tx, conversation, actor, {"what": what, "number": number})


def settle_removed(tx: Transaction) -> int:
    """Tells the conversations of users who were removed from the directory; how many conversations."""
    session = tx.session
    gone = session.execute(_GONE).all()
    if not gone:
        return 0
    seq = advance(session)
    session.execute(
        update(MEMBERS).where(MEMBERS.c.id.in_([one.id for one in gone])).values(left_seq=seq, changed_seq=seq)
    )
    conversations = list(dict.fromkeys(one.conversation_id for one in gone))
    session.execute(update(CONVERSATIONS).where(CONVERSATIONS.c.id.in_(conversations)).values(pair=None))
    for conversation in conversations:
        members = session.execute(_MEMBERS, {"conversation": conversation}).all()
        if load_facts(session, [conversation])[conversation].kind is ConversationKind.GROUP:
            _keep_an_owner(session, list(members))
        _changed(tx, conversation)
    return len(conversations)


def has_removed(session: Session) -> bool:
    """Whether there is something to settle."""
    return session.execute(_GONE.limit(1)).first() is not None


def _pair(one: str, other: str) -> str:
    first, second = sorted((one, other))
    return f"{first}:{second}"


def _both_there(session: Session, conversation: int) -> bool:
    nobody = exists().where(MEMBERS.c.conversation_id == conversation, MEMBERS.c.number.is_(None))
    return not session.scalar(select(nobody))


def _add_conversation(tx: Transaction, kind: ConversationKind, title: str | None, roles: list[tuple[str, Role]]) -> int:
    seq = advance(tx.session, len(roles) + 1)
    tx.session.execute(
        insert(CONVERSATIONS),
        {
            "id": seq,
            "kind": kind,
            "title": title,
            "pair": None,
            "created_at": tx.now,
            "changed_seq": seq,
            "last_seq": 0,
        },
    )
    _add_members(tx, seq, seq + 1, roles, read_seq=0)
    return seq


def _add_members(tx: Transaction, conversation: int, seq: int, roles: list[tuple[str, Role]], *, read_seq: int) -> None:
    rows = [
        {
            "id": seq + place,
            "conversation_id": conversation,
            "number": number,
            "was": number,
            "role": role,
            "joined_at": tx.now,
            "left_seq": None,
            "read_seq": read_seq,
            "muted": False,
            "changed_seq": seq + place,
        }
        for place, (number, role) in enumerate(roles)
    ]
    tx.session.execute(insert(MEMBERS), rows)


def _keep_an_owner(session: Session, members: list[Row[Any]]) -> None:
    if members and not any(member.role is Role.OWNER for member in members):
        session.execute(update(MEMBERS).where(MEMBERS.c.id == members[0].id).values(role=Role.OWNER))


def _changed(tx: Transaction, conversation: int, *, joined: tuple[str, ...] = ()) -> Facts:
    """Gives a conversation the next number, and tells of it."""
    seq = advance(tx.session)
    tx.session.execute(update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation).values(changed_seq=seq))
    facts = load_facts(tx.session, [conversation])[conversation]
    tx.emit(ConversationChanged(seq, conversation, facts, joined))
    return facts


def _tell(tx: Transaction, conversation: int, actor: str, detail: Json) -> None:
    """Notes in the timeline what happened."""
    new = NewMessage(conversation, actor, MessageKind.SYSTEM, silent=True, detail=detail)
    message = add_message(tx, advance(tx.session), new)
    tx.emit(MessageSent(message.id, conversation, message))

"""SIP MESSAGE in chat: what a softphone sends is a message of the two people's conversation, once; and
what is said in such a conversation goes to the softphones of the other.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from messaging.checks import MAX_TEXT, check_users
from messaging.conversations import direct_between
from messaging.errors import NotFound
from messaging.events import MessageSent
from messaging.models import ConversationKind, MessageKind
from messaging.sequence import advance
from messaging.store import NewMessage, add_message, already_sent
from messaging.views import Facts, Message
from pbx.storage.unit import Transaction

FROM_PHONE = "sip:"


@dataclass(frozen=True, slots=True)
class SipMessage:
    """A MESSAGE that a phone has sent; `at` in seconds of the Unix epoch."""

    id: str
    sender: str
    receiver: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class ForPhones:
    """What the phones of `to` are to show."""

    id: str
    sender: str
    to: str
    text: str


def take_message(tx: Transaction, sip: SipMessage) -> Message | None:
    """Adds a phone's message to the conversation of sender and receiver.

    None where it is there already, has no text, or one of them is no user (any more). The text is cut
    where chat has its limit, and loses the control characters that chat does not take: a phone could do
    nothing with an error.
    """
    session = tx.session
    text = _readable(sip.text)
    if not text or sip.sender == sip.receiver:
        return None
    advance(session)
    client_id = f"{FROM_PHONE}{sip.id}"[:80]
    if already_sent(session, sip.sender, client_id) is not None:
        return None
    try:
        check_users(session, [sip.sender, sip.receiver])
    except NotFound:
        return None
    conversation = direct_between(tx, sip.sender, sip.receiver)
    new = NewMessage(
        conversation,
        sip.sender,
        MessageKind.TEXT,
        text=text,
        client_id=client_id,
        created_at=datetime.fromtimestamp(sip.at, UTC),
    )
    message = add_message(tx, advance(session), new)
    tx.emit(MessageSent(message.id, conversation, message))
    return message


def for_phones(message: Message, facts: Facts) -> ForPhones | None:
    """What the softphones of the other one in a conversation of two are to show of a message, if anything.

    A message that came from a phone went to the other's phones by SIP already.
    """
    if facts.kind is not ConversationKind.DIRECT or message.kind is not MessageKind.TEXT:
        return None
    if message.client_id is not None and message.client_id.startswith(FROM_PHONE):
        return None
    others = [number for number in facts.members if number != message.author]
    if len(others) != 1:
        return None
    lines = [message.text, *(f"[{one.name}]" for one in message.attachments)]
    return ForPhones(str(message.id), message.author, others[0], "\n".join(line for line in lines if line))


def _readable(text: str) -> str:
    text = text.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")
    return "".join(one for one in text if one.isprintable() or one in "\n\t").strip()[:MAX_TEXT]

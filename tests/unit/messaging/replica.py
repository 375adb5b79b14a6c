"""A browser's copy of chat, as it comes about by events alone: the rules that the web client follows too."""

from typing import Any

from messaging.events import (
    ConversationChanged,
    ConversationRemoved,
    MessageChanged,
    MessageSent,
    MutedChanged,
    ReadChanged,
)
from messaging.models import MessageKind
from messaging.views import Message

Copy = dict[int, dict[str, Any]]  # conversations as JSON, by id; with all their messages in "messages"


def unread(mine: str, conversation: dict[str, Any]) -> int:
    """The badge of a conversation, counted from its messages."""
    return sum(
        message["seq"] > conversation["read_seq"]
        and message["author"] != mine
        and not message["silent"]
        and message["deleted_at"] is None
        for message in conversation["messages"].values()
    )


def apply(copy: Copy, mine: str, event: Any, *, history: dict[int, dict[int, Any]]) -> None:
    """Changes `mine`'s copy by an event that is sent to them; others don't reach them.

    `history` has all messages by conversation: what a browser fetches of a conversation that it got anew.
    """
    match event:
        case ConversationChanged(facts=facts) if mine in event.joined:
            messages = dict(history.get(event.conversation, {}))
            read = facts.reads[mine]
            new = {**facts.as_json(), "last": None, "unread": 0, "read_seq": read, "muted": False}
            copy[event.conversation] = {**new, "messages": messages}
        case ConversationChanged(facts=facts) if event.conversation in copy:
            copy[event.conversation].update(facts.as_json())
        case ConversationRemoved(number=number) if number == mine:
            copy.pop(event.conversation, None)
        case MessageSent(message=message) | MessageChanged(message=message) if event.conversation in copy:
            _take(copy[event.conversation], mine, event, message)
        case ReadChanged(number=number, read_seq=seq) if event.conversation in copy:
            copy[event.conversation]["reads"][number] = seq
            if number == mine:
                copy[event.conversation]["read_seq"] = seq
        case MutedChanged(number=number, muted=muted) if number == mine:
            copy[event.conversation]["muted"] = muted
    for conversation in copy.values():
        messages = conversation["messages"]
        conversation["last"] = messages[max(messages)] if messages else None
        conversation["unread"] = unread(mine, conversation)


def _take(conversation: dict[str, Any], mine: str, event: Any, message: Message) -> None:
    conversation["messages"][message.id] = message.as_json()
    conversation["seq"] = event.seq
    if isinstance(event, MessageSent) and message.kind is MessageKind.TEXT and message.author in conversation["reads"]:
        conversation["reads"][message.author] = message.id
        if message.author == mine:
            conversation["read_seq"] = message.id

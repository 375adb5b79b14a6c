"""What happened in chat. `seq` orders events among each other, and brings a client up to date by `sync`."""

from dataclasses import dataclass

from messaging.views import Facts, Message


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """The common part."""

    seq: int
    conversation: int


@dataclass(frozen=True, slots=True)
class MessageSent(ChatEvent):
    """A message was added. The author of a text has thereby read all up to it."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageChanged(ChatEvent):
    """A message was edited or deleted, or its pictures got their thumbnails."""

    message: Message


@dataclass(frozen=True, slots=True)
class ConversationChanged(ChatEvent):
    """A conversation was made, or its title, its members or their roles were changed.

    `joined` are the members who did not have it before.
    """

    facts: Facts
    joined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConversationRemoved(ChatEvent):
    """A conversation is none of `number`'s any more."""

    number: str


@dataclass(frozen=True, slots=True)
class ReadChanged(ChatEvent):
    """Somebody has read all up to a message."""

    number: str
    read_seq: int


@dataclass(frozen=True, slots=True)
class MutedChanged(ChatEvent):
    """Somebody wants to hear nothing of a conversation, or wants to again. Nobody else's business."""

    number: str
    muted: bool

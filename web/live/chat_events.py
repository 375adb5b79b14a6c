"""What browsers hear and say of chat over Socket.IO.

Each of these events but `typing` carries the number of the change in `seq`: the greatest that a browser has seen is its
`since` when it comes back (`GET /sync`).
"""

from pydantic import BaseModel, ConfigDict, Field

from web.api.chat import NewMessage
from web.api.chat_shapes import ChatConversation, ChatFacts, ChatMessage
from web.api.shapes import LARGEST_ID
from web.live.events import LiveData


class MessageSent(LiveData):
    """A message was added to a conversation of mine. The author of a text has thereby read all up to it."""

    TYPE = "message.sent"
    message: ChatMessage


class MessageChanged(LiveData):
    """A message was edited or deleted, or its pictures got their thumbnails; replaces the copy."""

    TYPE = "message.changed"
    message: ChatMessage


class ConversationChanged(LiveData):
    """The title, members or owners of a conversation of mine are others; what is mine alone of it stays."""

    TYPE = "conversation.changed"
    conversation: ChatFacts


class ConversationAdded(LiveData):
    """I am in a conversation that I did not have. Its timeline is to be fetched."""

    TYPE = "conversation.added"
    conversation: ChatConversation


class ConversationRemoved(LiveData):
    """A conversation is none of mine any more."""

    TYPE = "conversation.removed"
    conversation: int


class ConversationMuted(LiveData):
    """I want to hear nothing of a conversation, or want to again; said in this or another browser of mine."""

    TYPE = "conversation.muted"
    conversation: int
    muted: bool


class ReadChanged(LiveData):
    """Somebody, or I in another browser, has read all up to a message."""

    TYPE = "read.changed"
    conversation: int
    number: str
    read_seq: int


class ChatReset(LiveData):
    """Retention has removed messages or files: fetch the conversations again and forget all messages; to everyone."""

    TYPE = "chat.reset"


class TypingSeen(LiveData):
    """Somebody writes in a conversation of mine; said again every few seconds while it is so."""

    TYPE = "typing"
    conversation: int
    number: str


# ---- what browsers say


class Typing(BaseModel):
    """`typing`: I am writing in a conversation; at most once every three seconds."""

    model_config = ConfigDict(extra="forbid")
    conversation: int = Field(ge=1, le=LARGEST_ID)


class Send(NewMessage):
    """`send`: the same as POST /conversations/{id}/messages; the acknowledgement has the message."""

    conversation: int = Field(ge=1, le=LARGEST_ID)

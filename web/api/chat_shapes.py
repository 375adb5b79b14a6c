"""The shapes of chat, in the API and in events alike."""

from typing import Literal

from pydantic import Field

from messaging.messages import Page as MessageValues
from messaging.models import ConversationKind, MessageKind
from messaging.sync import Changes
from messaging.views import Attachment, Conversation, Facts, Message
from web.api.shapes import Moment, Page, Shape


class ChatAttachment(Shape):
    """A file of a message. `removed`: it was there, and retention has removed it."""

    id: str = Field(examples=["Zq3mUe0yTgK1Bv5sXo7wLdNf"])
    name: str = Field(examples=["plan.pdf"])
    type: str = Field(examples=["application/pdf"])
    size: int = Field(examples=[48213], description="octets")
    width: int | None = Field(examples=[None], description="of a picture, in pixels, once it was looked at")
    height: int | None = Field(examples=[None])
    has_thumbnail: bool
    removed: bool


class ChatCall(Shape):
    """A call between the two of a conversation. `duration` is in seconds of talk."""

    id: str = Field(examples=["5f0c2a9e1b7d4c38"])
    caller: str = Field(examples=["101"])
    callee: str = Field(examples=["102"], description="whom the caller wanted")
    answered_by: str | None = Field(examples=["102"])
    outcome: str = Field(examples=["answered"])
    missed: bool
    duration: int = Field(examples=[184])


class ChatHappening(Shape):
    """What happened to a group; who did it is the author of the message."""

    what: Literal["group.created", "title.changed", "member.added", "member.removed", "member.left"]
    number: str | None = Field(default=None, examples=["103"], description="whom it happened to")
    title: str | None = Field(default=None, examples=["Sales"])


class ChatMessage(Shape):
    """A message.

    `seq` is its place in the order of all messages, `changed_seq` the number of its last change: of two versions, the
    one with the greater is the newer. A deleted message has `deleted_at` and no text.
    """

    id: int = Field(examples=[4711])
    conversation: int = Field(examples=[17])
    seq: int = Field(examples=[4711])
    changed_seq: int = Field(examples=[4711])
    client_id: str | None = Field(examples=["b1c9a0d2-7f3e-4c58-9a6b-2d1e0f4a8c77"])
    author: str = Field(examples=["101"])
    kind: MessageKind
    silent: bool = Field(description="does not count as unread")
    text: str = Field(examples=["Could you take line 2?"])
    attachments: list[ChatAttachment]
    reply_to: int | None = Field(examples=[4709])
    call: ChatCall | None = Field(examples=[None])
    system: ChatHappening | None = Field(examples=[None])
    created_at: Moment
    edited_at: Moment | None = Field(examples=[None])
    deleted_at: Moment | None = Field(examples=[None])


class ChatFacts(Shape):
    """What a conversation is to all its members. `reads` has the newest message that each of them has read."""

    id: int = Field(examples=[17])
    kind: ConversationKind
    title: str | None = Field(examples=["Sales"], description="of a group")
    members: list[str] = Field(examples=[["101", "102", "103"]])
    owners: list[str] = Field(examples=[["101"]], description="who may remove others, and messages of others")
    reads: dict[str, int] = Field(examples=[{"101": 4711, "102": 4709, "103": 0}])
    created_at: Moment
    seq: int = Field(examples=[4711], description="the number of its last change")


class ChatConversation(ChatFacts):
    """What a conversation is to me."""

    last: ChatMessage | None
    unread: int = Field(examples=[2], description="100 where there are more")
    read_seq: int = Field(examples=[4709])
    muted: bool


class ConversationPage(Page[ChatConversation]):
    """A part of my conversations, the one with the newest message first."""


class MessagePage(Page[ChatMessage]):
    """A part of a timeline, the oldest first. `next` goes on in the direction that was asked for."""


class ChatRead(Shape):
    """The newest message that somebody has read."""

    conversation: int = Field(examples=[17])
    number: str = Field(examples=["102"])
    read_seq: int = Field(examples=[4711])


class Catchup(Shape):
    """What came after `since`.

    With `reset` it was too much, or retention has removed something: fetch the conversations again and forget all
    messages. A conversation in `conversations` replaces the copy; one that was not known has its timeline fetched.
    """

    seq: int = Field(examples=[4711], description="the next `since`")
    reset: bool
    conversations: list[ChatConversation]
    removed: list[int] = Field(examples=[[]], description="conversations that are not mine any more")
    messages: list[ChatMessage]
    reads: list[ChatRead]


def shape_of_message(message: Message) -> ChatMessage:
    return ChatMessage.model_validate(message.as_json())


def shape_of_attachment(attachment: Attachment) -> ChatAttachment:
    return ChatAttachment.model_validate(attachment.as_json())


def shape_of_facts(facts: Facts) -> ChatFacts:
    return ChatFacts.model_validate(facts.as_json())


def shape_of_conversation(conversation: Conversation) -> ChatConversation:
    return ChatConversation.model_validate(conversation.as_json())


def shape_of_changes(changes: Changes) -> Catchup:
    return Catchup.model_validate(changes.as_json())


def shape_of_page(page: MessageValues, *, forward: bool) -> MessagePage:
    """`forward` is the direction in which one reads: towards newer messages."""
    items = [shape_of_message(one) for one in page.messages]
    edge = (page.messages[-1] if forward else page.messages[0]).id if page.more else None
    return MessagePage(items=items, next=None if edge is None else str(edge))

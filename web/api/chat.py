"""Chat: conversations, their messages, what was read, and what changed since."""

from typing import Literal

from pydantic import Field

from messaging import errors
from messaging.checks import MAX_ATTACHMENTS, MAX_MEMBERS, MAX_TEXT
from messaging.conversations import (
    add_member,
    change_title,
    create_group,
    open_direct,
    remove_member,
    set_muted,
)
from messaging.messages import MOST, delete, edit, send, timeline
from messaging.receipts import mark_read
from messaging.sync import MOST as MOST_CONVERSATIONS
from messaging.sync import changes, conversation_of, list_conversations
from pbx.directory.models import NAME_LENGTH
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Transaction
from web.api.chat_shapes import (
    Catchup,
    ChatConversation,
    ChatMessage,
    ConversationPage,
    MessagePage,
    shape_of_changes,
    shape_of_conversation,
    shape_of_message,
    shape_of_page,
)
from web.api.section import Access, Section
from web.api.shapes import LARGEST_ID, Number, Shape
from web.auth.sessions import SignedIn
from web.errors import Invalid, translate
from web.services import Services, services

section = Section("chat")

translate(errors.NotFound, 404, "not-found")
translate(errors.NotAllowed, 403, "not-allowed")
translate(errors.BadValue, 422, "invalid")
translate(errors.TooMuch, 413, "too-much")
translate(errors.FileGone, 410, "gone")


class NewConversation(Shape):
    """With somebody, or a group of some."""

    kind: Literal["direct", "group"]
    members: list[Number] = Field(
        max_length=MAX_MEMBERS, examples=[["102"]], description="the others; exactly one for `direct`"
    )
    title: str | None = Field(default=None, max_length=NAME_LENGTH, examples=[None], description="of a group")


class ConversationChange(Shape):
    """What is to be different; what is not named stays."""

    title: str | None = Field(default=None, max_length=NAME_LENGTH, examples=["Night shift"])
    muted: bool | None = Field(default=None, description="for me alone")


class ConversationsQuery(Shape):
    """Which conversations."""

    before: int | None = Field(default=None, ge=0, le=LARGEST_ID, description="the cursor `next` of the part before")
    limit: int = Field(default=200, ge=1, le=MOST_CONVERSATIONS)


class MessagesQuery(Shape):
    """Which messages: the newest, those before a place, or the first after one."""

    before: int | None = Field(default=None, ge=0, le=LARGEST_ID)
    after: int | None = Field(default=None, ge=0, le=LARGEST_ID)
    limit: int = Field(default=50, ge=1, le=MOST)


class NewMessage(Shape):
    """What is said. Sent again with the same `client_id` it is the same message, so send until there is an answer."""

    client_id: str = Field(
        min_length=8, max_length=64, pattern="^[A-Za-z0-9_.-]+$", examples=["b1c9a0d2-7f3e-4c58-9a6b-2d1e0f4a8c77"]
    )
    text: str = Field(default="", max_length=MAX_TEXT, examples=["Could you take line 2?"])
    attachments: list[str] = Field(
        default=[], max_length=MAX_ATTACHMENTS, examples=[[]], description="ids of finished uploads"
    )
    reply_to: int | None = Field(default=None, ge=1, le=LARGEST_ID, examples=[None])


class MessageChange(Shape):
    """The new text."""

    text: str = Field(max_length=MAX_TEXT, examples=["Could you take line 3?"])


class ReadMark(Shape):
    """How far I have read."""

    seq: int = Field(ge=0, le=LARGEST_ID, examples=[4711])


class ReadAnswer(Shape):
    """Where the mark is now: it only moves forward."""

    read_seq: int = Field(examples=[4711])


class SyncQuery(Shape):
    """Since when."""

    since: int = Field(ge=0, le=LARGEST_ID, examples=[4700])


@section.get("/conversations", Access.USER, query=ConversationsQuery, answer=ConversationPage)
def show_conversations(user: SignedIn, query: ConversationsQuery) -> ConversationPage:
    """My conversations, the one with the newest message first."""
    found = services().read(
        lambda session: list_conversations(session, actor=user.number, before=query.before, limit=query.limit)
    )
    following = None if found.next is None else str(found.next)
    return ConversationPage(items=[shape_of_conversation(one) for one in found.items], next=following)


@section.post("/conversations", Access.USER, body=NewConversation, answer=ChatConversation, status=201)
def add_conversation(user: SignedIn, body: NewConversation) -> ChatConversation:
    """Begin a conversation.

    That of two people is one: if it is there already, it is the answer.
    """
    given = services()
    if body.kind == "direct":
        if len(body.members) != 1 or body.title is not None:
            raise Invalid("a direct conversation has one other member and no title", details={"members": ["one"]})
        conversation = given.chat.act(lambda tx: open_direct(tx, body.members[0], actor=user.number))
    else:
        title = body.title or ""
        conversation = given.chat.act(lambda tx: create_group(tx, title, body.members, actor=user.number))
    return _conversation(given, conversation, user)


@section.get("/conversations/<int:conversation>", Access.USER, answer=ChatConversation)
def show_conversation(user: SignedIn, conversation: int) -> ChatConversation:
    """One of my conversations."""
    return _conversation(services(), conversation, user)


@section.patch("/conversations/<int:conversation>", Access.USER, body=ConversationChange, answer=ChatConversation)
def change_conversation(user: SignedIn, conversation: int, body: ConversationChange) -> ChatConversation:
    """Give a group another title, or mute a conversation for me."""
    given = services()

    def change(tx: Transaction) -> None:
        if body.title is not None:
            change_title(tx, conversation, body.title, actor=user.number)
        if body.muted is not None:
            set_muted(tx, conversation, body.muted, actor=user.number)

    given.chat.act(change)
    return _conversation(given, conversation, user)


@section.put("/conversations/<int:conversation>/members/<number>", Access.USER)
def put_member(user: SignedIn, conversation: int, number: str) -> None:
    """Add somebody to a group; any member may."""
    services().chat.act(lambda tx: add_member(tx, conversation, number, actor=user.number))


@section.delete("/conversations/<int:conversation>/members/<number>", Access.USER)
def delete_member(user: SignedIn, conversation: int, number: str) -> None:
    """Leave a group; or remove somebody from it, as an owner."""
    services().chat.act(lambda tx: remove_member(tx, conversation, number, actor=user.number))


@section.get("/conversations/<int:conversation>/messages", Access.USER, query=MessagesQuery, answer=MessagePage)
def show_messages(user: SignedIn, conversation: int, query: MessagesQuery) -> MessagePage:
    """A part of a timeline, the oldest first."""
    page = services().read(
        lambda session: timeline(
            session, conversation, actor=user.number, before=query.before, after=query.after, limit=query.limit
        )
    )
    return shape_of_page(page, forward=query.after is not None)


@section.post(
    "/conversations/<int:conversation>/messages", Access.USER, body=NewMessage, answer=ChatMessage, status=201
)
def post_message(user: SignedIn, conversation: int, body: NewMessage) -> ChatMessage:
    """Send a message."""
    return send_message(user, conversation, body)


def send_message(user: SignedIn, conversation: int, body: NewMessage) -> ChatMessage:
    """The same for a message that came by Socket.IO."""
    given, this = services(), (user.number, body.client_id)
    untold = this in given.untold
    try:
        message = given.chat.act(
            lambda tx: send(
                tx,
                conversation,
                actor=user.number,
                client_id=body.client_id,
                text=body.text,
                attachments=body.attachments,
                reply_to=body.reply_to,
                untold=untold,
            )
        )
    except DatabaseRefused:
        given.untold.add(this)
        raise
    given.untold.discard(this)
    return shape_of_message(message)


@section.patch("/messages/<int:message>", Access.USER, body=MessageChange, answer=ChatMessage)
def change_message(user: SignedIn, message: int, body: MessageChange) -> ChatMessage:
    """Say it otherwise; the author alone may."""
    return shape_of_message(services().chat.act(lambda tx: edit(tx, message, body.text, actor=user.number)))


@section.delete("/messages/<int:message>", Access.USER, answer=ChatMessage)
def delete_message(user: SignedIn, message: int) -> ChatMessage:
    """Take it back, with its files; or somebody else's, as an owner of the group. What remains is the answer."""
    return shape_of_message(services().chat.act(lambda tx: delete(tx, message, actor=user.number)))


@section.put("/conversations/<int:conversation>/read", Access.USER, body=ReadMark, answer=ReadAnswer)
def put_read(user: SignedIn, conversation: int, body: ReadMark) -> ReadAnswer:
    """I have read all up to a message."""
    read = services().chat.act(lambda tx: mark_read(tx, conversation, body.seq, actor=user.number))
    return ReadAnswer(read_seq=read)


@section.get("/sync", Access.USER, query=SyncQuery, answer=Catchup)
def sync(user: SignedIn, query: SyncQuery) -> Catchup:
    """Everything of chat that changed for me since a number of its sequence.

    After a connection was lost: `since` is the greatest `seq` of an event or of an answer of this kind.
    """
    return shape_of_changes(services().read(lambda session: changes(session, query.since, actor=user.number)))


def _conversation(given: Services, conversation: int, user: SignedIn) -> ChatConversation:
    found = given.read(lambda session: conversation_of(session, conversation, actor=user.number))
    return shape_of_conversation(found)

"""Chat for browsers that are connected: one change is one event, put together once and sent to all who are to have it.

Handlers run one after the other in the order of the sequence (`web.live.chat_writer`, `web.live.dispatch`), so the
members of a conversation that are remembered here are those of the time of each event.
"""

from collections.abc import Callable
from typing import Any

from messaging import events
from messaging.access import access_conversation
from messaging.conversations import has_removed, settle_removed
from messaging.sequence import current
from messaging.views import Conversation
from web import chat_position
from web.api.chat import send_message
from web.api.chat_shapes import ChatMessage, shape_of_conversation, shape_of_facts, shape_of_message
from web.auth.sessions import SignedIn
from web.happenings import DirectoryTaken
from web.live.chat_events import (
    ConversationAdded,
    ConversationChanged,
    ConversationMuted,
    ConversationRemoved,
    MessageChanged,
    MessageSent,
    ReadChanged,
    Send,
    Typing,
    TypingSeen,
)
from web.live.requests import live_request
from web.services import Services, services


def connect(given: Services) -> None:
    """Registers what is told, and to whom."""
    fan_out = FanOut(given)
    tells: tuple[tuple[type[events.ChatEvent], Callable[[Any], None]], ...] = (
        (events.MessageSent, fan_out.sent),
        (events.MessageChanged, fan_out.changed),
        (events.ConversationChanged, fan_out.conversation),
        (events.ConversationRemoved, fan_out.removed),
        (events.MutedChanged, fan_out.muted),
        (events.ReadChanged, fan_out.read),
    )
    for kind, tell in tells:
        given.events.on(kind, fan_out.telling(tell))
    # Somebody may be gone; those who talked with them are told.
    given.events.on(DirectoryTaken, lambda _: given.chat.after(0.0, lambda: settle(given)))
    given.chat.after(0.0, lambda: settle(given))
    chat_position.provide(lambda session, _: current(session))


def settle(given: Services) -> None:
    """Tells of users who were removed, by whatever process."""
    if given.read(has_removed):
        given.chat.act(settle_removed)


class FanOut:
    """Sends what happened to those who are to have it."""

    def __init__(self, given: Services) -> None:
        self._rooms = given.rooms
        self._browsers = given.browsers
        self.members = given.chat_members

    def telling(self, tell: Callable[[Any], None]) -> Callable[[Any], None]:
        """`tell`, and it is known how far the telling has come."""

        def told(event: events.ChatEvent) -> None:
            self.members.told = event.seq  # first: who comes while it is told may have it twice, but does not miss it
            tell(event)

        return told

    def sent(self, event: events.MessageSent) -> None:
        # Calls come by the hundred: nobody looks up whom to tell where nobody is there.
        if there := self._rooms.anybody and self._browsers.there(self.members.of(event.conversation)):
            self._rooms.to_users(there, MessageSent(message=shape_of_message(event.message)), seq=event.seq)

    def changed(self, event: events.MessageChanged) -> None:
        data = MessageChanged(message=shape_of_message(event.message))
        self._rooms.to_users(self.members.of(event.conversation), data, seq=event.seq)

    def conversation(self, event: events.ConversationChanged) -> None:
        self.members.take(event.facts)
        others = [number for number in event.facts.members if number not in event.joined]
        self._rooms.to_users(others, ConversationChanged(conversation=shape_of_facts(event.facts)), seq=event.seq)
        for number in event.joined:
            # Nothing of it is unread for somebody who joins; what is said next comes by events of its own.
            read_seq = event.facts.reads[number]
            new = Conversation(event.facts, last=None, unread=0, read_seq=read_seq, muted=False)
            self._rooms.to_user(number, ConversationAdded(conversation=shape_of_conversation(new)), seq=event.seq)

    def removed(self, event: events.ConversationRemoved) -> None:
        self._rooms.to_user(event.number, ConversationRemoved(conversation=event.conversation), seq=event.seq)

    def muted(self, event: events.MutedChanged) -> None:
        data = ConversationMuted(conversation=event.conversation, muted=event.muted)
        self._rooms.to_user(event.number, data, seq=event.seq)

    def read(self, event: events.ReadChanged) -> None:
        data = ReadChanged(conversation=event.conversation, number=event.number, read_seq=event.read_seq)
        self._rooms.to_users(self.members.of(event.conversation), data, seq=event.seq)


@live_request("send", Send)
def send(user: SignedIn, body: Send) -> ChatMessage:
    """Send a message."""
    given = services()
    given.pace.take(user.number, given.now().timestamp())  # as for one that comes by HTTP
    return send_message(user, body.conversation, body)


@live_request("typing", Typing)
def typing(user: SignedIn, body: Typing) -> None:
    """Somebody writes."""
    given = services()
    members = given.chat_members.of(body.conversation)
    if user.number not in members:  # says in the words of all other refusals that there is none
        given.read(lambda session: access_conversation(session, body.conversation, actor=user.number))
    data = TypingSeen(conversation=body.conversation, number=user.number)
    given.rooms.to_users([number for number in members if number != user.number], data)

"""Snapshot and events make the same as a new snapshot; so do an old snapshot and the catch-up.

Random actions of random people are done to a real database. Each person has a copy that only heard of
the events, and one that was left behind at some time and catches up.
"""

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.migrations import upgrade
from messaging.call_entries import CallNote, note_call
from messaging.conversations import add_member, change_title, remove_member, set_muted, settle_removed
from messaging.errors import MessagingError
from messaging.events import ChatEvent
from messaging.files import FileStore
from messaging.messages import MOST, delete, edit, timeline
from messaging.receipts import mark_read
from messaging.sip_gateway import SipMessage, take_message
from messaging.sync import Changes, changes, list_conversations
from pbx.directory.errors import DirectoryError
from pbx.directory.secrets import SecretBox
from pbx.directory.users import add_user, remove_user
from pbx.storage.engine import open_database
from pbx.storage.unit import Store
from tests.unit.messaging.conftest import Chat
from tests.unit.messaging.replica import Copy, apply, unread

PEOPLE = ("101", "102", "103")
LEAVER = "104"

person = st.sampled_from((*PEOPLE, LEAVER))
place = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(st.just("direct"), person, person),
    st.tuples(st.just("group"), person, st.lists(person, max_size=3)),
    st.tuples(st.just("say"), person, place),
    st.tuples(st.just("say"), person, place),
    st.tuples(st.just("edit"), person, place),
    st.tuples(st.just("delete"), person, place),
    st.tuples(st.just("read"), person, place),
    st.tuples(st.just("mute"), person, place),
    st.tuples(st.just("title"), person, place),
    st.tuples(st.just("add"), person, place, person),
    st.tuples(st.just("remove"), person, place, person),
    st.tuples(st.just("call"), person, person, st.booleans()),
    st.tuples(st.just("phone"), person, person),
    st.tuples(st.just("fall behind"), person),
    st.tuples(st.just("leave the company"), person),
)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Chat]]:
    """Makes offices, each with a database of its own."""
    template = tmp_path_factory.mktemp("template") / "a.db"
    first = Store(open_database(f"sqlite:///{template}"))
    upgrade(first.engine)
    box = SecretBox(os.urandom(32))
    with first.transaction() as tx:
        for number in (*PEOPLE, LEAVER):
            add_user(tx, number, box=box, actor="cli:test")
    first.close()
    content = template.read_bytes()
    folder = tmp_path_factory.mktemp("worlds")
    stores: list[Store] = []

    def make() -> Chat:
        path = Path(folder / f"{len(stores)}.db")
        path.write_bytes(content)
        stores.append(Store(open_database(f"sqlite:///{path}")))
        chat = Chat(stores[-1], FileStore(folder))
        stores[-1].listen(lambda event: chat.events.append(event) if isinstance(event, ChatEvent) else None)
        return chat

    yield make
    for store in stores:
        store.close()


def snapshot(chat: Chat, mine: str) -> Copy:
    """What a browser has that reads everything anew."""
    found: Copy = {}
    for one in chat.read(list_conversations, actor=mine).items:
        page = chat.read(timeline, one.facts.id, actor=mine, limit=MOST)
        assert not page.more
        found[one.facts.id] = {
            **one.as_json(),
            "messages": {message.id: message.as_json() for message in page.messages},
        }
        assert found[one.facts.id]["unread"] == unread(mine, found[one.facts.id])
    return found


def history(chat: Chat) -> dict[int, dict[int, Any]]:
    """All messages by conversation."""
    found: dict[int, dict[int, Any]] = {}
    for number in (*PEOPLE, LEAVER):
        for conversation, values in snapshot(chat, number).items():
            found[conversation] = values["messages"]
    return found


def catch_up(old: Copy, mine: str, change: Changes, old_history: dict[int, dict[int, Any]]) -> Copy:
    """An old copy with what came since: what a browser does when it was away."""
    new = copy.deepcopy(old)
    for gone in change.removed:
        new.pop(gone, None)
    for conversation in change.conversations:
        values = conversation.as_json()
        known = new.get(values["id"], {"messages": dict(old_history.get(values["id"], {}))})
        new[values["id"]] = {**values, "messages": known["messages"]}
    for message in change.messages:
        new[message.conversation]["messages"][message.id] = message.as_json()
    for conversation_id, number, read in change.reads:
        new[conversation_id]["reads"][number] = read
    return new


def act(chat: Chat, step: tuple[Any, ...], known: list[int]) -> None:
    """Does what a step says, if that is allowed."""
    what, actor, *rest = step
    conversation = known[rest[0] % len(known)] if rest and isinstance(rest[0], int) and known else 0
    messages = sorted(history(chat).get(conversation, ())) or [0]
    target = messages[-1 - rest[0] % len(messages)] if conversation else 0
    match what:
        case "direct":
            known.append(chat.direct(actor, rest[0]))
        case "group":
            known.append(chat.group(actor, *rest[0]))
        case "say":
            chat.say(conversation, actor, "hello")
        case "edit":
            chat.do(edit, target, f"hello {len(chat.events)}", actor=actor)
        case "delete":
            chat.do(delete, target, actor=actor)
        case "read":
            chat.do(mark_read, conversation, target, actor=actor)
        case "mute":
            chat.do(set_muted, conversation, len(chat.events) % 2 == 0, actor=actor)
        case "title":
            chat.do(change_title, conversation, f"Title {len(chat.events)}", actor=actor)
        case "add":
            chat.do(add_member, conversation, rest[1], actor=actor)
        case "remove":
            chat.do(remove_member, conversation, rest[1], actor=actor)
        case "call":
            answered = 5.0 if rest[1] else None
            chat.do(note_call, CallNote(str(len(chat.events)), actor, rest[0], None, "busy", 1.0, answered, 9.0))
        case "phone":
            chat.do(take_message, SipMessage(str(len(chat.events)), actor, rest[0], "from a phone", 1.0))
        case "leave the company":
            chat.do(remove_user, LEAVER, actor="cli:test")
            chat.do(settle_removed)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, min_size=5, max_size=25))
def test_copy_that_heard_all_events_equals_a_new_snapshot(worlds: Callable[[], Chat], steps: list[Any]) -> None:
    chat = worlds()
    copies: dict[str, Copy] = {number: {} for number in PEOPLE}
    behind: dict[str, tuple[int, Copy, dict[int, dict[int, Any]]]] = {number: (0, {}, {}) for number in PEOPLE}
    known: list[int] = []
    for step in steps:
        if step[0] == "fall behind" and step[1] in PEOPLE:
            seq = chat.read(changes, 0, actor=step[1]).seq
            behind[step[1]] = (seq, snapshot(chat, step[1]), history(chat))
            continue
        chat.events.clear()
        before = history(chat)
        try:
            act(chat, step, known)
        except (MessagingError, DirectoryError):
            assert chat.events == []
        assert [event.seq for event in chat.events] == sorted(event.seq for event in chat.events)
        for number, held in copies.items():
            for event in chat.events:
                apply(held, number, event, history=before)
            assert held == snapshot(chat, number), (number, step)
    for number, (since, old, old_history) in behind.items():
        now = snapshot(chat, number)
        assert catch_up(old, number, chat.read(changes, since, actor=number), old_history) == now
        assert catch_up({}, number, chat.read(changes, 0, actor=number), {}) == now

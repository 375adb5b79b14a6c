"""Snapshot and events make the same as a new snapshot; so do an old snapshot and the catch-up.

Actions of random people are done to a real database, the same ones in every run. Each person has a copy that
only heard of the events, and one that was left behind at some time and catches up.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from messaging.call_entries import CallNote, note_calls
from messaging.conversations import (
    add_member,
    change_title,
    remove_member,
    set_muted,
    settle_removed,
)
from messaging.errors import MessagingError
from messaging.events import ChatEvent
from messaging.files import FileStore
from messaging.messages import MOST, delete, edit, timeline
from messaging.receipts import mark_read
from messaging.sequence import current
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
STEPS = 80

# What people do, and how often.
DEEDS = {
    "say": 8,
    "edit": 3,
    "delete": 3,
    "read": 6,
    "mute": 2,
    "title": 4,
    "add": 4,
    "remove": 5,
    "direct": 2,
    "group": 2,
    "call": 2,
    "phone": 2,
    "fall behind": 5,
}


@pytest.fixture
def make_world(sqlite_template: Path, tmp_path: Path, box: SecretBox) -> Iterator[Callable[[], Chat]]:
    """Makes offices, without the wait for the disk that PostgreSQL would add to every step."""
    stores: list[Store] = []

    def make() -> Chat:
        path = tmp_path / f"{len(stores)}.db"
        path.write_bytes(sqlite_template.read_bytes())
        stores.append(Store(open_database(f"sqlite:///{path}")))
        with stores[-1].transaction() as tx:
            for number in (*PEOPLE, LEAVER):
                add_user(tx, number, box=box, actor="cli:test")
        chat = Chat(stores[-1], FileStore(tmp_path))
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


def history(now: dict[str, Copy]) -> dict[int, dict[int, Any]]:
    """All messages by conversation, as everybody together has them."""
    return {
        conversation: dict(values["messages"]) for copied in now.values() for conversation, values in copied.items()
    }


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


def act(chat: Chat, what: str, actor: str, random: Random) -> None:
    """Does something, if that is allowed."""
    others = [number for number in (*PEOPLE, LEAVER) if number != actor]
    other = random.choice(others)
    mine = [one.facts for one in chat.read(list_conversations, actor=actor).items]
    wanted = [one for one in mine if one.kind == "group"] if what in ("title", "add", "remove") else mine
    conversation = random.choice(wanted).id if wanted else 0
    messages = chat.read(timeline, conversation, actor=actor).messages if wanted else ()
    own = [one for one in messages if one.author == actor and one.kind == "text"]
    likely = own if own and what in ("edit", "delete") else messages
    message = random.choice(likely[-4:]).id if likely else 0
    count = len(messages)
    match what:
        case "direct":
            chat.direct(actor, other)
        case "group":
            chat.group(actor, *random.sample(others, 2))
        case "say":
            chat.say(conversation, actor, "hello")
        case "edit":
            chat.do(edit, message, f"hello {count}", actor=actor)
        case "delete":
            chat.do(delete, message, actor=actor)
        case "read":
            chat.do(mark_read, conversation, message, actor=actor)
        case "mute":
            chat.do(set_muted, conversation, random.random() < 0.5, actor=actor)
        case "title":
            chat.do(change_title, conversation, f"Title {count}", actor=actor)
        case "add":
            chat.do(add_member, conversation, other, actor=actor)
        case "remove":
            chat.do(remove_member, conversation, random.choice((actor, other)), actor=actor)
        case "call":
            answered = random.choice((None, 5.0))
            parties = [(actor, other), (other, actor), tuple(random.sample(others, 2))][: random.randrange(1, 4)]
            calls = [(random.randbytes(8).hex(), *two) for two in parties]
            chat.do(note_calls, [CallNote(*call, None, "busy", 1.0, answered, 9.0) for call in calls])
        case "phone":
            chat.do(take_message, SipMessage(random.randbytes(8).hex(), actor, other, "from a phone", 1.0))
        case "leave the company":
            chat.do(remove_user, LEAVER, actor="cli:test")
            chat.do(settle_removed)


def run(chat: Chat, random: Random, done: Counter[str]) -> None:
    """Many steps, and after each a look whether all copies are as they should be."""
    everybody = (*PEOPLE, LEAVER)
    copies: dict[str, Copy] = {number: {} for number in PEOPLE}
    behind: dict[str, tuple[int, Copy, dict[int, dict[int, Any]]]] = {number: (0, {}, {}) for number in PEOPLE}
    now: dict[str, Copy] = {number: {} for number in everybody}
    for step in range(STEPS):
        what = random.choices(list(DEEDS), list(DEEDS.values()))[0]
        what = "leave the company" if step == STEPS * 2 // 3 else what
        actor = random.choice(everybody)
        if what == "fall behind" and actor in PEOPLE:
            behind[actor] = (chat.read(current), now[actor], history(now))
        chat.events.clear()
        before = history(now)
        try:
            act(chat, what, actor, random)
        except (MessagingError, DirectoryError):
            assert chat.events == []
        done[what] += bool(chat.events)
        assert [event.seq for event in chat.events] == sorted(event.seq for event in chat.events)
        now = {number: snapshot(chat, number) for number in everybody}
        for number, held in copies.items():
            for event in chat.events:
                apply(held, number, event, history=before)
            assert held == now[number], (number, step, what)
        for number, (since, old, old_history) in behind.items():
            change = chat.read(changes, since, actor=number)
            assert catch_up(old, number, change, old_history) == now[number], (number, step, what)


def test_copy_that_heard_all_events_equals_a_new_snapshot(make_world: Callable[[], Chat]) -> None:
    done: Counter[str] = Counter()
    for seed in range(2):
        run(make_world(), Random(seed), done)
    assert all(done[what] for what in DEEDS if what != "fall behind"), done  # or this proves less than it says

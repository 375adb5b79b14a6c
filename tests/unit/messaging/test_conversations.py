"""Conversations, their members, and what happens to them when people come and go."""

import pytest
from sqlalchemy import select

from messaging.checks import MAX_MEMBERS
from messaging.conversations import (
    add_member,
    change_title,
    create_group,
    open_direct,
    remove_member,
    set_muted,
    settle_removed,
)
from messaging.errors import BadValue, NotAllowed, NotFound
from messaging.events import ConversationChanged, ConversationRemoved, MutedChanged
from messaging.messages import timeline
from messaging.sync import changes, conversation_of, list_conversations
from pbx.audit.models import AuditEntry
from pbx.directory.secrets import SecretBox
from pbx.directory.users import add_user, remove_user
from tests.unit.messaging.conftest import Chat


def told(chat: Chat, conversation: int, actor: str) -> list[object]:
    page = chat.read(timeline, conversation, actor=actor)
    return [message.detail for message in page.messages if message.kind == "system"]


def test_conversation_of_two_is_one_whoever_opens_it(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    assert chat.direct("102", "101") == direct
    assert chat.direct("101", "103") != direct
    facts = chat.read(conversation_of, direct, actor="102").facts
    assert (facts.kind, facts.members, facts.title, facts.owners) == ("direct", ("101", "102"), None, ())


def test_conversation_needs_somebody_else_who_exists(chat: Chat) -> None:
    with pytest.raises(BadValue, match="somebody else"):
        chat.do(open_direct, "101", actor="101")
    with pytest.raises(NotFound, match="no user 999"):
        chat.do(open_direct, "999", actor="101")
    with pytest.raises(NotFound, match="no user 999"):
        chat.do(create_group, "Sales", ["102", "999"], actor="101")


def test_group_is_owned_by_who_made_it(chat: Chat) -> None:
    group = chat.group("101", "102", "103", "102", title=" Sales ")
    facts = chat.read(conversation_of, group, actor="103").facts
    assert (facts.title, facts.members, facts.owners) == ("Sales", ("101", "102", "103"), ("101",))
    assert told(chat, group, "103") == [{"what": "group.created", "title": "Sales"}]
    changed = chat.events[0]
    assert isinstance(changed, ConversationChanged)
    assert changed.joined == ("101", "102", "103")


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # nothing gets as far as the database
@pytest.mark.parametrize("title", ["", "  ", "x" * 101, "two\nlines", "bell\a"])
def test_title_is_one_printable_line(chat: Chat, title: str) -> None:
    with pytest.raises(BadValue, match="1 to 100 printable"):
        chat.do(create_group, title, ["102"], actor="101")


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_group_has_a_limit_of_members(chat: Chat) -> None:
    with pytest.raises(BadValue, match="at most 500 members"):
        chat.do(create_group, "All", [f"2{number:04}" for number in range(MAX_MEMBERS)], actor="101")


def test_member_who_joins_sees_what_was_said_and_has_nothing_unread(chat: Chat) -> None:
    group = chat.group("101", "102")
    message = chat.say(group, "101", "before")
    chat.do(add_member, group, "103", actor="102")
    chat.do(add_member, group, "103", actor="101")  # is in it already
    joined = chat.read(conversation_of, group, actor="103")
    assert (joined.unread, joined.read_seq, joined.facts.members) == (0, message.id, ("101", "102", "103"))
    assert message in chat.read(timeline, group, actor="103").messages
    assert told(chat, group, "103")[1:] == [{"what": "member.added", "number": "103"}]


def test_only_an_owner_removes_others_and_anybody_leaves(chat: Chat) -> None:
    group = chat.group("101", "102", "103")
    with pytest.raises(NotAllowed, match="only an owner"):
        chat.do(remove_member, group, "103", actor="102")
    chat.do(remove_member, group, "103", actor="101")
    chat.do(remove_member, group, "102", actor="102")
    with pytest.raises(NotFound, match="103 is not in the group"):
        chat.do(remove_member, group, "103", actor="101")
    assert told(chat, group, "101")[1:] == [
        {"what": "member.removed", "number": "103"},
        {"what": "member.left", "number": "102"},
    ]
    entries = chat.look(
        lambda session: session.execute(
            select(AuditEntry.actor, AuditEntry.before).where(AuditEntry.action == "conversation.member.removed")
        ).all()
    )
    assert [tuple(entry) for entry in entries] == [("101", {"number": "103"}), ("102", {"number": "102"})]


def test_who_left_has_no_access_and_their_words_stay(chat: Chat) -> None:
    group = chat.group("101", "102")
    message = chat.say(group, "102", "mine")
    before = chat.read(changes, 0, actor="102").seq
    chat.do(remove_member, group, "102", actor="102")
    assert any(event.number == "102" for event in chat.events if isinstance(event, ConversationRemoved))
    with pytest.raises(NotFound):
        chat.read(timeline, group, actor="102")
    assert chat.read(list_conversations, actor="102").items == ()
    assert chat.read(changes, before, actor="102").removed == (group,)
    assert message in chat.read(timeline, group, actor="101").messages


def test_last_owner_who_leaves_hands_over_to_the_oldest_member(chat: Chat) -> None:
    group = chat.group("101", "102", "103")
    chat.do(remove_member, group, "101", actor="101")
    assert chat.read(conversation_of, group, actor="103").facts.owners == ("102",)
    chat.do(remove_member, group, "103", actor="102")
    chat.do(remove_member, group, "102", actor="102")  # nobody is left, and nothing breaks


def test_conversation_of_two_keeps_its_members_and_has_no_title(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    for action, arguments in ((change_title, ("New",)), (add_member, ("103",)), (remove_member, ("101",))):
        with pytest.raises(NotAllowed, match="of two people"):
            chat.do(action, direct, *arguments, actor="101")


def test_title_changes_for_all(chat: Chat) -> None:
    group = chat.group("101", "102")
    chat.do(change_title, group, "Night shift", actor="102")
    chat.do(change_title, group, "Night shift", actor="102")  # nothing new
    assert chat.read(conversation_of, group, actor="101").facts.title == "Night shift"
    assert told(chat, group, "101")[1:] == [{"what": "title.changed", "title": "Night shift"}]


def test_muted_is_ones_own_business(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    chat.events.clear()
    chat.do(set_muted, direct, True, actor="101")
    chat.do(set_muted, direct, True, actor="101")
    (event,) = chat.events
    assert isinstance(event, MutedChanged)
    assert [chat.read(conversation_of, direct, actor=number).muted for number in ("101", "102")] == [True, False]


def test_list_has_the_newest_first_page_by_page(chat: Chat) -> None:
    first, second, third = (chat.group("101", "102", title=title) for title in "ABC")
    chat.say(first, "102")
    page = chat.read(list_conversations, actor="101", limit=2)
    assert [one.facts.id for one in page.items] == [first, third]
    rest = chat.read(list_conversations, actor="101", limit=2, before=page.next)
    assert ([one.facts.id for one in rest.items], rest.next) == ([second], None)


def test_new_holder_of_a_number_inherits_nothing(chat: Chat, box: SecretBox) -> None:
    direct, group = chat.direct("101", "102"), chat.group("101", "102", "103")
    chat.say(direct, "102", "for your eyes only")
    chat.do(remove_user, "101", actor="cli:test")
    chat.do(add_user, "101", name="Somebody New", box=box, actor="cli:test")
    assert chat.read(list_conversations, actor="101").items == ()
    for conversation in (direct, group):
        with pytest.raises(NotFound):
            chat.read(timeline, conversation, actor="101")
    new = chat.direct("102", "101")  # even before anybody was told
    assert new != direct
    assert [one.facts.id for one in chat.read(list_conversations, actor="101").items] == [new]


def test_others_are_told_of_a_removed_user_and_keep_the_conversation(chat: Chat) -> None:
    direct, group = chat.direct("101", "102"), chat.group("101", "102", "103")
    before = chat.read(changes, 0, actor="102").seq
    chat.do(remove_user, "101", actor="cli:test")
    assert chat.do(settle_removed) == 2
    assert chat.do(settle_removed) == 0
    changed = chat.read(changes, before, actor="102").conversations
    assert {one.facts.id: (one.facts.members, one.facts.owners) for one in changed} == {
        direct: (("102",), ()),
        group: (("102", "103"), ("102",)),
    }

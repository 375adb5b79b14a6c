"""Calls and SIP messages as they stand in the timeline."""

from dataclasses import replace

import pytest

from messaging.call_entries import CallNote, note_calls, noted_until, set_noted_until
from messaging.messages import timeline
from messaging.sip_gateway import ForPhones, SipMessage, for_phones, take_message
from messaging.sync import conversation_of
from messaging.views import load_facts
from pbx.directory.users import remove_user
from tests.unit.messaging.conftest import Chat

CALL = CallNote("c1", "101", "102", "102", "answered", 1_790_000_000.0, 1_790_000_005.0, 1_790_000_065.4)
SIP = SipMessage("m1", "101", "102", "on my way", 1_790_000_000.0)


def test_answered_call_stands_in_the_conversation_of_the_two_and_is_not_unread(chat: Chat) -> None:
    (message,) = chat.do(note_calls, [CALL])
    assert message.conversation == chat.direct("102", "101")
    assert (message.kind, message.author, message.created_at.timestamp()) == ("call", "101", CALL.started_at)
    assert message.as_json()["call"] == {
        "id": "c1", "caller": "101", "callee": "102", "answered_by": "102", "outcome": "answered", "missed": False,
        "duration": 60,
    }  # fmt: skip
    assert chat.read(conversation_of, message.conversation, actor="102").unread == 0


def test_missed_call_is_unread_for_the_one_who_missed_it(chat: Chat) -> None:
    missed = replace(CALL, answered_at=None, answered_by=None, outcome="no-answer")
    conversation = chat.do(note_calls, [missed])[0].conversation
    assert [chat.read(conversation_of, conversation, actor=one).unread for one in ("101", "102")] == [0, 1]


def test_call_is_noted_once(chat: Chat) -> None:
    assert len(chat.do(note_calls, [CALL, CALL])) == 1
    chat.events.clear()
    assert chat.do(note_calls, [CALL]) == []
    assert chat.events == []


@pytest.mark.parametrize("change", [{"callee": "*43"}, {"caller": "+74951234567"}, {"callee": "101"}])
def test_call_with_nobody_of_ours_is_no_chat(chat: Chat, change: dict[str, str]) -> None:
    assert chat.do(note_calls, [replace(CALL, **change)]) == []
    assert chat.events == []


def test_time_up_to_which_calls_are_noted_is_remembered(chat: Chat) -> None:
    assert chat.do(noted_until) is None
    chat.do(set_noted_until, CALL.ended_at)
    chat.do(set_noted_until, CALL.ended_at - 1)
    assert chat.do(noted_until) == CALL.ended_at


def test_phones_message_is_a_message_of_the_two_once(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    message = chat.do(take_message, SIP)
    assert (message.conversation, message.author, message.text, message.kind) == (direct, "101", "on my way", "text")
    assert chat.do(take_message, SIP) is None
    assert chat.read(timeline, direct, actor="102").messages == (message,)
    assert chat.read(conversation_of, direct, actor="102").unread == 1


@pytest.mark.parametrize(
    ("said", "taken"), [("a\x00b\x1bc\ud800", "abc?"), ("x" * 9000, "x" * 8000), ("да\r\nнет", "да\nнет")]
)
def test_text_of_a_phone_is_made_to_fit(chat: Chat, said: str, taken: str) -> None:
    assert chat.do(take_message, replace(SIP, text=said)).text == taken


def test_message_without_text_or_of_nobody_is_left(chat: Chat) -> None:
    assert chat.do(take_message, replace(SIP, text=" \x00 ")) is None
    chat.do(remove_user, "102", actor="cli:test")
    assert chat.do(take_message, SIP) is None


def test_phones_get_what_browsers_say_in_a_conversation_of_two(chat: Chat) -> None:
    direct, group = chat.direct("101", "102"), chat.group("101", "102")
    file = chat.upload("101", "plan.pdf")
    message = chat.say(direct, "101", "see this", attachments=[file.id])
    facts = chat.read(load_facts, [direct, group])
    assert for_phones(message, facts[direct]) == ForPhones(str(message.id), "101", "102", "see this\n[plan.pdf]")
    assert for_phones(chat.do(take_message, SIP), facts[direct]) is None  # their phones have it already
    assert for_phones(chat.do(note_calls, [CALL])[0], facts[direct]) is None
    assert for_phones(chat.say(group, "101"), facts[group]) is None

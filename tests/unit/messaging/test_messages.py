"""Sending, editing and deleting, and reading a timeline."""

from functools import partial

import pytest

from messaging.batch import commit_together
from messaging.checks import MAX_TEXT
from messaging.conversations import add_member, remove_member
from messaging.errors import BadValue, MessagingError, NotAllowed, NotFound
from messaging.events import MessageChanged, MessageSent
from messaging.messages import delete, edit, send, timeline
from messaging.sync import conversation_of
from pbx.storage.unit import Transaction
from tests.unit.messaging.conftest import Chat


def texts(chat: Chat, conversation: int, actor: str, **options: object) -> list[str]:
    page = chat.read(timeline, conversation, actor=actor, **options)
    return [message.text for message in page.messages if message.kind == "text"]


def test_message_stands_in_the_timeline_of_both_and_is_told_once(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    chat.events.clear()
    message = chat.say(direct, "101", " Привет!\r\nКак дела? ")
    assert message.text == "Привет!\nКак дела?"
    assert chat.events == [MessageSent(message.id, direct, message)]
    for actor in ("101", "102"):
        assert chat.read(timeline, direct, actor=actor).messages == (message,)


def test_same_client_id_gives_the_same_message_and_tells_nothing(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    message = chat.say(direct, "101", client_id="attempt-1")
    chat.events.clear()
    assert chat.say(direct, "101", client_id="attempt-1") == message
    assert chat.events == []
    assert chat.say(direct, "102", client_id="attempt-1") != message  # everybody has ids of their own
    other = chat.group("101", "102")
    with pytest.raises(BadValue, match="used in another conversation"):
        chat.say(other, "101", client_id="attempt-1")


def test_order_of_a_timeline_is_the_order_of_the_sequence(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    sent = [chat.say(direct, author, f"{number}").id for number, author in enumerate(["101", "102"] * 4)]
    assert sent == sorted(sent)
    assert texts(chat, direct, "101") == [str(number) for number in range(8)]


def test_timeline_is_read_page_by_page_in_both_directions(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    ids = [chat.say(direct, "101", str(number)).id for number in range(7)]
    newest = chat.read(timeline, direct, actor="102", limit=3)
    assert ([one.text for one in newest.messages], newest.more) == (["4", "5", "6"], True)
    oldest = chat.read(timeline, direct, actor="102", limit=4, before=ids[4])
    assert ([one.text for one in oldest.messages], oldest.more) == (["0", "1", "2", "3"], False)
    later = chat.read(timeline, direct, actor="102", limit=2, after=ids[2])
    assert ([one.text for one in later.messages], later.more) == (["3", "4"], True)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # nothing gets as far as the database
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"text": "x" * (MAX_TEXT + 1)}, "at most 8000 characters"),
        ({"text": "\x00"}, "no control characters"),
        ({"text": "a\x1b[31m"}, "no control characters"),
        ({"text": "\ud800"}, "no control characters"),
        ({"text": "  \n "}, "needs text or an attachment"),
        ({"client_id": "short"}, "client_id has 8 to 64"),
        ({"client_id": "call:12345678"}, "client_id has 8 to 64"),
        ({"attachments": [f"a{number}" for number in range(21)]}, "at most 20 attachments"),
        ({"attachments": ["a", "a"]}, "each once"),
    ],
)
def test_what_is_not_of_the_allowed_form_is_refused_in_words(chat: Chat, options: dict[str, object], said: str) -> None:
    with pytest.raises(BadValue, match=said):
        chat.do(send, 1, **{"actor": "101", "client_id": "client-1", "text": "hello", **options})


def test_longest_text_is_taken(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    assert len(chat.say(direct, "101", "я" * MAX_TEXT).text) == MAX_TEXT


def test_reply_is_to_a_message_of_the_same_conversation(chat: Chat) -> None:
    direct, group = chat.direct("101", "102"), chat.group("101", "102")
    message = chat.say(direct, "102")
    assert chat.say(direct, "101", reply_to=message.id).reply_to == message.id
    with pytest.raises(NotFound, match="to reply to"):
        chat.say(group, "101", reply_to=message.id)


def test_edited_message_keeps_its_place(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    first, last = chat.say(direct, "101", "frist"), chat.say(direct, "101", "last")
    chat.events.clear()
    changed = chat.do(edit, first.id, "first", actor="101")
    assert (changed.text, changed.edited_at, changed.id) == ("first", chat.now, first.id)
    assert changed.changed_seq > last.id
    assert chat.events == [MessageChanged(changed.changed_seq, direct, changed)]
    assert texts(chat, direct, "102") == ["first", "last"]


def test_edit_to_the_same_text_changes_nothing(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    message = chat.say(direct, "101", "same")
    chat.events.clear()
    assert chat.do(edit, message.id, "same", actor="101") == message
    assert chat.events == []


def test_deleted_message_leaves_a_place_without_text(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    file = chat.upload("101")
    message = chat.say(direct, "101", "secret", attachments=[file.id])
    gone = chat.do(delete, message.id, actor="101")
    assert (gone.text, gone.attachments, gone.deleted_at) == ("", (), chat.now)
    assert chat.read(timeline, direct, actor="102").messages == (gone,)
    assert chat.do(delete, message.id, actor="101") == gone
    with pytest.raises(NotAllowed, match="was deleted"):
        chat.do(edit, message.id, "back", actor="101")


def test_owner_of_a_group_deletes_what_others_wrote_and_that_is_audited(chat: Chat) -> None:
    group = chat.group("101", "102", "103")
    message = chat.say(group, "102")
    with pytest.raises(NotAllowed, match="only the author or an owner"):
        chat.do(delete, message.id, actor="103")
    with pytest.raises(NotAllowed, match="only the author may edit"):
        chat.do(edit, message.id, "not mine", actor="101")
    assert chat.do(delete, message.id, actor="101").deleted_at is not None


def test_what_the_group_was_told_cannot_be_edited_or_deleted(chat: Chat) -> None:
    group = chat.group("101", "102")
    (told,) = chat.read(timeline, group, actor="101").messages
    for action, more in ((edit, ("x",)), (delete, ())):
        with pytest.raises(NotAllowed):
            chat.do(action, told.id, *more, actor="101")


def test_unread_counts_what_others_wrote_and_did_not_delete(chat: Chat) -> None:
    group = chat.group("101", "102")
    first = chat.say(group, "101")
    chat.say(group, "101")
    assert chat.read(conversation_of, group, actor="102").unread == 2
    assert chat.read(conversation_of, group, actor="101").unread == 0
    chat.do(delete, first.id, actor="101")
    assert chat.read(conversation_of, group, actor="102").unread == 1
    chat.say(group, "102")  # who answers has read
    assert chat.read(conversation_of, group, actor="102").unread == 0


def test_several_actions_are_one_transaction_and_a_refused_one_hurts_no_other(chat: Chat) -> None:
    direct, group = chat.direct("101", "102"), chat.group("103")
    chat.events.clear()
    actions = [
        partial(send, conversation=place, actor="101", client_id=f"batched-{number}", text=str(number))
        for number, place in enumerate([direct, group, direct])
    ]
    (first, refused, last), events = commit_together(chat.store, actions)
    assert isinstance(refused.error, NotFound)
    assert [event.message for event in chat.events] == [first.result, last.result]
    assert events == chat.events
    assert texts(chat, direct, "102") == ["0", "2"]


def test_action_that_breaks_is_undone_alone(chat: Chat) -> None:
    direct = chat.direct("101", "102")

    def broken(tx: Transaction) -> None:
        send(tx, direct, actor="102", client_id="half-done", text="half")
        raise LookupError("nobody foresaw this")

    whole = partial(send, conversation=direct, actor="101", client_id="whole-one", text="whole")
    done, events = commit_together(chat.store, [broken, whole])
    assert isinstance(done[0].error, LookupError)
    assert done[1].error is None
    assert texts(chat, direct, "101") == ["whole"]
    assert len(events) == 1


def test_who_joined_again_under_the_same_number_owns_what_they_wrote_since(chat: Chat) -> None:
    group = chat.group("101", "102")
    old = chat.say(group, "102", "of an earlier stay")
    chat.do(remove_member, group, "102", actor="101")
    chat.do(add_member, group, "102", actor="101")
    with pytest.raises(MessagingError):
        chat.do(edit, old.id, "changed", actor="102")
    new = chat.say(group, "102", "of now")
    assert chat.do(edit, new.id, "changed", actor="102").text == "changed"

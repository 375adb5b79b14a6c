"""A legal hold keeps what people edit and delete; they notice nothing, and it goes when the hold is lifted."""

from datetime import timedelta
from typing import Any

import pytest

from messaging.access import access_attachment, access_upload
from messaging.attachments import stored_by, to_unlink
from messaging.conversations import remove_member, settle_removed
from messaging.errors import NotFound
from messaging.export import held_conversations, held_files, held_messages
from messaging.holds import HeldCopyStore, count_held
from messaging.messages import delete, edit, timeline
from messaging.retention import MessageStore, UploadedFileStore
from messaging.search import find
from messaging.views import Message
from pbx.directory.users import remove_user
from pbx.retention.service import lift_hold, set_hold, set_policy, sweep
from tests.unit.messaging.conftest import PNG, Chat

MONTH = timedelta(days=31)


def hold(chat: Chat, number: str = "102") -> None:
    chat.do(set_hold, number, "case 7/2026", actor="101")


def kept(chat: Chat, number: str = "102") -> list[tuple[int, str, str, str]]:
    """What messages said before: id, text, how it changed, by whom."""
    return [
        (message["id"], copy["text"], copy["changed"], copy["changed_by"])
        for message in held_messages(chat.store, number)
        for copy in message["before"]
    ]


def said(chat: Chat, conversation: int, actor: str) -> list[tuple[str, bool]]:
    messages = chat.read(timeline, conversation, actor=actor).messages
    return [(message.text, message.deleted_at is not None) for message in messages if message.kind == "text"]


def test_deleted_message_is_gone_for_people_and_kept_for_the_hold(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    message = chat.say(direct, "102", "burn the papers")
    hold(chat)
    chat.do(delete, message.id, actor="102")
    assert said(chat, direct, "101") == said(chat, direct, "102") == [("", True)]
    assert chat.read(find, "burn", actor="102").messages == ()
    assert kept(chat) == [(message.id, "burn the papers", "deleted", "102")]


def test_every_version_of_an_edited_message_is_kept(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    message = chat.say(direct, "102", "first")
    hold(chat)
    chat.do(edit, message.id, "second", actor="102")
    chat.now += timedelta(minutes=5)
    chat.do(edit, message.id, "third", actor="102")
    chat.do(delete, message.id, actor="102")
    assert [(text, how) for _, text, how, _ in kept(chat)] == [
        ("first", "edited"),
        ("second", "edited"),
        ("third", "deleted"),
    ]
    (only,) = held_messages(chat.store, "102")
    assert [copy["written_at"] for copy in only["before"]] == [
        "2026-12-01T12:00:00.000Z",
        "2026-12-01T12:00:00.000Z",
        "2026-12-01T12:05:00.000Z",
    ]


def test_answer_to_who_deletes_is_the_same_with_a_hold_and_without(chat: Chat) -> None:
    """What the browser is told must not give the hold away."""

    def answer(author: str) -> tuple[Any, ...]:
        direct = chat.direct(author, "105")
        message = chat.say(direct, author, "x", attachments=[chat.upload(author).id])
        gone: Message = chat.do(delete, message.id, actor=author)
        return gone.text, gone.attachments, gone.deleted_at, gone.edited_at

    hold(chat)
    assert answer("102") == answer("103")


def test_owner_of_a_group_deletes_what_somebody_under_a_hold_wrote(chat: Chat) -> None:
    group = chat.group("101", "102", "103")
    message = chat.say(group, "102", "words")
    hold(chat)
    chat.do(delete, message.id, actor="101")
    assert kept(chat) == [(message.id, "words", "deleted", "101")]


def test_what_others_say_to_somebody_under_a_hold_is_kept_even_after_they_left(chat: Chat) -> None:
    group = chat.group("101", "102", "103")
    message = chat.say(group, "103", "to all")
    chat.do(remove_member, group, "102", actor="102")
    hold(chat)
    chat.do(delete, message.id, actor="103")
    assert kept(chat) == [(message.id, "to all", "deleted", "103")]


def test_others_are_not_kept(chat: Chat) -> None:
    hold(chat)
    message = chat.say(chat.direct("101", "103"), "101", "private")
    chat.do(delete, message.id, actor="101")
    assert chat.read(count_held, "102") == (0, 0)


def test_files_of_a_deleted_message_stay_for_the_hold_and_nobody_else(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    file = chat.upload("102", "plan.png", PNG)
    message = chat.say(direct, "102", "look", attachments=[file.id])
    hold(chat)
    chat.do(delete, message.id, actor="102")
    for person in ("101", "102"):
        with pytest.raises(NotFound):
            chat.read(access_attachment, file.id, actor=person)
    with pytest.raises(NotFound):
        chat.read(access_upload, file.id, actor="102", now=chat.now)
    assert chat.read(stored_by, "102") == 0
    chat.now += MONTH
    assert chat.read(to_unlink, chat.now, 10) == []
    assert chat.files.path(file.id).read_bytes() == PNG
    (found,) = held_files(chat.store, "102")
    assert (found.id, found.path) == (file.id, f"files/{file.id}/plan.png")
    (only,) = held_messages(chat.store, "102")
    assert only["before"][0]["attachments"][0]["path"] == found.path


def test_hold_outlives_the_user_with_all_their_conversations(chat: Chat) -> None:
    direct = chat.direct("102", "103")
    message = chat.say(direct, "103", "to the one who left")
    hold(chat)
    chat.do(remove_user, "102", actor="101")
    chat.do(settle_removed)
    chat.do(delete, message.id, actor="103")
    assert kept(chat) == [(message.id, "to the one who left", "deleted", "103")]
    chat.now += MONTH
    chat.do(set_policy, {"messages": 30}, actor="101")
    assert sweep(chat.store, [MessageStore(), HeldCopyStore()]) == {
        "messages": 0,
        "copies of changed messages": 0,
    }
    (conversation,) = chat.read(held_conversations, "102")
    assert [(one["number"], one["is_in"]) for one in conversation["members"]] == [("102", False), ("103", True)]


def test_copies_go_with_the_hold_unless_another_one_concerns_them(chat: Chat) -> None:
    direct = chat.direct("102", "103")
    file = chat.upload("102")
    message = chat.say(direct, "102", "words", attachments=[file.id])
    hold(chat)
    hold(chat, "103")
    chat.do(delete, message.id, actor="102")
    store = HeldCopyStore()
    chat.do(lift_hold, "102", actor="101")
    assert sweep(chat.store, [store]) == {store.name: 0}
    assert chat.files.path(file.id).exists()
    chat.do(lift_hold, "103", actor="101")
    assert sweep(chat.store, [store]) == {store.name: 1}
    assert chat.files.path(file.id).exists()  # the disk is for after the commit
    with pytest.raises(NotFound):
        chat.read(access_attachment, file.id, actor="102")
    assert chat.remove_files() == 1
    assert not chat.files.path(file.id).exists()
    assert chat.read(count_held, "103") == (1, 0)


def test_octets_that_retention_had_still_to_remove_go_though_the_message_is_deleted_under_a_hold(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    file = chat.upload("102", "plan.png", PNG)
    message = chat.say(direct, "102", "look", attachments=[file.id])
    chat.now += MONTH
    chat.do(set_policy, {"files": 30}, actor="101")
    sweep(chat.store, [UploadedFileStore()])  # and then the worker is killed
    hold(chat)
    chat.do(delete, message.id, actor="102")
    assert chat.remove_files() == 1
    assert not chat.files.path(file.id).exists()


def test_file_that_retention_had_removed_is_not_promised(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    file = chat.upload("102", "plan.png", PNG)
    message = chat.say(direct, "102", "look", attachments=[file.id])
    chat.do(
        lambda tx: tx.session.connection().exec_driver_sql("UPDATE attachments SET removed_at = '2026-12-01 00:00:00'")
    )
    hold(chat)
    chat.do(delete, message.id, actor="102")
    assert list(held_files(chat.store, "102")) == []
    assert kept(chat) == [(message.id, "look", "deleted", "102")]

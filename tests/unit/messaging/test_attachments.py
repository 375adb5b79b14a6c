"""Uploads from their beginning to their end, in a message or in the bin."""

from datetime import timedelta

import pytest

from messaging.attachments import (
    MOST_UNUSED,
    announce_thumbnails,
    begin_upload,
    cancel_upload,
    finish_upload,
    has_news_of_thumbnails,
    note_thumbnail,
    note_unlinked,
    stored_by,
    to_unlink,
    try_thumbnail,
    waiting_for_thumbnails,
)
from messaging.errors import NotFound, TooMuch
from messaging.events import MessageChanged
from messaging.messages import delete, show_thumbnails, timeline
from pbx.directory.secrets import SecretBox
from pbx.directory.users import add_user, remove_user
from tests.unit.messaging.conftest import LIMITS, PNG, Chat

DAY = timedelta(days=1)


def begin(chat: Chat, size: int, owner: str = "101") -> str:
    return str(chat.do(begin_upload, "plan.txt", size, actor=owner, limits=LIMITS))


def test_file_is_part_of_its_message(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    files = [chat.upload("101", name) for name in ("b.txt", "a.txt")]
    message = chat.say(direct, "101", "", attachments=[one.id for one in files])
    (read,) = chat.read(timeline, direct, actor="102").messages
    assert read == message
    assert [(one.name, one.type, one.size) for one in read.attachments] == [
        ("b.txt", "text/plain", 11),
        ("a.txt", "text/plain", 11),
    ]


def test_limits_hold_for_one_file_and_for_one_person(chat: Chat) -> None:
    with pytest.raises(TooMuch, match="a file has at most 1 MiB"):
        begin(chat, LIMITS.largest + 1)
    for _ in range(3):
        begin(chat, LIMITS.largest)
    with pytest.raises(TooMuch, match="take 3 of 3 MiB"):
        begin(chat, 1)
    begin(chat, LIMITS.largest, owner="102")  # who has a share of their own
    assert chat.read(stored_by, "101") == 3 * LIMITS.largest


def test_whoever_gets_a_number_has_a_share_of_the_disk_of_their_own(chat: Chat, box: SecretBox) -> None:
    direct = chat.direct("101", "102")
    for _ in range(3):
        chat.say(direct, "101", attachments=[chat.upload("101", content=bytes(LIMITS.largest)).id])
    chat.do(remove_user, "101", actor="cli:test")
    chat.now += DAY
    chat.do(add_user, "101", name="Another", box=box, actor="cli:test")
    begin(chat, LIMITS.largest)
    assert chat.read(stored_by, "101") == LIMITS.largest


def test_uploads_that_nobody_sends_are_not_without_number(chat: Chat) -> None:
    for _ in range(MOST_UNUSED):
        begin(chat, 0)
    with pytest.raises(TooMuch, match="100 of your files wait to be sent"):
        begin(chat, 0)
    chat.now += DAY
    begin(chat, 0)


def test_upload_is_its_owners_alone(chat: Chat) -> None:
    upload = begin(chat, 10)
    for action, arguments in ((finish_upload, (b"",)), (cancel_upload, ())):
        with pytest.raises(NotFound):
            chat.do(action, upload, *arguments, actor="102")


def test_unfinished_upload_cannot_be_sent(chat: Chat) -> None:
    direct, upload = chat.direct("101", "102"), begin(chat, 10)
    with pytest.raises(NotFound, match="not uploaded"):
        chat.say(direct, "101", attachments=[upload])


def test_what_is_not_finished_or_sent_in_time_expires(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    unfinished, unsent, sent = begin(chat, 10), chat.upload("101").id, chat.upload("101").id
    chat.say(direct, "101", attachments=[sent])
    assert chat.read(to_unlink, chat.now, 10) == []
    chat.now += DAY
    assert set(chat.read(to_unlink, chat.now, 10)) == {unfinished, unsent}
    for refused in (unfinished, unsent):
        with pytest.raises(NotFound):
            chat.say(direct, "101", attachments=[refused])
        with pytest.raises(NotFound):
            chat.do(finish_upload, refused, b"", actor="101")
    chat.do(note_unlinked, [unfinished, unsent, sent])
    assert chat.read(stored_by, "101") == 11  # that of the message stays


def test_given_up_upload_and_files_of_a_deleted_message_expire_at_once(chat: Chat) -> None:
    direct, upload, file = chat.direct("101", "102"), begin(chat, 10), chat.upload("101").id
    message = chat.say(direct, "101", attachments=[file])
    chat.do(cancel_upload, upload, actor="101")
    chat.do(delete, message.id, actor="101")
    assert set(chat.read(to_unlink, chat.now, 10)) == {upload, file}


def test_thumbnail_is_told_to_all_who_have_the_message(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    picture = chat.upload("101", "photo.png", PNG)
    assert (picture.type, picture.has_thumbnail) == ("image/png", False)
    message = chat.say(direct, "101", attachments=[picture.id])
    assert chat.read(waiting_for_thumbnails, 10) == [picture.id]
    chat.do(try_thumbnail, picture.id)
    assert chat.read(waiting_for_thumbnails, 10) == []  # if it killed the worker, nobody tries again
    chat.do(note_thumbnail, picture.id, (800, 600))
    assert chat.read(has_news_of_thumbnails)
    chat.events.clear()
    assert chat.do(show_thumbnails) == 1
    (event,) = chat.events
    assert isinstance(event, MessageChanged)
    (shown,) = event.message.attachments
    assert (event.message.id, shown.has_thumbnail, shown.width, shown.height) == (message.id, True, 800, 600)
    assert not chat.read(has_news_of_thumbnails)
    assert chat.read(timeline, direct, actor="102").messages == (event.message,)


def test_thumbnail_of_a_picture_that_is_not_sent_yet_is_told_to_nobody(chat: Chat) -> None:
    picture = chat.upload("101", "photo.png", PNG)
    chat.do(try_thumbnail, picture.id)
    chat.do(note_thumbnail, picture.id, (800, 600))
    assert chat.do(announce_thumbnails) == []
    direct = chat.direct("101", "102")
    assert chat.say(direct, "101", attachments=[picture.id]).attachments[0].has_thumbnail

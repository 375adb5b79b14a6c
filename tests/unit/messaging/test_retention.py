"""What retention removes of chat and calls, and what a hold keeps."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import insert

from messaging.access import access_attachment
from messaging.conversations import remove_member
from messaging.errors import NotFound
from messaging.messages import timeline
from messaging.retention import MessageStore, UploadedFileStore
from messaging.search import find
from messaging.sync import changes, conversation_of
from messaging.views import Message
from pbx.calls.expiry import MEDIA, RECORDS, CallRecordStore
from pbx.retention.policy import ExpiringStore, Policy
from pbx.retention.service import preview, set_hold, set_policy, sweep
from pbx.routing.outcome import Outcome
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Transaction
from tests.unit.messaging.conftest import PNG, Chat

MONTH = timedelta(days=31)


@pytest.fixture
def stores() -> Sequence[ExpiringStore]:
    return (MessageStore(), UploadedFileStore(), CallRecordStore())


def texts(chat: Chat, conversation: int, actor: str) -> list[str]:
    page = chat.read(timeline, conversation, actor=actor)
    return [message.text for message in page.messages if message.kind == "text"]


def rule(chat: Chat, **days: int) -> None:
    chat.do(set_policy, days, actor="101")


def counted(chat: Chat, stores: Sequence[ExpiringStore], **days: int) -> dict[str, int]:
    return dict(chat.read(preview, stores, Policy(dict(days)), chat.now))


def with_file(chat: Chat, conversation: int, author: str) -> Message:
    file = chat.upload(author, "photo.png", PNG)
    return chat.say(conversation, author, "old", attachments=[file.id])


def test_old_messages_go_with_their_files_and_words(chat: Chat, stores: Sequence[ExpiringStore]) -> None:
    direct = chat.direct("101", "102")
    old = with_file(chat, direct, "101")
    chat.now += MONTH
    chat.say(direct, "101", "new")
    assert counted(chat, stores, messages=30) == {"messages": 1, "files": 0, "calls": 0}
    rule(chat, messages=30)
    assert sweep(chat.store, stores)["messages"] == 1
    assert texts(chat, direct, "102") == ["new"]
    assert chat.remove_files() == 1
    assert not chat.files.path(old.attachments[0].id).exists()
    assert chat.remove_files() == 0
    assert chat.read(find, "old", actor="101").messages == ()
    assert sweep(chat.store, stores)["messages"] == 0


def test_client_with_a_copy_is_told_to_read_anew(chat: Chat, stores: Sequence[ExpiringStore]) -> None:
    direct = chat.direct("101", "102")
    chat.say(direct, "101", "old")
    before = chat.read(changes, 0, actor="102").seq
    assert not chat.read(changes, before, actor="102").reset
    chat.now += MONTH
    rule(chat, messages=30)
    sweep(chat.store, stores)
    after = chat.read(changes, before, actor="102")
    assert after.reset
    assert not chat.read(changes, after.seq, actor="102").reset
    emptied = chat.read(conversation_of, direct, actor="102")
    assert (emptied.last, emptied.unread) == (None, 0)


def test_old_files_go_and_the_message_says_what_it_had(chat: Chat, stores: Sequence[ExpiringStore]) -> None:
    direct = chat.direct("101", "102")
    old = with_file(chat, direct, "101")
    chat.now += MONTH
    rule(chat, files=30)
    assert counted(chat, stores, files=30)["files"] == 1
    assert sweep(chat.store, stores)["files"] == 1
    assert counted(chat, stores, files=30)["files"] == 0
    ((file,),) = [message.attachments for message in chat.read(timeline, direct, actor="102").messages]
    assert (file.name, file.removed, file.has_thumbnail) == ("photo.png", True, False)
    assert chat.remove_files() == 1
    assert chat.remove_files() == 0
    assert len(chat.read(timeline, direct, actor="102").messages[0].attachments) == 1
    assert not chat.files.path(old.attachments[0].id).exists()


@pytest.mark.parametrize("rules", [{"messages": 30}, {"files": 30}])
def test_sweep_that_is_undone_has_lost_no_file(
    chat: Chat, stores: Sequence[ExpiringStore], rules: dict[str, int]
) -> None:
    direct = chat.direct("101", "102")
    old = with_file(chat, direct, "101")
    chat.now += MONTH
    rule(chat, **rules)

    removed: list[int] = []

    def retire_and_fail(tx: Transaction) -> None:
        for one in stores:
            if keys := one.expired(tx.session, Policy(dict(rules)), tx.now, 100):
                removed.append(one.retire(tx, keys))
        raise DatabaseRefused("the disk of the database is full")

    with pytest.raises(DatabaseRefused):
        chat.do(retire_and_fail)
    assert removed == [1]
    assert chat.remove_files() == 0
    assert chat.files.path(old.attachments[0].id).read_bytes() == PNG
    assert chat.read(access_attachment, old.attachments[0].id, actor="102").removed_at is None


def test_nobody_reads_a_file_that_has_still_to_go_from_disk(chat: Chat, stores: Sequence[ExpiringStore]) -> None:
    direct = chat.direct("101", "102")
    old = with_file(chat, direct, "101")
    chat.now += MONTH
    rule(chat, messages=30)
    sweep(chat.store, stores)
    with pytest.raises(NotFound):
        chat.read(access_attachment, old.attachments[0].id, actor="102")
    assert chat.read(access_attachment, old.attachments[0].id, actor="101").removed_at is not None


def test_hold_keeps_conversations_of_a_person_even_of_those_they_left(
    chat: Chat, stores: Sequence[ExpiringStore]
) -> None:
    held, left, free = chat.direct("101", "102"), chat.group("101", "102", "103"), chat.direct("101", "103")
    for conversation in (held, left, free):
        with_file(chat, conversation, "101")
    chat.do(remove_member, left, "102", actor="102")
    chat.do(set_hold, "102", "case 7/2026", actor="101")
    chat.now += MONTH
    rule(chat, messages=30, files=30)
    assert sweep(chat.store, stores) == {"messages": 1, "files": 0, "calls": 0}
    assert [texts(chat, one, "101") for one in (held, left, free)] == [["old"], ["old"], []]


def test_old_call_records_go_but_for_those_under_a_hold(chat: Chat, stores: Sequence[ExpiringStore]) -> None:
    def record(name: str, caller: str, dialled: str, answered_by: str | None) -> dict[str, object]:
        at = chat.now.timestamp()
        times = {"started_at": at, "answered_at": None, "ended_at": at + 1}
        said = {"caller_name": "", "outcome": Outcome.BUSY, "cause": "", "plan": "{}", "events": "[]"}
        return {"id": name, "caller": caller, "dialled": dialled, "answered_by": answered_by, **times, **said}

    rows = [
        record("free", "101", "103", None),
        record("made", "102", "103", None),
        record("got", "101", "102", None),
        record("forwarded", "101", "103", "102"),
    ]
    media = [{"call_id": row["id"], "statistics": "{}"} for row in rows]
    chat.do(lambda tx: tx.session.execute(insert(RECORDS), rows))
    chat.do(lambda tx: tx.session.execute(insert(MEDIA), media))
    chat.do(set_hold, "102", "case 7/2026", actor="101")
    chat.now += MONTH
    rule(chat, calls=30)
    assert counted(chat, stores, calls=30)["calls"] == 1
    assert sweep(chat.store, stores)["calls"] == 1
    left = chat.look(lambda session: [row.id for row in session.execute(RECORDS.select().order_by(RECORDS.c.id))])
    assert left == ["forwarded", "got", "made"]
    measured = chat.look(lambda session: list(session.scalars(MEDIA.select().order_by(MEDIA.c.call_id))))
    assert measured == left

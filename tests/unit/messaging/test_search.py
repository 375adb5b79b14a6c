"""What is found, on both databases and where SQLite was built without FTS5."""

import pytest
from sqlalchemy import text

from messaging.errors import BadValue
from messaging.messages import delete, edit
from messaging.search import find, words_of
from tests.unit.messaging.conftest import Chat

FOUND = [
    ("Quarterly report attached", "REPORT"),
    ("Совещание перенесли на ёлку", "совещ ЕЛК"),
    ("Йод и ёж", "йод"),
    ("Straße nach Hause", "strasse"),
    ("file_name-v2.tar.gz", "name v2 gz"),
    ("call +7 (495) 123-45-67", "495 123"),
    ("ﬁle", "file"),
    ("say 'quote\" AND (this) OR NOT that*", "'quote\" (this)"),
    ("NEAR the end", "near"),
    ("plan b is better", "b"),
]


def found(chat: Chat, asked: str, actor: str = "102", **options: object) -> list[str]:
    return [message.text for message in chat.read(find, asked, actor=actor, **options).messages]


@pytest.mark.parametrize(("said", "asked"), FOUND)
def test_words_are_found_by_their_beginning_whatever_their_case(chat: Chat, said: str, asked: str) -> None:
    direct = chat.direct("101", "102")
    chat.say(direct, "101", "nothing to do with it")
    chat.say(direct, "101", said)
    assert found(chat, asked) == [said]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sqlite_without_fts5_finds_the_same(chat: Chat) -> None:
    with chat.store.transaction() as tx:
        tx.session.execute(text("DROP TABLE message_search"))
        tx.session.execute(text("CREATE TABLE message_search (words TEXT NOT NULL)"))
    direct = chat.direct("101", "102")
    message = chat.say(direct, "101", "nothing to do with it")
    for said, asked in FOUND:
        message = chat.do(edit, message.id, said, actor="101")
        assert found(chat, asked) == [said], asked
        assert found(chat, "eport") == found(chat, "report missing") == []
    chat.do(delete, message.id, actor="101")
    assert found(chat, FOUND[-1][1]) == []


@pytest.mark.parametrize("asked", ["eport", "report missing", "отчет", "r"])
def test_other_words_find_nothing(chat: Chat, asked: str) -> None:
    chat.say(chat.direct("101", "102"), "101", "report")
    assert found(chat, asked) == []


@pytest.mark.parametrize("asked", ["", "  ", "'\"%_*&|!():", "x" * 201])
def test_question_without_words_is_refused(chat: Chat, asked: str) -> None:
    with pytest.raises(BadValue):
        chat.read(find, asked, actor="101")


def test_nobody_finds_what_others_said_among_themselves(chat: Chat) -> None:
    chat.say(chat.direct("101", "103"), "101", "secret plan")
    assert found(chat, "secret", actor="102") == []
    assert found(chat, "secret", actor="103") == ["secret plan"]


def test_edited_and_deleted_text_is_found_no_more(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    edited, deleted = chat.say(direct, "101", "alpha one"), chat.say(direct, "101", "alpha two")
    chat.do(edit, edited.id, "beta", actor="101")
    chat.do(delete, deleted.id, actor="101")
    assert found(chat, "alpha") == []
    assert found(chat, "beta") == ["beta"]


def test_message_is_found_by_the_name_of_its_file(chat: Chat) -> None:
    file = chat.upload("101", "Смета 2026.xlsx")
    chat.say(chat.direct("101", "102"), "101", "see this", attachments=[file.id])
    assert found(chat, "смета") == ["see this"]


def test_newest_come_first_page_by_page_and_in_one_conversation(chat: Chat) -> None:
    direct, group = chat.direct("101", "102"), chat.group("101", "102")
    for number in range(3):
        chat.say(direct, "101", f"word {number}")
    chat.say(group, "101", "word in the group")
    page = chat.read(find, "word", actor="102", limit=2)
    assert [one.text for one in page.messages] == ["word in the group", "word 2"]
    assert page.more
    rest = chat.read(find, "word", actor="102", limit=2, before=page.messages[-1].id)
    assert ([one.text for one in rest.messages], rest.more) == (["word 1", "word 0"], False)
    assert found(chat, "word", conversation=group) == ["word in the group"]


def test_words_are_told_apart_without_punctuation() -> None:
    assert words_of("Ёлка, ёлка! x_y 10.5 Ⅷ") == ["елка", "x", "y", "10", "5", "viii"]
    assert len(words_of("q" * 500)[0]) == 64

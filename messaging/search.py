"""Search: an index of words beside the messages, and the question.

Words are made here, in one way for both databases: compatibility forms resolved, case folded, ё as е.
So Cyrillic is found whatever the locale of the database, and the database only looks up equal words or
beginnings of them. SQLite keeps the index in FTS5, or in a plain table where it was built without;
PostgreSQL in a tsvector. The migration decides which, by what the database can do.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, TextClause, bindparam, column, select, text
from sqlalchemy.orm import Session

from messaging.errors import BadValue
from messaging.models import MEMBERS, MESSAGES
from messaging.sequence import Database
from messaging.views import Message, as_messages

MAX_QUERY = 200  # characters
MAX_QUERY_WORDS = 10
MAX_WORD = 64  # characters of a word that are looked at
PAGE = 30
MOST = 100

_WORD = re.compile(r"[^\W_]+")


class _Index(Enum):
    """What the index is made of; the value is how to put words in."""

    FTS5 = "INSERT INTO message_search (rowid, words) VALUES (:id, :words)"
    PLAIN = "INSERT INTO message_search (rowid, words) VALUES (:id, ' ' || :words || ' ')"
    TSVECTOR = (
        "INSERT INTO message_search (message_id, words) VALUES (:id, array_to_tsvector(string_to_array(:words, ' ')))"
    )


# How to find: `match` is made by _match.
_FOUND = {
    _Index.FTS5: "SELECT rowid AS id FROM message_search WHERE message_search MATCH :match",
    _Index.PLAIN: "SELECT rowid AS id FROM message_search WHERE {likes}",
    _Index.TSVECTOR: "SELECT message_id AS id FROM message_search WHERE words @@ CAST(:match AS tsquery)",
}
_INSERT = {index: text(index.value) for index in _Index}
_DELETE = {
    _Index.FTS5: text("DELETE FROM message_search WHERE rowid IN :ids").bindparams(bindparam("ids", expanding=True)),
    _Index.TSVECTOR: text("DELETE FROM message_search WHERE message_id IN :ids").bindparams(
        bindparam("ids", expanding=True)
    ),
}
_DELETE[_Index.PLAIN] = _DELETE[_Index.FTS5]

_known: WeakKeyDictionary[Any, _Index] = WeakKeyDictionary()


def words_of(said: str) -> list[str]:
    """The words of a text as they are indexed and looked for, each once."""
    folded = unicodedata.normalize("NFKC", said).casefold().replace("ё", "е")
    return list(dict.fromkeys(word[:MAX_WORD] for word in _WORD.findall(folded)))


def index_words(database: Database, message: int, said: str) -> None:
    """Makes a message findable by what is said in it."""
    if words := words_of(said):
        database.execute(_INSERT[_index(database)], {"id": message, "words": " ".join(words)})


def forget_words(database: Database, messages: Collection[int]) -> None:
    """Makes messages unfindable."""
    if messages:
        database.execute(_DELETE[_index(database)], {"ids": list(messages)})


@dataclass(frozen=True, slots=True)
class Found:
    """Messages, newest first, and whether there are older ones."""

    messages: tuple[Message, ...]
    more: bool


def find(
    session: Session,
    asked: str,
    *,
    actor: str,
    conversation: int | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> Found:
    """Messages of the actor's conversations with words that begin as all those asked for.

    A single letter is a word of its own: what begins with it is half of everything. Raises BadValue.
    """
    if len(asked) > MAX_QUERY:
        raise BadValue(f"a search has at most {MAX_QUERY} characters")
    words = words_of(asked)[:MAX_QUERY_WORDS]
    if not words:
        raise BadValue("a search needs a word")
    limit = min(max(limit, 1), MOST)
    statement, parameters = _found(_index(session), words)
    found = statement.columns(column("id", BigInteger)).subquery()
    mine = select(MEMBERS.c.conversation_id).where(MEMBERS.c.number == actor, MEMBERS.c.left_seq.is_(None))
    query = (
        select(MESSAGES)
        .join(found, found.c.id == MESSAGES.c.id)
        .where(MESSAGES.c.conversation_id.in_(mine), MESSAGES.c.deleted_at.is_(None))
        .order_by(found.c.id.desc())  # the index gives them so, and need not go on beyond the limit
        .limit(limit + 1)
    )
    if conversation is not None:
        query = query.where(MESSAGES.c.conversation_id == conversation)
    if before is not None:
        query = query.where(found.c.id < before)
    rows = session.execute(query, parameters).all()
    return Found(tuple(as_messages(session, rows[:limit])), more=len(rows) > limit)


def _found(index: _Index, words: list[str]) -> tuple[TextClause, dict[str, str]]:
    """The ids of messages with words that begin so. Words are letters and digits alone, so none is an operator."""
    if index is _Index.PLAIN:
        likes = " AND ".join(f"words LIKE :like{place}" for place in range(len(words)))
        patterns = [f"% {word}%" if len(word) > 1 else f"% {word} %" for word in words]
        return text(_FOUND[index].format(likes=likes)), {
            f"like{place}": pattern for place, pattern in enumerate(patterns)
        }
    if index is _Index.FTS5:
        match = " AND ".join(f'"{word}"*' if len(word) > 1 else f'"{word}"' for word in words)
    else:
        match = " & ".join(f"'{word}':*" if len(word) > 1 else f"'{word}'" for word in words)
    return text(_FOUND[index]), {"match": match}


def _index(database: Database) -> _Index:
    bind = database.get_bind() if isinstance(database, Session) else database.engine
    index = _known.get(bind)
    if index is None:
        index = _known[bind] = _look(database, bind.dialect.name)
    return index


def _look(database: Database, dialect: str) -> _Index:
    if dialect != "sqlite":
        return _Index.TSVECTOR
    made = database.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'message_search'"))
    return _Index.FTS5 if "fts5" in str(made).lower() else _Index.PLAIN

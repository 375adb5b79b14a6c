"""Changes of chat are made one after the other, and together where many come at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from sqlalchemy import event

from messaging.conversations import open_direct
from messaging.errors import NotFound
from messaging.messages import send
from pbx.directory.secrets import SecretBox
from pbx.directory.users import add_user
from pbx.storage.engine import open_database
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Store
from web.live.chat_writer import ChatWriter
from web.threads import GeventThreads

MANY = 60


@pytest.fixture
def store(tmp_path: Path, sqlite_template: Path, box: SecretBox) -> Iterator[Store]:
    path = tmp_path / "gorizont.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store(open_database(f"sqlite:///{path}", patience=0.05))
    with store.transaction() as tx:
        for number in ("101", "102"):
            add_user(tx, number, box=box, actor="cli:test")
    yield store
    store.close()


@pytest.fixture
def writer(store: Store) -> Iterator[ChatWriter]:
    threads = GeventThreads()
    yield ChatWriter(store, threads)
    threads.close()


def test_what_comes_together_is_written_together_and_told_in_order(store: Store, writer: ChatWriter) -> None:
    conversation = writer.act(lambda tx: open_direct(tx, "102", actor="101"))
    commits: list[object] = []
    event.listen(store.engine, "commit", commits.append)
    told: list[Any] = []
    store.listen(told.append)

    def say(number: int) -> Any:
        client_id = f"client-{number:03}"
        return writer.act(lambda tx: send(tx, conversation, actor="101", client_id=client_id, text=str(number)))

    greenlets = [gevent.spawn(say, number) for number in range(MANY)]
    gevent.joinall(greenlets, timeout=30, raise_error=True)
    assert [greenlet.value.text for greenlet in greenlets] == [str(number) for number in range(MANY)]
    assert [one.seq for one in told] == sorted(one.seq for one in told)
    assert len(told) == MANY
    assert len(commits) < MANY / 2


def test_refusal_is_for_the_one_who_asked(writer: ChatWriter) -> None:
    conversation = writer.act(lambda tx: open_direct(tx, "102", actor="101"))

    def say(actor: str) -> Any:
        return writer.act(lambda tx: send(tx, conversation, actor=actor, client_id="client-id", text="x"))

    good, bad = gevent.spawn(say, "101"), gevent.spawn(say, "999")
    gevent.joinall([good, bad], timeout=30)
    assert good.value.text == "x"
    assert isinstance(bad.exception, NotFound)


def test_locked_database_refuses_everybody_and_serves_them_afterwards(store: Store, writer: ChatWriter) -> None:
    with store.engine.begin():
        refused = [gevent.spawn(writer.act, lambda tx: open_direct(tx, "102", actor="101")) for _ in range(3)]
        gevent.joinall(refused, timeout=30)
    assert all(isinstance(greenlet.exception, DatabaseRefused) for greenlet in refused)
    assert writer.act(lambda tx: open_direct(tx, "102", actor="101")) > 0

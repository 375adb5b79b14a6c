"""The world of these tests: an office of a few people, and what they do in chat."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from messaging.attachments import Limits, begin_upload, finish_upload, note_unlinked, to_unlink
from messaging.conversations import create_group, open_direct
from messaging.files import FileStore
from messaging.messages import send
from messaging.views import Attachment, Message
from pbx.directory.secrets import SecretBox
from pbx.directory.users import add_user
from pbx.storage.engine import open_database
from pbx.storage.unit import Store

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
PEOPLE = tuple(str(number) for number in range(101, 108))
LIMITS = Limits(largest=1 << 20, quota=3 << 20, unfinished=timedelta(hours=24))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(56)


@dataclass
class Chat:
    """Actions by name, each in a transaction of its own; `events` is what they told."""

    store: Store
    files: FileStore
    now: datetime = NOW
    events: list[Any] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: count(1))

    def do(self, action: Callable[..., Any], *arguments: object, **options: object) -> Any:
        with self.store.transaction() as tx:
            return action(tx, *arguments, **options)

    def read(self, query: Callable[..., Any], *arguments: object, **options: object) -> Any:
        with self.store.reading() as session:
            return query(session, *arguments, **options)

    def look(self, query: Callable[[Session], Any]) -> Any:
        with self.store.reading() as session:
            return query(session)

    def direct(self, one: str, other: str) -> int:
        return int(self.do(open_direct, other, actor=one))

    def group(self, owner: str, *members: str, title: str = "Sales") -> int:
        return int(self.do(create_group, title, list(members), actor=owner))

    def say(self, conversation: int, author: str, text: str = "hello", **options: Any) -> Message:
        options.setdefault("client_id", f"client-{next(self._ids)}")
        message: Message = self.do(send, conversation, actor=author, text=text, **options)
        return message

    def upload(self, owner: str, name: str = "plan.txt", content: bytes = b"some octets") -> Attachment:
        """A file that is all there."""
        upload = self.do(begin_upload, name, len(content), actor=owner, limits=LIMITS)
        self.files.create(upload)
        self.files.append(upload, 0, [content], size=len(content))
        done: Attachment = self.do(finish_upload, upload, content[:64], actor=owner)
        return done

    def remove_files(self) -> int:
        """What the worker does after a sweep: how many files had to go from disk."""
        gone: list[str] = self.read(to_unlink, self.now, 100)
        for file in gone:
            self.files.remove(file)
        self.do(note_unlinked, gone)
        return len(gone)


@pytest.fixture
def chat(migrated_url: str, box: SecretBox, tmp_path: Path) -> Iterator[Chat]:
    store = Store(open_database(migrated_url), now=lambda: chat.now)
    chat = Chat(store, FileStore(tmp_path / "files"))
    with store.transaction() as tx:
        for number in PEOPLE:
            add_user(tx, number, name=f"Person {number}", box=box, actor="cli:test")
    store.listen(chat.events.append)
    yield chat
    store.close()

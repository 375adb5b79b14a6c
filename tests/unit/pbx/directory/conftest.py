"""The world of these tests: actions by name, and what they left behind."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from pbx.audit.models import AuditEntry
from pbx.directory.groups import set_group
from pbx.directory.secrets import SecretBox
from pbx.directory.snapshot import Directory
from pbx.directory.snapshot_loader import directory_version, load_directory
from pbx.directory.users import add_user
from pbx.storage.engine import open_database
from pbx.storage.unit import Store

ACTOR = "cli:test"
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@dataclass
class Office:
    """A directory that actions are done to, each in a transaction of its own."""

    store: Store
    box: SecretBox
    events: list[Any] = field(default_factory=list)

    def do(self, action: Callable[..., Any], *arguments: object, **options: object) -> Any:
        with self.store.transaction() as tx:
            return action(tx, *arguments, actor=ACTOR, **options)

    def add(self, number: str, name: str | None = None, **options: object) -> Any:
        return self.do(add_user, number, name=name, box=self.box, **options)

    def group(self, number: str, *members: str, **options: object) -> Any:
        return self.do(set_group, number, members, **options)

    @property
    def version(self) -> int:
        with self.store.reading() as session:
            return directory_version(session)

    @property
    def directory(self) -> Directory:
        with self.store.reading() as session:
            return load_directory(session, self.box)

    @property
    def audit(self) -> Sequence[AuditEntry]:
        with self.store.reading() as session:
            return session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()

    def count(self, table: str) -> Any:
        with self.store.reading() as session:
            return session.execute(text(f"SELECT count(*) FROM {table}")).scalar()


@pytest.fixture
def office(migrated_url: str, box: SecretBox) -> Iterator[Office]:
    store = Store(open_database(migrated_url), now=lambda: NOW)
    office = Office(store, box)
    store.listen(office.events.append)
    yield office
    store.close()

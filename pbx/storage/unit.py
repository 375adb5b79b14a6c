"""The unit of work: every action is one transaction, with its audit line, and events after the commit.

    with store.transaction() as tx:
        set_group(tx, "600", ["101", "102"], actor="cli:root")

Inside, nothing waits for anything but the database: passwords are hashed before, others are told after.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from pbx.audit.models import AuditEntry, Json
from pbx.storage.base import utc_now
from pbx.storage.engine import for_reading
from pbx.storage.errors import is_refusal, refused

logger = logging.getLogger(__name__)

Listener = Callable[[object], None]


@dataclass(frozen=True, slots=True)
class Transaction:
    """What an action works with. `now` is the one time at which all of it happens."""

    session: Session
    now: datetime
    events: list[object] = field(default_factory=list)

    def audit(self, actor: str, action: str, subject: str, *, before: Json = None, after: Json = None) -> None:
        """Notes who did what to whom, as part of the same transaction.

        Args:
            actor: "cli:root", or the number of a signed-in user.
            action: subject, object and verb in the past, "user.added".
            subject: whom it happened to, by number or name.
            before, after: what changed, as JSON values; never a secret, not even a hash of one.
        """
        self.session.add(
            AuditEntry(at=self.now, actor=actor, action=action, subject=subject, before=before, after=after)
        )

    def emit(self, event: object) -> None:
        """Tells the store's listeners of `event` once, and only if, the transaction is committed."""
        self.events.append(event)


class Store:
    """The database as actions and readers use it.

    Args:
        engine: from `pbx.storage.engine.open_database`.
        now: the clock, which gives aware times.
    """

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = utc_now) -> None:
        self.engine = engine
        self._reading = for_reading(engine)
        self._now = now
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Calls `listener` with every event from now on, in the thread of the action."""
        self._listeners.append(listener)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that is committed at the end of the block, or undone if it raises.

        Raises DatabaseRefused when the database is locked, full or gone: nothing has happened then.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            tx = Transaction(session, self._now())
            with _in_words(), session.begin():
                yield tx
        for event in tx.events:
            self._deliver(event)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database, and changes nothing. Raises DatabaseRefused."""
        with _in_words(), Session(self._reading, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()

    def _deliver(self, event: object) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                # The action is done and stays done: events are hints, the database is the truth.
                logger.exception("! a listener failed on %s", type(event).__name__)


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        if is_refusal(error):
            raise refused(error) from error
        raise

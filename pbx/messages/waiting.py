"""Messages that wait for somebody who is offline, in memory and in storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine, Table, select

from pbx.calls.models import DELETE_STORED_MESSAGE, UPSERT_STORED_MESSAGE, StoredMessageRow
from pbx.storage.statements import Statement


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """`received_at` in seconds of the Unix epoch."""

    id: str
    to_number: str
    from_number: str
    content_type: str
    body: bytes
    received_at: float


class Writer(Protocol):
    """`pbx.storage.writer.WriteBehind`, as far as it is needed here."""

    def put(self, statement: Statement, parameters: tuple[object, ...]) -> None: ...

    @property
    def healthy(self) -> bool: ...


class WaitingMessages:
    """At most `most` a receiver, each for `keep_seconds`."""

    def __init__(self, writer: Writer, now: Callable[[], float], *, keep_seconds: float, most: int) -> None:
        self._writer = writer
        self._now = now
        self._keep_seconds = keep_seconds
        self._most = most
        self._by_number: dict[str, list[WaitingMessage]] = {}

    @property
    def healthy(self) -> bool:
        """Whether what is kept now will be on disk soon."""
        return self._writer.healthy

    def load(self, engine: Engine) -> None:
        """Reads what waited before the start."""
        table = StoredMessageRow.__table__
        assert isinstance(table, Table)
        with engine.connect() as connection:
            rows = connection.execute(select(table).order_by(table.c.received_at)).all()
        for row in rows:
            message = WaitingMessage(
                row.id, row.to_number, row.from_number, row.content_type, row.body, row.received_at
            )
            if row.expires_at <= self._now():
                self.forget(message)
            else:
                self.put_back(message)

    def keep(self, message: WaitingMessage) -> bool:
        """Stores a message; False when too many wait for this receiver already."""
        if len(self._by_number.get(message.to_number, ())) >= self._most:
            return False
        self._writer.put(
            UPSERT_STORED_MESSAGE,
            (
                message.id,
                message.to_number,
                message.from_number,
                message.content_type,
                message.body,
                message.received_at,
                message.received_at + self._keep_seconds,
            ),
        )
        self.put_back(message)
        return True

    def put_back(self, message: WaitingMessage) -> None:
        """A message that is stored already waits again."""
        waiting = self._by_number.setdefault(message.to_number, [])
        waiting.append(message)
        waiting.sort(key=_received)

    def numbers(self) -> list[str]:
        """Those for whom something waits."""
        return list(self._by_number)

    def take(self, number: str) -> list[WaitingMessage]:
        """Everything that waits for a number, oldest first; each is then to be forgotten or put back."""
        return self._by_number.pop(number, [])

    def forget(self, message: WaitingMessage) -> None:
        """A message was delivered, or waited too long."""
        self._writer.put(DELETE_STORED_MESSAGE, (message.id,))

    def drop(self, number: str) -> None:
        """The user is gone: whoever gets the number next shall not read what was meant for another."""
        for message in self.take(number):
            self.forget(message)

    def expire(self) -> None:
        """Drops what waited too long; to be called now and then."""
        oldest = self._now() - self._keep_seconds
        for number, waiting in list(self._by_number.items()):
            kept = [message for message in waiting if message.received_at > oldest]
            for message in waiting:
                if message.received_at <= oldest:
                    self.forget(message)
            if kept:
                self._by_number[number] = kept
            else:
                del self._by_number[number]


def _received(message: WaitingMessage) -> float:
    return message.received_at

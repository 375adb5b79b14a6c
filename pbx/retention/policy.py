"""The rules as a value, and what a store of things that expire offers to the sweeper."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.orm import Session

from pbx.storage.unit import Transaction

MESSAGES, FILES, CALLS = "messages", "files", "calls"
STORES = (MESSAGES, FILES, CALLS)
DAYS = range(1, 36_501)  # a hundred years


@dataclass(frozen=True, slots=True)
class Policy:
    """Days by store; None, or no entry, is for ever."""

    days: dict[str, int | None] = field(default_factory=dict)

    def oldest(self, store: str, now: datetime) -> datetime | None:
        """What is older than this is not to be kept; None: everything is."""
        days = self.days.get(store)
        return None if days is None else now - timedelta(days=days)


class ExpiringStore(Protocol):
    """Where things are kept that retention may remove.

    What a legal hold (`pbx.retention.models.HoldRow`) concerns is never expired; each store knows how its
    things concern a number.
    """

    name: str

    def count(self, session: Session, policy: Policy, now: datetime) -> int:
        """How many things the sweeper would remove now."""

    def expired(self, session: Session, policy: Policy, now: datetime, limit: int) -> Sequence[Any]:
        """Keys of the oldest things that are not to be kept, at most `limit`."""

    def retire(self, tx: Transaction, batch: Sequence[Any]) -> int:
        """Removes these things, with all that hangs on them; how many. Things already gone are no error."""

"""Which phone uses a device's account: told by whoever hears of registrations, shown to those whom it concerns.

A note for people, not a registration: losing one harms nobody, and none of them is audited or an event.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from pbx.directory.models import ADDRESS_LENGTH, TRANSPORT_LENGTH, USER_AGENT_LENGTH, DeviceRow, DeviceUseRow
from pbx.storage.unit import Transaction

T = TypeVar("T")

AT_ONCE = 500  # names in one question


@dataclass(frozen=True, slots=True)
class Use:
    """A phone that is registered by an account.

    Args:
        began_at: since when; None where that is not known, so that what was noted stays.
        seen_at: when it last registered.
    """

    sip_name: str
    user_agent: str
    address: str
    transport: str
    began_at: datetime | None
    seen_at: datetime


def note_uses(tx: Transaction, uses: Sequence[Use]) -> None:
    """Notes phones that are there. Accounts that are no device's, or not any more, are left out."""
    session = tx.session
    for some in _pieces(uses):
        names = [use.sip_name for use in some]
        devices = set(session.scalars(select(DeviceRow.sip_name).where(DeviceRow.sip_name.in_(names))))
        known = uses_of(session, names)
        for use in some:
            if use.sip_name not in devices:
                continue
            row = known.get(use.sip_name)
            if row is None:
                row = DeviceUseRow(
                    sip_name=use.sip_name, registered_at=use.began_at or use.seen_at, seen_at=use.seen_at
                )
                session.add(row)
            row.user_agent = _shown(use.user_agent)[:USER_AGENT_LENGTH]
            row.address = use.address[:ADDRESS_LENGTH]
            row.transport = use.transport[:TRANSPORT_LENGTH]
            row.registered_at = use.began_at or row.registered_at
            row.seen_at = max(row.seen_at, use.seen_at)


def note_ends(tx: Transaction, ends: Mapping[str, datetime]) -> None:
    """Notes when phones said that they go, or their connection ended."""
    for some in _pieces(list(ends)):
        for name, row in uses_of(tx.session, some).items():
            row.seen_at = max(row.seen_at, ends[name])


def uses_of(session: Session, names: Sequence[str]) -> dict[str, DeviceUseRow]:
    """What is noted of accounts, by their SIP name."""
    found: dict[str, DeviceUseRow] = {}
    for some in _pieces(names):
        rows = session.scalars(select(DeviceUseRow).where(DeviceUseRow.sip_name.in_(some)))
        found.update((row.sip_name, row) for row in rows)
    return found


def _pieces(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


def _shown(text: str) -> str:
    """A text of a phone without what cannot be printed."""
    return "".join(char for char in text if char.isprintable())

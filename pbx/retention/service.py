"""Actions on the rules and on legal holds; and the sweeper, which carries the rules out.

Removing is not undone by anything, so it is done with care: a hold that comes while a sweep runs is
obeyed from the next batch on, every batch is a transaction of its own that looks at rules and holds
anew, and a sweep that is killed has removed whole batches.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pbx.audit.models import Json
from pbx.directory.models import UserRow
from pbx.retention.errors import BadValue, NotFound
from pbx.retention.events import HoldChanged, RetentionChanged
from pbx.retention.models import HoldRow, RetentionRow
from pbx.retention.policy import DAYS, STORES, ExpiringStore, Policy
from pbx.storage.unit import Store, Transaction

BATCH = 200  # things in one transaction
REASON_LENGTH = 200

logger = logging.getLogger(__name__)


def policy(session: Session) -> Policy:
    """The rules as they now are, for every store."""
    rows = {row.store: row.days for row in session.scalars(select(RetentionRow))}
    return Policy({store: rows.get(store) for store in STORES})


def set_policy(tx: Transaction, days: Mapping[str, int | None], *, actor: str) -> Policy:
    """Changes the rules of the stores named; the others stay. Raises BadValue, NotFound."""
    session = tx.session
    wanted = check_days(days)
    before = policy(session)
    changed = [store for store, kept in wanted.items() if before.days[store] != kept]
    for store in changed:
        row = session.get(RetentionRow, store)
        if row is None:
            session.add(RetentionRow(store=store, days=wanted[store], changed_at=tx.now, changed_by=actor))
        else:
            row.days, row.changed_at, row.changed_by = wanted[store], tx.now, actor
    if changed:
        session.flush()
        said: Json = {store: before.days[store] for store in changed}
        tx.audit(actor, "retention.changed", "retention", before=said, after={one: wanted[one] for one in changed})
        tx.emit(RetentionChanged(tuple(changed)))
    return policy(session)


def check_days(days: Mapping[str, int | None]) -> dict[str, int | None]:
    """Raises BadValue, NotFound."""
    for store, kept in days.items():
        if store not in STORES:
            raise NotFound(f"there is no store {store}: there are {', '.join(STORES)}")
        if kept is not None and kept not in DAYS:
            raise BadValue(f"{store} are kept for {DAYS[0]} to {DAYS[-1]} days, or for ever")
    return dict(days)


def set_hold(tx: Transaction, number: str, reason: str, *, actor: str) -> HoldRow:
    """Keeps whatever concerns a user until the hold is lifted. Raises BadValue, NotFound."""
    reason = reason.strip()
    if not reason or len(reason) > REASON_LENGTH or not reason.isprintable():
        raise BadValue(f"a hold needs a reason of 1 to {REASON_LENGTH} characters in one line")
    row = tx.session.get(HoldRow, number)
    if row is None:
        if tx.session.get(UserRow, number) is None:
            raise NotFound(f"there is no user {number}")
        row = HoldRow(number=number, reason=reason, set_at=tx.now, set_by=actor)
        tx.session.add(row)
        before: Json = None
    else:
        before = row.reason
        row.reason, row.set_at, row.set_by = reason, tx.now, actor
    tx.audit(actor, "hold.set", number, before=before, after=reason)
    tx.emit(HoldChanged(number, held=True))
    return row


def lift_hold(tx: Transaction, number: str, *, actor: str) -> None:
    """Raises NotFound."""
    row = _access_hold(tx.session, number)
    tx.session.delete(row)
    tx.audit(actor, "hold.lifted", number, before=row.reason)
    tx.emit(HoldChanged(number, held=False))


def note_export(tx: Transaction, number: str, *, actor: str) -> HoldRow:
    """Notes that somebody takes out what a hold keeps, which is nobody else's to see. Raises NotFound."""
    row = _access_hold(tx.session, number)
    tx.audit(actor, "hold.exported", number, after=row.reason)
    return row


def list_holds(session: Session) -> Sequence[HoldRow]:
    """All holds, by number."""
    return session.scalars(select(HoldRow).order_by(HoldRow.number)).all()


def _access_hold(session: Session, number: str) -> HoldRow:
    row = session.get(HoldRow, number)
    if row is None:
        raise NotFound(f"there is no hold on {number}")
    return row


def preview(session: Session, stores: Sequence[ExpiringStore], wanted: Policy, now: datetime) -> dict[str, int]:
    """How many things the sweeper would remove under these rules, by store."""
    return {one.name: one.count(session, wanted, now) for one in stores}


def sweep(
    store: Store,
    stores: Sequence[ExpiringStore],
    *,
    batch: int = BATCH,
    goes_on: Callable[[], bool] = lambda: True,
) -> dict[str, int]:
    """Removes what is expired, batch by batch; how many things, by store.

    `goes_on` is asked before each batch, and may wait, so that others get at the database.
    """
    removed = {one.name: 0 for one in stores}
    for one in stores:
        while goes_on():
            with store.transaction() as tx:
                keys = one.expired(tx.session, policy(tx.session), tx.now, batch)
                removed[one.name] += one.retire(tx, keys) if keys else 0
            if len(keys) < batch:
                break
        if removed[one.name]:
            logger.info("= retention removed %d %s", removed[one.name], one.name)
    return removed

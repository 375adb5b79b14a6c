"""Rules and holds: who set them, and what a sweep makes of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from pbx.audit.models import AuditEntry
from pbx.directory.secrets import SecretBox
from pbx.directory.users import add_user, remove_user
from pbx.retention.errors import BadValue, NotFound
from pbx.retention.events import HoldChanged, RetentionChanged
from pbx.retention.policy import Policy
from pbx.retention.service import lift_hold, list_holds, policy, preview, set_hold, set_policy, sweep
from pbx.storage.unit import Store, Transaction

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
FOR_EVER = {"messages": None, "files": None, "calls": None}


class Shelf:
    """A store of things that are numbered, and that all expire after a day."""

    name = "messages"

    def __init__(self, count: int) -> None:
        self.things = list(range(count))
        self.batches: list[int] = []

    def count(self, session: Session, policy: Policy, now: datetime) -> int:
        return len(self.expired(session, policy, now, 1_000_000))

    def expired(self, session: Session, policy: Policy, now: datetime, limit: int) -> Sequence[int]:
        return [] if policy.oldest(self.name, now) is None else self.things[:limit]

    def retire(self, tx: Transaction, batch: Sequence[Any]) -> int:
        self.batches.append(len(batch))
        self.things = [one for one in self.things if one not in batch]
        return len(batch)


def audit(store: Store) -> list[tuple[str, str, Any, Any]]:
    with store.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(one.actor, one.action, one.before, one.after) for one in entries]


def test_everything_is_kept_for_ever_until_somebody_says_otherwise(store: Store) -> None:
    with store.reading() as session:
        assert policy(session) == Policy(FOR_EVER)
    assert Policy().oldest("messages", NOW) is None


def test_change_of_rules_is_audited_with_what_was_before(store: Store) -> None:
    heard: list[object] = []
    store.listen(heard.append)
    for days in ({"messages": 365, "calls": 90}, {"messages": 30, "calls": 90}, {"messages": 30}):
        with store.transaction() as tx:
            now = set_policy(tx, days, actor="101")
    assert now.days == {"messages": 30, "files": None, "calls": 90}
    assert heard == [RetentionChanged(("messages", "calls")), RetentionChanged(("messages",))]
    assert audit(store) == [
        ("101", "retention.changed", {"messages": None, "calls": None}, {"messages": 365, "calls": 90}),
        ("101", "retention.changed", {"messages": 365}, {"messages": 30}),
    ]


@pytest.mark.parametrize("days", [0, -1, 36_501, 10**12])
def test_days_are_within_a_hundred_years(store: Store, days: int) -> None:
    with pytest.raises(BadValue, match="messages are kept for 1 to 36500 days"), store.transaction() as tx:
        set_policy(tx, {"messages": days}, actor="101")
    with pytest.raises(NotFound, match="no store dreams"), store.transaction() as tx:
        set_policy(tx, {"dreams": 1}, actor="101")


def test_hold_has_a_reason_and_outlives_the_user(store: Store, box: SecretBox) -> None:
    heard: list[object] = []
    with store.transaction() as tx:
        add_user(tx, "102", box=box, actor="cli:test")
    store.listen(heard.append)
    with store.transaction() as tx:
        set_hold(tx, "102", " case 7/2026 ", actor="101")
    with store.transaction() as tx:
        remove_user(tx, "102", actor="cli:test")
    with store.transaction() as tx:
        set_hold(tx, "102", "case 8/2026", actor="101")
    with store.reading() as session:
        assert [(one.number, one.reason, one.set_by) for one in list_holds(session)] == [("102", "case 8/2026", "101")]
    with store.transaction() as tx:
        lift_hold(tx, "102", actor="101")
    assert [event for event in heard if isinstance(event, HoldChanged)] == [
        HoldChanged("102", True), HoldChanged("102", True), HoldChanged("102", False),
    ]  # fmt: skip
    assert [entry[1:] for entry in audit(store) if entry[1].startswith("hold")] == [
        ("hold.set", None, "case 7/2026"),
        ("hold.set", "case 7/2026", "case 8/2026"),
        ("hold.lifted", "case 8/2026", None),
    ]


def test_hold_on_nobody_and_hold_without_reason_are_refused(store: Store, box: SecretBox) -> None:
    with pytest.raises(NotFound, match="no user 102"), store.transaction() as tx:
        set_hold(tx, "102", "case", actor="101")
    for reason in ("", " ", "x" * 201, "two\nlines"):
        with pytest.raises(BadValue), store.transaction() as tx:
            set_hold(tx, "102", reason, actor="101")
    with pytest.raises(NotFound, match="no hold on 102"), store.transaction() as tx:
        lift_hold(tx, "102", actor="101")


def test_sweep_removes_in_batches_until_nothing_is_left(store: Store) -> None:
    shelf = Shelf(7)
    assert sweep(store, [shelf], batch=3) == {"messages": 0}
    with store.transaction() as tx:
        set_policy(tx, {"messages": 1}, actor="101")
    assert sweep(store, [shelf], batch=3) == {"messages": 7}
    assert shelf.batches == [3, 3, 1]


def test_sweep_stops_between_batches_and_obeys_a_rule_that_was_lifted(store: Store) -> None:
    shelf = Shelf(9)
    with store.transaction() as tx:
        set_policy(tx, {"messages": 1}, actor="101")
    answers = iter([True, False])
    assert sweep(store, [shelf], batch=3, goes_on=lambda: next(answers)) == {"messages": 3}

    def lift_rule() -> bool:
        if len(shelf.batches) == 2:
            with store.transaction() as tx:
                set_policy(tx, {"messages": None}, actor="101")
        return True

    assert sweep(store, [shelf], batch=3, goes_on=lift_rule) == {"messages": 3}
    assert len(shelf.things) == 3


def test_preview_counts_and_removes_nothing(store: Store) -> None:
    shelf = Shelf(7)
    with store.reading() as session:
        assert preview(session, [shelf], Policy({"messages": 30}), NOW) == {"messages": 7}
        assert preview(session, [shelf], Policy(FOR_EVER), NOW) == {"messages": 0}
    assert len(shelf.things) == 7


def test_oldest_is_counted_in_days() -> None:
    assert Policy({"files": 30}).oldest("files", NOW) == NOW - timedelta(days=30)

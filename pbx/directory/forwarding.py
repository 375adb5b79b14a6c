"""Actions on forwarding rules.

A user has one rule of each kind; only rules by caller are several, one for each caller, and rules by
time, one for each window. Setting a rule again changes it, and its version counts on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from pbx.audit.models import Json
from pbx.directory.checks import access_user, check_targets, lock_directory, warnings_of_unknown
from pbx.directory.errors import BadValue, NotFound, StaleVersion
from pbx.directory.events import ForwardingChanged
from pbx.directory.models import RuleRow
from pbx.directory.snapshot import EVERY_DAY, Rule, RuleKind
from pbx.routing.errors import NumberError
from pbx.routing.number import caller_pattern
from pbx.routing.schedule import format_days, format_time
from pbx.storage.unit import Transaction

AFTER_SECONDS = range(1, 601)
MAX_TARGETS = 20
MAX_RULES = 100
MIDNIGHT = time(0)


Occasion = tuple[RuleKind, str | None, time | None, time | None, frozenset[int]]


@dataclass(frozen=True, slots=True)
class RuleWish:
    """A rule as somebody wants it; the fields are those of `set_rule`."""

    kind: RuleKind | str
    targets: tuple[str, ...] = ()
    after: int | None = None
    caller: str | None = None
    start: time | None = None
    end: time | None = None
    days: frozenset[int] | None = None

    @property
    def occasion(self) -> Occasion:
        """What tells the rules of a user apart; of a wish that `check_wish` gave."""
        return RuleKind(self.kind), self.caller, self.start, self.end, EVERY_DAY if self.days is None else self.days


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A rule as it now holds, and what may be a slip of the finger in it."""

    rule: Rule
    warnings: tuple[str, ...]


def set_rule(
    tx: Transaction,
    number: str,
    kind: RuleKind | str,
    targets: Iterable[str] = (),
    *,
    actor: str,
    after: int | None = None,
    caller: str | None = None,
    start: time | None = None,
    end: time | None = None,
    days: frozenset[int] | None = None,
) -> RuleSet:
    """Sets a user's forwarding for one kind of occasion.

    Args:
        targets: numbers that ring together; none for do not disturb.
        after: seconds before "no-answer" holds; the server's default if not given.
        caller: for "caller": a number, a prefix as `7495*`, or `anonymous`.
        start, end, days: for "time": the window in local time, midnight to midnight if not given, and
            the weekdays on which it begins (0 is Monday), every day if not given.

    Raises BadValue, NotFound.
    """
    session = tx.session
    lock_directory(session)
    user = access_user(session, number)
    wish = check_wish(user.number, RuleWish(kind, tuple(targets), after, caller, start, end, days))
    same = [row for row in _rules(session, user.number, None) if _occasion(row) == wish.occasion]
    before = describe(same[0]) if same else None
    row = _put(tx, user.number, same[0] if same else None, wish)
    session.flush()  # gives a new rule its id
    tx.audit(actor, "forwarding.set", user.number, before=before, after=describe(row))
    tx.emit(ForwardingChanged((user.number,)))
    return RuleSet(as_rule(row), warnings_of_unknown(session, row.targets))


def replace_rules(
    tx: Transaction, number: str, wishes: Sequence[RuleWish], *, actor: str, version: int | None = None
) -> tuple[str, ...]:
    """Gives a user exactly these rules; those that stay as they are keep their version.

    `version` is the one that `rules_version` gave for the rules that were changed into these. Returns what may be
    slips of the finger. Raises BadValue, NotFound, StaleVersion.
    """
    session = tx.session
    lock_directory(session)
    user = access_user(session, number)
    rows = _rules(session, user.number, None)
    if version is not None and version != rules_version(as_rule(row) for row in rows):
        raise StaleVersion(f"the rules of {user.number} have changed meanwhile")
    wanted = {wish.occasion: wish for wish in check_wishes(user.number, wishes)}
    before: Json = [describe(row) for row in rows]
    kept = {_occasion(row): row for row in rows if _occasion(row) in wanted}
    changed = len(kept) < len(rows)
    for row in rows:
        if kept.get(_occasion(row)) is not row:
            session.delete(row)
    after = []
    for occasion, wish in wanted.items():
        old = kept.get(occasion)
        if old is None or (old.targets, old.after) != (wish.targets, wish.after):
            old = _put(tx, user.number, old, wish)
            changed = True
        after.append(describe(old))
    if changed:
        session.flush()
        tx.audit(actor, "forwarding.replaced", user.number, before=before, after=after)
        tx.emit(ForwardingChanged((user.number,)))
    named = dict.fromkeys(target for wish in wanted.values() for target in wish.targets)
    return warnings_of_unknown(session, tuple(named))


def draft_rules(number: str, current: Sequence[Rule], wishes: Sequence[RuleWish]) -> tuple[Rule, ...]:
    """The rules as `replace_rules` would leave them, for trying them out. New ones have no id yet: 0.

    Raises BadValue.
    """
    there = {(rule.kind, rule.caller, rule.start, rule.end, rule.days): rule for rule in current}
    drafted = []
    for wish in check_wishes(number, wishes):
        old = there.get(wish.occasion)
        if old is not None and (old.targets, old.after) == (wish.targets, wish.after):
            drafted.append(old)
            continue
        kind, caller, start, end, days = wish.occasion
        rule_id, version = (old.id, old.version + 1) if old is not None else (0, 1)
        drafted.append(Rule(rule_id, version, kind, wish.targets, wish.after, caller, start, end, days))
    return tuple(sorted(drafted, key=lambda rule: (rule.id == 0, rule.id)))  # new ones come last


def rules_version(rules: Iterable[Rule]) -> int:
    """A number that is another one whenever a rule was added, changed or removed; JavaScript can hold it exactly."""
    said = ",".join(f"{rule.id}.{rule.version}" for rule in rules)
    return int.from_bytes(hashlib.sha256(said.encode()).digest()[:6], "big")


def clear_rules(tx: Transaction, number: str, kind: RuleKind | str | None = None, *, actor: str) -> int:
    """Removes a user's rules of one kind, or all. Returns how many; raises NotFound if there are none."""
    session = tx.session
    lock_directory(session)
    user = access_user(session, number)
    kind = check_kind(kind) if kind is not None else None
    rows = _rules(session, user.number, kind)
    if not rows:
        raise NotFound(f"{user.number} has no rule {kind}" if kind else f"{user.number} has no rules")
    tx.audit(actor, "forwarding.cleared", user.number, before=[describe(row) for row in rows])
    for row in rows:
        session.delete(row)
    tx.emit(ForwardingChanged((user.number,)))
    return len(rows)


def list_rules(session: Session, number: str) -> tuple[Rule, ...]:
    """A user's rules in the order in which they were made. Raises NotFound."""
    return tuple(as_rule(row) for row in _rules(session, access_user(session, number).number, None))


def as_rule(row: RuleRow) -> Rule:
    """The rule as routing sees it."""
    return Rule(
        id=row.id,
        version=row.version,
        kind=row.kind,
        targets=row.targets,
        after=row.after,
        caller=row.caller,
        start=row.starts,
        end=row.ends,
        days=row.days,
    )


def describe(row: RuleRow) -> Json:
    """The rule for the audit trail: what applies to its kind."""
    said: dict[str, Json] = {"kind": row.kind.value, "targets": list(row.targets)}
    if row.after is not None:
        said["after"] = row.after
    if row.caller is not None:
        said["caller"] = row.caller
    if row.starts is not None and row.ends is not None:
        said["window"] = f"{format_time(row.starts)}-{format_time(row.ends)} {format_days(row.days)}"
    return said


def check_kind(kind: str) -> RuleKind:
    """Raises BadValue."""
    try:
        return RuleKind(kind)
    except ValueError as error:
        raise BadValue(f"{kind!r} is no kind of rule: it is one of {', '.join(RuleKind)}") from error


def check_wish(number: str, wish: RuleWish) -> RuleWish:
    """The wish in the form in which rules are stored. Raises BadValue."""
    kind = check_kind(wish.kind)
    targets = check_targets(wish.targets, of=number, what="target")
    _check_shape(kind, targets, wish.after, wish.caller, wish.start, wish.end, wish.days)
    start, end = wish.start, wish.end
    if kind is RuleKind.TIME and start is None:
        start = end = MIDNIGHT
    caller = _check_caller(wish.caller) if wish.caller is not None else None
    return RuleWish(kind, targets, wish.after, caller, start, end, EVERY_DAY if wish.days is None else wish.days)


def check_wishes(number: str, wishes: Sequence[RuleWish]) -> tuple[RuleWish, ...]:
    """All rules of a user together. Raises BadValue, which names the rule by its place from 1."""
    if len(wishes) > MAX_RULES:
        raise BadValue(f"a user has at most {MAX_RULES} rules")
    seen: dict[Occasion, int] = {}
    checked = []
    for place, wish in enumerate(wishes, 1):
        try:
            checked.append(check_wish(number, wish))
        except BadValue as error:
            raise BadValue(f"rule {place}: {error}") from error
        first = seen.setdefault(checked[-1].occasion, place)
        if first != place:
            raise BadValue(f"rule {place}: it is for the same occasion as rule {first}")
    return tuple(checked)


def _put(tx: Transaction, number: str, row: RuleRow | None, wish: RuleWish) -> RuleRow:
    """Changes a rule, or adds one."""
    if row is None:
        kind, caller, start, end, days = wish.occasion
        row = RuleRow(number=number, kind=kind, caller=caller, starts=start, ends=end, days=days, version=0)
        tx.session.add(row)
    row.targets, row.after = wish.targets, wish.after
    row.version += 1
    row.updated_at = tx.now
    return row


def _occasion(row: RuleRow) -> Occasion:
    return row.kind, row.caller, row.starts, row.ends, row.days


def _rules(session: Session, number: str, kind: RuleKind | None) -> Sequence[RuleRow]:
    query = select(RuleRow).where(RuleRow.number == number).order_by(RuleRow.id)
    return session.scalars(query if kind is None else query.where(RuleRow.kind == kind)).all()


def _check_caller(caller: str) -> str:
    try:
        return caller_pattern(caller)
    except NumberError as error:
        raise BadValue(str(error)) from error


def _check_shape(
    kind: RuleKind,
    targets: tuple[str, ...],
    after: int | None,
    caller: str | None,
    start: time | None,
    end: time | None,
    days: frozenset[int] | None,
) -> None:
    """Raises BadValue for what is missing in a rule of this kind, or has no meaning there."""
    if kind is RuleKind.DND:
        if targets:
            raise BadValue("do not disturb needs no target: what follows is the user's rule busy")
    elif not 1 <= len(targets) <= MAX_TARGETS:
        raise BadValue(f"a rule {kind} needs 1 to {MAX_TARGETS} targets")
    if after is not None and kind is not RuleKind.NO_ANSWER:
        raise BadValue(f"seconds are for a rule {RuleKind.NO_ANSWER}, not for {kind}")
    if after is not None and after not in AFTER_SECONDS:
        raise BadValue(f"a phone rings {AFTER_SECONDS[0]} to {AFTER_SECONDS[-1]} seconds, not {after}")
    if (caller is not None) is not (kind is RuleKind.CALLER):
        raise BadValue("a rule caller, and no other, needs the caller that it is for")
    if (start is None) is not (end is None):
        raise BadValue("a window needs both the time when it begins and the time when it ends")
    if kind is not RuleKind.TIME and (start is not None or days is not None):
        raise BadValue(f"a window of time is for a rule {RuleKind.TIME}, not for {kind}")
    if kind is RuleKind.TIME and start is None and days is None:
        raise BadValue(f"a rule {RuleKind.TIME} needs a window of time, or days, or both")
    if days is not None and not (days and days <= EVERY_DAY):
        raise BadValue("days are some of 0 (Monday) to 6 (Sunday)")

"""Actions on groups: numbers that stand for several others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pbx.audit.models import Json
from pbx.directory.checks import (
    access_group,
    check_extension,
    check_free,
    check_targets,
    lock_directory,
    warnings_of_rules_to,
    warnings_of_unknown,
)
from pbx.directory.errors import BadValue
from pbx.directory.events import GroupChanged, GroupRemoved
from pbx.directory.models import GroupRow, MemberRow
from pbx.directory.snapshot import Group, Strategy
from pbx.storage.unit import Transaction

MAX_MEMBERS = 100


@dataclass(frozen=True, slots=True)
class GroupSet:
    """A group as it now is, and what may be a slip of the finger in it."""

    group: Group
    warnings: tuple[str, ...]


def set_group(
    tx: Transaction,
    number: str,
    members: Iterable[str],
    *,
    actor: str,
    strategy: Strategy | str | None = None,
) -> GroupSet:
    """Makes a group, or gives it other members.

    Args:
        members: numbers, in the order in which they ring where they ring in turn.
        strategy: if not given, an existing group keeps its own and a new one rings all.

    Raises BadValue, NumberTaken.
    """
    session = tx.session
    lock_directory(session)
    number = check_extension(number)
    numbers = check_targets(members, of=number, what="member")
    if not 1 <= len(numbers) <= MAX_MEMBERS:
        raise BadValue(f"a group has 1 to {MAX_MEMBERS} members")
    wanted = check_strategy(strategy) if strategy is not None else None

    row = session.get(GroupRow, number)
    before: Json = None
    if row is None:
        check_free(session, number)
        row = GroupRow(number=number, strategy=wanted or Strategy.ALL, version=1, updated_at=tx.now)
        session.add(row)
    else:
        before = _describe(row.strategy, _members(session, number))
        row.strategy = wanted or row.strategy
        row.version += 1
        row.updated_at = tx.now
        session.execute(delete(MemberRow).where(MemberRow.group_number == number))
    session.flush()  # the members refer to the group
    session.add_all(
        MemberRow(group_number=number, position=position, number=member) for position, member in enumerate(numbers)
    )
    tx.audit(actor, "group.set", number, before=before, after=_describe(row.strategy, numbers))
    tx.emit(GroupChanged((number,)))
    return GroupSet(Group(number, numbers, row.strategy, row.version), warnings_of_unknown(session, numbers))


def remove_group(tx: Transaction, number: str, *, actor: str) -> tuple[str, ...]:
    """Removes a group and frees its number.

    Returns a warning for each rule that still leads to it. Raises NotFound.
    """
    session = tx.session
    lock_directory(session)
    row = access_group(session, number)
    warnings = warnings_of_rules_to(session, row.number)
    before = _describe(row.strategy, _members(session, row.number))
    session.delete(row)
    tx.audit(actor, "group.removed", row.number, before=before)
    tx.emit(GroupRemoved((row.number,)))
    return warnings


def list_groups(session: Session) -> Mapping[str, Group]:
    """All groups, by number."""
    members: dict[str, list[str]] = {}
    for row in session.scalars(select(MemberRow).order_by(MemberRow.group_number, MemberRow.position)):
        members.setdefault(row.group_number, []).append(row.number)
    return {
        row.number: Group(row.number, tuple(members.get(row.number, ())), row.strategy, row.version)
        for row in session.scalars(select(GroupRow).order_by(GroupRow.number))
    }


def check_strategy(strategy: str) -> Strategy:
    """Raises BadValue."""
    try:
        return Strategy(strategy)
    except ValueError as error:
        raise BadValue(f"{strategy!r} is no strategy: it is one of {', '.join(Strategy)}") from error


def _members(session: Session, number: str) -> tuple[str, ...]:
    query = select(MemberRow.number).where(MemberRow.group_number == number).order_by(MemberRow.position)
    return tuple(session.scalars(query))


def _describe(strategy: Strategy, members: tuple[str, ...]) -> Json:
    return {"strategy": strategy.value, "members": list(members)}

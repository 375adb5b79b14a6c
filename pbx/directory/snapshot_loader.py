"""From the database to the directory that the call engine routes by.

Rows are read as plain columns: as mapped objects, ten thousand users would take several times longer.
A session from `Store.reading` sees one state of the database, so the parts fit together.

A damaged row is left out and told of in the log: it must not keep everybody from calling.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from pbx.directory.errors import SecretsError
from pbx.directory.forwarding import as_rule
from pbx.directory.models import DeviceRow, GroupRow, MemberRow, RuleRow, UserRow, VersionRow
from pbx.directory.secrets import SecretBox
from pbx.directory.snapshot import RING_SECONDS, Device, Directory, Group, Rule, User
from pbx.routing.errors import RoutingError

FEW = 200  # numbers up to which reading only theirs is cheaper than reading all
UNREADABLE = (LookupError, TypeError, ValueError, RoutingError, SecretsError)

logger = logging.getLogger(__name__)

T = TypeVar("T")


def directory_version(session: Session) -> int:
    """The version that the directory has in the database."""
    return session.scalars(select(VersionRow.version)).one()


def load_directory(session: Session, box: SecretBox | None, ring_seconds: int = RING_SECONDS) -> Directory:
    """The whole directory; without devices, so without passwords, where there is no box to open them.

    Raises SecretsError when the storage key is not the one of this database: no password opens with it.
    """
    everything = true()
    devices = {device.sip_name: device for device in _devices(session, everything, box)}
    if box is not None and not devices:
        for sip_name, sealed in session.execute(select(DeviceRow.sip_name, DeviceRow.sealed_password).limit(1)):
            box.unseal(sip_name, sealed)
    return Directory(
        directory_version(session),
        {user.number: user for user in _users(session, everything, everything)},
        {group.number: group for group in _groups(session, everything, everything)},
        devices,
        ring_seconds,
    )


def refresh_directory(
    session: Session, box: SecretBox | None, directory: Directory, numbers: Collection[str]
) -> Directory:
    """`directory` as it is in the database now, when all that we heard of is a change of `numbers`.

    Only these are read if the directory is one version on. If it is further on, there was a change that
    we did not hear of, so everything is read.
    """
    version = directory_version(session)
    if version == directory.version:
        return directory
    if version != directory.version + 1 or len(numbers) > FEW:
        return load_directory(session, box, directory.ring_seconds)
    users = _users(session, UserRow.number.in_(numbers), RuleRow.number.in_(numbers))
    groups = _groups(session, GroupRow.number.in_(numbers), MemberRow.group_number.in_(numbers))
    devices = _devices(session, DeviceRow.number.in_(numbers), box)
    gone = {name: None for name, device in directory.devices.items() if device.number in numbers}
    changed = directory.with_changes(
        version,
        users={**dict.fromkeys(numbers), **{user.number: user for user in users}},
        groups={**dict.fromkeys(numbers), **{group.number: group for group in groups}},
        devices={**gone, **{device.sip_name: device for device in devices}},
    )
    if (changed.users, changed.groups, changed.devices) == (directory.users, directory.groups, directory.devices):
        # What we heard of is what we know already, so the version is one on by something else.
        return load_directory(session, box, directory.ring_seconds)
    return changed


def _users(session: Session, whose: ColumnElement[bool], rules_of: ColumnElement[bool]) -> Iterator[User]:
    rules: dict[str, list[Rule]] = {}
    rule_query = select(RuleRow).where(rules_of).order_by(RuleRow.id)
    for number, rule in _each(session, rule_query, RuleRow.id, "rule", lambda row: (row[0].number, as_rule(row[0]))):
        rules.setdefault(number, []).append(rule)
    query = select(UserRow.number, UserRow.name, UserRow.role, UserRow.employee_id, UserRow.version)
    for number, name, role, employee_id, version in session.execute(query.where(whose)):
        yield User(number, name, role, employee_id, tuple(rules.get(number, ())), version)


def _groups(session: Session, which: ColumnElement[bool], members_of: ColumnElement[bool]) -> list[Group]:
    members: dict[str, list[str]] = {}
    member_query = select(MemberRow.group_number, MemberRow.number).where(members_of)
    for group, member in session.execute(member_query.order_by(MemberRow.group_number, MemberRow.position)):
        members.setdefault(group, []).append(member)

    def read(row: Row[*tuple[Any, ...]]) -> Group:
        number, strategy, version = row
        return Group(number, tuple(members.get(number, ())), strategy, version)

    query = select(GroupRow.number, GroupRow.strategy, GroupRow.version).where(which)
    return _each(session, query, GroupRow.number, "group", read)


def _devices(session: Session, whose: ColumnElement[bool], box: SecretBox | None) -> list[Device]:
    if box is None:
        return []

    def read(row: Row[*tuple[Any, ...]]) -> Device:
        sip_name, number, label, sealed = row
        return Device(sip_name, number, label, box.unseal(sip_name, sealed))

    query = select(DeviceRow.sip_name, DeviceRow.number, DeviceRow.label, DeviceRow.sealed_password).where(whose)
    return _each(session, query, DeviceRow.sip_name, "device", read)


def _each(
    session: Session,
    query: Select[*tuple[Any, ...]],
    key: InstrumentedAttribute[Any],
    what: str,
    read: Callable[[Row[*tuple[Any, ...]]], T],
) -> list[T]:
    """What `read` makes of the rows of a query, without those that cannot be read; `key` tells them apart."""
    try:
        return [read(row) for row in session.execute(query)]
    except UNREADABLE:
        found: list[T] = []
    for value in session.scalars(query.with_only_columns(key)).all():
        try:
            found += [read(row) for row in session.execute(query.where(key == value))]
        except UNREADABLE as error:
            logger.error("! %s %s is left out: %s", what, value, error)
    return found

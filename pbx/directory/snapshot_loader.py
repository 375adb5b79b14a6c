"""From the database to the directory that the call engine routes by.

Rows are read as plain columns: as mapped objects, ten thousand users would take several times longer.
A session from `Store.reading` sees one state of the database, so the parts fit together.
"""

from collections.abc import Collection, Iterator

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from pbx.directory.forwarding import as_rule
from pbx.directory.models import DeviceRow, GroupRow, MemberRow, RuleRow, UserRow, VersionRow
from pbx.directory.secrets import SecretBox
from pbx.directory.snapshot import RING_SECONDS, Device, Directory, Group, Rule, User

FEW = 200  # numbers up to which reading only theirs is cheaper than reading all


def directory_version(session: Session) -> int:
    """The version that the directory has in the database."""
    return session.scalars(select(VersionRow.version)).one()


def load_directory(session: Session, box: SecretBox | None, ring_seconds: int = RING_SECONDS) -> Directory:
    """The whole directory; without devices, so without passwords, where there is no box to open them.

    Raises SecretsError when the storage key is not the one of this database.
    """
    everything = true()
    return Directory(
        directory_version(session),
        {user.number: user for user in _users(session, everything, everything)},
        {group.number: group for group in _groups(session, everything, everything)},
        {device.sip_name: device for device in _devices(session, everything, box)},
        ring_seconds,
    )


def refresh_directory(
    session: Session, box: SecretBox | None, directory: Directory, numbers: Collection[str]
) -> Directory:
    """`directory` as it is in the database now, when all that we heard of is a change of `numbers`.

    Only these are read if the directory is one version on. If it is further on, there was a change that
    we did not hear of, so everything is read. Raises SecretsError.
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
    for row in session.scalars(select(RuleRow).where(rules_of).order_by(RuleRow.id)):
        rules.setdefault(row.number, []).append(as_rule(row))
    query = select(UserRow.number, UserRow.name, UserRow.role, UserRow.employee_id, UserRow.version)
    for number, name, role, employee_id, version in session.execute(query.where(whose)):
        yield User(number, name, role, employee_id, tuple(rules.get(number, ())), version)


def _groups(session: Session, which: ColumnElement[bool], members_of: ColumnElement[bool]) -> Iterator[Group]:
    members: dict[str, list[str]] = {}
    member_query = select(MemberRow.group_number, MemberRow.number).where(members_of)
    for group, member in session.execute(member_query.order_by(MemberRow.group_number, MemberRow.position)):
        members.setdefault(group, []).append(member)
    query = select(GroupRow.number, GroupRow.strategy, GroupRow.version).where(which)
    for number, strategy, version in session.execute(query):
        yield Group(number, tuple(members.get(number, ())), strategy, version)


def _devices(session: Session, whose: ColumnElement[bool], box: SecretBox | None) -> Iterator[Device]:
    if box is None:
        return
    query = select(DeviceRow.sip_name, DeviceRow.number, DeviceRow.label, DeviceRow.sealed_password)
    for sip_name, number, label, sealed in session.execute(query.where(whose)):
        yield Device(sip_name, number, label, box.unseal(sip_name, sealed))

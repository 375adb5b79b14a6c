"""Actions on users."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pbx.audit.models import Json
from pbx.directory.checks import (
    ADMIN,
    access_user,
    check_employee_id,
    check_extension,
    check_free,
    check_role,
    check_sip_password,
    check_text,
    lock_directory,
    warnings_of_rules_to,
)
from pbx.directory.errors import BadValue
from pbx.directory.events import UserChanged, UserRemoved, UsersAdded
from pbx.directory.models import DeviceRow, GroupRow, MemberRow, UserRow
from pbx.directory.secrets import SecretBox, generate_password
from pbx.storage.unit import Transaction

FIRST_DEVICE = "first phone"


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user as made, with what has to be typed into the first phone. The password is shown this once."""

    number: str
    name: str
    sip_name: str
    sip_password: str = field(repr=False)


def add_user(
    tx: Transaction,
    number: str,
    *,
    box: SecretBox,
    actor: str,
    name: str | None = None,
    role: str = "user",
    employee_id: str | None = None,
    password_hash: str | None = None,
    password_temporary: bool = False,
    sip_password: str | None = None,
) -> NewUser:
    """Adds a user with a first device, whose SIP name is the number.

    Args:
        name: the number, if not given.
        password_hash: of the password for the web (`secrets.hash_password`); None: no sign-in there.
        password_temporary: the first sign-in demands a new one.
        sip_password: for the first device; made up if not given.

    Raises BadValue, NumberTaken, EmployeeTaken.
    """
    session = tx.session
    lock_directory(session)
    number = check_extension(number)
    check_free(session, number)
    name = check_text(name or number, "a name")
    role = check_role(role)
    employee_id = check_employee_id(session, employee_id, number) if employee_id else None
    sip_password = check_sip_password(sip_password) if sip_password is not None else generate_password()

    session.add(
        UserRow(
            number=number,
            name=name,
            role=role,
            employee_id=employee_id,
            password_hash=password_hash,
            password_temporary=password_temporary,
            version=1,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )
    session.flush()  # the device refers to the user
    session.add(
        DeviceRow(
            sip_name=number,
            number=number,
            label=FIRST_DEVICE,
            sealed_password=box.seal(number, sip_password),
            created_at=tx.now,
        )
    )
    after: Json = {"name": name, "role": role, "employee_id": employee_id}
    tx.audit(actor, "user.added", number, after=after)
    tx.emit(UsersAdded((number,)))
    return NewUser(number, name, number, sip_password)


def set_user(
    tx: Transaction,
    number: str,
    *,
    box: SecretBox,
    actor: str,
    name: str | None = None,
    role: str | None = None,
    employee_id: str | None = None,
    password_hash: str | None = None,
    password_temporary: bool = False,
    sip_password: str | None = None,
) -> UserRow:
    """Changes what is given of a user and leaves the rest; an empty `employee_id` removes it.

    `sip_password` is the one of the first device; a temporary password is good for choosing another one.
    Raises BadValue, NotFound, EmployeeTaken, and BadValue for taking the last admin's role.
    """
    if all(value is None for value in (name, role, employee_id, password_hash, sip_password)):
        raise BadValue(f"there is nothing to change of user {number}")
    session = tx.session
    lock_directory(session)
    user = access_user(session, number)
    before: dict[str, Json] = {}
    after: dict[str, Json] = {}

    def change(column: str, value: str | None) -> None:
        if getattr(user, column) != value:
            before[column], after[column] = getattr(user, column), value
            setattr(user, column, value)

    if name is not None:
        change("name", check_text(name, "a name"))
    if role is not None:
        if check_role(role) != "admin":
            _check_not_last_admin(session, user)
        change("role", role)
    if employee_id is not None:
        change("employee_id", check_employee_id(session, employee_id, user.number) if employee_id else None)
    if password_hash is not None:
        user.password_hash = password_hash
        user.password_temporary = password_temporary
        after["password"] = "changed"  # noqa: S105  a word for the audit trail
    if sip_password is not None:
        device = session.get(DeviceRow, user.number)
        if device is None:
            raise BadValue(f"the first device of {user.number} was removed: add one with a new password")
        device.sealed_password = box.seal(device.sip_name, check_sip_password(sip_password))
        after["sip_password"] = "changed"  # noqa: S105  likewise
    user.version += 1
    user.updated_at = tx.now
    tx.audit(actor, "user.changed", user.number, before=before, after=after)
    tx.emit(UserChanged((user.number,)))
    return user


def remove_user(tx: Transaction, number: str, *, actor: str) -> tuple[str, ...]:
    """Removes a user with devices, rules and bindings, and from all groups.

    Returns a warning for each rule of somebody else that still leads to the number, and for each group
    that is left without members. Raises NotFound, and BadValue for the last admin.
    """
    session = tx.session
    lock_directory(session)
    user = access_user(session, number)
    _check_not_last_admin(session, user)
    number = user.number

    groups = session.scalars(
        select(GroupRow).join(MemberRow, MemberRow.group_number == GroupRow.number)
        .where(MemberRow.number == number).order_by(GroupRow.number)
    ).all()  # fmt: skip
    session.execute(delete(MemberRow).where(MemberRow.number == number))
    warnings = list(warnings_of_rules_to(session, number))
    for group in groups:
        group.version += 1
        group.updated_at = tx.now
        if not session.scalars(select(MemberRow).where(MemberRow.group_number == group.number)).first():
            warnings.append(f"group {group.number} has no members any more")

    before: Json = {"name": user.name, "role": user.role, "employee_id": user.employee_id}
    session.delete(user)
    tx.audit(actor, "user.removed", number, before=before)
    tx.emit(UserRemoved((number, *(group.number for group in groups))))
    return tuple(warnings)


def add_first_admin(tx: Transaction, *, password_hash: str, actor: str) -> None:
    """Adds the account `ADMIN` with a temporary password, where nobody can sign in as an admin yet."""
    lock_directory(tx.session)
    tx.session.add(
        UserRow(
            number=ADMIN,
            name="Administrator",
            role="admin",
            employee_id=None,
            password_hash=password_hash,
            password_temporary=True,
            version=1,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )
    tx.audit(actor, "user.added", ADMIN, after={"name": "Administrator", "role": "admin"})
    tx.emit(UsersAdded((ADMIN,)))


def admins_who_sign_in(session: Session) -> Sequence[str]:
    """The accounts that can sign in to the web as admins."""
    return session.scalars(
        select(UserRow.number).where(UserRow.role == "admin", UserRow.password_hash.is_not(None))
    ).all()  # fmt: skip


def _check_not_last_admin(session: Session, user: UserRow) -> None:
    """Raises BadValue where nobody would be left who can sign in as an admin."""
    if list(admins_who_sign_in(session)) == [user.number]:
        raise BadValue(f"{user.number} is the last admin who can sign in: make another one first")


def list_users(session: Session) -> Sequence[UserRow]:
    """All users, by number."""
    return session.scalars(select(UserRow).order_by(UserRow.number)).all()

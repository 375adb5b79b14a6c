"""The one door to each thing of the directory, and the checks before an action.

What may fail through somebody's input fails here, in words for that person, before anything is changed.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import Text, select, type_coerce, update
from sqlalchemy.orm import Session

from pbx.directory.errors import BadValue, EmployeeTaken, NotFound, NumberTaken
from pbx.directory.models import NAME_LENGTH, DeviceRow, GroupRow, RuleRow, UserRow, VersionRow
from pbx.routing.errors import NumberError
from pbx.routing.number import normalise

ROLES = ("user", "admin")
ADMIN = "admin"  # the account that an installation begins with: it has no number and no phone
PASSWORD_LENGTHS = range(1, 129)


def lock_directory(session: Session) -> int:
    """Begins a change of the directory: counts its version up, and keeps other changes waiting until
    the transaction ends. Returns the new version.
    """
    session.execute(update(VersionRow).values(version=VersionRow.version + 1))
    return session.scalars(select(VersionRow.version)).one()


def access_user(session: Session, number: str) -> UserRow:
    """The user with this number, or the account `ADMIN`. Raises NotFound."""
    user = session.get(UserRow, number if number == ADMIN else check_number(number))
    if user is None:
        raise NotFound(f"there is no user {number}")
    return user


def access_group(session: Session, number: str) -> GroupRow:
    """The group with this number. Raises NotFound."""
    group = session.get(GroupRow, check_number(number))
    if group is None:
        raise NotFound(f"there is no group {number}")
    return group


def access_device(session: Session, sip_name: str) -> DeviceRow:
    """The device with this SIP name. Raises NotFound."""
    device = session.get(DeviceRow, sip_name)
    if device is None:
        raise NotFound(f"there is no device {sip_name}")
    return device


def check_number(text: str) -> str:
    """A number as it is compared and stored. Raises BadValue."""
    try:
        return normalise(text)
    except NumberError as error:
        raise BadValue(str(error)) from error


def check_extension(text: str) -> str:
    """A number that a user or group of ours may have. Raises BadValue."""
    number = check_number(text)
    if number.startswith("*"):
        raise BadValue(f"{text} is the form of a service number: a user or group has digits only")
    return number


def check_free(session: Session, number: str) -> None:
    """Raises NumberTaken when a user or a group has the number."""
    user = session.get(UserRow, number)
    if user is not None:
        raise NumberTaken(f"number {number} is taken by {user.name}")
    if session.get(GroupRow, number) is not None:
        raise NumberTaken(f"number {number} is taken by a group")


def check_employee_id(session: Session, employee_id: str, number: str) -> str:
    """An employee id that nobody but the user `number` may have already. Raises BadValue, EmployeeTaken."""
    employee_id = check_text(employee_id, "an employee id")
    owner = session.scalars(select(UserRow).where(UserRow.employee_id == employee_id)).one_or_none()
    if owner is not None and owner.number != number:
        raise EmployeeTaken(f"employee id {employee_id} belongs to {owner.name}, number {owner.number}")
    return employee_id


def check_text(text: str, what: str) -> str:
    """A name or label of one line, without blanks around it. Raises BadValue."""
    text = text.strip()
    if not text or len(text) > NAME_LENGTH or not text.isprintable():
        raise BadValue(f"{what} has 1 to {NAME_LENGTH} printable characters in one line")
    return text


def check_role(role: str) -> str:
    """Raises BadValue."""
    if role not in ROLES:
        raise BadValue(f"{role!r} is no role: it is one of {', '.join(ROLES)}")
    return role


def check_sip_password(password: str) -> str:
    """A password that every phone can be told. Raises BadValue, without saying the password."""
    if len(password) not in PASSWORD_LENGTHS or not password.isascii() or not password.isprintable():
        raise BadValue(f"a SIP password has 1 to {PASSWORD_LENGTHS[-1]} characters of ASCII, none of control")
    return password


def check_targets(texts: Iterable[str], *, of: str, what: str) -> tuple[str, ...]:
    """Numbers to ring for the number `of`, each once. `what` names them in a message. Raises BadValue."""
    numbers = tuple(check_number(text) for text in texts)
    for number in numbers:
        if number == of:
            raise BadValue(f"{of} cannot be a {what} of itself")
        if numbers.count(number) > 1:
            raise BadValue(f"{number} is named twice")
    return numbers


def warnings_of_unknown(session: Session, numbers: Collection[str]) -> tuple[str, ...]:
    """Those that belong to no user and no group here: outside numbers, or slips of the finger."""
    known = {
        *session.scalars(select(UserRow.number).where(UserRow.number.in_(numbers))),
        *session.scalars(select(GroupRow.number).where(GroupRow.number.in_(numbers))),
    }
    return tuple(f"{number} is no user or group here" for number in numbers if number not in known)


def warnings_of_rules_to(session: Session, number: str) -> tuple[str, ...]:
    """The rules of others that lead to a number which is about to go."""
    candidates = session.scalars(
        select(RuleRow)
        .where(type_coerce(RuleRow.targets, Text).contains(number), RuleRow.number != number)
        .order_by(RuleRow.number, RuleRow.id)
    )
    return tuple(
        f"{rule.number} forwards to {number} by the rule {rule.kind}" for rule in candidates if number in rule.targets
    )

"""Many users from a CSV file: all of them, or none with a reason for every bad line.

The columns are named as the options of `user add`: number, and any of name, role, employee-id, password
and sip-password, in any order, with commas or semicolons between them.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from pbx.directory.checks import (
    check_extension,
    check_role,
    check_sip_password,
    check_text,
    lock_directory,
)
from pbx.directory.errors import BadFile, BadValue
from pbx.directory.events import UsersAdded
from pbx.directory.models import DeviceRow, GroupRow, UserRow
from pbx.directory.secrets import SecretBox, generate_password, hash_password
from pbx.directory.users import FIRST_DEVICE, NewUser
from pbx.storage.unit import Store, Transaction

COLUMNS = ("number", "name", "role", "employee-id", "password", "sip-password")


@dataclass(frozen=True, slots=True)
class UserLine:
    """One user as the file has it; what was left empty is None."""

    line: int
    number: str
    name: str
    role: str
    employee_id: str | None
    password: str | None = field(repr=False)
    sip_password: str | None = field(repr=False)


def import_file(
    store: Store, content: bytes, *, box: SecretBox, actor: str, dry_run: bool = False
) -> tuple[NewUser, ...]:
    """Adds the users of a file in one transaction; a dry run checks everything and adds nothing.

    Returns the users that were added. Raises BadFile with all problems.
    """
    lines = read_users(content)
    with store.reading() as session:
        _check_all(session, lines)  # before the slow hashing, and for the dry run
    if dry_run:
        return ()
    hashes = {line.number: hash_password(line.password) for line in lines if line.password}
    with store.transaction() as tx:
        return add_users(tx, lines, box=box, password_hashes=hashes, actor=actor)


def read_users(content: bytes) -> tuple[UserLine, ...]:
    """The users of a file. Raises BadFile with everything that is wrong in the file alone."""
    lines: list[UserLine] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, values in _rows(content, problems):
        try:
            line = _read_line(number, values)
        except BadValue as error:
            problems.append(f"line {number}: {error}")
            continue
        for what, value in (("number", line.number), ("employee id", line.employee_id)):
            first = seen.setdefault(f"{what} {value}", number) if value is not None else number
            if first != number:
                problems.append(f"line {number}: {what} {value} stands in line {first} already")
        lines.append(line)
    if problems:
        raise BadFile(tuple(problems))
    return tuple(lines)


def add_users(
    tx: Transaction,
    lines: Sequence[UserLine],
    *,
    box: SecretBox,
    password_hashes: Mapping[str, str],
    actor: str,
) -> tuple[NewUser, ...]:
    """Adds users as `users.add_user` does, by the thousand. Raises BadFile."""
    session = tx.session
    lock_directory(session)
    _check_all(session, lines)
    if not lines:
        return ()
    added = tuple(
        NewUser(line.number, line.name, line.number, line.sip_password or generate_password()) for line in lines
    )
    session.execute(
        insert(UserRow),
        [
            {
                "number": line.number,
                "name": line.name,
                "role": line.role,
                "employee_id": line.employee_id,
                "password_hash": password_hashes.get(line.number),
                "version": 1,
                "created_at": tx.now,
                "updated_at": tx.now,
            }
            for line in lines
        ],
    )
    session.execute(
        insert(DeviceRow),
        [
            {
                "sip_name": user.sip_name,
                "number": user.number,
                "label": FIRST_DEVICE,
                "sealed_password": box.seal(user.sip_name, user.sip_password),
                "created_at": tx.now,
            }
            for user in added
        ],
    )
    for line in lines:
        after = {"name": line.name, "role": line.role, "employee_id": line.employee_id}
        tx.audit(actor, "user.added", line.number, after=after)
    tx.emit(UsersAdded(tuple(line.number for line in lines)))
    return added


def _rows(content: bytes, problems: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines after the header, with their number in the file; empty ones are skipped."""
    try:
        text = content.decode("utf-8-sig")  # spreadsheets put a byte order mark before it
    except UnicodeDecodeError as error:
        raise BadFile((f"octet {error.start} is not UTF-8: save the file as UTF-8",)) from error
    header, _, _ = text.partition("\n")
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in header else ",", strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        _check_columns(columns)
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(columns):
                problems.append(f"line {reader.line_num}: {len(values)} values for {len(columns)} columns")
                continue
            yield reader.line_num, dict(zip(columns, values, strict=True))
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: {error}")


def _check_columns(columns: Sequence[str]) -> None:
    for name in columns:
        if name not in COLUMNS:
            raise BadFile((f"line 1: unknown column {name!r}: the columns are {', '.join(COLUMNS)}",))
        if columns.count(name) > 1:
            raise BadFile((f"line 1: column {name!r} stands there twice",))
    if "number" not in columns:
        raise BadFile(("line 1: the column 'number' is missing",))


def _read_line(number: int, values: Mapping[str, str]) -> UserLine:
    """Raises BadValue for the first thing that is wrong."""

    def optional(column: str, check: Callable[[str], str]) -> str | None:
        value = values.get(column, "").strip()
        return check(value) if value else None

    extension = check_extension(values["number"].strip())
    return UserLine(
        line=number,
        number=extension,
        name=optional("name", lambda text: check_text(text, "a name")) or extension,
        role=optional("role", check_role) or "user",
        employee_id=optional("employee-id", lambda text: check_text(text, "an employee id")),
        password=optional("password", str),
        sip_password=optional("sip-password", check_sip_password),
    )


def _check_all(session: Session, lines: Sequence[UserLine]) -> None:
    """Raises BadFile for every line that meets somebody in the directory."""
    names = dict(session.execute(select(UserRow.number, UserRow.name)).all())
    groups = set(session.scalars(select(GroupRow.number)))
    with_id = UserRow.employee_id.is_not(None)
    employees = dict(session.execute(select(UserRow.employee_id, UserRow.number).where(with_id)).all())
    problems = []
    for line in lines:
        if line.number in names:
            problems.append(f"line {line.line}: number {line.number} is taken by {names[line.number]}")
        elif line.number in groups:
            problems.append(f"line {line.line}: number {line.number} is taken by a group")
        if line.employee_id in employees:
            owner = employees[line.employee_id]
            problems.append(
                f"line {line.line}: employee id {line.employee_id} belongs to {names[owner]}, number {owner}"
            )
    if problems:
        raise BadFile(tuple(problems))

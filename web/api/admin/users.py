"""Users, as admins manage them: people, passwords, devices, forwarding, import."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import Field
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from pbx.directory.checks import access_user
from pbx.directory.models import DeviceRow, RuleRow, UserRow
from pbx.directory.secrets import generate_password, hash_password
from pbx.directory.snapshot import User
from pbx.directory.users import FIRST_DEVICE, add_user, remove_user, set_user
from pbx.presence.state import Presence
from pbx.storage.unit import Transaction
from web.api.devices import (
    DevicePage,
    Linphone,
    account_answer,
    device_page,
)
from web.api.forwarding import (
    NewRules,
    Rules,
    RulesChangePage,
    RulesSet,
    Trial,
    TrialResult,
    history_of,
    rules_of,
    set_rules,
    try_out,
)
from web.api.section import Access, Section
from web.api.shapes import Moment, Page, Role, Shape, Warned
from web.auth.sessions import SignedIn
from web.errors import Forbidden
from web.language import wanted_language
from web.looks import RULES_VIEWED
from web.models import SessionRow
from web.services import Services, services

section = Section("admin_users", title="admin: users", prefix="/api/v1/admin")

PAGE = 100


class UsersQuery(Shape):
    """Which users."""

    q: str = Field(default="", max_length=100, examples=["orl"], description="a part of name, number or employee id")
    role: Role | None = None
    before: str | None = Field(default=None, max_length=32, description="the cursor `next` of the part before")
    limit: int = Field(default=PAGE, ge=1, le=1000)


class UserItem(Shape):
    """A user as admins see him."""

    number: str = Field(examples=["101"])
    name: str = Field(examples=["Anna Orlova"])
    role: Role
    employee_id: str | None = Field(examples=["E-17"])
    can_sign_in: bool = Field(description="has a password for the web")
    password_temporary: bool = Field(description="has to choose a new one at the next sign-in")
    devices: int = Field(examples=[2])
    devices_online: int = Field(examples=[1])
    forwarding: int = Field(examples=[2], description="how many forwarding rules")
    presence: Presence
    created_at: Moment
    updated_at: Moment
    last_seen: Moment | None = Field(description="in a browser; null: not while the sessions that hold")
    version: int = Field(examples=[3])


class UserPage(Page[UserItem]):
    """A part of the users, by number."""

    total: int = Field(examples=[250], description="how many match")


class NewUserBody(Shape):
    """A user to be made, with a first device."""

    number: str = Field(min_length=1, max_length=32, examples=["101"])
    name: str | None = Field(default=None, max_length=100, examples=["Anna Orlova"])
    role: Role = Role.USER
    employee_id: str | None = Field(default=None, max_length=100, examples=["E-17"])
    with_password: bool = Field(default=True, description="make a one-time password for the web")


class UserMade(UserItem):
    """The new user. Passwords are shown this once."""

    password: str | None = Field(examples=["k7m2xq9hd4vbtw3ce"], description="for the web, good for choosing another")
    sip_name: str = Field(examples=["101"])
    sip_password: str = Field(examples=["k7m2xq9hd4vbtw3ce"])
    uri: str = Field(examples=["sip:101:k7m2xq9hd4vbtw3ce@10.0.0.2:5060"])
    linphone: Linphone


class UserChange(Shape):
    """What is given is changed; an employee id of null or nothing is removed."""

    name: str | None = Field(default=None, max_length=100, examples=["Anna Orlova"])
    role: Role | None = None
    employee_id: str | None = Field(default=None, max_length=100, examples=["E-17"])


class OneTimePassword(Shape):
    """Good for choosing another one. Shown this once."""

    password: str = Field(examples=["k7m2xq9hd4vbtw3ce"])


class Found(NamedTuple):
    """A user with what is counted of him."""

    row: UserRow
    devices: int = 0
    rules: int = 0
    seen_at: datetime | None = None


@section.get("/users", Access.ADMIN, query=UsersQuery, answer=UserPage)
def list_users(user: SignedIn, query: UsersQuery) -> UserPage:
    """All users, by number."""
    del user
    given = services()

    numbers = sorted(
        user.number
        for user in given.directory.users.values()
        if query.role in (None, user.role) and _matches(user, query.q)
    )
    part = [number for number in numbers if query.before is None or number > query.before]
    shown = part[: query.limit]

    def find(session: Session) -> list[Found]:
        rows = session.scalars(select(UserRow).where(UserRow.number.in_(shown)).order_by(UserRow.number)).all()
        return _found(session, rows)

    items = [_item(given, one) for one in given.read(find)]
    return UserPage(items=items, next=shown[-1] if len(part) > len(shown) else None, total=len(numbers))


@section.post("/users", Access.ADMIN, body=NewUserBody, answer=UserMade, status=201)
def create_user(user: SignedIn, body: NewUserBody) -> UserMade:
    """Add a user with a first device."""
    given = services()
    password, password_hash = _one_time(given) if body.with_password else (None, None)

    def add(tx: Transaction) -> tuple[UserRow, str, str]:
        made = add_user(
            tx,
            body.number,
            box=given.box,
            actor=user.number,
            name=body.name,
            role=body.role.value,
            employee_id=body.employee_id,
            password_hash=password_hash,
            password_temporary=password_hash is not None,
        )
        return access_user(tx.session, made.number), made.sip_name, made.sip_password

    row, sip_name, sip_password = given.act(add)
    device = account_answer(given, sip_name, FIRST_DEVICE, sip_password)
    return UserMade(
        **_item(given, Found(row, 1)).model_dump(),
        password=password,
        sip_name=sip_name,
        sip_password=sip_password,
        uri=device.uri,
        linphone=device.linphone,
    )


@section.get("/users/<number>", Access.ADMIN, answer=UserItem)
def show_user(user: SignedIn, number: str) -> UserItem:
    """One user."""
    del user
    return _show(services(), number)


@section.patch("/users/<number>", Access.ADMIN, body=UserChange, answer=UserItem)
def change_user(user: SignedIn, number: str, body: UserChange) -> UserItem:
    """Change a user. A new role ends all sessions of the user."""
    given = services()
    role = body.role.value if body.role is not None else None
    if number == user.number and role not in (None, user.role):
        raise Forbidden("nobody takes the own role away: ask another admin", code="own-account")
    employee_id = body.employee_id
    if employee_id is None and "employee_id" in body.model_fields_set:
        employee_id = ""
    given.act(
        lambda tx: set_user(
            tx, number, box=given.box, actor=user.number, name=body.name, role=role, employee_id=employee_id
        )
    )
    return _show(given, number)


@section.delete("/users/<number>", Access.ADMIN, answer=Warned)
def delete_user(user: SignedIn, number: str) -> Warned:
    """Remove a user with devices, rules and sessions; warns of what still leads to the number."""
    if number == user.number:
        raise Forbidden("nobody removes the own account: ask another admin", code="own-account")
    warnings = services().act(lambda tx: remove_user(tx, number, actor=user.number))
    return Warned(warnings=list(warnings))


@section.post("/users/<number>/password", Access.ADMIN, answer=OneTimePassword)
def reset_password(user: SignedIn, number: str) -> OneTimePassword:
    """Give a user a one-time password, with which the next sign-in demands a new one. Ends all sessions of the user."""
    given = services()
    password, password_hash = _one_time(given)
    given.act(
        lambda tx: set_user(
            tx, number, box=given.box, actor=user.number, password_hash=password_hash, password_temporary=True
        )
    )
    return OneTimePassword(password=password)


@section.get("/users/<number>/forwarding", Access.ADMIN, answer=Rules)
def show_rules(user: SignedIn, number: str) -> Rules:
    """The forwarding rules of a user; audited where they are somebody else's."""
    given = services()
    rules = rules_of(given, number)
    _note_look(given, user, number)
    return rules


@section.get("/users/<number>/forwarding/history", Access.ADMIN, answer=RulesChangePage)
def show_rules_history(user: SignedIn, number: str) -> RulesChangePage:
    """Who changed the rules of a user, and how; audited likewise."""
    given = services()
    _note_look(given, user, number)
    return history_of(given, number)


@section.put("/users/<number>/forwarding", Access.ADMIN, body=NewRules, answer=RulesSet)
def put_rules(user: SignedIn, number: str, body: NewRules) -> RulesSet:
    """Replace the forwarding rules of a user; 409 `stale-version` where they were changed meanwhile."""
    return set_rules(services(), number, body, actor=user.number)


@section.post("/users/<number>/forwarding/simulate", Access.ADMIN, body=Trial, answer=TrialResult)
def simulate_rules(user: SignedIn, number: str, body: Trial) -> TrialResult:
    """Say what would happen to a call to a user, by these rules."""
    del user
    return try_out(services(), number, body, wanted_language())


@section.get("/users/<number>/devices", Access.ADMIN, answer=DevicePage)
def show_devices(user: SignedIn, number: str) -> DevicePage:
    """The devices of a user, and whether a phone is registered by them."""
    del user
    return device_page(services(), number)


def _matches(user: User, wanted: str) -> bool:
    """In memory: SQLite's own comparison without case knows ASCII only."""
    text = f"{user.number} {user.name} {user.employee_id or ''}".casefold()
    return all(part in text for part in wanted.casefold().split())


def _note_look(given: Services, user: SignedIn, number: str) -> None:
    if number != user.number:
        given.looks.note(user.number, RULES_VIEWED, number)


def _one_time(given: Services) -> tuple[str, str]:
    password = generate_password()
    return password, given.threads.run_slow(lambda: hash_password(password))


def _show(given: Services, number: str) -> UserItem:
    return _item(given, given.read(lambda session: _found(session, [access_user(session, number)])[0]))


def _found(session: Session, rows: Sequence[UserRow]) -> list[Found]:
    """Users with what is counted of them."""
    numbers = [row.number for row in rows]

    def by_number(value: ColumnElement[Any], number: InstrumentedAttribute[str]) -> dict[str, Any]:
        return dict(session.execute(select(number, value).where(number.in_(numbers)).group_by(number)).all())

    devices = by_number(func.count(), DeviceRow.number)
    rules = by_number(func.count(), RuleRow.number)
    seen = by_number(func.max(SessionRow.seen_at), SessionRow.number)
    return [Found(row, devices.get(row.number, 0), rules.get(row.number, 0), seen.get(row.number)) for row in rows]


def _item(given: Services, found: Found) -> UserItem:
    row = found.row
    return UserItem(
        number=row.number,
        name=row.name,
        role=Role(row.role),
        employee_id=row.employee_id,
        can_sign_in=row.password_hash is not None,
        password_temporary=row.password_temporary,
        devices=found.devices,
        devices_online=given.presence.phones_of(row.number) + len(given.browsers.of(row.number)),
        forwarding=found.rules,
        presence=given.presence.of(row.number)[0],
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_seen=found.seen_at,
        version=row.version,
    )

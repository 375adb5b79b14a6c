"""People: everybody with a number, with presence and favourites."""

from pydantic import Field
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pbx.directory.checks import ADMIN
from pbx.directory.snapshot import User
from pbx.presence.state import Presence
from pbx.storage.unit import Transaction
from web.api.section import Access, Section
from web.api.shapes import Moment, Page, Role, Shape, from_seconds
from web.auth.sessions import SignedIn
from web.errors import Invalid, Missing
from web.happenings import ProfileTouched
from web.models import FavouriteRow, PreferencesRow
from web.services import Services, services

section = Section("people")

PAGE = 1000
MOST_FAVOURITES = 200


class PeopleQuery(Shape):
    """Which people."""

    q: str = Field(default="", max_length=100, examples=["orl"], description="a part of the name or number")
    before: str | None = Field(default=None, max_length=32, description="the cursor `next` of the part before")
    limit: int = Field(default=PAGE, ge=1, le=PAGE)


class Person(Shape):
    """Somebody of this organisation."""

    number: str = Field(examples=["102"])
    name: str = Field(examples=["Boris Petrov"])
    presence: Presence
    presence_since: Moment | None = Field(description="null: since before the server knows")
    status: str = Field(examples=["In the workshop until four"])
    role: Role
    favourite: bool
    devices_online: int = Field(examples=[1], description="phones and browsers that would ring")


class PersonPage(Page[Person]):
    """A part of the people, by name."""


@section.get("/people", Access.USER, query=PeopleQuery, answer=PersonPage)
def list_people(user: SignedIn, query: PeopleQuery) -> PersonPage:
    """The people of the organisation, by name."""
    given = services()
    wanted = query.q.strip().casefold()
    found = sorted(
        (one for one in given.directory.users.values() if _is_person(one) and _matches(one, wanted)), key=_order
    )
    after = query.before
    if after is not None and (last := given.directory.user(after)) is not None:
        found = [one for one in found if _order(one) > _order(last)]
    part = found[: query.limit]
    favourites, statuses = given.read(lambda session: _about(session, user.number))
    items = [_person(given, one, favourites, statuses) for one in part]
    return PersonPage(items=items, next=part[-1].number if len(found) > len(part) else None)


@section.get("/people/<number>", Access.USER, answer=Person)
def show_person(user: SignedIn, number: str) -> Person:
    """One of them."""
    given = services()
    found = _access(given, number)
    favourites, statuses = given.read(lambda session: _about(session, user.number))
    return _person(given, found, favourites, statuses)


@section.put("/people/<number>/favourite", Access.USER)
def add_favourite(user: SignedIn, number: str) -> None:
    """Keep somebody at the top of my list."""
    given = services()
    found = _access(given, number)

    def add(tx: Transaction) -> None:
        session = tx.session
        if session.get(FavouriteRow, (user.number, found.number)) is None:
            count = len(session.scalars(select(FavouriteRow).where(FavouriteRow.owner == user.number)).all())
            if count >= MOST_FAVOURITES:
                raise Invalid(f"at most {MOST_FAVOURITES} people can be favourites")
            session.add(FavouriteRow(owner=user.number, number=found.number))
            tx.emit(ProfileTouched(user.number))

    given.act(add)


@section.delete("/people/<number>/favourite", Access.USER)
def remove_favourite(user: SignedIn, number: str) -> None:
    """No longer."""

    def remove(tx: Transaction) -> None:
        mine = FavouriteRow.owner == user.number, FavouriteRow.number == number
        if tx.session.execute(delete(FavouriteRow).where(*mine).returning(FavouriteRow.number)).first() is not None:
            tx.emit(ProfileTouched(user.number))

    services().act(remove)


def _access(given: Services, number: str) -> User:
    """Somebody with this number. Raises Missing."""
    found = given.directory.user(number)
    if found is None or not _is_person(found):
        raise Missing(f"there is nobody with the number {number}")
    return found


def _is_person(user: User) -> bool:
    return user.number != ADMIN


def _matches(user: User, wanted: str) -> bool:
    return not wanted or wanted in user.number or all(part in user.name.casefold() for part in wanted.split())


def _order(user: User) -> tuple[str, str]:
    return user.name.casefold(), user.number


def _about(session: Session, owner: str) -> tuple[set[str], dict[str, str]]:
    """My favourites, and everybody's status."""
    favourites = set(session.scalars(select(FavouriteRow.number).where(FavouriteRow.owner == owner)))
    said = select(PreferencesRow.number, PreferencesRow.status).where(PreferencesRow.status != "")
    return favourites, dict(session.execute(said).all())


def _person(given: Services, user: User, favourites: set[str], statuses: dict[str, str]) -> Person:
    presence, since = given.presence.of(user.number)
    return Person(
        number=user.number,
        name=user.name,
        presence=presence,
        presence_since=None if since is None else from_seconds(since),
        status=statuses.get(user.number, ""),
        role=Role(user.role),
        favourite=user.number in favourites,
        devices_online=given.presence.phones_of(user.number) + len(given.browsers.of(user.number)),
    )

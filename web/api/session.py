"""Signing in and out."""

from typing import Annotated, Literal, cast

from flask import Response, jsonify, request
from pydantic import Field, StringConstraints

from pbx.directory.checks import access_user
from pbx.directory.secrets import hash_password
from pbx.directory.users import set_user
from pbx.storage.unit import Transaction
from web.api.section import Access, Section
from web.api.shapes import Role, Shape
from web.auth.access import COOKIE, whose_request, whose_token
from web.auth.passwords import check_new
from web.auth.sessions import SignedIn, end_session, start_session
from web.errors import Forbidden, Invalid
from web.happenings import SessionEnded
from web.models import PreferencesRow
from web.services import Services, services

section = Section("session", title="signing in")

Theme = Literal["system", "light", "dark"]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Za-z]{2,4})?$")]


class SignInBody(Shape):
    """Who wants to sign in."""

    user: str = Field(min_length=1, max_length=64, examples=["101"], description="a number, or admin")
    password: str = Field(min_length=1, max_length=1024, examples=["correct horse battery"])
    new_password: str | None = Field(
        default=None, max_length=1024, examples=[None], description="instead of a temporary password"
    )


class Me(Shape):
    """Who is signed in."""

    number: str = Field(examples=["101"])
    name: str = Field(examples=["Anna Orlova"])
    role: Role
    language: str | None = Field(examples=["ru"], description="null: the browser's")
    theme: Theme | None = Field(examples=["dark"], description="null: the browser's")
    status: str = Field(examples=["In the workshop until four"])
    has_phone: bool = Field(description="false for an account without a number, which cannot call")


class SessionAnswer(Shape):
    """The session of this browser."""

    user: Me
    session: str = Field(examples=["9f86d081884c7d65"])


@section.post("/session", Access.PUBLIC, body=SignInBody, answer=SessionAnswer)
def sign_in(body: SignInBody) -> Response:
    """Sign in.

    401 `wrong-password`; 403 `new-password-needed` where the password is a temporary one: send it again with
    `new_password`; 422 `weak-password`; 429 with Retry-After after too many wrong passwords.
    """
    given = services()
    address = request.remote_addr or ""
    account = given.sign_in.check(body.user, body.password, address)
    if account.password_temporary and body.new_password is None:
        raise Forbidden("choose a password of your own first", code="new-password-needed")
    new_hash = None
    if body.new_password is not None:
        if not account.password_temporary:
            raise Invalid("a password is changed once one is signed in", details={"new_password": ["not now"]})
        new_password = check_new(body.new_password, old=body.password, account=account.number)
        new_hash = given.threads.run_slow(lambda: hash_password(new_password))
    user_agent = request.headers.get("User-Agent", "")
    before = whose_request()

    def start(tx: Transaction) -> str:
        user = access_user(tx.session, account.number)
        if new_hash is not None:
            user = set_user(tx, user.number, box=given.box, actor=user.number, password_hash=new_hash)
        if before is not None:  # this browser's session until now is of no use to anybody
            _end(tx, before)
        return start_session(tx, user, address=address, user_agent=user_agent)

    token = given.act(start)
    response = jsonify(_session(given, _of_token(given, token)).model_dump(mode="json"))
    _set_cookie(given, response, token)
    return response


@section.get("/session", Access.USER, answer=SessionAnswer)
def show_session(user: SignedIn) -> SessionAnswer:
    """Who is signed in here."""
    return _session(services(), user)


@section.delete("/session", Access.PUBLIC)
def sign_out() -> Response:
    """Sign out; nothing happens where nobody is signed in. The browser forgets what it has kept of us, as pictures."""
    given = services()
    found = whose_request()
    if found is not None:
        given.act(lambda tx: _end(tx, found))
    response = Response(status=204)
    response.set_cookie(COOKIE, "", max_age=0, path="/", secure=True, httponly=True, samesite="Strict")
    # Its cache alone: what the service worker holds of the client is nobody's secret, and the next one needs it.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def me(given: Services, user: SignedIn) -> Me:
    """The user with what he has set for himself."""
    row = given.read(lambda session: session.get(PreferencesRow, user.number))
    return Me(
        number=user.number,
        name=user.name,
        role=Role(user.role),
        language=row.language if row else None,
        theme=cast(Theme | None, row.theme) if row else None,
        status=row.status if row else "",
        has_phone=user.number.isdigit(),
    )


def _session(given: Services, user: SignedIn) -> SessionAnswer:
    return SessionAnswer(user=me(given, user), session=user.session)


def _of_token(given: Services, token: str) -> SignedIn:
    found = whose_token(given, token)
    assert found is not None
    return found


def _end(tx: Transaction, user: SignedIn) -> None:
    if end_session(tx, user.number, user.session):
        tx.emit(SessionEnded(user.number, user.session))


def _set_cookie(given: Services, response: Response, token: str) -> None:
    """The browser holds the cookie as long as the session can hold; scripts never see it."""
    age = int(given.limits.absolute.total_seconds())
    response.set_cookie(COOKIE, token, max_age=age, path="/", secure=True, httponly=True, samesite="Strict")

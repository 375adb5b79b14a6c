"""What a user sets for himself: profile, password, sessions."""

from typing import Any

from flask import request
from pydantic import Field

from pbx.directory.secrets import hash_password
from pbx.directory.users import set_user
from pbx.storage.unit import Transaction
from web.api.section import Access, Section
from web.api.session import Language, Me, Theme, me
from web.api.shapes import Moment, Page, Shape
from web.auth.passwords import check_new
from web.auth.sessions import SignedIn, end_session, keep_session, list_sessions
from web.errors import Missing
from web.happenings import ProfileTouched, SessionEnded
from web.models import STATUS_LENGTH, PreferencesRow
from web.services import services

section = Section("me", title="my own settings")


class ProfileChange(Shape):
    """What is given is changed; null for language or theme is the browser's own."""

    name: str | None = Field(default=None, min_length=1, max_length=100, examples=["Anna Orlova"])
    language: Language | None = Field(default=None, examples=["ru"])
    theme: Theme | None = Field(default=None, examples=["dark"])
    status: str | None = Field(default=None, max_length=STATUS_LENGTH, examples=["In the workshop until four"])


class PasswordChange(Shape):
    """The old and the new password."""

    old: str = Field(min_length=1, max_length=1024, examples=["correct horse battery"])
    new: str = Field(min_length=1, max_length=1024, examples=["staple of four words"])


class SessionItem(Shape):
    """A browser in which I am signed in."""

    id: str = Field(examples=["9f86d081884c7d65"])
    address: str = Field(examples=["10.0.0.7"])
    user_agent: str = Field(examples=["Mozilla/5.0 (X11; Linux x86_64) Chrome/120"])
    created_at: Moment
    last_seen: Moment
    current: bool = Field(description="this is the browser that asks")


class SessionPage(Page[SessionItem]):
    """My sessions, the last used first."""


@section.get("/me", Access.USER, answer=Me)
def show_me(user: SignedIn) -> Me:
    """My profile."""
    return me(services(), user)


@section.patch("/me", Access.USER, body=ProfileChange, answer=Me)
def change_me(user: SignedIn, body: ProfileChange) -> Me:
    """Change my profile."""
    given = services()
    said: dict[str, Any] = body.model_dump(exclude_unset=True)

    def change(tx: Transaction) -> str:
        name = user.name
        if body.name is not None and body.name.strip() != user.name:
            name = set_user(tx, user.number, box=given.box, actor=user.number, name=body.name).name
        row = tx.session.get(PreferencesRow, user.number)
        if row is None:
            row = PreferencesRow(number=user.number, language=None, theme=None, status="", calls_seen_at=0.0)
            tx.session.add(row)
        if "language" in said:
            row.language = body.language
        if "theme" in said:
            row.theme = body.theme
        before = row.status
        if body.status is not None:
            row.status = " ".join(body.status.split())
        tx.emit(ProfileTouched(user.number, shown=row.status != before))
        return name

    name = given.act(change)
    return me(given, SignedIn(user.number, name, user.role, user.session, user.token_hash, user.seen_at))


@section.put("/me/password", Access.USER, body=PasswordChange)
def change_password(user: SignedIn, body: PasswordChange) -> None:
    """Change my password.

    All other browsers in which I am signed in are signed out. 401 `wrong-password` where the old one is wrong.
    """
    given = services()
    given.sign_in.check(user.number, body.old, request.remote_addr or "")
    new = check_new(body.new, old=body.old, account=user.number)
    new_hash = given.threads.run_slow(lambda: hash_password(new))

    def change(tx: Transaction) -> None:
        row = set_user(tx, user.number, box=given.box, actor=user.number, password_hash=new_hash)
        keep_session(tx, user.token_hash, row)

    given.act(change)


@section.get("/me/sessions", Access.USER, answer=SessionPage)
def show_sessions(user: SignedIn) -> SessionPage:
    """Where I am signed in."""
    given = services()
    rows = given.read(lambda session: list_sessions(session, user.number, given.limits, given.now()))
    return SessionPage(
        items=[
            SessionItem(
                id=row.id,
                address=row.address,
                user_agent=row.user_agent,
                created_at=row.created_at,
                last_seen=row.seen_at,
                current=row.id == user.session,
            )
            for row in rows
        ]
    )


@section.delete("/me/sessions/<session_id>", Access.USER)
def revoke_session(user: SignedIn, session_id: str) -> None:
    """Sign a browser of mine out."""

    def revoke(tx: Transaction) -> None:
        if not end_session(tx, user.number, session_id):
            raise Missing("there is no such session")
        tx.emit(SessionEnded(user.number, session_id))

    services().act(revoke)

"""Who is signed in where: rows that can be looked at and revoked.

The browser holds a random token in a cookie; the database has only its hash, so that a copy of the database signs
nobody in. A session holds while its user's role and password are those of the sign-in: whoever changes them, by the
panel or the command line, ends every session of that user at once, without anybody having to remember to.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from pbx.directory.models import UserRow
from pbx.storage.unit import Transaction
from web.models import ADDRESS_LENGTH, USER_AGENT_LENGTH, SessionRow

TOKEN_OCTETS = 32
NOTE_EVERY = timedelta(minutes=1)  # how exactly it is noted when a session was last used
AT_ONCE = 500  # sessions that one query looks up


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The user of a request or a connection, and the session that shows it."""

    number: str
    name: str
    role: str
    session: str
    token_hash: bytes
    seen_at: datetime

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session holds: unused, and at all."""

    idle: timedelta
    absolute: timedelta


def start_session(tx: Transaction, user: UserRow, *, address: str, user_agent: str) -> str:
    """Signs a browser in; the token for its cookie."""
    token = secrets.token_urlsafe(TOKEN_OCTETS)
    tx.session.add(
        SessionRow(
            token_hash=hash_token(token),
            id=secrets.token_hex(8),
            number=user.number,
            standing=standing_of(user),
            address=address[:ADDRESS_LENGTH],
            user_agent="".join(char for char in user_agent if char.isprintable())[:USER_AGENT_LENGTH],
            created_at=tx.now,
            seen_at=tx.now,
        )
    )
    return token


def find_session(session: Session, token_hash: bytes, limits: Limits, now: datetime) -> SignedIn | None:
    """Whom a token shows, None where it is unknown, has ended or was revoked."""
    found = session.execute(
        select(SessionRow, UserRow).join(UserRow, UserRow.number == SessionRow.number)
        .where(SessionRow.token_hash == token_hash)
    ).one_or_none()  # fmt: skip
    if found is None:
        return None
    row, user = found
    if row.created_at <= now - limits.absolute or row.seen_at <= now - limits.idle:
        return None
    if row.standing != standing_of(user):
        return None
    return SignedIn(user.number, user.name, user.role, row.id, token_hash, row.seen_at)


def those_that_hold(session: Session, hashes: Collection[bytes], limits: Limits, now: datetime) -> set[bytes]:
    """Those of many tokens that still show somebody, as `find_session` says it of one."""
    holding: set[bytes] = set()
    wanted = list(hashes)
    for place in range(0, len(wanted), AT_ONCE):
        found = session.execute(
            select(SessionRow.token_hash, SessionRow.standing, UserRow.role, UserRow.password_hash)
            .join(UserRow, UserRow.number == SessionRow.number)
            .where(
                SessionRow.token_hash.in_(wanted[place : place + AT_ONCE]),
                SessionRow.created_at > now - limits.absolute,
                SessionRow.seen_at > now - limits.idle,
            )
        )
        holding.update(row.token_hash for row in found if row.standing == _standing(row.role, row.password_hash))
    return holding


def note_uses_of(tx: Transaction, hashes: Collection[bytes]) -> None:
    """Notes that sessions are in use, by the hashes of their tokens."""
    tx.session.execute(update(SessionRow).where(SessionRow.token_hash.in_(hashes)).values(seen_at=tx.now))


def keep_session(tx: Transaction, token_hash: bytes, user: UserRow) -> None:
    """Lets one session live on after its own user changed the password in it."""
    tx.session.execute(
        update(SessionRow).where(SessionRow.token_hash == token_hash).values(standing=standing_of(user), seen_at=tx.now)
    )


def list_sessions(session: Session, number: str, limits: Limits, now: datetime) -> Sequence[SessionRow]:
    """The sessions of a user that hold, the last used first."""
    user = session.get(UserRow, number)
    if user is None:
        return ()
    return session.scalars(
        select(SessionRow)
        .where(
            SessionRow.number == number,
            SessionRow.standing == standing_of(user),
            SessionRow.created_at > now - limits.absolute,
            SessionRow.seen_at > now - limits.idle,
        )
        .order_by(SessionRow.seen_at.desc(), SessionRow.id)
    ).all()


def end_session(tx: Transaction, number: str, session_id: str) -> bool:
    """Signs one browser of a user out; whether there was such a session."""
    found = tx.session.execute(
        delete(SessionRow).where(SessionRow.number == number, SessionRow.id == session_id).returning(SessionRow.id)
    )
    return found.first() is not None


def forget_ended(tx: Transaction, limits: Limits) -> None:
    """Removes the rows of sessions that hold no more."""
    tx.session.execute(
        delete(SessionRow).where(
            or_(SessionRow.created_at <= tx.now - limits.absolute, SessionRow.seen_at <= tx.now - limits.idle)
        )
    )


def hash_token(token: str) -> bytes:
    """What the database has of a token. It is random enough to need no salt."""
    return hashlib.sha256(token.encode()).digest()


def standing_of(user: UserRow) -> str:
    """A word that is another one when the role or the password of a user is changed."""
    return _standing(user.role, user.password_hash)


def _standing(role: str, password_hash: str | None) -> str:
    return hashlib.sha256(f"{role}\0{password_hash}".encode()).hexdigest()

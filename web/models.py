"""The rows of the web process: who is signed in where, and what people have set for themselves."""

from datetime import datetime

from sqlalchemy import Double, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from pbx.storage.base import Base

ADDRESS_LENGTH = 64
USER_AGENT_LENGTH = 300
STATUS_LENGTH = 100


class SessionRow(Base):
    """One browser that is signed in. The token itself is in the browser's cookie only."""

    __tablename__ = "web_sessions"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)  # SHA-256
    id: Mapped[str] = mapped_column(String(16), unique=True)  # by which people revoke it
    number: Mapped[str] = mapped_column(ForeignKey("users.number", ondelete="CASCADE"), index=True)
    standing: Mapped[str] = mapped_column(String(64))  # see web.auth.sessions.standing_of
    address: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
    user_agent: Mapped[str] = mapped_column(String(USER_AGENT_LENGTH))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class PreferencesRow(Base):
    """What a user has set for himself; no row is all defaults."""

    __tablename__ = "preferences"

    number: Mapped[str] = mapped_column(ForeignKey("users.number", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str | None] = mapped_column(String(10))  # None: the browser's
    theme: Mapped[str | None] = mapped_column(String(10))  # None: the browser's
    status: Mapped[str] = mapped_column(String(STATUS_LENGTH))  # what others read beside the name
    calls_seen_at: Mapped[float] = mapped_column(Double)  # missed calls until then were looked at; Unix seconds


class FavouriteRow(Base):
    """Somebody whom a user keeps at the top of the list."""

    __tablename__ = "favourites"

    owner: Mapped[str] = mapped_column(ForeignKey("users.number", ondelete="CASCADE"), primary_key=True)
    number: Mapped[str] = mapped_column(ForeignKey("users.number", ondelete="CASCADE"), primary_key=True)


class CallPartyRow(Base):
    """A user in a call that has ended: the index by which people find their own calls.

    Made from the call's record (`web.calls_index`), and gone with it.
    """

    __tablename__ = "call_parties"
    __table_args__ = (Index("ix_call_parties_number_started_at", "number", "started_at"),)

    call_id: Mapped[str] = mapped_column(ForeignKey("call_records.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[str] = mapped_column(ForeignKey("users.number", ondelete="CASCADE"), primary_key=True)
    outgoing: Mapped[bool]
    missed: Mapped[bool]
    started_at: Mapped[float] = mapped_column(Double)  # Unix seconds, as in the record

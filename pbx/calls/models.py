"""Calls and messages, as they are stored.

The engine writes them through the write-behind, by the statements at the end; the values of a row stand
in the order of the columns here. Times are seconds of the Unix epoch. Numbers and causes come from
phones, so they have no length but the one that SIP parsing allows.
"""

from sqlalchemy import Double, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from pbx.routing.outcome import Outcome
from pbx.storage.base import Base
from pbx.storage.statements import delete, upsert


class LiveCallRow(Base):
    """A confirmed call in progress: what a restarted engine needs to go on with it."""

    __tablename__ = "live_calls"

    call_id: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text)  # JSON
    updated_at: Mapped[float] = mapped_column(Double)


class CallRecordRow(Base):
    """A call that has ended, with the plan that it followed and what happened on the way."""

    __tablename__ = "call_records"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    caller: Mapped[str] = mapped_column(Text, index=True)
    caller_name: Mapped[str] = mapped_column(Text)
    dialled: Mapped[str] = mapped_column(Text, index=True)
    answered_by: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[float] = mapped_column(Double, index=True)
    answered_at: Mapped[float | None] = mapped_column(Double)
    ended_at: Mapped[float] = mapped_column(Double, index=True)
    outcome: Mapped[Outcome]
    cause: Mapped[str] = mapped_column(Text)  # in words
    plan: Mapped[str] = mapped_column(Text)  # JSON
    events: Mapped[str] = mapped_column(Text)  # JSON


class StoredMessageRow(Base):
    """A SIP MESSAGE that waits for somebody who is offline."""

    __tablename__ = "stored_messages"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    to_number: Mapped[str] = mapped_column(Text, index=True)
    from_number: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[float] = mapped_column(Double)
    expires_at: Mapped[float] = mapped_column(Double)


class SipInboxRow(Base):
    """A SIP MESSAGE that chat has not taken yet."""

    __tablename__ = "sip_inbox"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    sender: Mapped[str] = mapped_column(Text)
    receiver: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[float] = mapped_column(Double)


class CallMediaRow(Base):
    """How the media of a call was that went through the server."""

    __tablename__ = "call_media"

    call_id: Mapped[str] = mapped_column(Text, primary_key=True)
    statistics: Mapped[str] = mapped_column(Text)  # JSON: streams by party


UPSERT_LIVE_CALL = upsert(LiveCallRow)
DELETE_LIVE_CALL = delete(LiveCallRow)
UPSERT_CALL_RECORD = upsert(CallRecordRow)
UPSERT_STORED_MESSAGE = upsert(StoredMessageRow)
DELETE_STORED_MESSAGE = delete(StoredMessageRow)
UPSERT_SIP_INBOX = upsert(SipInboxRow)
UPSERT_CALL_MEDIA = upsert(CallMediaRow)

"""Actions on files: an upload is begun, its octets arrive (`messaging.files`), it is finished, and then
sent with one message. What is never finished or sent expires.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from messaging.access import access_upload
from messaging.errors import NotFound, TooMuch
from messaging.file_types import INLINE, THUMBNAILED, clean_name, guess_type
from messaging.models import ATTACHMENTS, Thumbnail
from messaging.views import Attachment, as_attachment
from pbx.directory.models import UserRow
from pbx.storage.unit import Transaction

MEBIBYTE = 1 << 20
UNUSED = timedelta(days=1)  # how long a finished upload waits to be sent
MOST_UNUSED = 100  # uploads of one person that are in no message yet


@dataclass(frozen=True, slots=True)
class Limits:
    """What one person may store, in octets, and how long an upload may take."""

    largest: int
    quota: int
    unfinished: timedelta


def begin_upload(tx: Transaction, name: str, size: int, *, actor: str, limits: Limits) -> str:
    """The id of a new upload of so many octets. Raises TooMuch."""
    if size > limits.largest:
        raise TooMuch(f"a file has at most {limits.largest // MEBIBYTE} MiB")
    unused = select(func.count()).where(
        ATTACHMENTS.c.owner == actor, ATTACHMENTS.c.message_id.is_(None), ATTACHMENTS.c.expires_at > tx.now
    )
    if tx.session.execute(unused).scalar_one() >= MOST_UNUSED:
        raise TooMuch(f"{MOST_UNUSED} of your files wait to be sent: send them first, or give them up")
    used = stored_by(tx.session, actor)
    if used + size > limits.quota:
        raise TooMuch(
            f"your files take {used // MEBIBYTE} of {limits.quota // MEBIBYTE} MiB: this one does not fit any more"
        )
    upload = secrets.token_urlsafe(18)
    tx.session.execute(
        insert(ATTACHMENTS),
        {
            "id": upload,
            "owner": actor,
            "message_id": None,
            "position": 0,
            "name": clean_name(name),
            "type": "application/octet-stream",
            "size": size,
            "stored": False,
            "thumbnail": Thumbnail.NONE,
            "width": None,
            "height": None,
            "created_at": tx.now,
            "expires_at": tx.now + limits.unfinished,
            "removed_at": None,
        },
    )
    return upload


def finish_upload(tx: Transaction, upload: str, beginning: bytes, *, actor: str) -> Attachment:
    """All octets have arrived. `beginning` are the first of them, which say what it is. Raises NotFound."""
    row = access_upload(tx.session, upload, actor=actor, now=tx.now)
    if not row.stored:
        kind = guess_type(row.name, beginning)
        values = {
            "stored": True,
            "type": kind,
            "thumbnail": Thumbnail.WAITING if kind in THUMBNAILED else Thumbnail.NONE,
            "expires_at": tx.now + UNUSED,
        }
        query = update(ATTACHMENTS).where(ATTACHMENTS.c.id == upload).values(**values).returning(ATTACHMENTS)
        row = tx.session.execute(query).one()
    return as_attachment(row)


def cancel_upload(tx: Transaction, upload: str, *, actor: str) -> None:
    """Gives an upload up; its file goes with the next sweep. Raises NotFound."""
    access_upload(tx.session, upload, actor=actor, now=tx.now)
    tx.session.execute(update(ATTACHMENTS).where(ATTACHMENTS.c.id == upload).values(expires_at=tx.now))


def stored_by(session: Session, owner: str) -> int:
    """How many octets somebody's files take, those on their way counted whole."""
    query = select(func.coalesce(func.sum(ATTACHMENTS.c.size), 0))
    # Those of somebody who had the number before, whose messages stay, are not his.
    since = select(UserRow.created_at).where(UserRow.number == owner).scalar_subquery()
    query = query.where(
        ATTACHMENTS.c.owner == owner, ATTACHMENTS.c.removed_at.is_(None), ATTACHMENTS.c.created_at >= since
    )
    return int(session.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class Claim:
    """Files that are about to become those of a message."""

    message: int
    views: tuple[Attachment, ...]

    def carry_out(self, session: Session) -> None:
        """Makes them so; the message is there now."""
        for position, view in enumerate(self.views):
            values = {"message_id": self.message, "position": position, "expires_at": None}
            session.execute(update(ATTACHMENTS).where(ATTACHMENTS.c.id == view.id).values(**values))


def claim(session: Session, ids: Sequence[str], message: int, *, actor: str, now: datetime) -> Claim:
    """Takes files that the actor has uploaded and not used yet. Raises NotFound."""
    query = select(ATTACHMENTS).where(
        ATTACHMENTS.c.id.in_(ids),
        ATTACHMENTS.c.owner == actor,
        ATTACHMENTS.c.stored.is_(True),
        ATTACHMENTS.c.message_id.is_(None),
        ATTACHMENTS.c.expires_at > now,
    )
    rows: dict[str, Row[Any]] = {row.id: row for row in session.execute(query)}
    for one in ids:
        if one not in rows:
            raise NotFound("an attachment is not uploaded, was used already or has expired")
    return Claim(message, tuple(as_attachment(rows[one]) for one in ids))


def detach(session: Session, message: int, *, now: datetime) -> None:
    """Takes the files from a message that was deleted; they go with the next sweep."""
    values = {"message_id": None, "expires_at": now}
    session.execute(update(ATTACHMENTS).where(ATTACHMENTS.c.message_id == message).values(**values))


def to_unlink(session: Session, now: datetime, limit: int) -> list[str]:
    """Files whose octets have to go: those in no message whose time is up, and those that retention has removed.

    Each is found until `note_unlinked`, so that whoever is killed in between leaves nothing on disk for good.
    """
    time_is_up = ATTACHMENTS.c.expires_at <= now
    gone = or_(ATTACHMENTS.c.message_id.is_(None), ATTACHMENTS.c.removed_at.is_not(None))
    query = select(ATTACHMENTS.c.id).where(time_is_up, gone)
    return list(session.scalars(query.order_by(ATTACHMENTS.c.expires_at).limit(limit)))


def note_unlinked(tx: Transaction, ids: Sequence[str]) -> None:
    """Their octets are gone: removes the rows, but for those that say what a message had."""
    session, of_these = tx.session, ATTACHMENTS.c.id.in_(ids)
    session.execute(sql_delete(ATTACHMENTS).where(of_these, ATTACHMENTS.c.message_id.is_(None)))
    removed = update(ATTACHMENTS).where(of_these, ATTACHMENTS.c.removed_at.is_not(None))
    session.execute(removed.values(expires_at=None))


def waiting_for_thumbnails(session: Session, limit: int) -> list[str]:
    """Pictures that nobody has looked at yet, oldest first."""
    query = select(ATTACHMENTS.c.id).where(
        ATTACHMENTS.c.thumbnail == Thumbnail.WAITING, ATTACHMENTS.c.removed_at.is_(None)
    )
    return list(session.scalars(query.order_by(ATTACHMENTS.c.created_at).limit(limit)))


def try_thumbnail(tx: Transaction, attachment: str) -> None:
    """A picture is about to be looked at. Should it kill the process that looks, nobody tries it again."""
    query = update(ATTACHMENTS).where(ATTACHMENTS.c.id == attachment, ATTACHMENTS.c.thumbnail == Thumbnail.WAITING)
    tx.session.execute(query.values(thumbnail=Thumbnail.FAILED))


def note_thumbnail(tx: Transaction, attachment: str, size: tuple[int, int]) -> None:
    """The thumbnail is there; `size` is the width and height of the picture itself, in pixels."""
    query = update(ATTACHMENTS).where(ATTACHMENTS.c.id == attachment, ATTACHMENTS.c.thumbnail == Thumbnail.FAILED)
    tx.session.execute(query.values(thumbnail=Thumbnail.READY, width=size[0], height=size[1]))


def announce_thumbnails(tx: Transaction) -> list[int]:
    """Makes thumbnails that are ready part of what people see; the messages that they are in."""
    query = update(ATTACHMENTS).where(ATTACHMENTS.c.thumbnail == Thumbnail.READY)
    rows = tx.session.execute(query.values(thumbnail=Thumbnail.MADE).returning(ATTACHMENTS.c.message_id))
    return sorted({row.message_id for row in rows if row.message_id is not None})


def has_news_of_thumbnails(session: Session) -> bool:
    """Whether there is something to announce."""
    ready = select(ATTACHMENTS.c.id).where(ATTACHMENTS.c.thumbnail == Thumbnail.READY).limit(1)
    return session.execute(ready).one_or_none() is not None


def is_shown(kind: str) -> bool:
    """Whether a browser may show a file of this type itself, rather than save it."""
    return kind in INLINE

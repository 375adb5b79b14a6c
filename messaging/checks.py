"""Checks of what people type, before an action changes anything."""

import re
import unicodedata

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from messaging.errors import BadValue, NotFound
from pbx.directory.models import NAME_LENGTH, UserRow

MAX_TEXT = 8000  # characters; for precedents: Telegram 4096, Slack 40 000, Matrix some 60 000
MAX_ATTACHMENTS = 20
MAX_MEMBERS = 500

# No colon in it: ids with one are ours, for calls and messages of phones.
_CLIENT_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
_USERS = select(UserRow.number).where(UserRow.number.in_(bindparam("numbers", expanding=True)))


def check_text(text: str) -> str:
    """The text of a message, without blanks around it; may be empty. Raises BadValue."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > MAX_TEXT:
        raise BadValue(f"a message has at most {MAX_TEXT} characters, not {len(text)}")
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in text):
        raise BadValue("a message has no control characters but ends of lines and tabs")
    return text


def check_title(title: str) -> str:
    """The title of a group. Raises BadValue."""
    title = title.strip()
    if not title or len(title) > NAME_LENGTH or not title.isprintable():
        raise BadValue(f"a title has 1 to {NAME_LENGTH} printable characters in one line")
    return title


def check_client_id(client_id: str) -> str:
    """Raises BadValue."""
    if not _CLIENT_ID.fullmatch(client_id):
        raise BadValue("a client_id has 8 to 64 letters, digits, points, hyphens or underscores")
    return client_id


def check_users(session: Session, numbers: list[str]) -> list[str]:
    """Numbers of users, each once, in the same order. Raises NotFound for one that is no user."""
    wanted = list(dict.fromkeys(numbers))
    if len(wanted) > MAX_MEMBERS:
        raise BadValue(f"a conversation has at most {MAX_MEMBERS} members")
    known = set(session.scalars(_USERS, {"numbers": wanted}))
    for number in wanted:
        if number not in known:
            raise NotFound(f"there is no user {number}")
    return wanted

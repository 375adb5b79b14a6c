"""Who may do what, from a table: every action on every thing, by everybody who has a place or none."""

from collections.abc import Callable
from typing import Any

import pytest

from messaging.access import access_attachment
from messaging.conversations import add_member, change_title, remove_member, set_muted
from messaging.errors import NotAllowed, NotFound
from messaging.messages import delete, edit, send, timeline
from messaging.receipts import mark_read
from messaging.sync import conversation_of
from tests.unit.messaging.conftest import Chat

OWNER, AUTHOR, MEMBER, STRANGER, LEFT = "101", "102", "103", "104", "105"
WRITES: dict[str, Callable[..., Any]] = {
    "send": lambda tx, group, message, actor: send(tx, group, actor=actor, client_id=f"try-of-{actor}", text="x"),
    "edit": lambda tx, group, message, actor: edit(tx, message, "changed", actor=actor),
    "delete": lambda tx, group, message, actor: delete(tx, message, actor=actor),
    "read": lambda tx, group, message, actor: mark_read(tx, group, message, actor=actor),
    "mute": lambda tx, group, message, actor: set_muted(tx, group, True, actor=actor),
    "title": lambda tx, group, message, actor: change_title(tx, group, "Other", actor=actor),
    "add": lambda tx, group, message, actor: add_member(tx, group, "106", actor=actor),
    "remove": lambda tx, group, message, actor: remove_member(tx, group, "107", actor=actor),
}
READS: dict[str, Callable[..., Any]] = {
    "timeline": lambda session, group, message, file, actor: timeline(session, group, actor=actor),
    "conversation": lambda session, group, message, file, actor: conversation_of(session, group, actor=actor),
    "file": lambda session, group, message, file, actor: access_attachment(session, file, actor=actor),
}
YES, NO, HIDDEN = None, NotAllowed, NotFound
TABLE = {
    #                OWNER AUTHOR MEMBER STRANGER LEFT
    "send":         (YES,  YES,   YES,   HIDDEN,  HIDDEN),
    "edit":         (NO,   YES,   NO,    HIDDEN,  HIDDEN),
    "delete":       (YES,  YES,   NO,    HIDDEN,  HIDDEN),
    "read":         (YES,  YES,   YES,   HIDDEN,  HIDDEN),
    "mute":         (YES,  YES,   YES,   HIDDEN,  HIDDEN),
    "title":        (YES,  YES,   YES,   HIDDEN,  HIDDEN),
    "add":          (YES,  YES,   YES,   HIDDEN,  HIDDEN),
    "remove":       (YES,  NO,    NO,    HIDDEN,  HIDDEN),
    "timeline":     (YES,  YES,   YES,   HIDDEN,  HIDDEN),
    "conversation": (YES,  YES,   YES,   HIDDEN,  HIDDEN),
    "file":         (YES,  YES,   YES,   HIDDEN,  HIDDEN),
}  # fmt: skip
ROWS = [
    (name, actor, expected)
    for name, row in TABLE.items()
    for actor, expected in zip((OWNER, AUTHOR, MEMBER, STRANGER, LEFT), row, strict=True)
]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("name", "actor", "expected"), ROWS)
def test_action_is_open_to_those_of_the_table(
    chat: Chat, name: str, actor: str, expected: type[Exception] | None
) -> None:
    group = chat.group(OWNER, AUTHOR, MEMBER, LEFT, "107")
    file = chat.upload(AUTHOR).id
    message = chat.say(group, AUTHOR, attachments=[file]).id
    chat.do(remove_member, group, LEFT, actor=LEFT)

    def attempt() -> None:
        if name in WRITES:
            chat.do(WRITES[name], group, message, actor)
        else:
            chat.read(READS[name], group, message, file, actor)

    if expected is None:
        attempt()
    else:
        with pytest.raises(expected):
            attempt()


@pytest.mark.parametrize("forged", [0, -1, 999, 2**63 - 1, 2**63, 10**30])
def test_forged_ids_are_nothing_found(chat: Chat, forged: int) -> None:
    for action, arguments in (
        (send, {"client_id": "forged-id", "text": "x"}),
        (delete, {}),
        (edit, {"text": "x"}),
        (mark_read, {"seq": 1}),
    ):
        with pytest.raises(NotFound):
            chat.do(action, forged, **arguments, actor=OWNER)


def test_file_in_no_message_is_its_owners_alone(chat: Chat) -> None:
    file = chat.upload("101").id
    assert chat.read(access_attachment, file, actor="101").owner == "101"
    with pytest.raises(NotFound):
        chat.read(access_attachment, file, actor="102")
    with pytest.raises(NotFound, match="not uploaded"):
        chat.say(chat.direct("101", "102"), "102", attachments=[file])


def test_attachment_is_of_one_message_alone(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    file = chat.upload("101").id
    chat.say(direct, "101", attachments=[file])
    with pytest.raises(NotFound, match="used already"):
        chat.say(direct, "101", attachments=[file])

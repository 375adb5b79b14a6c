from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import time
from typing import Any

import pytest

from pbx.directory.snapshot import Device, Directory, Group, Rule, RuleKind, Strategy, User

ANNA = User("101", "Anna Orlova", "user", None, (), 1)
BORIS = User("102", "Boris Lem", "admin", "E-7", (Rule(1, 1, RuleKind.ALWAYS, ("101",)),), 1)
NIGHT = Group("600", ("101", "102"), Strategy.IN_TURN, 1)
PHONE = Device("101", "101", "desk", "s3cret")


def test_directory_finds_entries_by_their_key_and_none_for_strangers() -> None:
    directory = Directory(1, {"101": ANNA}, {"600": NIGHT}, {"101": PHONE})
    assert directory.user("101") is ANNA
    assert directory.group("600") is NIGHT
    assert directory.device("101") is PHONE
    strangers = (directory.user("600"), directory.group("101"), directory.device("101-ab12"))
    assert strangers == (None, None, None)


def test_changes_make_a_new_directory_and_leave_the_old_one_alone() -> None:
    old = Directory(1, {"101": ANNA}, {"600": NIGHT}, {"101": PHONE})
    renamed = replace(ANNA, name="Anna Lem", version=2)
    new = old.with_changes(2, users={"101": renamed, "102": BORIS}, groups={"600": None})
    assert (new.version, new.user("101"), new.user("102"), new.group("600")) == (2, renamed, BORIS, None)
    assert (old.version, old.user("101"), old.user("102"), old.group("600")) == (1, ANNA, None, NIGHT)
    assert new.devices is old.devices


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert Directory(1, {"101": ANNA}).with_changes(2, users={"105": None}).users == {"101": ANNA}


def test_password_of_a_device_never_shows() -> None:
    assert "s3cret" not in repr(Directory(1, devices={"101": PHONE}))


def test_values_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ANNA.name = "Eve"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": RuleKind.ALWAYS}, "a rule 'always' needs a target"),
        ({"kind": RuleKind.BUSY, "targets": ("102",), "after": 5}, "only a rule 'no-answer' has a ring time"),
        ({"kind": RuleKind.NO_ANSWER, "targets": ("102",), "after": 0}, "at least 1 second"),
        ({"kind": RuleKind.CALLER, "targets": ("102",)}, "needs the caller it is for"),
        ({"kind": RuleKind.ALWAYS, "targets": ("102",), "caller": "7*"}, "needs the caller it is for"),
        ({"kind": RuleKind.TIME, "targets": ("102",), "start": time(9)}, "the end of its window"),
        ({"kind": RuleKind.DND, "start": time(9), "end": time(10)}, "the end of its window"),
        ({"kind": RuleKind.DND, "days": frozenset()}, "the days of a rule"),
        ({"kind": RuleKind.DND, "days": frozenset({7})}, "the days of a rule"),
    ],
)
def test_rule_that_makes_no_sense_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Rule(1, 1, **fields)

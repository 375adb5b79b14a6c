"""An office to route calls in, written as its rules are set by the command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from pbx.directory.snapshot import Directory, Group, Rule, RuleKind, Strategy, User
from pbx.routing.schedule import parse_days, parse_time

NOW = datetime(2026, 12, 1, 14, 20, tzinfo=timezone(timedelta(hours=3)))
"""A Tuesday."""


def office(text: str) -> Directory:
    """A line is a user (`101`), a rule (`101 busy 205`) or a group (`group 600 101,102 in-turn`).

    Rules are numbered 1, 2, ... from above; rule n has version n. Users named in rules exist; 9xx do not.
    """
    users: dict[str, User] = {}
    groups: dict[str, Group] = {}
    rules = 0
    for line in text.split("\n"):
        match line.split():
            case ["group", number, members, *strategy]:
                groups[number] = Group(number, tuple(members.split(",")), Strategy(*strategy or ["all"]), 1)
            case [number, kind, *rest]:
                rules += 1
                rule = _rule(rules, kind, rest)
                user = users.get(number) or _user(number)
                users[number] = replace(user, rules=(*user.rules, rule))
            case [number]:
                users[number] = _user(number)
    named = [
        *(target for user in users.values() for rule in user.rules for target in rule.targets),
        *(member for group in groups.values() for member in group.members),
    ]
    for number in named:
        if number not in groups and not number.startswith("9"):
            users.setdefault(number, _user(number))
    return Directory(12, users, groups)


def _user(number: str) -> User:
    return User(number, f"User {number}", "user", None, (), 1)


def _rule(number: int, kind: str, rest: list[str]) -> Rule:
    targets: tuple[str, ...] = ()
    if len(rest) % 2:
        targets, rest = tuple(rest[0].split(",")), rest[1:]
    options = dict(zip(rest[::2], rest[1::2], strict=True))
    rule = Rule(
        number,
        number,
        RuleKind(kind),
        targets,
        after=int(options.pop("after")) if "after" in options else None,
        caller=options.pop("caller", None),
        start=parse_time(options.pop("from")) if "from" in options else None,
        end=parse_time(options.pop("to")) if "to" in options else None,
        days=parse_days(options.pop("days", "mon-sun")),
    )
    assert not options, options
    return rule

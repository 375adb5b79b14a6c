"""The directory as the call engine sees it: immutable values, no database.

A `Directory` never changes. An action in the database makes the engine take a newer one by
`Directory.with_changes`, while calls that are being routed keep the one they began with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

RING_SECONDS = 20  # before "no answer"; three to four rings
EVERY_DAY = frozenset(range(7))

_Entry = TypeVar("_Entry", "User", "Group", "Device")


class RuleKind(StrEnum):
    """When a forwarding rule holds."""

    ALWAYS = "always"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    UNREACHABLE = "unreachable"
    DND = "dnd"
    CALLER = "caller"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Rule:
    """One forwarding rule of a user.

    Args:
        targets: numbers that ring together; only a do-not-disturb rule may name none.
        after: seconds to ring before a no-answer rule holds; None is the server's default.
        caller: for a caller rule, whom it is for: a number, a prefix as `7495*`, or `anonymous`.
        start, end: for a time rule, the window in local time: from `start`, up to but without `end`.
            A window that ends at or before its start runs over midnight.
        days: weekdays on which the window begins, 0 is Monday.

    Raises:
        ValueError: the fields do not make a rule of this kind.
    """

    id: int
    version: int
    kind: RuleKind
    targets: tuple[str, ...] = ()
    after: int | None = None
    caller: str | None = None
    start: time | None = None
    end: time | None = None
    days: frozenset[int] = EVERY_DAY

    def __post_init__(self) -> None:
        kind = self.kind
        if not self.targets and kind is not RuleKind.DND:
            raise ValueError(f"a rule '{kind}' needs a target")
        if self.after is not None and (kind is not RuleKind.NO_ANSWER or self.after < 1):
            raise ValueError("only a rule 'no-answer' has a ring time, of at least 1 second")
        if (self.caller is not None) is not (kind is RuleKind.CALLER):
            raise ValueError("a rule 'caller', and no other, needs the caller it is for")
        is_time = kind is RuleKind.TIME
        if (self.start is not None) is not is_time or (self.end is not None) is not is_time:
            raise ValueError("a rule 'time', and no other, needs the start and the end of its window")
        if not self.days or not self.days <= EVERY_DAY:
            raise ValueError("the days of a rule are some of 0 (Monday) to 6 (Sunday)")


class Strategy(StrEnum):
    """How the members of a group ring."""

    ALL = "all"
    IN_TURN = "in-turn"


@dataclass(frozen=True, slots=True)
class Device:
    """A phone's account: the name it signs in by, and whose number it rings for."""

    sip_name: str
    number: str
    label: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class User:
    """A person with a number. `rules` are in the order in which they were made; `role` is user or admin."""

    number: str
    name: str
    role: str
    employee_id: str | None
    rules: tuple[Rule, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Group:
    """A number that stands for several others: of users, or of further groups."""

    number: str
    members: tuple[str, ...]
    strategy: Strategy
    version: int


_NO_CHANGE: Mapping[str, None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody and everything that has a number, in one version.

    `ring_seconds` is how long a phone rings where no rule says otherwise.
    """

    version: int = 0
    users: Mapping[str, User] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    ring_seconds: int = RING_SECONDS

    def user(self, number: str) -> User | None:
        return self.users.get(number)

    def group(self, number: str) -> Group | None:
        return self.groups.get(number)

    def device(self, sip_name: str) -> Device | None:
        return self.devices.get(sip_name)

    def with_changes(
        self,
        version: int,
        *,
        users: Mapping[str, User | None] = _NO_CHANGE,
        groups: Mapping[str, Group | None] = _NO_CHANGE,
        devices: Mapping[str, Device | None] = _NO_CHANGE,
    ) -> Directory:
        """The directory in a newer version: entries by their key, None where one was removed."""
        return Directory(
            version,
            _changed(self.users, users),
            _changed(self.groups, groups),
            _changed(self.devices, devices),
            self.ring_seconds,
        )


def _changed(entries: Mapping[str, _Entry], changes: Mapping[str, _Entry | None]) -> Mapping[str, _Entry]:
    if not changes:
        return entries
    changed = dict(entries)
    for key, entry in changes.items():
        if entry is None:
            changed.pop(key, None)
        else:
            changed[key] = entry
    return changed

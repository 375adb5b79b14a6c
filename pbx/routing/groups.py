"""Groups, and other numbers that ring together: who rings, and in whose place.

Rules of a member that hold whatever its phones say (do not disturb, by caller, by time, always) are
followed here. Those for busy, no answer and unreachable are not: the others of the group answer for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pbx.directory.snapshot import Group, Strategy, User
from pbx.routing.forwarding import HOLDS_AFTER, Circumstances, Way
from pbx.routing.outcome import Outcome
from pbx.routing.reasons import Because, Diversion, Reason, Rejected, Why
from pbx.routing.route import End

TURN_SECONDS = 15
"""How long each member of a group that rings in turn is called."""


class Ringing(NamedTuple):
    """One who rings, with the stops of the call on its way there."""

    number: str
    diversions: tuple[Diversion, ...]


BUSY_ALIKE = frozenset({Outcome.BUSY, Outcome.REFUSED, Outcome.DND})
"""Outcomes of somebody who is there and can't or won't talk."""

_UNANSWERED = frozenset({Outcome.NO_ANSWER, Outcome.UNREACHABLE, Outcome.FAILED, Outcome.NOT_FOUND})
ALL_BUSY = End(Outcome.BUSY, Reason(Because.GROUP_EXHAUSTED))
NO_ANSWER = End(Outcome.NO_ANSWER, Reason(Because.GROUP_EXHAUSTED))


def followed_by(busy: int | End = ALL_BUSY, unanswered: int | End = NO_ANSWER) -> Mapping[Outcome, int | End]:
    """What follows a step of a group: its next turn, or the end of a group that is exhausted."""
    return dict.fromkeys(BUSY_ALIKE, busy) | dict.fromkeys(_UNANSWERED, unanswered)


class Muster:
    """Finds those who ring for several numbers, or for one group. Nobody is found twice."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._circumstances = circumstances
        self._seen: set[str] = set()

    def together(self, numbers: Iterable[str], way: Way) -> list[Ringing]:
        """All who ring at once for these numbers, which have been admitted."""
        found: list[Ringing] = []
        for number in numbers:
            if self._is_new(number, way):
                user = self._circumstances.directory.user(number)
                if user is None:
                    group = self._circumstances.directory.groups[number]
                    if group.strategy is Strategy.IN_TURN:
                        way.rejected.append(Rejected(Why.AT_ONCE, number))
                    found += self.members(group, way.through(number, nested=1))
                else:
                    targets, onward = self._follow(user, way.through(number))
                    if targets == (number,):
                        found.append(Ringing(number, way.diversions))
                    else:
                        found += self.together(targets, onward)
        return found

    def members(self, group: Group, way: Way) -> list[Ringing]:
        """All who ring for a group at once; the call has come to the group on this way."""
        return self.together(self._admitted(group, way), way)

    def turns(self, group: Group, way: Way) -> list[list[Ringing]]:
        """Those who ring for a group one after another; in each turn one, or several at once."""
        return [turn for member in self._admitted(group, way) for turn in self._turns_of(member, way)]

    def _turns_of(self, number: str, way: Way) -> list[list[Ringing]]:
        if not self._is_new(number, way):
            return []
        user = self._circumstances.directory.user(number)
        if user is None:
            group = self._circumstances.directory.groups[number]
            inside = way.through(number, nested=1)
            if group.strategy is Strategy.IN_TURN:
                return self.turns(group, inside)
            together = self.members(group, inside)
        else:
            targets, onward = self._follow(user, way.through(number))
            if targets == (number,):
                return [[Ringing(number, way.diversions)]]
            if len(targets) == 1:
                return self._turns_of(targets[0], onward)
            together = self.together(targets, onward)
        return [together] if together else []

    def _admitted(self, group: Group, way: Way) -> tuple[str, ...]:
        return self._circumstances.admit(group.members, group.number, way, rule=None, hops=way.nested)

    def _follow(self, user: User, way: Way) -> tuple[tuple[str, ...], Way]:
        """Who is called for a member: the member, those it forwards to, or nobody."""
        rule, targets, cause = self._circumstances.choose(user, way, alone=False)
        if rule is None:
            way.rejected += [
                Rejected(Why.RINGS_WITH_OTHERS, user.number, rule) for rule in user.rules if rule.kind in HOLDS_AFTER
            ]
            return (user.number,), way
        if not targets or cause is None:
            way.rejected.append(Rejected(Why.DND, user.number, rule))
            return (), way
        return targets, way.diverted(user.number, cause, rule)

    def _is_new(self, number: str, way: Way) -> bool:
        if number in self._seen:
            way.rejected.append(Rejected(Why.TWICE, number))
            return False
        self._seen.add(number)
        return True

"""The routing decision: `plan`, a pure function.

Steps are planned nearest first, so that a limit cuts what is farthest from the number dialled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pbx.directory.snapshot import Directory, Group, Rule, Strategy, User
from pbx.routing.errors import NumberError
from pbx.routing.forwarding import Circumstances, Way, conditional
from pbx.routing.groups import NO_ANSWER, TURN_SECONDS, Muster, Ringing, followed_by
from pbx.routing.number import SERVICES, normalise
from pbx.routing.outcome import Outcome
from pbx.routing.reasons import DIALLED, Because, Cause, Diversion, Reason, Rejected, Why
from pbx.routing.route import NOBODY, NOTHING, End, RoutePlan, Step

__all__ = ["MAX_STEPS", "End", "Planner", "RoutePlan", "Step", "plan"]

# Three rules at each of ten people could make 3^10 steps. A group of 64 that rings in turn fits.
MAX_STEPS = 128


def plan(dialled: str, caller: str | None, now: datetime, directory: Directory, *, private: bool = False) -> RoutePlan:
    """Decide where a call goes.

    A call to one's own number is planned like any other; whoever rings the phones leaves out the one
    that calls.

    Args:
        dialled: as it was dialled; separators are allowed.
        caller: the caller's number in the form of `number.comparable`, None if it is not known.
        now: aware, in the zone of the organisation, whose wall clock time rules follow.

        private: the caller does not show the number: no rule for it holds, but nobody calls the caller back either.

    Raises:
        ValueError: `now` is naive. A bad number is no error: the plan ends in NOT_FOUND.
    """
    if now.tzinfo is None:
        raise ValueError("routing needs a time with its zone")
    user = directory.users.get(dialled)
    if user is not None and not user.rules:
        alone = Step(0, (dialled,), directory.ring_seconds, DIALLED, NOTHING, (), NOBODY)
        return RoutePlan(dialled, caller, now, directory.version, (alone,), private=private)
    number = dialled
    way = Way(Because.DIALLED)
    if user is None and dialled not in directory.groups:
        try:
            number = normalise(dialled)
        except NumberError:
            way.rejected.append(Rejected(Why.NOT_A_NUMBER, dialled))
            nobody = End(Outcome.NOT_FOUND, way.reason())
            return RoutePlan(dialled, caller, now, directory.version, (), nobody, private=private)
    planner = Planner(Circumstances(caller, now, directory, private))
    first = planner.arrive(number, way)
    planner.finish()
    end = End(Outcome.UNREACHABLE, way.reason()) if first is None else None
    if isinstance(first, End):
        end = first
    return RoutePlan(number, caller, now, directory.version, tuple(planner.steps), end, private=private)


class _Pending(NamedTuple):
    """A rule that is yet to be followed: after these outcomes of the step whose table is `on`."""

    on: dict[Outcome, int | End]
    outcomes: tuple[Outcome, ...]
    user: str
    rule: Rule
    way: Way


class Planner:
    """Writes the steps of one plan."""

    __slots__ = ("_circumstances", "_pending", "steps")

    def __init__(self, circumstances: Circumstances, steps: Iterable[Step] = ()) -> None:
        self._circumstances = circumstances
        self._pending: deque[_Pending] = deque()
        self.steps = list(steps)

    def arrive(self, number: str, way: Way) -> int | End | None:
        """The call has come to this number: the step that rings, or the end; None if nobody is there."""
        directory = self._circumstances.directory
        while (user := directory.users.get(number)) is not None:
            way.visited = (*way.visited, number)
            rule, targets, cause = self._circumstances.choose(user, way, alone=True)
            if rule is None or cause is None:
                return self._ring_user(user, way)
            if not targets:
                way.because, way.owner, way.rule = Because.RULE, number, rule
                return End(Outcome.DND, way.reason(), way.diversions)
            way = way.diverted(number, cause, rule)
            if len(targets) > 1:
                return self.ring_together(targets, way)
            number = targets[0]
        if number in SERVICES:
            found = (Ringing(number, way.diversions),)
            return self.ring(found, directory.ring_seconds, way.reason(), NOTHING, way.diversions)
        group = directory.groups.get(number)
        if group is None:
            way.rejected.append(Rejected(Why.NOT_FOUND, number))
            return End(Outcome.NOT_FOUND, way.reason())
        return self._ring_group(group, way.through(number))

    def ring_together(self, numbers: Iterable[str], way: Way) -> int | End | None:
        """Several numbers that ring at once, by one rule or redirect; the result as of `arrive`."""
        found = Muster(self._circumstances).together(numbers, way)
        if not found:
            return _nobody(way)
        return self.ring(found, self._circumstances.directory.ring_seconds, way.reason(), NOTHING, way.diversions)

    def ring(
        self,
        found: Sequence[Ringing],
        seconds: int,
        reason: Reason,
        on: Mapping[Outcome, int | End],
        diversions: tuple[Diversion, ...],
    ) -> int:
        """Write the step in which all of these ring at once."""
        index = len(self.steps)
        targets = tuple(ringing.number for ringing in found)
        diverted = {number: before for number, before in found if before != diversions}
        self.steps.append(Step(index, targets, seconds, reason, on, diversions, diverted))
        return index

    def finish(self) -> None:
        """Follow the rules that are still pending, and those that these bring."""
        while self._pending:
            on, outcomes, user, rule, way = self._pending.popleft()
            follows: int | End | None = None
            if len(self.steps) < MAX_STEPS:
                hops = len(way.diversions)
                targets = self._circumstances.admit(rule.targets, user, way, rule=rule, hops=hops)
                onward = way.diverted(user, Cause(rule.kind), rule)
                if len(targets) == 1:
                    follows = self.arrive(targets[0], onward)
                elif targets:
                    follows = self.ring_together(targets, onward)
            else:
                way.rejected.append(Rejected(Why.STEPS, user, rule))
            for outcome in outcomes:
                on[outcome] = End(outcome, way.reason()) if follows is None else follows

    def _ring_user(self, user: User, way: Way) -> int:
        rules = conditional(user, way.rejected)
        seconds = self._circumstances.directory.ring_seconds
        on: dict[Outcome, int | End] = {}
        for rule, outcomes in rules:
            start = Way(Because.RULE, user.number, rule, way.visited, way.diversions)
            self._pending.append(_Pending(on, outcomes, user.number, rule, start))
            seconds = rule.after or seconds
        index = len(self.steps)
        self.steps.append(Step(index, (user.number,), seconds, way.reason(), on, way.diversions, NOBODY))
        return index

    def _ring_group(self, group: Group, way: Way) -> int | End | None:
        muster = Muster(self._circumstances)
        if group.strategy is Strategy.IN_TURN:
            return self._ring_in_turn(group, muster.turns(group, way), way)
        found = muster.members(group, way)
        if not found:
            return _nobody(way)
        seconds = self._circumstances.directory.ring_seconds
        return self.ring(found, seconds, way.reason(group=group.number), followed_by(), way.diversions)

    def _ring_in_turn(self, group: Group, turns: Sequence[Sequence[Ringing]], way: Way) -> int | End | None:
        """Each turn but the first is written twice, so that a group whose members are all busy ends so.

        One of the twins is for a call that somebody might have answered, the other for one that has met
        nobody but the busy.
        """
        room = (MAX_STEPS - len(self.steps) + 1) // 2
        way.rejected += [
            Rejected(Why.STEPS, group.number, target=ringing.number) for turn in turns[room:] for ringing in turn
        ]
        turns = turns[:room]
        if not turns:
            return _nobody(way)
        first = len(self.steps)
        reason = way.reason(group=group.number, turn=0)
        for turn, found in enumerate(turns):
            unanswered_next, busy_next = first + 2 * turn + 1, first + 2 * turn + 2
            if turn == len(turns) - 1:
                unanswered, busy = followed_by(busy=NO_ANSWER), followed_by()
            else:
                unanswered = followed_by(unanswered_next, unanswered_next)
                busy = followed_by(busy_next, unanswered_next)
            if turn:
                reason = Reason(Because.NEXT_IN_GROUP, group=group.number, turn=turn)
                self.ring(found, TURN_SECONDS, reason, unanswered, way.diversions)
            self.ring(found, TURN_SECONDS, reason, busy, way.diversions)
        return first


def _nobody(way: Way) -> End | None:
    """Do not disturb of those who would have rung is an end of its own; else there is just nobody."""
    if any(rejected.why is Why.DND for rejected in way.rejected):
        return End(Outcome.DND, way.reason(), way.diversions)
    return None

"""Which forwarding rule of a user holds, and which targets a call may take.

The order at one user: do not disturb, then a rule for this caller (the most exact one), then a time
rule whose window is open, then always; else the user's phones ring, and the rules for busy, no answer
and unreachable say what follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from pbx.directory.snapshot import Directory, Rule, RuleKind, User
from pbx.routing.number import matches_caller
from pbx.routing.outcome import Outcome
from pbx.routing.reasons import Because, Cause, Diversion, Reason, Rejected, Why
from pbx.routing.schedule import holds

# Somebody chose each stop of a chain; one of more than ten was not chosen by anybody.
MAX_DIVERSIONS = 10

HOLDS_AFTER: dict[RuleKind, tuple[Outcome, ...]] = {
    # Who declines a call, or silences the phone, wants it to go where it goes when talking.
    RuleKind.BUSY: (Outcome.BUSY, Outcome.REFUSED, Outcome.DND),
    # People who forward unanswered calls expect it to hold with the phone switched off, too. A rule
    # `unreachable` of the same user comes first.
    RuleKind.NO_ANSWER: (Outcome.NO_ANSWER, Outcome.UNREACHABLE),
    RuleKind.UNREACHABLE: (Outcome.UNREACHABLE,),
}
"""The rules that wait for an outcome of the user's phones, and which outcomes these are."""

_PRECEDENCE = {RuleKind.DND: 0, RuleKind.CALLER: 1, RuleKind.TIME: 2, RuleKind.ALWAYS: 3}


@dataclass(slots=True)
class Way:
    """How a call came to where it is being planned.

    Args:
        because, owner, rule: what led here last, as in `Reason`.
        visited: every number that was called or passed, groups included.
        diversions: the stops among them at which the call was diverted.
        rejected: alternatives met since the last step; the next reason takes them.
        nested: groups inside groups on the way here.
    """

    because: Because
    owner: str | None = None
    rule: Rule | None = None
    visited: tuple[str, ...] = ()
    diversions: tuple[Diversion, ...] = ()
    rejected: list[Rejected] = field(default_factory=list)
    nested: int = 0

    def through(self, number: str, *, nested: int = 0) -> Way:
        """The way on from a number that the call has come to."""
        visited = (*self.visited, number)
        return Way(self.because, self.owner, self.rule, visited, self.diversions, self.rejected, self.nested + nested)

    def diverted(self, number: str, cause: Cause, rule: Rule | None = None) -> Way:
        """The way on from a number whose rule, or whose phone, sends the call elsewhere."""
        because = Because.REDIRECT if rule is None else Because.RULE
        diversions = (*self.diversions, Diversion(number, cause, rule))
        return Way(because, number, rule, self.visited, diversions, self.rejected, self.nested)

    def reason(self, *, group: str | None = None, turn: int | None = None) -> Reason:
        return Reason(self.because, self.owner, self.rule, group, turn, tuple(self.rejected))


class Choice(NamedTuple):
    """What the rules of one user make of a call.

    `rule` is None if the user's phones ring. A rule with no `targets` is do not disturb: nobody rings.
    """

    rule: Rule | None = None
    targets: tuple[str, ...] = ()
    cause: Cause | None = None


RINGS = Choice()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Who calls, when, and what the directory says at that moment. `private`: the caller does not show the number."""

    caller: str | None
    now: datetime
    directory: Directory
    private: bool = False

    def choose(self, user: User, way: Way, *, alone: bool) -> Choice:
        """What holds at this user whatever the phones say.

        A rule whose targets are all rejected counts as if it were not there. Do not disturb without a
        target is followed by the rule `busy` if the user is called `alone`, not as one of several.
        """
        if not user.rules:
            return RINGS
        candidates = self._unconditional(user, way.rejected)
        for position, rule in enumerate(candidates):
            followed = rule
            if not rule.targets and alone and (busy := _busy(user)):
                way.rejected.append(Rejected(Why.NO_TARGET, user.number, rule))
                followed = busy
            targets = self.admit(followed.targets, user.number, way, rule=followed, hops=len(way.diversions))
            if targets or not rule.targets:
                others = (*candidates[position + 1 :], *(r for r in user.rules if r.kind in HOLDS_AFTER))
                way.rejected += [
                    Rejected(Why.OUTRANKED, user.number, other) for other in others if other is not followed
                ]
                return Choice(followed if targets else rule, targets, Cause(rule.kind))
        return RINGS

    def admit(self, targets: Iterable[str], number: str, way: Way, *, rule: Rule | None, hops: int) -> tuple[str, ...]:
        """Those of the targets that may be called; why the others may not goes to `way.rejected`.

        Args:
            number: whose rule, redirect or membership names the targets.
            hops: how often the call was diverted, or went into a group inside a group, before.
        """
        users, groups = self.directory.users, self.directory.groups
        admitted: list[str] = []
        for target in targets:
            if target in way.visited:
                why = Why.LOOP
            elif target == self.caller:
                why = Why.IS_CALLER
            elif target not in users and target not in groups:
                why = Why.NOT_FOUND
            elif hops >= MAX_DIVERSIONS:
                why = Why.HOPS
            elif target in admitted:
                why = Why.TWICE
            else:
                admitted.append(target)
                continue
            way.rejected.append(Rejected(why, number, rule, target))
        return tuple(admitted)

    def _unconditional(self, user: User, rejected: list[Rejected]) -> list[Rule]:
        """The rules that hold before any phone is asked, in their order of precedence."""
        ranked: list[tuple[int, bool, int, Rule]] = []
        caller = None if self.private else self.caller
        for rule in user.rules:
            kind = rule.kind
            if kind in HOLDS_AFTER:
                continue
            prefix, length = False, 0
            if kind is RuleKind.CALLER:
                assert rule.caller is not None
                if not matches_caller(rule.caller, caller):
                    rejected.append(Rejected(Why.OTHER_CALLER, user.number, rule))
                    continue
                prefix, length = rule.caller.endswith("*"), len(rule.caller)
            elif kind is RuleKind.TIME:
                assert rule.start is not None
                assert rule.end is not None
                if not holds(rule.start, rule.end, rule.days, self.now):
                    rejected.append(Rejected(Why.NOT_NOW, user.number, rule))
                    continue
            ranked.append((_PRECEDENCE[kind], prefix, -length, rule))
        ranked.sort(key=lambda entry: entry[:3])
        return [entry[3] for entry in ranked]


def conditional(user: User, rejected: list[Rejected]) -> list[tuple[Rule, tuple[Outcome, ...]]]:
    """The rules that wait for an outcome, the first of each kind, with the outcomes that each follows."""
    rules: dict[RuleKind, Rule] = {}
    for rule in user.rules:
        if rule.kind in HOLDS_AFTER and rules.setdefault(rule.kind, rule) is not rule:
            rejected.append(Rejected(Why.OUTRANKED, user.number, rule))
    off_has_its_own = RuleKind.UNREACHABLE in rules
    return [
        (rule, (Outcome.NO_ANSWER,) if off_has_its_own and kind is RuleKind.NO_ANSWER else HOLDS_AFTER[kind])
        for kind, rule in rules.items()
    ]


def _busy(user: User) -> Rule | None:
    return next((rule for rule in user.rules if rule.kind is RuleKind.BUSY), None)

"""What `explain` makes its sentences of, in any language: what is said, in which order, and when it is left out.

How it is said is in `english` and `russian`: the same term everywhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from pbx.directory.snapshot import Rule
from pbx.routing.outcome import Outcome
from pbx.routing.reasons import Because, Cause, Diversion, Rejected, Why
from pbx.routing.route import End, Redirect, RoutePlan, Step


class Language(StrEnum):
    """A language of explanations, by its tag (RFC 5646)."""

    ENGLISH = "en"
    RUSSIAN = "ru"


CONSEQUENCES = (Outcome.BUSY, Outcome.REFUSED, Outcome.DND, Outcome.NO_ANSWER, Outcome.UNREACHABLE)
"""The outcomes whose consequences are told beforehand, whether or not a rule is there for them, in this order."""

TOLD = frozenset(CONSEQUENCES)

WARNINGS = frozenset(
    {
        Why.NO_TARGET,
        Why.LOOP,
        Why.IS_CALLER,
        Why.HOPS,
        Why.STEPS,
        Why.NOT_FOUND,
        Why.NOT_A_NUMBER,
        Why.DND,
        Why.AT_ONCE,
    }
)
"""What people want to know before they save a rule; the other rejections are how rules are meant to work."""


class Words(ABC):
    """The phrases of one language."""

    # ---- the same in all languages

    def happens(self, step: Step, outcomes: Collection[Outcome]) -> str:
        """The condition under which a step is left: `102 is busy or declines`."""
        plural = len(step.targets) > 1
        subject = self.listed(step.targets)
        if TOLD.issubset(outcomes):
            return f"{subject} {self.takes_no_call(plural=plural)}"
        # A phone that is silenced by its own key declines, as far as anybody can see.
        hidden = Outcome.DND if Outcome.REFUSED in outcomes else None
        told = [self.does(one, plural=plural) for one in CONSEQUENCES if one in outcomes and one is not hidden]
        return f"{subject} {self.any_of(told)}"

    def rings(self, plan: RoutePlan, step: Step, before: Step | None) -> str:
        """What a step does, and why: `rings 205 for 15 s, by rule 'no answer' (version 7)`.

        Args:
            before: the step that led here; its only target needs not be named again.
        """
        reason = step.reason
        words = self.ringing(step.targets, reason.group, step.seconds)
        if reason.because is Because.DIALLED:
            words += f", {self.because_dialled(plan.dialled)}"
        elif reason.because is Because.NEXT_IN_GROUP and reason.group is not None:
            words += f", {self.next_in(reason.group)}"
        else:
            came = step.diversions[len(before.diversions) :] if before else step.diversions
            words += self._by_rules(came, _known(before))
        for target, diversions in step.diverted.items():
            own = diversions[len(step.diversions) :]
            words += f"; {self.in_place(target, own[0].number)}{self._by_rules(own, own[0].number)}"
        return words

    def ends(self, end: End, before: Step | None = None) -> str:
        """How a call ends, and by which rules if by any: `the call ends: busy`."""
        words = f"{self.call_ends()}: {self.ending(end.outcome)}"
        came = end.diversions[len(before.diversions) :] if before else end.diversions
        rule, owner = end.reason.rule, end.reason.number
        if rule is not None and owner is not None and not rule.targets:
            came = (*came, Diversion(owner, Cause.DND, rule))
        return words + self._by_rules(came, _known(before))

    def rejections(
        self, rejected: Iterable[Rejected], caller: str | None, at: datetime, *, only_warnings: bool = False
    ) -> list[str]:
        """The alternatives that were not taken and why, a sentence each.

        Args:
            at: the local time at which they were looked at.
        """
        return [self.rejection(one, caller, at) for one in rejected if not only_warnings or one.why in WARNINGS]

    def _by_rules(self, stops: Sequence[Diversion], known: str | None) -> str:
        """The rules by which a call was sent on, in order; the owner of a rule is named if not known."""
        rules = [self.name_of(stop.rule, None if stop.number == known else stop.number) for stop in stops if stop.rule]
        return f", {self.by(rules)}" if rules else ""

    # ---- what each says in its own way

    @abstractmethod
    def listed(self, words: Sequence[str]) -> str:
        """`a, b and c`."""

    @abstractmethod
    def any_of(self, words: Sequence[str]) -> str:
        """`a, b or c`."""

    @abstractmethod
    def heading(self, caller: str | None, dialled: str, at: datetime, directory_version: int) -> str:
        """Which call this was; `caller` None has shown no number."""

    @abstractmethod
    def ringing(self, targets: Sequence[str], group: str | None, seconds: int) -> str:
        """`rings 101 and 102 together (group 600) for 20 s`."""

    @abstractmethod
    def because_dialled(self, number: str) -> str:
        """The reason of the first step."""

    @abstractmethod
    def next_in(self, group: str) -> str:
        """The reason of a turn of a group."""

    @abstractmethod
    def in_place(self, target: str, number: str) -> str:
        """One of several rings for another."""

    @abstractmethod
    def by(self, rules: Sequence[str]) -> str:
        """`by rule 'a', then rule 'b'`, of names by `name_of`."""

    @abstractmethod
    def name_of(self, rule: Rule, owner: str | None) -> str:
        """`'time' 18:00-09:00 mon-fri of 102 (version 3)`."""

    @abstractmethod
    def takes_no_call(self, *, plural: bool) -> str:
        """What one target, or several, does whatever else the outcome is."""

    @abstractmethod
    def does(self, outcome: Outcome, *, plural: bool) -> str:
        """One of `CONSEQUENCES` in the present tense."""

    @abstractmethod
    def happened(self, target: str, outcome: Outcome, seconds: float) -> str:
        """What came of ringing one target: `102 did not answer (20 s)`."""

    @abstractmethod
    def redirected(self, wish: Redirect) -> str:
        """What a phone's 302 asked for."""

    @abstractmethod
    def call_ends(self) -> str:
        """The end without its outcome."""

    @abstractmethod
    def ending(self, outcome: Outcome) -> str:
        """The outcome of a whole call, after `call_ends`."""

    @abstractmethod
    def nobody_took_it(self) -> str:
        """What came of ringing several."""

    @abstractmethod
    def nothing_rang(self) -> str:
        """A call that was over before its first step had an outcome."""

    @abstractmethod
    def record_ends(self) -> str:
        """A record that does not tell what came next."""

    @abstractmethod
    def rejection(self, rejected: Rejected, caller: str | None, at: datetime) -> str:
        """Why an alternative was not taken; see `rejections`."""


def shown(text: str) -> str:
    """What came from the network as a terminal may show it: control characters are written out."""
    return text if text.isprintable() else repr(text)


def _known(before: Step | None) -> str | None:
    """Who has been named as the only target of the step before."""
    return before.targets[0] if before and len(before.targets) == 1 else None

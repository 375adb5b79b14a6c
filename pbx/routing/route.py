"""The decided route of one call: an immutable value that the call only walks.

    step = plan.first
    while isinstance(step, Step):
        outcome = ring(step.targets, step.seconds)
        step = plan.after(step, outcome)

A step's successors have higher indices than itself, so every walk comes to an `End`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from pbx.routing.outcome import Outcome
from pbx.routing.reasons import Because, Diversion, Reason, Rejected


@dataclass(frozen=True, slots=True)
class End:
    """Nobody else is called. `outcome` is what the caller is told, `diversions` as of a step."""

    outcome: Outcome
    reason: Reason
    diversions: tuple[Diversion, ...] = ()


NOTHING: Mapping[Outcome, int | End] = MappingProxyType({})
"""What follows where no rule says anything: for each outcome the end of the call."""

NOBODY: Mapping[str, tuple[Diversion, ...]] = MappingProxyType({})

_ENDS = {outcome: End(outcome, Reason(Because.NOTHING_FOLLOWS)) for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class Step:
    """Numbers that ring at once, on all devices of each.

    Args:
        seconds: how long they ring.
        on: the index of the next step, or the end, by outcome; an outcome that is absent ends the call.
        diversions: the stops of the call before this one, the first called first.
        diverted: the same for those targets alone that ring in somebody else's place.
    """

    index: int
    targets: tuple[str, ...]
    seconds: int
    reason: Reason
    on: Mapping[Outcome, int | End]
    diversions: tuple[Diversion, ...]
    diverted: Mapping[str, tuple[Diversion, ...]]

    def diversions_of(self, target: str) -> tuple[Diversion, ...]:
        """What the phone of this target may show: who was called first, and why that changed."""
        return self.diverted.get(target, self.diversions)


@dataclass(frozen=True, slots=True)
class Redirect:
    """A phone's wish (302) to send the call elsewhere, and what became of it.

    Args:
        step: the index of the step that rang the phone.
        by: the number that wished it.
        contacts: the numbers it named.
        goes_on: the step that follows, or the end; None if no contact may be called.
    """

    step: int
    by: str
    contacts: tuple[str, ...]
    at: datetime
    directory_version: int
    goes_on: int | End | None
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """Whom to ring, and what follows each outcome, with the reasons.

    Args:
        caller: the caller's number; None where it is not known.
        at: the local time at which it was planned.
        directory_version: the version of the directory that was read.
        end: how the call ends if nobody is to ring at all; None if there are steps.
        redirects: what phones asked for while the call walked the plan, in order.
        private: the caller does not show the number; rules go by `shown_caller`.
    """

    dialled: str
    caller: str | None
    at: datetime
    directory_version: int
    steps: tuple[Step, ...]
    end: End | None = None
    redirects: tuple[Redirect, ...] = ()
    private: bool = False

    @property
    def shown_caller(self) -> str | None:
        """The caller's number as others may see it."""
        return None if self.private else self.caller

    @property
    def first(self) -> Step | End:
        return self.end or self.steps[0]

    def after(self, step: Step, outcome: Outcome) -> Step | End:
        """What follows when ringing this step has ended so."""
        follows = step.on.get(outcome)
        if follows is None:
            return _ENDS[outcome]
        return follows if isinstance(follows, End) else self.steps[follows]

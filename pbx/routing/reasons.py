"""Why a call goes where it goes, as values. `explain` puts them into sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pbx.directory.snapshot import Rule


class Cause(StrEnum):
    """Why a call was diverted from a number: the kind of the rule, or the phone itself.

    A rule may hold for more outcomes than the one it is named after (see `forwarding.HOLDS_AFTER`); the
    cause keeps the rule's name.
    """

    ALWAYS = "always"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    UNREACHABLE = "unreachable"
    DND = "dnd"
    CALLER = "caller"
    TIME = "time"
    REDIRECT = "redirect"
    """The phone answered with a 302."""


@dataclass(frozen=True, slots=True)
class Diversion:
    """One earlier stop of the call, as History-Info (RFC 7044) and Diversion (RFC 5806) tell it."""

    number: str
    cause: Cause
    rule: Rule | None = None


class Why(StrEnum):
    """Why an alternative was not taken."""

    NOT_NOW = "not-now"
    """A time rule's window is not open."""
    OTHER_CALLER = "other-caller"
    """A caller rule is for somebody else."""
    OUTRANKED = "outranked"
    """Another rule of the same user comes first."""
    NO_TARGET = "no-target"
    """Do not disturb names no target, so the user's rule `busy` is followed."""
    LOOP = "loop"
    """The target has been called already in this chain."""
    IS_CALLER = "is-caller"
    """The target is the one who is calling."""
    HOPS = "hops"
    """The call has been diverted as often as is allowed."""
    STEPS = "steps"
    """The plan has as many steps as are allowed."""
    NOT_FOUND = "not-found"
    NOT_A_NUMBER = "not-a-number"
    DND = "dnd"
    """Left out of those who ring, as not to be disturbed."""
    TWICE = "twice"
    """Rings in this step, or rang in this pass of its group, already."""
    RINGS_WITH_OTHERS = "rings-with-others"
    """A rule for busy, no answer or unreachable of somebody who is called as one of several."""
    AT_ONCE = "at-once"
    """A group that rings in turn rings all at once, being called together with others."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An alternative that was not taken.

    Args:
        number: whose rule or whose member it was; of a number dialled in vain, the number itself.
        rule: the rule that was not followed, or whose target was not.
        target: the number that is not called for this reason.
    """

    why: Why
    number: str
    rule: Rule | None = None
    target: str | None = None


class Because(StrEnum):
    """What brought the call to a step or to its end."""

    DIALLED = "dialled"
    RULE = "rule"
    REDIRECT = "redirect"
    NEXT_IN_GROUP = "next-in-group"
    GROUP_EXHAUSTED = "group-exhausted"
    NOTHING_FOLLOWS = "nothing-follows"
    """No rule is there for this outcome."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a step is taken, or why the call ends.

    Args:
        number: whose rule or redirect it was.
        rule: the last rule that was followed; with those before it, it also stands in the diversions.
        group: the group whose members ring.
        turn: which turn of a group that rings in turn, from 0.
        rejected: the alternatives that were looked at on the way and why each was not taken.
    """

    because: Because
    number: str | None = None
    rule: Rule | None = None
    group: str | None = None
    turn: int | None = None
    rejected: tuple[Rejected, ...] = ()


DIALLED = Reason(Because.DIALLED)
"""The reason of nearly every step: that is whom the caller dialled."""

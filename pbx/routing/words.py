"""The phrases of which `explain` makes its sentences: plain English, the same term everywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from pbx.directory.snapshot import EVERY_DAY, Rule, RuleKind
from pbx.routing.forwarding import MAX_DIVERSIONS
from pbx.routing.outcome import Outcome
from pbx.routing.plan import MAX_STEPS
from pbx.routing.reasons import Because, Cause, Diversion, Rejected, Why
from pbx.routing.route import End, Redirect, RoutePlan, Step
from pbx.routing.schedule import DAYS, format_days, format_time

_KINDS = {RuleKind.NO_ANSWER: "no answer", RuleKind.DND: "do not disturb"}

_HAPPENS = {
    Outcome.BUSY: ("is busy", "are busy"),
    Outcome.REFUSED: ("declines", "decline"),
    Outcome.DND: ("does not want to be disturbed", "do not want to be disturbed"),
    Outcome.NO_ANSWER: ("does not answer", "do not answer"),
    Outcome.UNREACHABLE: ("is not reachable", "are not reachable"),
}

TOLD = frozenset(_HAPPENS)
"""The outcomes whose consequences are told beforehand, whether or not a rule is there for them."""

_HAPPENED = {
    Outcome.ANSWERED: "answered",
    Outcome.BUSY: "was busy",
    Outcome.REFUSED: "declined",
    Outcome.DND: "did not want to be disturbed",
    Outcome.NO_ANSWER: "did not answer",
    Outcome.UNREACHABLE: "was not reachable",
    Outcome.CANCELLED: "was no longer called: the caller hung up",
    Outcome.FAILED: "could not be called",
    Outcome.NOT_FOUND: "did not exist any more",
}

_ENDS = {
    Outcome.ANSWERED: "answered",
    Outcome.BUSY: "busy",
    Outcome.REFUSED: "declined",
    Outcome.DND: "do not disturb",
    Outcome.NO_ANSWER: "no answer",
    Outcome.UNREACHABLE: "nobody is reachable",
    Outcome.CANCELLED: "the caller hung up",
    Outcome.FAILED: "failed",
    Outcome.NOT_FOUND: "no such number",
}


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def happens(step: Step, outcomes: Collection[Outcome]) -> str:
    """The condition under which a step is left: `102 is busy or declines`."""
    plural = len(step.targets) > 1
    subject = listed(step.targets)
    if TOLD.issubset(outcomes):
        return f"{subject} {'do' if plural else 'does'} not take the call"
    # A phone that is silenced by its own key declines, as far as anybody can see.
    told = [o for o in _HAPPENS if o in outcomes and (o is not Outcome.DND or Outcome.REFUSED not in outcomes)]
    return f"{subject} {listed([_HAPPENS[outcome][plural] for outcome in told], 'or')}"


def happened(target: str, outcome: Outcome, seconds: float) -> str:
    """What came of ringing one target: `102 did not answer (20 s)`."""
    words = f"{target} {_HAPPENED[outcome]}"
    if round(seconds) < 1:
        return words
    return f"{words} after {seconds:.0f} s" if outcome is Outcome.ANSWERED else f"{words} ({seconds:.0f} s)"


def rings(plan: RoutePlan, step: Step, before: Step | None) -> str:
    """What a step does, and why: `rings 205 for 15 s, by rule 'no answer' (version 7)`.

    Args:
        before: the step that led here; its only target needs not be named again.
    """
    reason = step.reason
    whom = listed(step.targets) + (" together" if len(step.targets) > 1 else "")
    if reason.group is not None:
        whom += f" (group {reason.group})"
    words = f"rings {whom} for {step.seconds} s"
    if reason.because is Because.DIALLED:
        words += f", because {plan.dialled} was dialled"
    elif reason.because is Because.NEXT_IN_GROUP:
        words += f", next in group {reason.group}"
    else:
        came = step.diversions[len(before.diversions) :] if before else step.diversions
        known = before.targets[0] if before and len(before.targets) == 1 else None
        words += _by_rules(came, known)
    for target, diversions in step.diverted.items():
        own = diversions[len(step.diversions) :]
        words += f"; {target} in place of {own[0].number}{_by_rules(own, own[0].number)}"
    return words


def redirected(wish: Redirect) -> str:
    contacts = [shown(contact) for contact in wish.contacts]
    return f"the phone of {wish.by} redirected the call to {listed(contacts) or 'nobody'}"


def shown(text: str) -> str:
    """What came from the network as a terminal may show it: control characters are written out."""
    return text if text.isprintable() else repr(text)


def _by_rules(stops: Sequence[Diversion], known: str | None) -> str:
    """The rules by which a call was sent on, in order; the owner of a rule is named if not known."""
    rules = [rule_of(stop.rule, None if stop.number == known else stop.number) for stop in stops if stop.rule]
    return ", by " + ", then ".join(rules) if rules else ""


def ends(end: End, before: Step | None = None) -> str:
    """How a call ends, and by which rules if by any: `the call ends: busy`."""
    words = f"the call ends: {_ENDS[end.outcome]}"
    known = before.targets[0] if before and len(before.targets) == 1 else None
    came = end.diversions[len(before.diversions) :] if before else end.diversions
    rule, owner = end.reason.rule, end.reason.number
    if rule is not None and owner is not None and not rule.targets:
        came = (*came, Diversion(owner, Cause.DND, rule))
    return words + _by_rules(came, known)


def rule_of(rule: Rule, owner: str | None) -> str:
    """`rule 'time' 18:00-09:00 mon-fri of 102 (version 3)`."""
    words = f"rule '{_KINDS.get(rule.kind, rule.kind.value)}'"
    if rule.start is not None and rule.end is not None:
        words += f" {format_time(rule.start)}-{format_time(rule.end)}"
        if rule.days != EVERY_DAY:
            words += f" {format_days(rule.days)}"
    if rule.caller is not None:
        words += f" {rule.caller}"
    if owner is not None:
        words += f" of {owner}"
    return f"{words} (version {rule.version})"


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


def rejections(
    rejected: Iterable[Rejected], caller: str | None, at: datetime, *, only_warnings: bool = False
) -> list[str]:
    """The alternatives that were not taken and why, a sentence each.

    Args:
        at: the local time at which they were looked at.
    """
    return [_rejection(one, caller, at) for one in rejected if not only_warnings or one.why in WARNINGS]


def _rejection(rejected: Rejected, caller: str | None, at: datetime) -> str:
    number = rejected.number
    rule = rule_of(rejected.rule, number) if rejected.rule else number
    match rejected.why:
        case Why.NOT_NOW:
            return f"{rule} did not hold on {DAYS[at.weekday()]} at {format_time(at.time())}"
        case Why.OTHER_CALLER:
            whom = "a caller who shows no number" if caller is None else f"caller {shown(caller)}"
            return f"{rule} did not hold for {whom}"
        case Why.OUTRANKED:
            return f"{rule} was not asked: another rule comes first"
        case Why.NO_TARGET:
            return f"{rule} names no target: rule 'busy' is followed"
        case Why.RINGS_WITH_OTHERS:
            return f"{rule} is not followed: {number} is called as one of several"
        case Why.DND:
            return f"{number} is left out, by {rule}"
        case Why.AT_ONCE:
            return f"group {number} rings all at once, being called together with others"
    target = rejected.target or number
    cause = _STOPPED[rejected.why].format(target)
    if rejected.why is Why.IS_CALLER and caller is None:  # who calls stays hidden from those who read this, too
        cause = "it is not for this call"
    if rejected.target is not None:
        what = f"forward to {target} by" if rejected.rule else f"call to {shown(target)} for"
        return f"{what} {rule} stopped: {cause}"
    return f"{rule} is not followed: {cause}" if rejected.rule else cause


_STOPPED = {
    Why.LOOP: "{} is already in this chain",
    Why.IS_CALLER: "{} is the caller",
    Why.HOPS: f"hop limit {MAX_DIVERSIONS} reached",
    Why.STEPS: f"limit of {MAX_STEPS} steps reached",
    Why.NOT_FOUND: "{} does not exist",
    Why.NOT_A_NUMBER: "{!r} is not a number",
    Why.TWICE: "{} is called already",
}

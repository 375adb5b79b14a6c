"""The phrases of explanations in plain English."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pbx.directory.snapshot import EVERY_DAY, Rule, RuleKind
from pbx.routing.forwarding import MAX_DIVERSIONS
from pbx.routing.outcome import Outcome
from pbx.routing.plan import MAX_STEPS
from pbx.routing.reasons import Rejected, Why
from pbx.routing.route import Redirect
from pbx.routing.schedule import DAYS, format_days, format_time
from pbx.routing.words import Words, shown

_KINDS = {
    RuleKind.ALWAYS: "always",
    RuleKind.BUSY: "busy",
    RuleKind.NO_ANSWER: "no answer",
    RuleKind.UNREACHABLE: "unreachable",
    RuleKind.DND: "do not disturb",
    RuleKind.CALLER: "caller",
    RuleKind.TIME: "time",
}

_HAPPENS = {
    Outcome.BUSY: ("is busy", "are busy"),
    Outcome.REFUSED: ("declines", "decline"),
    Outcome.DND: ("does not want to be disturbed", "do not want to be disturbed"),
    Outcome.NO_ANSWER: ("does not answer", "do not answer"),
    Outcome.UNREACHABLE: ("is not reachable", "are not reachable"),
}

_HAPPENED = {
    Outcome.ANSWERED: "answered",
    Outcome.BUSY: "was busy",
    Outcome.REFUSED: "declined",
    Outcome.DND: "did not want to be disturbed",
    Outcome.NO_ANSWER: "did not answer",
    Outcome.UNREACHABLE: "was not reachable",
    Outcome.CANCELLED: "was no longer called",
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

_STOPPED = {
    Why.LOOP: "{} is already in this chain",
    Why.IS_CALLER: "{} is the caller",
    Why.HOPS: f"hop limit {MAX_DIVERSIONS} reached",
    Why.STEPS: f"limit of {MAX_STEPS} steps reached",
    Why.NOT_FOUND: "{} does not exist",
    Why.NOT_A_NUMBER: "{!r} is not a number",
    Why.TWICE: "{} is called already",
}


class English(Words):
    """Rings, rules and ends in English."""

    def listed(self, words: Sequence[str]) -> str:
        return _joined(words, "and")

    def any_of(self, words: Sequence[str]) -> str:
        return _joined(words, "or")

    def heading(self, caller: str | None, dialled: str, at: datetime, directory_version: int) -> str:
        who = "a caller who shows no number" if caller is None else shown(caller)
        day = f"{DAYS[at.weekday()]} {at:%Y-%m-%d at %H:%M}"
        return f"call from {who} to {shown(dialled)} on {day}, directory version {directory_version}"

    def ringing(self, targets: Sequence[str], group: str | None, seconds: int) -> str:
        whom = self.listed(targets) + (" together" if len(targets) > 1 else "")
        if group is not None:
            whom += f" (group {group})"
        return f"rings {whom} for {seconds} s"

    def because_dialled(self, number: str) -> str:
        return f"because {number} was dialled"

    def next_in(self, group: str) -> str:
        return f"next in group {group}"

    def in_place(self, target: str, number: str) -> str:
        return f"{target} in place of {number}"

    def by(self, rules: Sequence[str]) -> str:
        return "by " + ", then ".join([f"rule {rule}" for rule in rules])

    def name_of(self, rule: Rule, owner: str | None) -> str:
        words = f"'{_KINDS[rule.kind]}'"
        if rule.start is not None and rule.end is not None:
            words += f" {format_time(rule.start)}-{format_time(rule.end)}"
            if rule.days != EVERY_DAY:
                words += f" {format_days(rule.days)}"
        if rule.caller is not None:
            words += f" {rule.caller}"
        if owner is not None:
            words += f" of {owner}"
        return f"{words} (version {rule.version})"

    def takes_no_call(self, *, plural: bool) -> str:
        return f"{'do' if plural else 'does'} not take the call"

    def does(self, outcome: Outcome, *, plural: bool) -> str:
        one, several = _HAPPENS[outcome]
        return several if plural else one

    def happened(self, target: str, outcome: Outcome, seconds: float) -> str:
        words = f"{target} {_HAPPENED[outcome]}"
        if round(seconds) < 1:
            return words
        return f"{words} after {seconds:.0f} s" if outcome is Outcome.ANSWERED else f"{words} ({seconds:.0f} s)"

    def redirected(self, wish: Redirect) -> str:
        contacts = [shown(contact) for contact in wish.contacts]
        return f"the phone of {wish.by} redirected the call to {self.listed(contacts) or 'nobody'}"

    def call_ends(self) -> str:
        return "the call ends"

    def ending(self, outcome: Outcome) -> str:
        return _ENDS[outcome]

    def nobody_took_it(self) -> str:
        return "nobody took the call"

    def nothing_rang(self) -> str:
        return "no phone has rung"

    def record_ends(self) -> str:
        return "the record ends here"

    def rejection(self, rejected: Rejected, caller: str | None, at: datetime) -> str:
        number = rejected.number
        rule = f"rule {self.name_of(rejected.rule, number)}" if rejected.rule else number
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


def _joined(words: Sequence[str], last: str) -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)

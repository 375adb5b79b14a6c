"""A plan as it is stored with the record of its call: plain values that JSON can hold, and back.

Rules stand in a table of their own, since the diversions of every later step name them again. What is
empty is left out. `v` is the version of this form; a later form must still read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from pbx.directory.snapshot import EVERY_DAY, Rule, RuleKind
from pbx.routing.errors import RecordError, ScheduleError
from pbx.routing.outcome import Outcome
from pbx.routing.reasons import DIALLED, Because, Cause, Diversion, Reason, Rejected, Why
from pbx.routing.route import NOBODY, End, Redirect, RoutePlan, Step
from pbx.routing.schedule import format_days, parse_days

VERSION = 1

Json = dict[str, Any]


def to_dict(plan: RoutePlan) -> Json:
    """The plan as dicts, lists, strings and numbers."""
    writer = _Writer()
    data: Json = {
        "v": VERSION,
        "dialled": plan.dialled,
        "at": plan.at.isoformat(),
        "directory": plan.directory_version,
    }
    if plan.caller is not None:
        data["caller"] = plan.caller
    if plan.steps:
        data["steps"] = [writer.step(step) for step in plan.steps]
    if plan.end is not None:
        data["end"] = writer.end(plan.end)
    if plan.redirects:
        data["redirects"] = [writer.redirect(redirect) for redirect in plan.redirects]
    if plan.private:
        data["private"] = True
    if writer.rules:
        data["rules"] = [_rule_to_dict(rule) for rule in writer.rules]
    return data


def from_dict(data: Mapping[str, Any]) -> RoutePlan:
    """The plan that `to_dict` has written.

    Raises:
        RecordError: it is no such record, or one of a form that this version does not know.
    """
    try:
        if data["v"] != VERSION:
            raise RecordError(f"the plan is stored in form {data['v']!r}, this version reads {VERSION}")
        reader = _Reader([_rule_from_dict(rule) for rule in data.get("rules", ())])
        plan = RoutePlan(
            data["dialled"],
            data.get("caller"),
            datetime.fromisoformat(data["at"]),
            data["directory"],
            tuple(reader.step(index, step) for index, step in enumerate(data.get("steps", ()))),
            reader.end(data["end"]) if "end" in data else None,
            tuple(reader.redirect(redirect) for redirect in data.get("redirects", ())),
            data.get("private", False),
        )
    except RecordError:
        raise
    except (AttributeError, IndexError, KeyError, ScheduleError, TypeError, ValueError) as error:
        raise RecordError(f"the stored plan cannot be read: {error!r}") from error
    _check_progress(plan)
    return plan


def _check_progress(plan: RoutePlan) -> None:
    """A walk through a plan that was damaged must end, too."""
    leads = [(step.index, follows) for step in plan.steps for follows in step.on.values()]
    leads += [(wish.step, wish.goes_on) for wish in plan.redirects if wish.goes_on is not None]
    indices = [(before, after) for before, after in leads if isinstance(after, int)]
    if any(not 0 <= before < after < len(plan.steps) for before, after in indices):
        raise RecordError("the stored plan cannot be read: a step leads to one that is not after it")
    if (plan.end is None) is (not plan.steps):
        raise RecordError("the stored plan cannot be read: it needs either steps or an end")


class _Writer:
    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def step(self, step: Step) -> Json:
        data: Json = {"targets": list(step.targets), "seconds": step.seconds, "reason": self.reason(step.reason)}
        if step.on:
            data["on"] = {outcome.value: self.follows(follows) for outcome, follows in step.on.items()}
        if step.diversions:
            data["diversions"] = self.diversions(step.diversions)
        if step.diverted:
            data["diverted"] = {number: self.diversions(before) for number, before in step.diverted.items()}
        return data

    def follows(self, follows: int | End) -> int | Json:
        return self.end(follows) if isinstance(follows, End) else follows

    def end(self, end: End) -> Json:
        return _filled(
            outcome=end.outcome.value,
            reason=self.reason(end.reason),
            diversions=self.diversions(end.diversions),
        )

    def reason(self, reason: Reason) -> Json:
        if reason is DIALLED:
            return {"because": reason.because.value}
        return _filled(
            because=reason.because.value,
            number=reason.number,
            rule=self.rule(reason.rule),
            group=reason.group,
            turn=reason.turn,
            rejected=self.rejected(reason.rejected),
        )

    def rejected(self, rejected: tuple[Rejected, ...]) -> list[Json]:
        return [
            _filled(why=one.why.value, number=one.number, rule=self.rule(one.rule), target=one.target)
            for one in rejected
        ]

    def diversions(self, diversions: tuple[Diversion, ...]) -> list[Json]:
        return [_filled(number=one.number, cause=one.cause.value, rule=self.rule(one.rule)) for one in diversions]

    def redirect(self, redirect: Redirect) -> Json:
        goes_on = redirect.goes_on
        return _filled(
            step=redirect.step,
            by=redirect.by,
            contacts=list(redirect.contacts),
            at=redirect.at.isoformat(),
            directory=redirect.directory_version,
            goes_on=None if goes_on is None else self.follows(goes_on),
            rejected=self.rejected(redirect.rejected),
        )

    def rule(self, rule: Rule | None) -> int | None:
        """The place of the rule in the table."""
        if rule is None:
            return None
        if rule not in self.rules:
            self.rules.append(rule)
        return self.rules.index(rule)


class _Reader:
    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules

    def step(self, index: int, data: Json) -> Step:
        diverted = {number: self.diversions(before) for number, before in data.get("diverted", {}).items()}
        return Step(
            index,
            tuple(data["targets"]),
            data["seconds"],
            self.reason(data["reason"]),
            {Outcome(outcome): self.follows(follows) for outcome, follows in data.get("on", {}).items()},
            self.diversions(data.get("diversions", ())),
            diverted or NOBODY,
        )

    def follows(self, data: int | Json) -> int | End:
        return data if isinstance(data, int) else self.end(data)

    def end(self, data: Json) -> End:
        diversions = self.diversions(data.get("diversions", ()))
        return End(Outcome(data["outcome"]), self.reason(data["reason"]), diversions)

    def reason(self, data: Json) -> Reason:
        return Reason(
            Because(data["because"]),
            data.get("number"),
            self.rule(data.get("rule")),
            data.get("group"),
            data.get("turn"),
            self.rejected(data.get("rejected", ())),
        )

    def rejected(self, data: list[Json] | tuple[()]) -> tuple[Rejected, ...]:
        return tuple(
            Rejected(Why(one["why"]), one["number"], self.rule(one.get("rule")), one.get("target")) for one in data
        )

    def diversions(self, data: list[Json] | tuple[()]) -> tuple[Diversion, ...]:
        return tuple(Diversion(one["number"], Cause(one["cause"]), self.rule(one.get("rule"))) for one in data)

    def redirect(self, data: Json) -> Redirect:
        return Redirect(
            data["step"],
            data["by"],
            tuple(data.get("contacts", ())),
            datetime.fromisoformat(data["at"]),
            data["directory"],
            self.follows(data["goes_on"]) if "goes_on" in data else None,
            self.rejected(data.get("rejected", ())),
        )

    def rule(self, place: int | None) -> Rule | None:
        return None if place is None else self._rules[place]


def _rule_to_dict(rule: Rule) -> Json:
    return _filled(
        id=rule.id,
        version=rule.version,
        kind=rule.kind.value,
        targets=list(rule.targets),
        after=rule.after,
        caller=rule.caller,
        start=rule.start and rule.start.isoformat(),
        end=rule.end and rule.end.isoformat(),
        days=None if rule.days == EVERY_DAY else format_days(rule.days),
    )


def _rule_from_dict(data: Json) -> Rule:
    return Rule(
        data["id"],
        data["version"],
        RuleKind(data["kind"]),
        tuple(data.get("targets", ())),
        data.get("after"),
        data.get("caller"),
        time.fromisoformat(data["start"]) if "start" in data else None,
        time.fromisoformat(data["end"]) if "end" in data else None,
        parse_days(data["days"]) if "days" in data else EVERY_DAY,
    )


def _filled(**fields: Any) -> Json:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, [], {})}

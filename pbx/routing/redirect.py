"""A phone answers with a 302: taken as a forward of its user, under the rules of any other forward."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from pbx.directory.snapshot import Directory
from pbx.routing.errors import NumberError
from pbx.routing.forwarding import Circumstances, Way
from pbx.routing.groups import Muster, Ringing
from pbx.routing.number import normalise
from pbx.routing.outcome import Outcome
from pbx.routing.plan import MAX_STEPS, Planner
from pbx.routing.reasons import Because, Cause, Rejected, Why
from pbx.routing.route import End, Redirect, RoutePlan, Step


class Redirected(NamedTuple):
    """The plan as it is from now on, and where the call goes on in it.

    `next` is None if no contact may be called: the phone has then just declined, and the call goes on
    by `plan.after(step, Outcome.REFUSED)` once all targets of the step have ended.
    """

    plan: RoutePlan
    next: Step | End | None


def redirect(
    plan: RoutePlan,
    step: Step,
    contacts: Iterable[str],
    now: datetime,
    directory: Directory,
    *,
    by: str | None = None,
) -> Redirected:
    """Plan on from a step whose phone names other numbers; the plan keeps its steps and gets new ones.

    If the step rings several, or is a turn of a group, the numbers join it: the next step names all who
    ring from now on, those who ring already too, and the group goes on after it.

    Args:
        contacts: the numbers from the Contact headers, best first; they ring together.
        now, directory: as for `plan`, at the time of the redirect.
        by: the target of the step whose phone redirects; needed if there are several.

    Raises:
        ValueError: `by` is missing or no target of the step.
    """
    if by is None and len(step.targets) == 1:
        by = step.targets[0]
    if by is None or by not in step.targets:
        raise ValueError(f"a redirect of step {step.index} comes from one of {', '.join(step.targets)}")
    contacts = tuple(contacts)
    circumstances = Circumstances(plan.caller, now, directory, plan.private)
    planner = Planner(circumstances, plan.steps)
    way = Way(Because.REDIRECT, by, visited=_passed(plan, step), diversions=step.diversions_of(by))
    numbers = _numbers(contacts, by, way)
    targets = circumstances.admit(numbers, by, way, rule=None, hops=len(way.diversions))
    onward = way.diverted(by, Cause.REDIRECT)
    goes_on: int | End | None = None
    if len(planner.steps) >= MAX_STEPS:
        way.rejected.append(Rejected(Why.STEPS, by))
    elif targets and (step.reason.group is not None or len(step.targets) > 1):
        found = Muster(circumstances).together(targets, onward)
        goes_on = _join(planner, step, by, found, onward) if found else None
    elif targets:
        one = len(targets) == 1
        goes_on = planner.arrive(targets[0], onward) if one else planner.ring_together(targets, onward)
        planner.finish()
    rejected = tuple(way.rejected) if goes_on is None else ()
    wish = Redirect(step.index, by, contacts, now, directory.version, goes_on, rejected)
    extended = replace(plan, steps=tuple(planner.steps), redirects=(*plan.redirects, wish))
    return Redirected(extended, extended.steps[goes_on] if isinstance(goes_on, int) else goes_on)


def _join(planner: Planner, step: Step, by: str, found: Sequence[Ringing], way: Way) -> int | None:
    """The step anew, with those found in the place of `by`, and copies of the steps that follow it.

    Copies, because what follows a step must come after it.
    """
    following = _following(planner.steps, step)
    if len(planner.steps) + 1 + len(following) > MAX_STEPS:
        way.rejected.append(Rejected(Why.STEPS, by))
        return None
    base = len(planner.steps) + 1
    moved = {index: base + offset for offset, index in enumerate(following)}
    others = [Ringing(target, step.diversions_of(target)) for target in step.targets if target != by]
    reason = way.reason(group=step.reason.group, turn=step.reason.turn)
    joined = planner.ring([*others, *found], step.seconds, reason, _moved(step.on, moved), step.diversions)
    for index in following:
        copied = planner.steps[index]
        planner.steps.append(replace(copied, index=moved[index], on=_moved(copied.on, moved)))
    return joined


def _following(steps: Sequence[Step], step: Step) -> list[int]:
    """The indices of all steps that may come after this one."""
    reached: set[int] = set()
    for one in (step, *steps[step.index + 1 :]):
        if one is step or one.index in reached:
            reached.update(index for index in one.on.values() if isinstance(index, int))
    return sorted(reached)


def _moved(on: Mapping[Outcome, int | End], moved: Mapping[int, int]) -> Mapping[Outcome, int | End]:
    return {outcome: moved[follows] if isinstance(follows, int) else follows for outcome, follows in on.items()}


def _numbers(contacts: Iterable[str], by: str, way: Way) -> list[str]:
    numbers = []
    for contact in contacts:
        try:
            numbers.append(normalise(contact))
        except NumberError:
            way.rejected.append(Rejected(Why.NOT_A_NUMBER, by, target=contact))
    return numbers


def _passed(plan: RoutePlan, step: Step) -> tuple[str, ...]:
    """Every number that the call may have come through on its way to this step, and those it rings."""
    leads_to = {step.index}
    for earlier in reversed(plan.steps):
        wishes = (wish.goes_on for wish in plan.redirects if wish.step == earlier.index)
        if any(isinstance(one, int) and one in leads_to for one in (*earlier.on.values(), *wishes)):
            leads_to.add(earlier.index)
    passed: set[str] = set()
    for index in leads_to:
        one = plan.steps[index]
        passed.update(one.targets)
        if one.reason.group is not None:
            passed.add(one.reason.group)
        for diversions in (one.diversions, *one.diverted.values()):
            passed.update(diversion.number for diversion in diversions)
    return tuple(sorted(passed))

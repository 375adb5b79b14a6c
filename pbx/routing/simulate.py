"""What would happen: a plan walked with assumed outcomes instead of phones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from pbx.routing.errors import NumberError, StateError
from pbx.routing.explain import Happened, explain
from pbx.routing.number import normalise
from pbx.routing.outcome import Outcome, combine
from pbx.routing.route import RoutePlan, Step
from pbx.routing.words import Language

STATES = (Outcome.BUSY, Outcome.NO_ANSWER, Outcome.UNREACHABLE, Outcome.DND)
"""What a number may be assumed to be, as the command line takes it; who is not named answers."""


def parse_states(assignments: Iterable[str]) -> dict[str, Outcome]:
    """Assumptions written as `102=busy`.

    Raises:
        StateError: one is not written so, or names a state that is not in `STATES`.
    """
    states: dict[str, Outcome] = {}
    for assignment in assignments:
        number, _, state = assignment.partition("=")
        if state not in STATES:
            known = ", ".join(STATES)
            raise StateError(f"{assignment!r} is no state: write NUMBER=STATE with one of {known}")
        try:
            states[normalise(number)] = Outcome(state)
        except NumberError as error:
            raise StateError(f"{assignment!r} is no state: {error}") from None
    return states


def walk(plan: RoutePlan, states: Mapping[str, Outcome]) -> list[Happened]:
    """The events of a call on which every number has the outcome that is assumed for it.

    Who does not answer rings to the end of the step; all else takes no time.
    """
    events: list[Happened] = []
    at = plan.at
    step = plan.first
    while isinstance(step, Step):
        outcomes = {target: states.get(target, Outcome.ANSWERED) for target in step.targets}
        combined = combine(outcomes.values())
        for target, outcome in outcomes.items():
            if combined is Outcome.ANSWERED and outcome is Outcome.NO_ANSWER:
                continue
            seconds = float(step.seconds) if outcome is Outcome.NO_ANSWER else 0.0
            events.append(Happened(step.index, target, outcome, at, seconds))
        if combined is Outcome.NO_ANSWER:
            at += timedelta(seconds=step.seconds)
        step = plan.after(step, combined)
    return events


def simulate(plan: RoutePlan, states: Mapping[str, Outcome], language: Language = Language.ENGLISH) -> list[str]:
    """The walk in words."""
    return explain(plan, walk(plan, states), language)

"""A plan in words: what happens when somebody calls, and what happened when somebody did.

1  rings 102 for 15 s, because 102 was dialled
2  102 does not answer or is not reachable: rings 205 for 20 s, by rule 'no answer' (version 7)
3  102 is busy or declines: the call ends
4  205 is busy or declines: the call ends
   ! forward to 102 by rule 'busy' of 205 (version 2) stopped: 102 is already in this chain
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from pbx.routing.english import English
from pbx.routing.outcome import Outcome, combine
from pbx.routing.reasons import Reason
from pbx.routing.route import End, Redirect, RoutePlan, Step
from pbx.routing.russian import Russian
from pbx.routing.words import TOLD, Language, Words

_WORDS: dict[Language, Words] = {Language.ENGLISH: English(), Language.RUSSIAN: Russian()}


class Happened(NamedTuple):
    """What came of ringing one target of a step.

    Args:
        step: the index of the step.
        at: when it began to ring.
        seconds: how long it took until the outcome.
    """

    step: int
    target: str
    outcome: Outcome
    at: datetime
    seconds: float


def describe(plan: RoutePlan, language: Language = Language.ENGLISH) -> list[str]:
    """What happens when somebody calls: a numbered line for each step and end, with warnings below it."""
    words = _WORDS[language]
    story = _Story(plan, words, only_warnings=True)
    if plan.end is not None:
        story.tell(words.ends(plan.end), plan.end.reason)
        return story.lines
    story.tell(words.rings(plan, plan.steps[0], None), plan.steps[0].reason)
    reached = {0}
    for step in plan.steps:
        if step.index in reached:
            for follows, outcomes in _branches(plan, step):
                if isinstance(follows, Step):
                    reached.add(follows.index)
                    then = words.rings(plan, follows, step)
                elif len(outcomes) == 1 or follows.diversions:
                    then = words.ends(follows, step)
                else:
                    then = words.call_ends()
                story.tell(f"{words.happens(step, outcomes)}: {then}", follows.reason, planned_with=step)
    return story.lines


def explain(plan: RoutePlan, events: Iterable[Happened], language: Language = Language.ENGLISH) -> list[str]:
    """What happened to a call: a numbered line for each step, with the alternatives not taken below it."""
    results: dict[int, list[Happened]] = {wish.step: [] for wish in plan.redirects}
    for event in events:
        results.setdefault(event.step, []).append(event)
    words = _WORDS[language]
    story = _Story(plan, words)
    story.lines.append(words.heading(plan.shown_caller, plan.dialled, plan.at, plan.directory_version))
    before: Step | None = None
    left = ""
    for index in sorted(results):
        step, happenings = plan.steps[index], results[index]
        notes = []
        if len(step.targets) > 1:
            notes = [words.happened(event.target, event.outcome, event.seconds) for event in happenings]
        for wish in plan.redirects:
            if wish.step == index and wish.goes_on is None:
                untaken = words.rejections(wish.rejected, plan.shown_caller, wish.at)
                notes += [words.redirected(wish), *(f"- {sentence}" for sentence in untaken)]
        began = min((event.at for event in happenings), default=None)
        what = f"{left}{words.rings(plan, step, before)}"
        story.tell(what, step.reason, began=began, notes=notes, planned_with=step)
        before, left = step, f"{_left(story, step, happenings)}: "
    if before is not None:
        _conclude(story, before, results[before.index])
    elif plan.end is not None:
        story.tell(words.ends(plan.end), plan.end.reason)
    else:
        story.tell(words.nothing_rang())
    return story.lines


def _conclude(story: _Story, step: Step, happenings: Sequence[Happened]) -> None:
    """The last line: who took the call, or how it ended."""
    plan = story.plan
    wish = _followed(plan, step)
    outcome = combine(event.outcome for event in happenings)
    left = _left(story, step, happenings)
    if wish is None and outcome in (Outcome.ANSWERED, Outcome.CANCELLED):
        story.tell(left)
        return
    follows = plan.after(step, outcome) if wish is None else wish.goes_on
    if isinstance(follows, End):
        story.tell(f"{left}: {story.words.ends(follows, step)}", follows.reason, planned_with=step)
    else:
        story.tell(f"{left}: {story.words.record_ends()}")


def _left(story: _Story, step: Step, happenings: Sequence[Happened]) -> str:
    """Why the call left a step, in the past tense."""
    words = story.words
    wish = _followed(story.plan, step)
    if wish is not None:
        return words.redirected(wish)
    for event in happenings:
        if len(step.targets) == 1 or event.outcome in (Outcome.ANSWERED, Outcome.CANCELLED):
            return words.happened(event.target, event.outcome, event.seconds)
    return words.nobody_took_it()


def _followed(plan: RoutePlan, step: Step) -> Redirect | None:
    """The redirect by which the call left this step."""
    return next((one for one in plan.redirects if one.step == step.index and one.goes_on is not None), None)


def _branches(plan: RoutePlan, step: Step) -> list[tuple[Step | End, list[Outcome]]]:
    """What follows a step, each with all outcomes that lead there for the same reason."""
    branches: dict[int | Reason, tuple[Step | End, list[Outcome]]] = {}
    for outcome in sorted(TOLD, key=list(Outcome).index):
        follows = plan.after(step, outcome)
        if isinstance(follows, Step):
            follows = _without_twin(plan, follows)
        key = follows.index if isinstance(follows, Step) else follows.reason
        branches.setdefault(key, (follows, []))[1].append(outcome)
    return list(branches.values())


def _without_twin(plan: RoutePlan, step: Step) -> Step:
    """The first of two steps that differ only in what their group ends in (see `plan.Planner`)."""
    twin = plan.steps[step.index - 1]
    alike = step.reason.turn and step.reason == twin.reason and step.targets == twin.targets
    return twin if alike else step


class _Story:
    """Numbered lines, each with notes below it. Nothing is told twice."""

    def __init__(self, plan: RoutePlan, words: Words, *, only_warnings: bool = False) -> None:
        self.plan = plan
        self.words = words
        self.lines: list[str] = []
        self._only_warnings = only_warnings
        self._told: set[str] = set()

    def tell(
        self,
        text: str,
        reason: Reason | None = None,
        *,
        began: datetime | None = None,
        notes: Iterable[str] = (),
        planned_with: Step | None = None,
    ) -> None:
        if text in self._told:
            return
        self._told.add(text)
        clock = f"{began.astimezone(self.plan.at.tzinfo):%H:%M:%S}  " if began else ""
        self.lines.append(f"{len(self._told)}  {clock}{text}")
        self.lines += [f"   {note}" for note in notes]
        if reason is not None:
            at = _planned_at(self.plan, planned_with)
            caller = self.plan.shown_caller
            untaken = self.words.rejections(reason.rejected, caller, at, only_warnings=self._only_warnings)
            self.lines += [f"   {'!' if self._only_warnings else '-'} {sentence}" for sentence in untaken]


def _planned_at(plan: RoutePlan, step: Step | None) -> datetime:
    """When this step was planned: at the beginning, or at a redirect."""
    at = plan.at
    for wish in plan.redirects:
        if step is not None and isinstance(wish.goes_on, int) and wish.goes_on <= step.index:
            at = wish.at
    return at

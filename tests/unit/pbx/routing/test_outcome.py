from __future__ import annotations

import pytest

from pbx.routing.outcome import Outcome, combine


@pytest.mark.parametrize(
    ("outcomes", "combined"),
    [
        ("busy answered no-answer", "answered"),
        ("busy busy", "busy"),
        ("unreachable unreachable", "unreachable"),
        ("busy no-answer", "no-answer"),
        ("busy unreachable", "busy"),
        ("dnd busy refused", "busy"),
        ("dnd refused", "refused"),
        ("dnd unreachable", "dnd"),
        ("failed unreachable", "unreachable"),
        ("failed not-found", "failed"),
        ("no-answer cancelled", "cancelled"),
        ("", "unreachable"),
    ],
)
def test_several_outcomes_combine_to_the_one_that_tells_most(outcomes: str, combined: str) -> None:
    assert combine(Outcome(outcome) for outcome in outcomes.split()) is Outcome(combined)


@pytest.mark.parametrize("outcome", Outcome)
def test_one_outcome_stays_itself(outcome: Outcome) -> None:
    assert combine([outcome]) is outcome

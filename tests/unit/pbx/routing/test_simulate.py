from __future__ import annotations

import pytest

from pbx.routing.errors import StateError
from pbx.routing.outcome import Outcome
from pbx.routing.plan import plan
from pbx.routing.simulate import parse_states, simulate, walk
from tests.unit.pbx.routing.office import NOW, office


def test_simulation_tells_what_would_happen() -> None:
    route = plan("102", "101", NOW, office("101\n102 no-answer 205 after 15\n205 busy 206,101"))
    states = parse_states(["102=no-answer", "2-05=busy"])
    assert simulate(route, states) == [
        "call from 101 to 102 on tue 2026-12-01 at 14:20, directory version 12",
        "1  14:20:00  rings 102 for 15 s, because 102 was dialled",
        "2  14:20:15  102 did not answer (15 s): rings 205 for 20 s, by rule 'no answer' (version 1)",
        "3  14:20:15  205 was busy: rings 206 for 20 s, by rule 'busy' (version 2)",
        "   - forward to 101 by rule 'busy' of 205 (version 2) stopped: 101 is the caller",
        "4  206 answered",
    ]


def test_numbers_answer_unless_something_else_is_assumed() -> None:
    route = plan("600", "101", NOW, office("group 600 102,103"))
    assert [(event.target, event.outcome) for event in walk(route, {})] == [
        ("102", Outcome.ANSWERED),
        ("103", Outcome.ANSWERED),
    ]


@pytest.mark.parametrize("assignment", ["102", "102=", "102=asleep", "102=answered", "=busy", "anna=busy", "102 busy"])
def test_state_that_cannot_be_read_is_named(assignment: str) -> None:
    with pytest.raises(StateError, match="is no state: "):
        parse_states(["101=busy", assignment])

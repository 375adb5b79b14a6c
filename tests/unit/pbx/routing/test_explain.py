from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from pbx.routing.explain import Happened, describe, explain
from pbx.routing.outcome import Outcome
from pbx.routing.plan import plan
from pbx.routing.redirect import redirect
from pbx.routing.route import Step
from tests.unit.pbx.routing.office import NOW, office

DESCRIBED = {
    "a user without rules": (
        "101",
        "101",
        """
        1  rings 101 for 20 s, because 101 was dialled
        2  101 does not take the call: the call ends
        """,
    ),
    "the signature page": (
        "102",
        """
        102 no-answer 205 after 20
        205 busy 102
        205 no-answer 206 after 15
        102 time 600 from 18:00 to 09:00 days mon-fri
        group 600 206
        """,
        """
        1  rings 102 for 20 s, because 102 was dialled
        2  102 is busy or declines: the call ends
        3  102 does not answer or is not reachable: rings 205 for 15 s, by rule 'no answer' (version 1)
        4  205 is busy or declines: the call ends
           ! forward to 102 by rule 'busy' of 205 (version 2) stopped: 102 is already in this chain
        5  205 does not answer or is not reachable: rings 206 for 20 s, by rule 'no answer' (version 3)
        6  206 does not take the call: the call ends
        """,
    ),
    "rules that hold whatever the phone says": (
        "101",
        "101 always 102\n102 time 103,104 from 14:00 to 15:00 days tue\n103 always 105",
        """
        1  rings 105 and 104 together for 20 s, by rule 'always' of 101 (version 1),
                then rule 'time' 14:00-15:00 tue of 102 (version 2);
                105 in place of 103, by rule 'always' (version 3)
        2  105 and 104 do not take the call: the call ends
        """,
    ),
    "do not disturb that follows the rule for busy": (
        "101",
        "101 dnd\n101 busy 102",
        """
        1  rings 102 for 20 s, by rule 'busy' of 101 (version 2)
           ! rule 'do not disturb' of 101 (version 1) names no target: rule 'busy' is followed
        2  102 does not take the call: the call ends
        """,
    ),
    "do not disturb at the end of a chain": (
        "101",
        "101 busy 102\n101 no-answer 103\n102 dnd",
        """
        1  rings 101 for 20 s, because 101 was dialled
        2  101 is busy or declines: the call ends: do not disturb, by rule 'busy' (version 1),
                then rule 'do not disturb' of 102 (version 3)
        3  101 does not answer or is not reachable: rings 103 for 20 s, by rule 'no answer' (version 2)
        4  103 does not take the call: the call ends
        """,
    ),
    "three rules that wait for an outcome": (
        "101",
        "101 busy 102\n101 no-answer 102\n101 unreachable 900",
        """
        1  rings 101 for 20 s, because 101 was dialled
        2  101 is busy or declines: rings 102 for 20 s, by rule 'busy' (version 1)
        3  101 does not answer: rings 102 for 20 s, by rule 'no answer' (version 2)
        4  101 is not reachable: the call ends: nobody is reachable
           ! forward to 900 by rule 'unreachable' of 101 (version 3) stopped: 900 does not exist
        5  102 does not take the call: the call ends
        """,
    ),
    "a group in turn": (
        "600",
        "group 600 101,102,103,601,100 in-turn\n102 dnd\ngroup 601 104,105 in-turn",
        """
        1  rings 101 (group 600) for 15 s, because 600 was dialled
           ! call to 100 for 600 stopped: 100 is the caller
           ! 102 is left out, by rule 'do not disturb' of 102 (version 1)
        2  101 does not take the call: rings 103 (group 600) for 15 s, next in group 600
        3  103 does not take the call: rings 104 (group 600) for 15 s, next in group 600
        4  104 does not take the call: rings 105 (group 600) for 15 s, next in group 600
        5  105 does not take the call: the call ends
        """,
    ),
    "a group in turn that is called with others": (
        "600",
        "group 600 101,601\ngroup 601 102,103 in-turn",
        """
        1  rings 101, 102 and 103 together (group 600) for 20 s, because 600 was dialled
           ! group 601 rings all at once, being called together with others
        2  101, 102 and 103 do not take the call: the call ends
        """,
    ),
    "a number that nobody has": (
        "999",
        "101",
        """
        1  the call ends: no such number
           ! 999 does not exist
        """,
    ),
    "what is no number": (
        "anna",
        "101",
        """
        1  the call ends: no such number
           ! 'anna' is not a number
        """,
    ),
    "do not disturb alone": (
        "101",
        "101 dnd",
        """
        1  the call ends: do not disturb, by rule 'do not disturb' of 101 (version 1)
        """,
    ),
}


def lines(text: str) -> list[str]:
    """The lines of an indented text; what is indented by 16 continues the line above it."""
    return [line.removeprefix(" " * 8) for line in text.strip("\n ").replace("\n" + " " * 16, " ").split("\n")]


@pytest.mark.parametrize(("dialled", "rules", "expected"), DESCRIBED.values(), ids=DESCRIBED)
def test_plan_is_described_in_words(dialled: str, rules: str, expected: str) -> None:
    assert describe(plan(dialled, "100", NOW, office(f"100\n{rules}"))) == lines(expected)


def test_call_is_explained_with_times_results_and_all_alternatives() -> None:
    directory = office(
        """
        102 time 103 from 18:00 to 09:00 days mon-fri
        102 caller 103 caller 7495*
        102 no-answer 205 after 15
        205 always 206
        205 busy 207
        """
    )
    route = plan("102", "101", NOW, directory)
    began = NOW.astimezone(UTC)
    events = [
        Happened(0, "102", Outcome.NO_ANSWER, began, 15.0),
        Happened(1, "206", Outcome.ANSWERED, began + timedelta(seconds=15), 4.2),
    ]
    assert explain(route, events) == lines(
        """
        call from 101 to 102 on tue 2026-12-01 at 14:20, directory version 12
        1  14:20:00  rings 102 for 15 s, because 102 was dialled
           - rule 'time' 18:00-09:00 mon-fri of 102 (version 1) did not hold on tue at 14:20
           - rule 'caller' 7495* of 102 (version 2) did not hold for caller 101
        2  14:20:15  102 did not answer (15 s): rings 206 for 20 s, by rule 'no answer' (version 3),
                then rule 'always' of 205 (version 4)
           - rule 'busy' of 205 (version 5) was not asked: another rule comes first
        3  206 answered after 4 s
        """
    )


def test_each_of_several_has_its_result() -> None:
    route = plan("600", None, NOW, office("group 600 101,102\n101 busy 103"))
    events = [
        Happened(0, "101", Outcome.BUSY, NOW, 0.1),
        Happened(0, "102", Outcome.UNREACHABLE, NOW, 0.0),
    ]
    assert explain(route, events) == lines(
        """
        call from a caller who shows no number to 600 on tue 2026-12-01 at 14:20, directory version 12
        1  14:20:00  rings 101 and 102 together (group 600) for 20 s, because 600 was dialled
           101 was busy
           102 was not reachable
           - rule 'busy' of 101 (version 1) is not followed: 101 is called as one of several
        2  nobody took the call: the call ends: busy
        """
    )


def test_redirects_of_phones_are_told_where_they_happened() -> None:
    directory = office("101 busy 102\n205 always 206\n206 time 207 from 14:21 to 14:22")
    route = plan("101", "100", NOW, directory)
    later = NOW + timedelta(minutes=3)
    route, step = redirect(route, route.steps[1], ["205"], later, directory)
    assert isinstance(step, Step)
    route, nothing = redirect(route, step, ["102"], later, directory)
    assert nothing is None
    events = [
        Happened(0, "101", Outcome.BUSY, NOW, 0),
        Happened(step.index, "206", Outcome.REFUSED, later, 2),
    ]
    assert explain(route, events) == lines(
        """
        call from 100 to 101 on tue 2026-12-01 at 14:20, directory version 12
        1  14:20:00  rings 101 for 20 s, because 101 was dialled
        2  101 was busy: rings 102 for 20 s, by rule 'busy' (version 1)
        3  14:23:00  the phone of 102 redirected the call to 205: rings 206 for 20 s,
                by rule 'always' of 205 (version 2)
           the phone of 206 redirected the call to 102
           - call to 102 for 206 stopped: 102 is already in this chain
           - rule 'time' 14:21-14:22 of 206 (version 3) did not hold on tue at 14:23
        4  206 declined (2 s): the call ends: declined
        """
    )
    assert describe(route) == lines(
        """
        1  rings 101 for 20 s, because 101 was dialled
        2  101 is busy or declines: rings 102 for 20 s, by rule 'busy' (version 1)
        3  101 does not answer or is not reachable: the call ends
        4  102 does not take the call: the call ends
        """
    )


def test_redirect_that_ended_the_call_is_told() -> None:
    directory = office("101\n205 dnd")
    route = plan("101", "100", NOW, directory)
    route, _ = redirect(route, route.steps[0], ["205"], NOW, directory)
    assert explain(route, [])[1:] == lines(
        """
        1  rings 101 for 20 s, because 101 was dialled
        2  the phone of 101 redirected the call to 205: the call ends: do not disturb,
                by rule 'do not disturb' of 205 (version 1)
        """
    )


@pytest.mark.parametrize(
    ("rules", "events", "last"),
    [
        (
            "101 busy 102",
            [(0, "101", "cancelled", 7)],
            "2  101 was no longer called (7 s)",
        ),
        ("101 busy 102", [(0, "101", "busy", 0)], "2  101 was busy: the record ends here"),
        ("101 busy 102", [], "1  no phone has rung"),
        ("101 dnd", [], "1  the call ends: do not disturb, by rule 'do not disturb' of 101 (version 1)"),
    ],
)
def test_call_that_was_left_early_says_so(rules: str, events: list[tuple[int, str, str, float]], last: str) -> None:
    route = plan("101", "100", NOW, office(rules))
    happened = [Happened(step, target, Outcome(outcome), NOW, seconds) for step, target, outcome, seconds in events]
    assert explain(route, happened)[-1] == last


def test_control_characters_from_the_network_never_reach_the_terminal() -> None:
    directory = office("101")
    route = plan("101", "\x1b[2J", NOW, directory)
    route, _ = redirect(route, route.steps[0], ["\x1b]0;x\x07"], NOW, directory)
    story = explain(route, [Happened(0, "101", Outcome.BUSY, NOW, 0)])
    assert any("\\x1b]0;x" in line for line in story)
    assert all(line.isprintable() for line in story)
    assert all(line.isprintable() for line in describe(plan("\x1b[2J", "100", NOW, directory)))


def test_redirect_to_nobody_is_told() -> None:
    directory = office("101")
    route = plan("101", "100", NOW, directory)
    route, _ = redirect(route, route.steps[0], [], NOW, directory)
    assert "   the phone of 101 redirected the call to nobody" in explain(route, [])

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from pbx.routing.forwarding import MAX_DIVERSIONS
from pbx.routing.outcome import Outcome, combine
from pbx.routing.plan import MAX_STEPS, plan
from pbx.routing.reasons import Because, Cause, Rejected, Why
from pbx.routing.route import End, RoutePlan, Step
from tests.unit.pbx.routing.office import NOW, office


def course(route: RoutePlan, states: str = "") -> str:
    """How a call goes if these numbers are in these states and all others answer: `102, 205 answered`."""
    assumed = {number: Outcome(state) for number, state in (one.split("=") for one in states.split())}
    rung = []
    step = route.first
    while isinstance(step, Step):
        rung.append("+".join(step.targets))
        outcome = combine(assumed.get(target, Outcome.ANSWERED) for target in step.targets)
        step = route.after(step, outcome)
    return f"{', '.join(rung)} {step.outcome}".strip()


def rejections(route: RoutePlan) -> list[tuple[Why, str, str | None]]:
    """All that was rejected on the way to the first step, or to the end."""
    return [(one.why, one.number, one.target) for one in route.first.reason.rejected]


SCENARIOS = {
    "a user without rules": [
        ("101", "101", "", "101 answered"),
        ("101", "101", "101=busy", "101 busy"),
        ("101", "101", "101=unreachable", "101 unreachable"),
        ("101", "101", "101=cancelled", "101 cancelled"),
        ("101", "1-0-1", "", "101 answered"),
    ],
    "rules that wait for an outcome": [
        ("102 busy 205", "102", "102=busy", "102, 205 answered"),
        ("102 busy 205", "102", "102=refused", "102, 205 answered"),
        ("102 busy 205", "102", "102=dnd", "102, 205 answered"),
        ("102 busy 205", "102", "102=no-answer", "102 no-answer"),
        ("102 busy 205", "102", "102=failed", "102 failed"),
        ("102 no-answer 205", "102", "102=no-answer", "102, 205 answered"),
        ("102 no-answer 205", "102", "102=busy", "102 busy"),
        ("102 unreachable 205", "102", "102=unreachable", "102, 205 answered"),
        ("102 unreachable 205", "102", "102=no-answer", "102 no-answer"),
    ],
    "a phone that is off follows the rule for no answer, unless it has its own": [
        ("102 no-answer 205", "102", "102=unreachable", "102, 205 answered"),
        ("102 no-answer 205\n102 unreachable 206", "102", "102=unreachable", "102, 206 answered"),
        ("102 no-answer 205\n102 unreachable 206", "102", "102=no-answer", "102, 205 answered"),
    ],
    "the first rule of a kind is the one": [
        ("102 busy 205\n102 busy 206", "102", "102=busy", "102, 205 answered"),
        ("102 always 205\n102 always 206", "102", "", "205 answered"),
    ],
    "rules that hold whatever the phone says, in their order": [
        ("102 always 205", "102", "", "205 answered"),
        ("102 always 205\n102 time 206 from 14:00 to 15:00", "102", "", "206 answered"),
        ("102 always 205\n102 time 206 from 15:00 to 16:00", "102", "", "205 answered"),
        ("102 time 206 from 14:00 to 15:00\n102 caller 207 caller 100", "102", "", "207 answered"),
        ("102 caller 207 caller 100\n102 dnd 208", "102", "", "208 answered"),
        ("102 time 205 from 18:00 to 09:00\n102 time 206 from 09:00 to 18:00", "102", "", "206 answered"),
        ("102 time 205 from 00:00 to 24:00 days wed-mon", "102", "", "102 answered"),
    ],
    "the most exact caller rule": [
        ("102 caller 205 caller 1*\n102 caller 206 caller 100", "102", "", "206 answered"),
        ("102 caller 205 caller 1*\n102 caller 206 caller 10*", "102", "", "206 answered"),
        ("102 caller 206 caller 10*\n102 caller 205 caller 1*", "102", "", "206 answered"),
        ("102 caller 205 caller 7*\n102 caller 206 caller anonymous", "102", "", "102 answered"),
    ],
    "do not disturb": [
        ("102 dnd", "102", "", "dnd"),
        ("102 dnd 205", "102", "", "205 answered"),
        ("102 dnd\n102 busy 205", "102", "", "205 answered"),
        ("102 dnd\n102 busy 205", "102", "205=busy", "205 busy"),
        ("102 dnd\n102 busy 999", "102", "", "dnd"),
        ("102 dnd\n102 always 205", "102", "", "dnd"),
        ("101 busy 102\n102 dnd", "101", "101=busy", "101 dnd"),
    ],
    "chains": [
        ("101 busy 102\n102 no-answer 103", "101", "101=busy 102=no-answer", "101, 102, 103 answered"),
        ("101 always 102\n102 always 103", "101", "", "103 answered"),
        ("101 busy 102\n102 always 103\n103 busy 104", "101", "101=busy 103=busy", "101, 103, 104 answered"),
        ("101 busy 102\n101 no-answer 103", "101", "101=no-answer 103=busy", "101, 103 busy"),
    ],
    "loops are cut, and the call ends as it stood": [
        ("101 busy 102\n102 busy 101", "101", "101=busy 102=busy", "101, 102 busy"),
        ("101 busy 101", "101", "101=busy", "101 busy"),
        ("101 always 102\n102 always 101", "101", "", "102 answered"),
        ("101 always 101", "101", "", "101 answered"),
        ("101 always 102\n102 no-answer 103\n103 busy 101", "101", "102=no-answer 103=busy", "102, 103 busy"),
        ("101 busy 102\n102 busy 101", "101", "101=refused 102=refused", "101, 102 refused"),
    ],
    "a rule whose target cannot be called is passed over": [
        ("102 always 999", "102", "", "102 answered"),
        ("102 time 999 from 14:00 to 15:00\n102 always 205", "102", "", "205 answered"),
        ("102 busy 999", "102", "102=busy", "102 busy"),
        ("102 busy 999,205", "102", "102=busy", "102, 205 answered"),
    ],
    "the caller is not called back": [
        ("102 busy 100", "102", "102=busy", "102 busy"),
        ("102 always 100", "102", "", "102 answered"),
        ("group 600 100,101", "600", "", "101 answered"),
    ],
    "one's own number rings one's own other phones, under one's own rules": [
        ("100", "100", "", "100 answered"),
        ("100 no-answer 101", "100", "100=no-answer", "100, 101 answered"),
        ("100 no-answer 101\n101 busy 100", "100", "100=no-answer 101=busy", "100, 101 busy"),
    ],
    "several targets ring together": [
        ("102 busy 205,206", "102", "102=busy 205=busy", "102, 205+206 answered"),
        ("102 busy 205,206", "102", "102=busy 205=busy 206=no-answer", "102, 205+206 no-answer"),
        ("102 busy 205,206\n205 busy 207", "102", "102=busy 205=busy 206=busy", "102, 205+206 busy"),
        ("102 busy 205,206\n205 always 207", "102", "102=busy", "102, 207+206 answered"),
        ("102 busy 205,206\n205 always 206", "102", "102=busy", "102, 206 answered"),
        ("102 busy 205,206\n205 dnd", "102", "102=busy", "102, 206 answered"),
        ("102 busy 205,206\n205 dnd\n205 busy 207", "102", "102=busy", "102, 206 answered"),
        ("102 busy 205,206\n205 dnd\n206 dnd", "102", "102=busy", "102 dnd"),
        ("102 busy 205,600\ngroup 600 206,207", "102", "102=busy", "102, 205+206+207 answered"),
        ("102 busy 205,600\ngroup 600 206,205 in-turn", "102", "102=busy", "102, 205+206 answered"),
    ],
    "a group that rings all at once": [
        ("group 600 101,102", "600", "101=busy", "101+102 answered"),
        ("group 600 101,102", "600", "101=busy 102=busy", "101+102 busy"),
        ("group 600 101,102", "600", "101=busy 102=no-answer", "101+102 no-answer"),
        ("group 600 101,102", "600", "101=unreachable 102=unreachable", "101+102 no-answer"),
        ("group 600 101,102,101", "600", "", "101+102 answered"),
        ("group 600 101,102\n101 no-answer 103", "600", "101=no-answer 102=no-answer", "101+102 no-answer"),
        ("group 600 101,102\n101 always 103", "600", "", "103+102 answered"),
        ("group 600 101,102\n101 dnd", "600", "", "102 answered"),
        ("group 600 101\n101 dnd", "600", "", "dnd"),
        ("group 600 999", "600", "", "unreachable"),
        ("group 600 101,601\ngroup 601 102,103", "600", "", "101+102+103 answered"),
        ("group 600 101,601\ngroup 601 102,600", "600", "", "101+102 answered"),
        ("101 busy 600\ngroup 600 101,102", "101", "101=busy", "101, 102 answered"),
        ("101 busy 600\ngroup 600 101", "101", "101=busy", "101 busy"),
    ],
    "a group that rings in turn": [
        ("group 600 101,102,103 in-turn", "600", "101=busy 102=no-answer", "101, 102, 103 answered"),
        ("group 600 101,102 in-turn", "600", "101=unreachable", "101, 102 answered"),
        ("group 600 101,102 in-turn", "600", "101=failed", "101, 102 answered"),
        ("group 600 101,102 in-turn", "600", "101=busy 102=busy", "101, 102 busy"),
        ("group 600 101,102 in-turn", "600", "101=refused 102=dnd", "101, 102 busy"),
        ("group 600 101,102 in-turn", "600", "101=no-answer 102=busy", "101, 102 no-answer"),
        (
            "group 600 101,102,103 in-turn",
            "600",
            "101=busy 102=no-answer 103=busy",
            "101, 102, 103 no-answer",
        ),
        ("group 600 101,102 in-turn", "600", "101=busy 102=unreachable", "101, 102 no-answer"),
        ("group 600 101 in-turn", "600", "101=busy", "101 busy"),
        ("group 600 101,102 in-turn\n101 busy 103", "600", "101=busy", "101, 102 answered"),
        ("group 600 101,102 in-turn\n101 always 102", "600", "102=busy", "102 busy"),
        (
            "group 600 101,102 in-turn\n101 always 103,104",
            "600",
            "103=busy 104=busy",
            "103+104, 102 answered",
        ),
        ("group 600 101,102 in-turn\n101 dnd", "600", "", "102 answered"),
        ("group 600 101 in-turn\n101 dnd", "600", "", "dnd"),
        ("group 600 601,103 in-turn\ngroup 601 101,102", "600", "101=busy 102=busy", "101+102, 103 answered"),
        (
            "group 600 601,103 in-turn\ngroup 601 101,102 in-turn",
            "600",
            "101=busy 102=busy",
            "101, 102, 103 answered",
        ),
        ("group 600 601,103 in-turn\ngroup 601 999 in-turn", "600", "", "103 answered"),
        ("101 busy 600\ngroup 600 101,102,103 in-turn", "101", "101=busy 102=busy", "101, 102, 103 answered"),
    ],
    "what nobody has": [
        ("101", "999", "", "not-found"),
        ("101", "anna", "", "not-found"),
        ("101", "*98", "", "not-found"),
    ],
}


@pytest.mark.parametrize(
    ("rules", "dialled", "states", "expected"),
    [
        pytest.param(*scenario, id=f"{title}-{number}")
        for title, scenarios in SCENARIOS.items()
        for number, scenario in enumerate(scenarios, 1)
    ],
)
def test_call_goes_as_the_rules_say(rules: str, dialled: str, states: str, expected: str) -> None:
    assert course(plan(dialled, "100", NOW, office(f"100\n{rules}")), states) == expected


def test_caller_without_number_follows_the_anonymous_rule() -> None:
    directory = office("102 caller 205 caller anonymous")
    assert course(plan("102", None, NOW, directory)) == "205 answered"
    assert course(plan("102", "74951234567", NOW, directory)) == "102 answered"


@pytest.mark.parametrize(
    ("rules", "dialled", "seconds"),
    [
        ("101", "101", [20]),
        ("101 no-answer 102 after 12\n102 no-answer 103 after 7", "101", [12, 7, 20]),
        ("101 no-answer 102", "101", [20, 20]),
        ("101 busy 102,103", "101", [20, 20]),
        ("group 600 101,102", "600", [20]),
        ("group 600 101,102 in-turn\n101 no-answer 103 after 40", "600", [15, 15, 15]),
    ],
)
def test_phones_ring_as_long_as_the_rule_says(rules: str, dialled: str, seconds: list[int]) -> None:
    assert [step.seconds for step in plan(dialled, None, NOW, office(rules)).steps] == seconds


def test_diversions_tell_who_was_called_first_and_why() -> None:
    directory = office("101 busy 102\n102 always 103\n103 dnd\n103 busy 104\n104 caller 105 caller 74*")
    step = plan("101", "7499", NOW, directory).steps[1]
    assert step.targets == ("105",)
    assert [(stop.number, stop.cause, stop.rule and stop.rule.id) for stop in step.diversions] == [
        ("101", Cause.BUSY, 1),
        ("102", Cause.ALWAYS, 2),
        ("103", Cause.DND, 4),
        ("104", Cause.CALLER, 5),
    ]
    assert step.diversions_of("105") == step.diversions


def test_only_the_target_in_a_members_place_is_told_of_the_member() -> None:
    directory = office("101 busy 600\ngroup 600 102,103\n102 time 104 from 09:00 to 18:00")
    step = plan("101", None, NOW, directory).steps[1]
    assert step.targets == ("104", "103")
    assert [stop.number for stop in step.diversions_of("104")] == ["101", "102"]
    assert [stop.number for stop in step.diversions_of("103")] == ["101"]


def test_reason_names_the_rule_the_group_and_the_turn() -> None:
    directory = office("101 always 600\ngroup 600 102,103 in-turn")
    first, unanswered, all_busy = plan("101", None, NOW, directory).steps
    assert (first.reason.because, first.reason.number, first.reason.group) == (Because.RULE, "101", "600")
    assert first.reason.rule is directory.users["101"].rules[0]
    assert [step.reason.turn for step in (first, unanswered, all_busy)] == [0, 1, 1]
    assert unanswered.reason.because is Because.NEXT_IN_GROUP


@pytest.mark.parametrize(
    ("rules", "dialled", "expected"),
    [
        ("102 time 205 from 18:00 to 09:00", "102", [(Why.NOT_NOW, "102", None)]),
        ("102 caller 205 caller 7*", "102", [(Why.OTHER_CALLER, "102", None)]),
        ("102 always 205\n102 busy 206", "102", [(Why.OUTRANKED, "102", None)]),
        ("102 busy 205\n102 busy 206", "102", [(Why.OUTRANKED, "102", None)]),
        ("102 dnd\n102 always 205", "102", [(Why.OUTRANKED, "102", None)]),
        ("102 dnd\n102 busy 205", "102", [(Why.NO_TARGET, "102", None)]),
        ("101 always 102\n102 always 101", "101", [(Why.LOOP, "102", "101")]),
        ("102 always 100", "102", [(Why.IS_CALLER, "102", "100")]),
        ("102 always 999", "102", [(Why.NOT_FOUND, "102", "999")]),
        ("102 always 205,205", "102", [(Why.TWICE, "102", "205")]),
        ("group 600 101,102\n101 busy 103", "600", [(Why.RINGS_WITH_OTHERS, "101", None)]),
        ("group 600 101,102\n101 dnd", "600", [(Why.DND, "101", None)]),
        ("group 600 101,102\n101 always 102", "600", [(Why.TWICE, "102", None)]),
        ("group 600 101,601\ngroup 601 102 in-turn", "600", [(Why.AT_ONCE, "601", None)]),
        ("101", "999", [(Why.NOT_FOUND, "999", None)]),
        ("101", "x1", [(Why.NOT_A_NUMBER, "x1", None)]),
    ],
)
def test_rejected_alternatives_are_kept_with_their_cause(
    rules: str, dialled: str, expected: list[tuple[Why, str, str | None]]
) -> None:
    assert rejections(plan(dialled, "100", NOW, office(f"100\n{rules}"))) == expected


def test_rule_that_was_cut_after_an_outcome_stands_in_the_reason_of_the_end() -> None:
    directory = office("101 busy 102\n102 busy 101")
    route = plan("101", None, NOW, directory)
    end = route.after(route.steps[1], Outcome.BUSY)
    assert isinstance(end, End)
    rule = directory.users["102"].rules[0]
    assert end.reason.rejected == (Rejected(Why.LOOP, "102", rule, "101"),)


def test_chain_is_cut_at_the_hop_limit() -> None:
    chain = "\n".join(f"{number} always {number + 1}" for number in range(101, 101 + MAX_DIVERSIONS + 3))
    route = plan("101", None, NOW, office(chain))
    last = route.steps[0]
    assert last.targets == (str(101 + MAX_DIVERSIONS),)
    assert len(last.diversions) == MAX_DIVERSIONS
    assert rejections(route) == [(Why.HOPS, last.targets[0], str(102 + MAX_DIVERSIONS))]


def test_group_at_the_hop_limit_still_rings_its_members() -> None:
    chain = "\n".join(f"{number} always {number + 1}" for number in range(101, 100 + MAX_DIVERSIONS))
    last = 100 + MAX_DIVERSIONS
    route = plan("101", None, NOW, office(f"{chain}\n{last} always 600\ngroup 600 201,202"))
    assert course(route) == "201+202 answered"


def test_groups_inside_groups_are_cut_at_the_hop_limit() -> None:
    nested = "\n".join(f"group {number} {number + 1}" for number in range(600, 640))
    route = plan("600", None, NOW, office(f"{nested}\ngroup 640 101"))
    assert route.first.reason.rejected[-1].why is Why.HOPS


def test_steps_are_limited_with_the_nearest_planned_first() -> None:
    kinds = ("busy", "no-answer", "unreachable")
    numbers = range(101, 160)
    rules = [
        f"{number} {kind} {101 + (number * 3 + offset) % 59}" for number in numbers for offset, kind in enumerate(kinds)
    ]
    route = plan("101", None, NOW, office("\n".join(rules)))
    assert len(route.steps) == MAX_STEPS
    depths = [len(step.diversions) for step in route.steps]
    assert depths == sorted(depths)
    end = route.after(route.steps[-1], Outcome.BUSY)
    assert Why.STEPS in {rejected.why for rejected in end.reason.rejected}


def test_long_group_in_turn_says_whom_it_leaves_out() -> None:
    members = [str(number) for number in range(101, 201)]
    route = plan("600", None, NOW, office(f"group 600 {','.join(members)} in-turn"))
    fitting = (MAX_STEPS + 1) // 2
    assert course(route, " ".join(f"{number}=unreachable" for number in members)) == (
        f"{', '.join(members[:fitting])} no-answer"
    )
    assert [target for _, _, target in rejections(route)] == members[fitting:]


def test_plan_keeps_what_it_was_made_from() -> None:
    route = plan("1-01", "100", NOW, office("101"))
    assert (route.dialled, route.caller, route.at, route.directory_version) == ("101", "100", NOW, 12)


def test_plan_cannot_be_changed() -> None:
    route = plan("101", None, NOW, office("101"))
    with pytest.raises(FrozenInstanceError):
        route.dialled = "102"  # type: ignore[misc]
    with pytest.raises(TypeError):
        route.steps[0].on[Outcome.BUSY] = 0  # type: ignore[index]


def test_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="a time with its zone"):
        plan("101", None, NOW.replace(tzinfo=None), office("101"))

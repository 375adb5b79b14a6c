from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pbx.routing.forwarding import MAX_DIVERSIONS
from pbx.routing.outcome import Outcome
from pbx.routing.plan import MAX_STEPS, plan
from pbx.routing.reasons import Because, Cause, Why
from pbx.routing.redirect import redirect
from pbx.routing.route import End, Step
from tests.unit.pbx.routing.office import NOW, office

LATER = NOW + timedelta(seconds=5)


def test_redirect_of_a_phone_is_a_forward_of_its_user() -> None:
    directory = office("101 busy 102\n102\n205 no-answer 206 after 9")
    route = plan("101", "100", NOW, directory)
    extended, step = redirect(route, route.steps[1], ["205"], LATER, directory)
    assert isinstance(step, Step)
    assert (step.targets, step.seconds, step.reason.because) == (("205",), 9, Because.REDIRECT)
    assert [(stop.number, stop.cause) for stop in step.diversions] == [
        ("101", Cause.BUSY),
        ("102", Cause.REDIRECT),
    ]
    following = extended.after(step, Outcome.NO_ANSWER)
    assert isinstance(following, Step)
    assert following.targets == ("206",)
    assert extended.steps[: len(route.steps)] == route.steps


def test_redirect_is_kept_in_the_plan_with_its_time_and_directory() -> None:
    directory = replace(office("101\n205"), version=13)
    route = plan("101", "100", NOW, directory)
    extended, step = redirect(route, route.steps[0], ["+2-05"], LATER, directory)
    (wish,) = extended.redirects
    assert (wish.step, wish.by, wish.contacts) == (0, "101", ("+2-05",))
    assert (wish.at, wish.directory_version) == (LATER, 13)
    assert isinstance(step, Step)
    assert wish.goes_on == step.index


def test_several_contacts_ring_together() -> None:
    directory = office("101\n205\n206 busy 207")
    route = plan("101", "100", NOW, directory)
    _, step = redirect(route, route.steps[0], ["205", "206"], LATER, directory)
    assert isinstance(step, Step)
    assert step.targets == ("205", "206")


def test_contact_that_does_not_want_to_be_disturbed_ends_the_call() -> None:
    directory = office("101\n205 dnd")
    route = plan("101", "100", NOW, directory)
    _, end = redirect(route, route.steps[0], ["205"], LATER, directory)
    assert isinstance(end, End)
    assert end.outcome is Outcome.DND
    assert [stop.number for stop in end.diversions] == ["101"]


@pytest.mark.parametrize(
    ("contact", "why"),
    [
        ("101", Why.LOOP),  # called first
        ("102", Why.LOOP),  # the phone itself
        ("100", Why.IS_CALLER),
        ("999", Why.NOT_FOUND),
        ("anna", Why.NOT_A_NUMBER),
    ],
)
def test_contact_that_may_not_be_called_is_refused_and_kept(contact: str, why: Why) -> None:
    directory = office("100\n101 busy 102")
    route = plan("101", "100", NOW, directory)
    extended, step = redirect(route, route.steps[1], [contact], LATER, directory)
    assert step is None
    assert extended.steps == route.steps
    (wish,) = extended.redirects
    assert wish.goes_on is None
    assert [(one.why, one.target) for one in wish.rejected] == [(why, contact)]


def test_redirect_without_contacts_is_refused() -> None:
    directory = office("101")
    route = plan("101", "100", NOW, directory)
    assert redirect(route, route.steps[0], [], LATER, directory).next is None


def test_phones_that_redirect_to_each_other_are_cut() -> None:
    directory = office("101\n102\n103")
    route = plan("101", None, NOW, directory)
    route, step = redirect(route, route.steps[0], ["102"], LATER, directory)
    assert isinstance(step, Step)
    route, step = redirect(route, step, ["103"], LATER, directory)
    assert isinstance(step, Step)
    route, last = redirect(route, step, ["101", "102"], LATER, directory)
    assert last is None
    assert [one.why for one in route.redirects[-1].rejected] == [Why.LOOP, Why.LOOP]


def test_endless_redirects_stop_at_the_hop_limit() -> None:
    directory = office("\n".join(str(number) for number in range(101, 120)))
    route = plan("101", None, NOW, directory)
    step: Step | End | None = route.first
    rung = 0
    while isinstance(step, Step):
        rung += 1
        route, step = redirect(route, step, [str(101 + rung)], LATER, directory)
    assert rung == MAX_DIVERSIONS + 1
    assert route.redirects[-1].rejected[0].why is Why.HOPS


def test_redirect_of_one_who_rings_with_others_joins_them() -> None:
    directory = office("group 600 101,102\n205 busy 206")
    route = plan("600", "100", NOW, directory)
    extended, step = redirect(route, route.steps[0], ["205"], LATER, directory, by="101")
    assert isinstance(step, Step)
    assert step.targets == ("102", "205")
    assert [stop.number for stop in step.diversions_of("205")] == ["101"]
    assert step.diversions_of("102") == ()
    end = extended.after(step, Outcome.BUSY)
    assert isinstance(end, End)
    assert end.outcome is Outcome.BUSY


def test_redirect_to_one_who_rings_already_is_refused() -> None:
    directory = office("group 600 101,102")
    route = plan("600", "100", NOW, directory)
    assert redirect(route, route.steps[0], ["102"], LATER, directory, by="101").next is None


def test_redirect_back_to_the_group_is_refused() -> None:
    directory = office("group 600 101,102")
    route = plan("600", "100", NOW, directory)
    extended, step = redirect(route, route.steps[0], ["600"], LATER, directory, by="101")
    assert step is None
    assert extended.redirects[0].rejected[0].why is Why.LOOP


def test_group_goes_on_with_its_next_turn_after_a_redirect() -> None:
    directory = office("group 600 101,102,103 in-turn\n205")
    route = plan("600", "100", NOW, directory)
    extended, step = redirect(route, route.steps[0], ["205"], LATER, directory)
    rung = []
    walked = 0
    while isinstance(step, Step):
        assert step.index > walked
        walked = step.index
        rung.append(step.targets)
        step = extended.after(step, Outcome.BUSY)
    assert rung == [("205",), ("102",), ("103",)]
    assert isinstance(step, End)
    assert step.outcome is Outcome.BUSY


def test_redirect_that_would_make_the_plan_too_long_is_refused() -> None:
    members = ",".join(str(number) for number in range(101, 101 + MAX_STEPS // 2))
    directory = office(f"group 600 {members} in-turn\n205")
    route = plan("600", "100", NOW, directory)
    extended, step = redirect(route, route.steps[0], ["205"], LATER, directory)
    assert step is None
    assert extended.redirects[0].rejected[-1].why is Why.STEPS


@pytest.mark.parametrize("by", [None, "103"])
def test_redirect_comes_from_a_target_of_the_step(by: str | None) -> None:
    directory = office("group 600 101,102")
    route = plan("600", "100", NOW, directory)
    with pytest.raises(ValueError, match="comes from one of 101, 102"):
        redirect(route, route.steps[0], ["205"], LATER, directory, by=by)

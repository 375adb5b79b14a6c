"""What holds for every directory, however people have tangled their rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbx.directory.snapshot import EVERY_DAY, Directory, Group, Rule, RuleKind, Strategy, User
from pbx.routing.explain import describe, explain
from pbx.routing.forwarding import HOLDS_AFTER, MAX_DIVERSIONS
from pbx.routing.outcome import Outcome, combine
from pbx.routing.plan import MAX_STEPS, plan
from pbx.routing.record import from_dict, to_dict
from pbx.routing.redirect import redirect
from pbx.routing.route import End, RoutePlan, Step
from pbx.routing.simulate import simulate, walk

USERS = [str(number) for number in range(101, 109)]
GROUPS = [str(number) for number in range(600, 604)]
PATTERNS = ["101", "10*", "1*", "7495*", "anonymous"]
NUMBERS = [*USERS, *GROUPS, "999"]

unhurried = settings(deadline=None)
"""A busy machine is no reason to fail."""

numbers = st.sampled_from(NUMBERS)
targets = st.lists(numbers, min_size=1, max_size=3).map(tuple)
moments = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 (hypothesis takes naive bounds and adds the zone)
    datetime(2026, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
callers = st.sampled_from([None, "101", "600", "74951234567", "anna"])


@st.composite
def rules(draw: st.DrawFn, number: int) -> Rule:
    kind = draw(st.sampled_from(RuleKind))
    is_time = kind is RuleKind.TIME
    hours = st.sampled_from([time(0), time(9), time(18)])
    return Rule(
        number,
        draw(st.integers(1, 9)),
        kind,
        draw(st.just(()) | targets if kind is RuleKind.DND else targets),
        after=draw(st.none() | st.integers(1, 60)) if kind is RuleKind.NO_ANSWER else None,
        caller=draw(st.sampled_from(PATTERNS)) if kind is RuleKind.CALLER else None,
        start=draw(hours) if is_time else None,
        end=draw(hours) if is_time else None,
        days=draw(st.frozensets(st.integers(0, 6), min_size=1)) if is_time else EVERY_DAY,
    )


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    users = {}
    for number in USERS:
        count = draw(st.integers(0, 4))
        own = tuple(draw(rules(int(number) * 10 + place)) for place in range(count))
        users[number] = User(number, f"User {number}", "user", None, own, 1)
    groups = {
        number: Group(number, tuple(draw(st.lists(numbers, max_size=5))), draw(st.sampled_from(Strategy)), 1)
        for number in GROUPS
    }
    return Directory(draw(st.integers(0, 99)), users, groups)


plans = st.builds(plan, st.sampled_from(NUMBERS), callers, moments, directories())


def tangled() -> Directory:
    """Everybody forwards to the next two after every outcome, in a circle."""
    users = {}
    for place, number in enumerate(USERS):
        own = [
            Rule(int(number) * 10 + nth, 1, kind, (USERS[(place + 1 + nth) % len(USERS)],))
            for nth, kind in enumerate(HOLDS_AFTER)
        ]
        users[number] = User(number, number, "user", None, tuple(own), 1)
    return Directory(1, users)


TANGLED = plan("101", None, datetime(2026, 12, 1, tzinfo=UTC), tangled())


def paths(route: RoutePlan) -> Iterator[list[Step]]:
    """Every way through the steps of a plan."""
    pending = [[route.first]] if isinstance(route.first, Step) else []
    while pending:
        path = pending.pop()
        following = {follows for follows in path[-1].on.values() if isinstance(follows, int)}
        if not following:
            yield path
        pending += [[*path, route.steps[index]] for index in following]


def assert_every_walk_ends(route: RoutePlan) -> None:
    assert len(route.steps) <= MAX_STEPS
    assert (route.end is None) == bool(route.steps)
    for place, step in enumerate(route.steps):
        assert step.index == place
        for outcome in Outcome:
            follows = route.after(step, outcome)
            assert isinstance(follows, End) or follows.index > step.index


@unhurried
@given(plans)
@example(TANGLED)
def test_every_walk_ends(route: RoutePlan) -> None:
    assert_every_walk_ends(route)


@unhurried
@given(plans)
@example(TANGLED)
def test_nobody_rings_twice_in_one_chain(route: RoutePlan) -> None:
    for path in paths(route):
        rung = [target for step in path for target in step.targets]
        assert len(rung) == len(set(rung))
        stops = [stop.number for stop in path[-1].diversions]
        assert len(stops) == len(set(stops)) <= MAX_DIVERSIONS


@unhurried
@given(plans)
def test_only_users_ring_and_never_the_caller_unless_it_was_dialled(route: RoutePlan) -> None:
    for step in route.steps:
        assert step.targets
        assert step.seconds > 0
        assert set(step.targets) <= set(USERS)
        assert route.caller not in step.targets or route.caller == route.dialled


@unhurried
@given(st.sampled_from(NUMBERS), callers, moments, directories())
def test_reasons_account_for_every_rule_that_was_met(
    dialled: str, caller: str | None, now: datetime, directory: Directory
) -> None:
    """Each rule of a user who rings, or is forwarded, was followed or stands among the rejected."""
    route = plan(dialled, caller, now, directory)
    for step in route.steps:
        accounted = _rules_told(route, step)
        met = {*step.targets, *(stop.number for stop in step.diversions)}
        met |= {stop.number for stops in step.diverted.values() for stop in stops}
        for follows in (route.after(step, outcome) for outcome in Outcome):
            met |= {stop.number for stop in follows.diversions}
            if follows.reason.rule is not None:
                met.add(str(follows.reason.number))
        for number in met:
            assert accounted.issuperset(directory.users[number].rules)
    if route.end is not None:
        for stop in route.end.diversions:
            assert _rules_in(route.end).issuperset(directory.users[stop.number].rules)


def _rules_told(route: RoutePlan, step: Step) -> set[Rule | None]:
    """The rules that the reasons name on the way to this step and right after it."""
    leads_to = {step.index}
    for earlier in reversed(route.steps):
        if not leads_to.isdisjoint(follows for follows in earlier.on.values() if isinstance(follows, int)):
            leads_to.add(earlier.index)
    rules: set[Rule | None] = set()
    for index in leads_to:
        rules |= _rules_in(route.steps[index])
        rules = rules.union(*(_rules_in(route.after(route.steps[index], outcome)) for outcome in Outcome))
    return rules


def _rules_in(told: Step | End) -> set[Rule | None]:
    stops = [*told.diversions]
    if isinstance(told, Step):
        stops += [stop for diversions in told.diverted.values() for stop in diversions]
    rejected = {one.rule for one in told.reason.rejected}
    return {told.reason.rule, *rejected, *(stop.rule for stop in stops)}


@unhurried
@given(plans)
@example(TANGLED)
def test_plan_survives_storage(route: RoutePlan) -> None:
    assert from_dict(json.loads(json.dumps(to_dict(route)))) == route


@unhurried
@given(plans, st.dictionaries(st.sampled_from(USERS), st.sampled_from(Outcome)))
@example(TANGLED, dict.fromkeys(USERS, Outcome.BUSY))
def test_simulation_walks_a_way_through_the_plan(route: RoutePlan, states: dict[str, Outcome]) -> None:
    events = walk(route, states)
    assert sorted(event.step for event in events) == [event.step for event in events]
    assert simulate(route, states)
    assert describe(route)
    if events:
        last = route.steps[events[-1].step]
        outcome = combine(states.get(target, Outcome.ANSWERED) for target in last.targets)
        assert isinstance(route.after(last, outcome), End)


@unhurried
@given(directories(), st.sampled_from(NUMBERS), callers, st.data())
def test_redirects_of_phones_always_come_to_an_end(
    directory: Directory, dialled: str, caller: str | None, data: st.DataObject
) -> None:
    now = datetime(2026, 12, 1, 14, 20, tzinfo=UTC)
    route = plan(dialled, caller, now, directory)
    step = route.first
    walked = -1
    while isinstance(step, Step):
        assert step.index > walked
        walked = step.index
        by = data.draw(st.sampled_from(step.targets))
        contacts = data.draw(st.lists(st.sampled_from([*NUMBERS, "anna"]), max_size=2))
        now += timedelta(seconds=5)
        extended, goes_on = redirect(route, step, contacts, now, directory, by=by)
        assert extended.steps[: len(route.steps)] == route.steps
        assert_every_walk_ends(extended)
        if isinstance(goes_on, Step) and len(step.targets) == 1 and step.reason.group is None:
            assert by not in goes_on.targets
        assert from_dict(json.loads(json.dumps(to_dict(extended)))) == extended
        assert explain(extended, walk(extended, {}))
        route, step = extended, goes_on or extended.after(step, Outcome.REFUSED)


@unhurried
@given(st.text(max_size=20), callers, directories())
def test_whatever_is_dialled_has_a_plan(dialled: str, caller: str | None, directory: Directory) -> None:
    assert describe(plan(dialled, caller, datetime(2026, 12, 1, tzinfo=UTC), directory))

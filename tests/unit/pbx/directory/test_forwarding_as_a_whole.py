"""All rules of a user replaced at once, and tried out before that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbx.directory.errors import BadValue, StaleVersion
from pbx.directory.events import ForwardingChanged
from pbx.directory.forwarding import RuleWish, draft_rules, list_rules, replace_rules, rules_version, set_rule
from pbx.directory.snapshot import Rule, RuleKind
from tests.unit.pbx.directory.conftest import ACTOR, Office

BUSY = RuleWish("busy", ("102",))
ANSWER = RuleWish("no-answer", ("102", "103"), after=15)
NIGHT = RuleWish("time", ("103",), days=frozenset((5, 6)))


@pytest.fixture
def office(office: Office) -> Office:
    for number in ("101", "102", "103"):
        office.add(number)
    office.events.clear()
    return office


def rules(office: Office) -> tuple[Rule, ...]:
    with office.store.reading() as session:
        return list_rules(session, "101")


def test_only_what_is_different_is_changed(office: Office) -> None:
    office.do(replace_rules, "101", [BUSY, ANSWER])
    first = rules(office)
    office.do(replace_rules, "101", [ANSWER, RuleWish("busy", ("103",)), NIGHT])
    second = rules(office)
    assert [(rule.id, rule.version, rule.kind) for rule in second] == [
        (first[0].id, 2, RuleKind.BUSY),
        (first[1].id, 1, RuleKind.NO_ANSWER),
        (second[2].id, 1, RuleKind.TIME),
    ]
    assert second[2].start == second[2].end  # a window without times is the whole day


def test_the_same_rules_again_are_no_change(office: Office) -> None:
    office.do(replace_rules, "101", [BUSY, NIGHT])
    office.events.clear()
    count = len(office.audit)
    office.do(replace_rules, "101", [NIGHT, BUSY])
    assert (office.events, len(office.audit)) == ([], count)


def test_change_is_told_and_audited_with_all_rules(office: Office) -> None:
    office.do(replace_rules, "101", [BUSY])
    office.do(replace_rules, "101", [])
    assert office.events == [ForwardingChanged(("101",))] * 2
    entry = office.audit[-1]
    assert (entry.actor, entry.action, entry.subject) == (ACTOR, "forwarding.replaced", "101")
    assert (entry.before, entry.after) == ([{"kind": "busy", "targets": ["102"]}], [])


def test_version_of_before_is_refused(office: Office) -> None:
    version = rules_version(rules(office))
    office.do(set_rule, "101", "busy", ["102"])
    with pytest.raises(StaleVersion):
        office.do(replace_rules, "101", [ANSWER], version=version)
    office.do(replace_rules, "101", [ANSWER], version=rules_version(rules(office)))


def test_one_bad_rule_changes_nothing(office: Office) -> None:
    with pytest.raises(BadValue, match="rule 2: "):
        office.do(replace_rules, "101", [BUSY, RuleWish("busy", ("101",))])
    assert rules(office) == ()


def test_numbers_of_nobody_are_warned_of_once(office: Office) -> None:
    wishes = [RuleWish("busy", ("555",)), RuleWish("unreachable", ("555", "102"))]
    assert office.do(replace_rules, "101", wishes) == ("555 is no user or group here",)


targets = st.lists(st.sampled_from(["102", "103", "555"]), min_size=1, max_size=2, unique=True).map(tuple)
wishes = st.lists(
    st.one_of(
        st.builds(RuleWish, st.sampled_from(["always", "busy", "unreachable"]), targets),
        st.builds(RuleWish, st.just("no-answer"), targets, st.integers(1, 600)),
        st.builds(lambda to, caller: RuleWish("caller", to, caller=caller), targets, st.sampled_from(["104", "7*"])),
        st.builds(lambda to, day: RuleWish("time", to, days=frozenset((day,))), targets, st.integers(0, 6)),
        st.just(RuleWish("dnd")),
    ),
    max_size=6,
    unique_by=lambda wish: (wish.kind, wish.caller, wish.days),
)


@given(wishes, wishes)
def test_draft_is_what_replacing_would_leave(before: list[RuleWish], after: list[RuleWish]) -> None:
    current = tuple(
        Rule(place, 1, rule.kind, rule.targets, rule.after, rule.caller, rule.start, rule.end, rule.days)
        for place, rule in enumerate(draft_rules("101", (), before), 1)
    )
    drafted = draft_rules("101", current, after)
    kept = {rule.id: rule for rule in current}
    for rule in drafted:
        old = kept.get(rule.id)
        unchanged = old is not None and (old.targets, old.after) == (rule.targets, rule.after)
        assert rule.version == (1 if old is None or unchanged else 2)
    assert {rule.kind for rule in drafted} == {RuleKind(wish.kind) for wish in after}
    assert [rule.id for rule in drafted if rule.id] == sorted(rule.id for rule in drafted if rule.id)
    if {wish.occasion: wish for wish in before} == {wish.occasion: wish for wish in after}:
        assert rules_version(drafted) == rules_version(current)

"""Actions on forwarding rules: one of each kind, several by caller and by time."""

from datetime import time
from typing import Any

import pytest

from pbx.directory.errors import BadValue, NotFound
from pbx.directory.events import ForwardingChanged
from pbx.directory.forwarding import clear_rules, list_rules, set_rule
from pbx.directory.snapshot import EVERY_DAY, Rule, RuleKind
from tests.unit.pbx.directory.conftest import Office

NINE, SIX = time(9), time(18)
WORKDAYS = frozenset(range(5))


@pytest.fixture
def office(office: Office) -> Office:
    for number in ("101", "102", "103"):
        office.add(number)
    return office


def rules(office: Office) -> tuple[Rule, ...]:
    with office.store.reading() as session:
        found = list_rules(session, "101")
    assert found == office.directory.users["101"].rules  # routing sees the same
    return found


@pytest.mark.parametrize(
    ("kind", "targets", "options", "expected"),
    [
        ("always", ["102"], {}, Rule(1, 1, RuleKind.ALWAYS, ("102",))),
        ("busy", ["102", "103"], {}, Rule(1, 1, RuleKind.BUSY, ("102", "103"))),
        ("no-answer", ["102"], {"after": 15}, Rule(1, 1, RuleKind.NO_ANSWER, ("102",), after=15)),
        ("unreachable", ["+7 (495) 123-45-67"], {}, Rule(1, 1, RuleKind.UNREACHABLE, ("74951234567",))),
        ("dnd", [], {}, Rule(1, 1, RuleKind.DND)),
        ("caller", ["102"], {"caller": "7495*"}, Rule(1, 1, RuleKind.CALLER, ("102",), caller="7495*")),
        ("caller", ["102"], {"caller": "Anonymous"},
         Rule(1, 1, RuleKind.CALLER, ("102",), caller="anonymous")),
        ("time", ["102"], {"start": SIX, "end": NINE, "days": WORKDAYS},
         Rule(1, 1, RuleKind.TIME, ("102",), start=SIX, end=NINE, days=WORKDAYS)),
        ("time", ["102"], {"start": SIX, "end": NINE},
         Rule(1, 1, RuleKind.TIME, ("102",), start=SIX, end=NINE)),
        ("time", ["102"], {"days": frozenset({5, 6})},
         Rule(1, 1, RuleKind.TIME, ("102",), start=time(0), end=time(0), days=frozenset({5, 6}))),
    ],
)  # fmt: skip
def test_rule_comes_back_as_routing_sees_it(
    office: Office, kind: str, targets: list[str], options: dict[str, Any], expected: Rule
) -> None:
    made = office.do(set_rule, "101", kind, targets, **options)
    assert made.rule == expected
    assert rules(office) == (expected,)
    assert office.events[-1] == ForwardingChanged(("101",))
    assert (office.audit[-1].action, office.audit[-1].subject) == ("forwarding.set", "101")
    assert office.version == 4


def test_rule_set_again_is_the_same_one_in_a_newer_version(office: Office) -> None:
    office.do(set_rule, "101", "no-answer", ["102"], after=15)
    office.do(set_rule, "101", "no-answer", ["103"])
    assert rules(office) == (Rule(1, 2, RuleKind.NO_ANSWER, ("103",)),)
    assert (office.audit[-1].before, office.audit[-1].after) == (
        {"kind": "no-answer", "targets": ["102"], "after": 15},
        {"kind": "no-answer", "targets": ["103"]},
    )


def test_rules_by_caller_are_one_for_each_caller(office: Office) -> None:
    office.do(set_rule, "101", "caller", ["102"], caller="102")
    office.do(set_rule, "101", "caller", ["102"], caller="103")
    office.do(set_rule, "101", "caller", ["103"], caller="1-02")
    assert [(rule.caller, rule.targets, rule.version) for rule in rules(office)] == [
        ("102", ("103",), 2),
        ("103", ("102",), 1),
    ]


def test_rules_by_time_are_one_for_each_window(office: Office) -> None:
    for days, target in ((WORKDAYS, "102"), (EVERY_DAY, "102"), (WORKDAYS, "103")):
        office.do(set_rule, "101", "time", [target], start=SIX, end=NINE, days=days)
    assert [(rule.days, rule.targets, rule.version) for rule in rules(office)] == [
        (WORKDAYS, ("103",), 2),
        (EVERY_DAY, ("102",), 1),
    ]
    assert office.audit[-1].after == {
        "kind": "time", "targets": ["103"], "window": "18:00-09:00 mon-fri",
    }  # fmt: skip


def test_unknown_target_is_allowed_with_a_warning(office: Office) -> None:
    office.group("600", "101")
    made = office.do(set_rule, "101", "busy", ["102", "600", "109", "84951234567"])
    assert made.warnings == ("109 is no user or group here", "84951234567 is no user or group here")
    assert made.rule.targets == ("102", "600", "109", "84951234567")


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # nothing gets as far as the database
@pytest.mark.parametrize(
    ("kind", "targets", "options", "message"),
    [
        ("sometimes", ["102"], {}, "'sometimes' is no kind of rule: it is one of always, busy, no-answer"),
        ("busy", [], {}, "a rule busy needs 1 to 20 targets"),
        ("busy", [f"2{n:02}" for n in range(21)], {}, "a rule busy needs 1 to 20 targets"),
        ("busy", ["abc"], {}, "'abc' is not a number"),
        ("busy", ["101"], {}, "101 cannot be a target of itself"),
        ("busy", ["102", "103", "1-02"], {}, "102 is named twice"),
        ("dnd", ["102"], {}, "do not disturb needs no target"),
        ("busy", ["102"], {"after": 15}, "seconds are for a rule no-answer, not for busy"),
        ("no-answer", ["102"], {"after": 0}, "a phone rings 1 to 600 seconds, not 0"),
        ("no-answer", ["102"], {"after": 601}, "a phone rings 1 to 600 seconds, not 601"),
        ("caller", ["102"], {}, "a rule caller, and no other, needs the caller"),
        ("busy", ["102"], {"caller": "103"}, "a rule caller, and no other, needs the caller"),
        ("caller", ["102"], {"caller": "nobody"}, "'nobody' is no caller"),
        ("time", ["102"], {}, "a rule time needs a window of time, or days, or both"),
        ("time", ["102"], {"start": NINE}, "a window needs both"),
        ("time", ["102"], {"end": NINE}, "a window needs both"),
        ("busy", ["102"], {"start": NINE, "end": SIX}, "a window of time is for a rule time, not for busy"),
        ("busy", ["102"], {"days": WORKDAYS}, "a window of time is for a rule time, not for busy"),
        ("time", ["102"], {"days": frozenset()}, "days are some of 0"),
        ("time", ["102"], {"days": frozenset({7})}, "days are some of 0"),
    ],
)
def test_rule_that_makes_no_sense_is_refused_in_words(
    office: Office, kind: str, targets: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadValue) as caught:
        office.do(set_rule, "101", kind, targets, **options)
    assert str(caught.value).startswith(message)
    assert (rules(office), office.version) == ((), 3)


def test_clear_removes_the_rules_of_one_kind_or_all(office: Office) -> None:
    office.do(set_rule, "101", "busy", ["102"])
    office.do(set_rule, "101", "caller", ["102"], caller="102")
    office.do(set_rule, "101", "caller", ["102"], caller="103")
    office.do(set_rule, "101", "dnd")
    assert office.do(clear_rules, "101", "caller") == 2
    assert [rule.kind for rule in rules(office)] == [RuleKind.BUSY, RuleKind.DND]
    assert office.events[-1] == ForwardingChanged(("101",))
    assert office.do(clear_rules, "101") == 2
    assert rules(office) == ()
    assert (office.audit[-1].action, office.audit[-1].before) == (
        "forwarding.cleared",
        [{"kind": "busy", "targets": ["102"]}, {"kind": "dnd", "targets": []}],
    )


def test_clearing_what_is_not_there_is_said(office: Office) -> None:
    with pytest.raises(NotFound, match=r"^101 has no rule busy$"):
        office.do(clear_rules, "101", "busy")
    with pytest.raises(NotFound, match=r"^101 has no rules$"):
        office.do(clear_rules, "101")


def test_id_of_a_removed_rule_is_not_given_again(office: Office) -> None:
    first = office.do(set_rule, "101", "busy", ["102"]).rule
    office.do(clear_rules, "101")
    assert office.do(set_rule, "101", "busy", ["102"]).rule.id > first.id


def test_rules_of_others_are_left_alone(office: Office) -> None:
    office.do(set_rule, "102", "busy", ["103"])
    office.do(set_rule, "101", "busy", ["103"])
    office.do(clear_rules, "101")
    assert len(office.directory.users["102"].rules) == 1

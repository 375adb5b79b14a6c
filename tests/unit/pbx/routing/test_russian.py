"""The explanations in Russian, as a user of the web client reads them."""

from __future__ import annotations

from datetime import UTC, time, timedelta

import pytest

from pbx.directory.snapshot import Rule, RuleKind
from pbx.routing.english import English
from pbx.routing.explain import Happened, describe, explain
from pbx.routing.outcome import Outcome
from pbx.routing.plan import plan
from pbx.routing.reasons import Because, Reason, Rejected, Why
from pbx.routing.redirect import redirect
from pbx.routing.route import End, Step
from pbx.routing.russian import Russian
from pbx.routing.simulate import parse_states, simulate
from pbx.routing.words import CONSEQUENCES, Language, Words
from tests.unit.pbx.routing.office import NOW, office
from tests.unit.pbx.routing.test_explain import lines

RU = Language.RUSSIAN

DESCRIBED = {
    "a user without rules": (
        "101",
        "101",
        """
        1  вызывается 101 в течение 20 с, потому что набран 101
        2  101 не принимает звонок: звонок завершается
        """,
    ),
    "the signature page": (
        "102",
        """
        102 no-answer 205 after 20
        205 busy 102
        205 no-answer 206 after 15
        """,
        """
        1  вызывается 102 в течение 20 с, потому что набран 102
        2  102 занят или отклоняет звонок: звонок завершается
        3  102 не отвечает или не в сети: вызывается 205 в течение 15 с, по правилу «нет ответа» (версия 1)
        4  205 занят или отклоняет звонок: звонок завершается
           ! переадресация на 102 по правилу «занято» абонента 205 (версия 2) остановлена: 102 уже есть в этой цепочке
        5  205 не отвечает или не в сети: вызывается 206 в течение 20 с, по правилу «нет ответа» (версия 3)
        6  206 не принимает звонок: звонок завершается
        """,
    ),
    "rules that hold whatever the phone says": (
        "101",
        "101 always 102\n102 time 103,104 from 14:00 to 15:00 days mon-wed,fri\n103 always 105",
        """
        1  одновременно вызываются 105 и 104 в течение 20 с, по правилу «всегда» абонента 101 (версия 1),
                затем по правилу «в определённое время» 14:00–15:00 пн–ср, пт абонента 102 (версия 2);
                105 вместо 103, по правилу «всегда» (версия 3)
        2  105 и 104 не принимают звонок: звонок завершается
        """,
    ),
    "do not disturb that follows the rule for busy": (
        "101",
        "101 dnd\n101 busy 102",
        """
        1  вызывается 102 в течение 20 с, по правилу «занято» абонента 101 (версия 2)
           ! в правиле «не беспокоить» абонента 101 (версия 1) не указано, кому звонить: применяется правило «занято»
        2  102 не принимает звонок: звонок завершается
        """,
    ),
    "do not disturb at the end of a chain": (
        "101",
        "101 busy 102\n101 unreachable 900\n102 dnd",
        """
        1  вызывается 101 в течение 20 с, потому что набран 101
        2  101 занят или отклоняет звонок: звонок завершается: не беспокоить, по правилу «занято» (версия 1),
                затем по правилу «не беспокоить» абонента 102 (версия 3)
        3  101 не отвечает: звонок завершается: нет ответа
        4  101 не в сети: звонок завершается: никого нет в сети
           ! переадресация на 900 по правилу «не в сети» абонента 101 (версия 2) остановлена: 900 не существует
        """,
    ),
    "a group in turn": (
        "600",
        "group 600 101,102,103,100 in-turn\n102 dnd",
        """
        1  вызывается 101 (группа 600) в течение 15 с, потому что набран 600
           ! вызов 100 для 600 остановлен: 100 и есть звонящий
           ! 102 не вызывается по правилу «не беспокоить» абонента 102 (версия 1)
        2  101 не принимает звонок: вызывается 103 (группа 600) в течение 15 с, следующий в группе 600
        3  103 не принимает звонок: звонок завершается
        """,
    ),
    "a group in turn that is called with others": (
        "600",
        "group 600 101,601\ngroup 601 102,103 in-turn",
        """
        1  одновременно вызываются 101, 102 и 103 (группа 600) в течение 20 с, потому что набран 600
           ! группа 601 вызывается вся сразу, а не по очереди: вместе с ней вызываются другие
        2  101, 102 и 103 не принимают звонок: звонок завершается
        """,
    ),
    "what is no number": (
        "anna",
        "101",
        """
        1  звонок завершается: нет такого номера
           ! «anna» — не номер
        """,
    ),
}


@pytest.mark.parametrize(("dialled", "rules", "expected"), DESCRIBED.values(), ids=DESCRIBED)
def test_plan_is_described_in_russian(dialled: str, rules: str, expected: str) -> None:
    assert describe(plan(dialled, "100", NOW, office(f"100\n{rules}")), RU) == lines(expected)


def test_call_is_explained_in_russian() -> None:
    directory = office(
        """
        102 time 103 from 18:00 to 09:00 days mon-fri
        102 caller 103 caller 7495*
        102 caller 104 caller anonymous
        102 no-answer 205 after 15
        205 always 206
        205 busy 207
        """
    )
    route = plan("102", "101", NOW, directory)
    began = NOW.astimezone(UTC)
    events = [
        Happened(0, "102", Outcome.NO_ANSWER, began, 15.0),
        Happened(1, "206", Outcome.ANSWERED, began + timedelta(seconds=15), 1.2),
    ]
    assert explain(route, events, RU) == lines(
        """
        звонок с 101 на 102 во вторник 01.12.2026 в 14:20, версия справочника 12
        1  14:20:00  вызывается 102 в течение 15 с, потому что набран 102
           - правило «в определённое время» 18:00–09:00 пн–пт абонента 102 (версия 1) не действовало во вторник в 14:20
           - правило «для определённых звонящих» 7495* абонента 102 (версия 2) не действовало для звонящего 101
           - правило «для определённых звонящих» (без номера) абонента 102 (версия 3) не действовало для звонящего 101
        2  14:20:15  102 не ответил (15 с): вызывается 206 в течение 20 с, по правилу «нет ответа» (версия 4),
                затем по правилу «всегда» абонента 205 (версия 5)
           - правило «занято» абонента 205 (версия 6) не рассматривалось: другое правило важнее
        3  206 ответил через 1 с
        """
    )


def test_each_of_several_has_its_result_in_russian() -> None:
    route = plan("600", None, NOW, office("group 600 101,102\n101 busy 103"))
    events = [
        Happened(0, "101", Outcome.BUSY, NOW, 0.1),
        Happened(0, "102", Outcome.UNREACHABLE, NOW, 0.0),
    ]
    assert explain(route, events, RU) == lines(
        """
        звонок со скрытого номера на 600 во вторник 01.12.2026 в 14:20, версия справочника 12
        1  14:20:00  одновременно вызываются 101 и 102 (группа 600) в течение 20 с, потому что набран 600
           101 был занят
           102 был не в сети
           - правило «занято» абонента 101 (версия 1) не применяется: 101 вызывается вместе с другими
        2  никто не принял звонок: звонок завершается: занято
        """
    )


def test_redirects_of_phones_are_told_in_russian() -> None:
    directory = office("101\n205 always 206")
    route = plan("101", "100", NOW, directory)
    route, step = redirect(route, route.steps[0], ["205"], NOW, directory)
    assert isinstance(step, Step)
    route, nothing = redirect(route, step, ["101"], NOW, directory)
    assert nothing is None
    assert explain(route, [Happened(step.index, "206", Outcome.REFUSED, NOW, 2)], RU)[1:] == lines(
        """
        1  вызывается 101 в течение 20 с, потому что набран 101
        2  14:20:00  телефон абонента 101 перенаправил звонок на 205: вызывается 206 в течение 20 с,
                по правилу «всегда» абонента 205 (версия 1)
           телефон абонента 206 перенаправил звонок на 101
           - вызов 101 для 206 остановлен: 101 уже есть в этой цепочке
        3  206 отклонил звонок (2 с): звонок завершается: отклонён
        """
    )


@pytest.mark.parametrize(
    ("rules", "events", "last"),
    [
        (
            "101 busy 102",
            [(0, "101", "cancelled", 7)],
            "2  101 больше не вызывался (7 с)",
        ),
        ("101 busy 102", [(0, "101", "busy", 0)], "2  101 был занят: на этом запись обрывается"),
        ("101 busy 102", [], "1  ни один телефон не зазвонил"),
    ],
)
def test_call_that_was_left_early_says_so_in_russian(
    rules: str, events: list[tuple[int, str, str, float]], last: str
) -> None:
    route = plan("101", "100", NOW, office(rules))
    happened = [Happened(step, target, Outcome(outcome), NOW, seconds) for step, target, outcome, seconds in events]
    assert explain(route, happened, RU)[-1] == last


def test_simulation_tells_in_russian_what_would_happen() -> None:
    route = plan("102", "101", NOW, office("101\n102 no-answer 205 after 15\n205 busy 206,101"))
    assert simulate(route, parse_states(["102=no-answer", "205=busy"]), RU) == [
        "звонок с 101 на 102 во вторник 01.12.2026 в 14:20, версия справочника 12",
        "1  14:20:00  вызывается 102 в течение 15 с, потому что набран 102",
        "2  14:20:15  102 не ответил (15 с): вызывается 205 в течение 20 с, по правилу «нет ответа» (версия 1)",
        "3  14:20:15  205 был занят: вызывается 206 в течение 20 с, по правилу «занято» (версия 2)",
        "   - переадресация на 101 по правилу «занято» абонента 205 (версия 2) остановлена: 101 и есть звонящий",
        "4  206 ответил",
    ]


def test_hidden_caller_is_not_revealed_by_a_rule_that_would_call_back() -> None:
    route = plan("102", "101", NOW, office("101\n102 busy 101"), private=True)
    story = simulate(route, {"102": Outcome.BUSY}, RU)
    assert any("для этого звонка не подходит" in line for line in story)
    assert not any("101 и есть звонящий" in line for line in story)


def test_control_characters_from_the_network_are_written_out_in_russian() -> None:
    directory = office("101")
    route = plan("101", "\x1b[2J", NOW, directory)
    route, _ = redirect(route, route.steps[0], ["\x1b]0;x\x07"], NOW, directory)
    story = explain(route, [Happened(0, "101", Outcome.BUSY, NOW, 0)], RU)
    assert any("\\x1b]0;x" in line for line in story)
    assert all(line.isprintable() for line in story + describe(plan("\x1b[2J", "100", NOW, directory), RU))


def test_each_day_has_its_form() -> None:
    route = [plan("101", None, NOW + timedelta(days=day), office("101")) for day in range(7)]
    assert [explain(one, [], RU)[0].split("101 ")[1].split(" 0")[0] for one in route] == [
        "во вторник",
        "в среду",
        "в четверг",
        "в пятницу",
        "в субботу",
        "в воскресенье",
        "в понедельник",
    ]


def sayings(words: Words) -> dict[object, str]:
    """What this language says for each value of what a plan is made of."""
    said: dict[object, str] = {}
    for kind in RuleKind:
        hours = time(9) if kind is RuleKind.TIME else None
        caller = "101" if kind is RuleKind.CALLER else None
        said[kind] = words.name_of(Rule(1, 1, kind, ("102",), None, caller, hours, hours), None)
    for outcome in Outcome:
        said["happened", outcome] = words.happened("101", outcome, 0)
        said["ends", outcome] = words.ends(End(outcome, Reason(Because.NOTHING_FOLLOWS)))
    for plural in (False, True):
        said["takes no call", plural] = words.takes_no_call(plural=plural)
        for outcome in CONSEQUENCES:
            said["does", outcome, plural] = words.does(outcome, plural=plural)
    rule = Rule(1, 1, RuleKind.BUSY, ("102",))
    for why in Why:
        (said["rejected", why],) = words.rejections([Rejected(why, "101", rule)], "100", NOW)
    return said


def test_both_languages_have_a_phrase_for_every_value() -> None:
    english, russian = sayings(English()), sayings(Russian())
    assert english.keys() == russian.keys()
    assert all(text.isascii() and text for text in english.values())
    assert [
        what for what, text in russian.items() if any(letter.isascii() and letter.isalpha() for letter in text)
    ] == []
    assert len(set(russian.values())) >= len(russian) - 1  # "не в сети" is the same of one and of several

from __future__ import annotations

import pytest

from pbx.routing.errors import NumberError
from pbx.routing.number import caller_pattern, comparable, matches_caller, normalise


@pytest.mark.parametrize(
    ("dialled", "number"),
    [
        ("101", "101"),
        ("10", "10"),
        ("*43", "*43"),
        ("1-0.1", "101"),
        ("+7 (495) 123-45-67", "74951234567"),
        ("7\u00a0495 1234567", "74951234567"),
        ("123456789012345", "123456789012345"),
    ],
)
def test_number_is_what_remains_without_separators(dialled: str, number: str) -> None:
    assert normalise(dialled) == number


@pytest.mark.parametrize(
    "dialled",
    [
        "",
        "1",
        "*1",
        "1*2",
        "**43",
        "#21",
        "anna",
        "101;x",
        "1234567890123456",
        "١٠١",
        "++101",
        "101\n",
        "1,2",
    ],
)
def test_what_is_no_number_is_refused_with_the_rule(dialled: str) -> None:
    with pytest.raises(NumberError, match="is not a number: 2 to 15 digits"):
        normalise(dialled)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("+7 495*", "7495*"), ("101", "101"), ("Anonymous", "anonymous"), ("7*", "7*"), ("*43", "*43")],
)
def test_caller_pattern_is_a_number_a_prefix_or_anonymous(text: str, pattern: str) -> None:
    assert caller_pattern(text) == pattern


@pytest.mark.parametrize("text", ["*", "7*5*", "", "anna", "74951234567890123*"])
def test_other_caller_patterns_are_refused(text: str) -> None:
    with pytest.raises(NumberError, match="is no caller"):
        caller_pattern(text)


@pytest.mark.parametrize(
    ("pattern", "caller", "matches"),
    [
        ("101", "101", True),
        ("101", "1010", False),
        ("7495*", "74951234567", True),
        ("7495*", "+7 495 123", True),
        ("7495*", "7496", False),
        ("7495*", "495", False),
        ("anonymous", None, True),
        ("anonymous", "Anonymous", True),
        ("anonymous", "101", False),
        ("101", None, False),
        ("7*", None, False),
        ("anna", "anna", True),
    ],
)
def test_caller_rule_is_for_the_callers_of_its_pattern(pattern: str, caller: str | None, matches: bool) -> None:
    assert matches_caller(pattern, caller) is matches


def test_caller_who_is_known_by_a_name_keeps_it() -> None:
    assert comparable("anna") == "anna"

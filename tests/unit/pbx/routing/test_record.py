from __future__ import annotations

import json
from typing import Any

import pytest

from pbx.routing.errors import RecordError
from pbx.routing.plan import plan
from pbx.routing.record import from_dict, to_dict
from pbx.routing.redirect import redirect
from tests.unit.pbx.routing.office import NOW, office

DIRECTORY = office(
    """
    101 time 102 from 18:00 to 09:00 days mon-fri
    101 caller 102 caller 7495*
    101 no-answer 102 after 12
    101 busy 600
    102 dnd
    102 busy 101
    group 600 103,104 in-turn
    103 always 105
    """
)


@pytest.mark.parametrize("dialled", ["101", "102", "103", "600", "104", "999", "anna"])
def test_plan_comes_back_from_json_as_it_was(dialled: str) -> None:
    route = plan(dialled, "100", NOW, DIRECTORY)
    assert from_dict(json.loads(json.dumps(to_dict(route)))) == route


def test_plan_with_redirects_comes_back_as_it_was() -> None:
    route = plan("101", None, NOW, DIRECTORY)
    route, step = redirect(route, route.steps[0], ["104", "105"], NOW, DIRECTORY)
    route, _ = redirect(route, route.steps[-1], ["999"], NOW, DIRECTORY, by="104")
    assert step is not None
    assert from_dict(json.loads(json.dumps(to_dict(route)))) == route


def test_plain_plan_is_stored_in_few_words() -> None:
    assert to_dict(plan("104", "100", NOW, DIRECTORY)) == {
        "v": 1,
        "dialled": "104",
        "caller": "100",
        "at": "2026-12-01T14:20:00+03:00",
        "directory": 12,
        "steps": [{"targets": ["104"], "seconds": 20, "reason": {"because": "dialled"}}],
    }


def test_each_rule_is_stored_once() -> None:
    rules = to_dict(plan("101", "100", NOW, DIRECTORY))["rules"]
    assert sorted(rule["id"] for rule in rules) == [1, 2, 3, 4, 5, 6, 7]


def damaged(**changes: Any) -> dict[str, Any]:
    return to_dict(plan("101", "100", NOW, DIRECTORY)) | changes


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "cannot be read"),
        (damaged(v=2), "stored in form 2"),
        (damaged(at="yesterday"), "cannot be read"),
        (damaged(rules=[]), "cannot be read"),
        (damaged(rules=[{"id": 1, "version": 1, "kind": "sometimes"}]), "cannot be read"),
        (damaged(steps=None), "cannot be read"),
        (damaged(steps=[]), "needs either steps or an end"),
        (damaged(end={"outcome": "lost", "reason": {}}), "cannot be read"),
        (
            damaged(steps=[{"targets": ["1"], "seconds": 1, "reason": {"because": "rule"}, "on": {"busy": 0}}]),
            "not after it",
        ),
        (
            damaged(steps=[{"targets": ["1"], "seconds": 1, "reason": {"because": "rule"}, "on": {"busy": 1}}]),
            "not after it",
        ),
        (
            damaged(redirects=[{"step": -1, "by": "101", "at": "2026-12-01", "directory": 1, "goes_on": 0}]),
            "not after it",
        ),
    ],
)
def test_damaged_record_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        from_dict(data)

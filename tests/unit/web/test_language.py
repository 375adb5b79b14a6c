"""Sentences about calls come in the language that the browser asks for."""

import pytest

from pbx.calls.models import CallRecordRow
from pbx.directory.forwarding import set_rule
from tests.unit.web.office import Person, WebOffice
from tests.unit.web.test_calls import record

RUSSIAN = {"Accept-Language": "ru"}


@pytest.mark.parametrize(
    ("accepted", "begins"),
    [
        ("ru", "звонок"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "звонок"),
        ("en;q=0.5, ru", "звонок"),
        ("uk, ru;q=0.3", "звонок"),
        ("en-GB,en;q=0.9,ru;q=0.8", "call"),
        ("de, fr;q=0.5", "call"),
        ("*", "call"),
        ("", "call"),
    ],
)
def test_language_is_the_one_that_the_browser_likes_best(boris: Person, accepted: str, begins: str) -> None:
    body = {"rules": [], "caller": "101"}
    tried = boris.request("POST", "/me/forwarding/simulate", json=body, headers={"Accept-Language": accepted}).json
    assert tried["lines"][0].startswith(f"{begins} ")


def test_rules_are_tried_out_in_russian(boris: Person, anna: Person) -> None:
    body = {"rules": [{"kind": "busy", "targets": ["555"]}], "caller": "101", "states": {"102": "busy"}}
    mine = boris.request("POST", "/me/forwarding/simulate", json=body, headers=RUSSIAN).json
    assert mine["warnings"] == ["здесь нет абонента или группы 555"]
    assert mine["lines"][1].endswith("вызывается 102 в течение 20 с, потому что набран 102")
    assert mine["plan"][0] == "1  вызывается 102 в течение 20 с, потому что набран 102"
    theirs = anna.request("POST", "/admin/users/102/forwarding/simulate", json=body, headers=RUSSIAN).json
    assert (theirs["plan"], theirs["warnings"]) == (mine["plan"], mine["warnings"])


def test_any_call_is_simulated_in_russian(office: WebOffice, anna: Person) -> None:
    office.elsewhere(set_rule, "102", "always", ["103"])
    body = {"caller": "101", "dialled": "102", "states": {"103": "answered"}}
    tried = anna.request("POST", "/admin/simulate", json=body, headers=RUSSIAN).json
    assert tried["lines"][-1] == "2  103 ответил"
    assert "по правилу «всегда» абонента 102" in tried["plan"][0]


def test_history_tells_how_a_call_ended_by_a_code_and_why_in_russian(
    office: WebOffice, anna: Person, boris: Person
) -> None:
    record(office, "one", "103", "102", "102", ago=60)
    (item,) = boris.request("GET", "/me/calls", headers=RUSSIAN).json["items"]
    story = boris.request("GET", "/calls/one", headers=RUSSIAN).json
    (entry,) = anna.request("GET", "/admin/calls", headers=RUSSIAN).json["items"]
    assert item["cause"] == story["cause"] == entry["cause"] == {"code": "nobody-answered", "detail": ""}
    assert story["explanation"][0].startswith("звонок с 103 на 102 ")
    assert story["explanation"][-1] == "завершён 01.12.2026 в 16:29:00: никто не ответил"


def test_record_that_cannot_be_read_is_told_in_russian(office: WebOffice, boris: Person) -> None:
    record(office, "one", "103", "102", "102", ago=60)
    with office.store.transaction() as tx:
        row = tx.session.get(CallRecordRow, "one")
        assert row is not None
        row.plan = "{}"
    told = boris.request("GET", "/calls/one", headers=RUSSIAN).json
    assert told["explanation"] == ["запись об этом звонке не читается"]

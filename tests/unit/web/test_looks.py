"""Admins who look at what is somebody else's leave a line in the audit, and one only."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from pbx.audit.models import AuditEntry
from pbx.retention.service import set_hold
from pbx.storage.errors import DatabaseRefused
from tests.unit.web.access import ADMIN, ROUTES
from tests.unit.web.office import Person, WebOffice, error_of
from tests.unit.web.test_calls import record
from tests.unit.web.test_live import call_view
from web import looks
from web.looks import Looks

Look = tuple[str, str, str, Any]


def seen(office: WebOffice) -> list[Look]:
    """Who looked at what of whom, the oldest first."""
    with office.store.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [(row.actor, row.action, row.subject, row.after) for row in rows if row.actor != "cli:root"]


def test_record_of_others_that_an_admin_opens_stands_in_the_audit(office: WebOffice, anna: Person) -> None:
    record(office, "c1", "102", "103", "102", answered_by="103", ago=60)
    assert anna.get("/calls/c1").status_code == 200
    assert seen(office) == [("101", "call.viewed", "c1", {"parties": ["102", "103"]})]


def test_own_record_is_nobody_elses(office: WebOffice, anna: Person, boris: Person) -> None:
    record(office, "c1", "101", "102", "102", ago=60)
    assert anna.get("/calls/c1").status_code == boris.get("/calls/c1").status_code == 200
    assert anna.get("/me/calls").status_code == 200
    assert seen(office) == []


def test_search_in_the_records_stands_there_once_with_its_filter(office: WebOffice, anna: Person) -> None:
    for name in ("a", "b", "c"):
        record(office, name, "102", "103", ago=60)
    page = anna.get("/admin/calls", limit=1).json
    while page["next"]:
        page = anna.get("/admin/calls", limit=1, before=page["next"]).json
    anna.get("/admin/calls", q="102", outcome="busy", since="2026-11-01T00:00:00Z")
    filtered = {"outcome": "busy", "since": "2026-11-01T00:00:00+00:00"}
    assert seen(office) == [
        ("101", "call.searched", "calls", None),
        ("101", "call.searched", "102", filtered),
    ]


@pytest.mark.parametrize(
    ("look", "line"),
    [
        (lambda anna: anna.get("/admin/calls/live"), ("101", "call.watched", "calls", None)),
        (lambda anna: anna.get("/admin/users/102/forwarding"), ("101", "user.rules.viewed", "102", None)),
        (lambda anna: anna.get("/admin/users/102/forwarding/history"), ("101", "user.rules.viewed", "102", None)),
        (lambda anna: anna.post("/admin/simulate", dialled="102"), ("101", "user.rules.viewed", "102", None)),
    ],
    ids=["calls in progress", "rules", "history of rules", "simulation"],
)
def test_look_is_one_line_an_hour(office: WebOffice, anna: Person, look: Callable[[Person], Any], line: Look) -> None:
    office.engine.calls = [call_view()]
    for _ in range(3):
        assert look(anna).status_code == 200
        office.clock.wait(minutes=10)
    assert seen(office) == [line]
    office.clock.wait(minutes=30)
    look(anna)
    assert seen(office) == [line, line]


INVENTORY = {
    "/admin/overview",
    "/admin/users",
    "/admin/users/<number>",
    "/admin/users/<number>/devices",
    "/admin/devices",
    "/admin/groups",
    "/admin/registrations",
    "/admin/blocks",
    "/admin/audit",
    "/admin/retention",
    "/admin/retention/holds",
}
"""What an admin reads of the installation; what is in none of them is what a person did or said."""


@pytest.mark.parametrize(
    "rule", [route.rule.removeprefix("/api/v1") for route in ROUTES if (route.who, route.method) == (ADMIN, "GET")]
)
def test_admins_route_shows_the_inventory_or_leaves_a_line(office: WebOffice, anna: Person, rule: str) -> None:
    office.do(set_hold, "102", "case 7/2026")
    assert anna.get(rule.replace("<number>", "102")).status_code == 200
    assert bool(seen(office)) is (rule not in INVENTORY)


def test_rules_of_ones_own_are_no_look_and_looks_are_no_change_of_rules(
    office: WebOffice, anna: Person, boris: Person
) -> None:
    anna.get("/admin/users/101/forwarding")
    anna.post("/admin/simulate", dialled="101")
    assert seen(office) == []
    anna.get("/admin/users/102/forwarding")
    assert boris.get("/me/forwarding/history").json["items"] == []
    assert boris.get("/me/forwarding").json["changed_at"] is None


def test_nothing_is_shown_that_cannot_be_noted(
    office: WebOffice, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(office, "c1", "102", "103", ago=60)
    anna.get("/calls/none")  # the index is up to date

    def refuse() -> None:
        raise DatabaseRefused("the disk of the database is full")

    with monkeypatch.context() as patched:
        patched.setattr(office.store, "transaction", refuse)
        for path in ("/calls/c1", "/admin/calls", "/admin/calls/live", "/admin/users/102/forwarding"):
            assert error_of(anna.get(path)) == (503, "database-unavailable")
    assert anna.get("/calls/c1").status_code == 200
    assert [look[1] for look in seen(office)] == ["call.viewed"]


def test_looks_are_told_apart_and_not_remembered_without_end(
    office: WebOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "MOST", 2)
    given = office.web.services
    noted = Looks(given.act, office.clock)
    for subject in ("102", "103", "x" * 5000, "103", "102"):
        noted.note("101", "call.searched", subject)
    noted.note("104", "call.searched", "102")
    assert [(actor, subject[:3]) for actor, _, subject, _ in seen(office)] == [
        ("101", "102"),
        ("101", "103"),
        ("101", "xxx"),
        ("101", "102"),  # which was forgotten meanwhile
        ("104", "102"),
    ]
    assert len(noted._noted) == 2

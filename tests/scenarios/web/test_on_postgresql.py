"""The web process on PostgreSQL: the same answers, by native threads under gevent."""

import concurrent.futures
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgresql import PostgresqlServer
from tests.support.web import WebProcess

pytestmark = pytest.mark.postgresql


@pytest.fixture
def web(tmp_path: Path, postgresql: PostgresqlServer) -> Iterator[WebProcess]:
    name = postgresql.create_database()
    settings = f'[database]\nurl = "{postgresql.url(name)}"'
    with WebProcess(tmp_path, users=["101", "102", "103"], settings=settings) as process:
        yield process
    postgresql.drop_database(name)


def test_many_read_and_write_at_once(web: WebProcess) -> None:
    browsers = [web.sign_in(number) for number in ("101", "102", "103")]

    def work(place: int) -> list[int]:
        browser = browsers[place % 3]
        return [
            browser.patch("/me", status=f"status {place}").status_code,
            browser.put("/people/102/favourite").status_code,
            browser.get("/people").status_code,
            browser.get("/me/calls").status_code,
            browser.delete("/people/102/favourite").status_code,
        ]

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        results = list(pool.map(work, range(36)))
    assert results == [[200, 204, 200, 200, 204]] * 36


def test_admin_sees_the_same_as_on_sqlite(web: WebProcess) -> None:
    anna = web.sign_in("101")
    made = anna.post("/admin/users", number="104", name="Дора")
    assert made.status_code == 201
    assert [one["number"] for one in anna.get("/admin/users", q="дора").json()["items"]] == ["104"]
    assert anna.get("/admin/audit", action="user.").json()["items"][0]["subject"] == "104"
    assert anna.get("/admin/calls").json()["items"] == []
    rules = [{"kind": "busy", "targets": ["101"]}]
    version = anna.get("/me/forwarding").json()["version"]
    assert anna.put("/me/forwarding", version=version, rules=[]).status_code == 200
    tried = anna.post("/admin/users/104/forwarding/simulate", rules=rules, states={"104": "busy", "101": "answered"})
    assert tried.json()["answered_by"] == "101"

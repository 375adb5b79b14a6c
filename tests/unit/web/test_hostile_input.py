"""Input that no page of ours sends: answered in the one shape of errors, at once, and without a line in the log."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.unit.web.office import ORIGIN, Person, WebOffice, error_of
from web import client_files, metrics

JSON = "application/json"
MANY_UNKNOWN = "{" + ",".join(f'"a{place}":1' for place in range(60_000)) + "}"

INPUTS: dict[str, tuple[Callable[[Person], TestResponse], tuple[int, str]]] = {
    "broken Origin": (
        lambda who: who.request("PATCH", "/me", json={}, headers={"Origin": "https://["}),
        (403, "forged"),
    ),
    "deep list": (lambda who: who.request("PATCH", "/me", data="[" * 100_000, content_type=JSON), (400, "bad-request")),
    "deep object": (
        lambda who: who.request("PATCH", "/me", data='{"a":' * 100_000, content_type=JSON),
        (400, "bad-request"),
    ),
    "NUL in a field": (lambda who: who.patch("/me", status="away\0"), (422, "invalid")),
    "NUL in a key": (lambda who: who.post("/admin/simulate", dialled="102", states={"1\0": "busy"}), (422, "invalid")),
    "NUL in a query": (lambda who: who.get("/admin/audit", subject="102\0"), (422, "invalid")),
    "NUL in a path": (lambda who: who.put("/people/102%00/favourite"), (404, "not-found")),
    "half a character": (
        lambda who: who.request("PATCH", "/me", data='{"status":"\\ud83d"}', content_type=JSON),
        (422, "invalid"),
    ),
    "cursor beyond all numbers": (lambda who: who.get("/admin/audit", before="9" * 30), (422, "invalid")),
    "beginning of time, trial": (
        lambda who: who.post("/admin/simulate", dialled="102", at="0001-01-01T00:00+14:00"),
        (422, "invalid"),
    ),
    "end of time, trial": (
        lambda who: who.post("/me/forwarding/simulate", rules=[], at="9999-12-31T23:59-14:00"),
        (422, "invalid"),
    ),
    "many wrong fields": (
        lambda who: who.request("PATCH", "/me", data=MANY_UNKNOWN, content_type=JSON),
        (422, "invalid"),
    ),
}


@pytest.mark.parametrize("name", INPUTS)
def test_hostile_input_is_refused_in_the_one_shape(name: str, anna: Person, caplog: pytest.LogCaptureFixture) -> None:
    send, expected = INPUTS[name]
    with caplog.at_level(logging.WARNING):
        answer = send(anna)
    assert error_of(answer) == expected
    assert len(answer.data) < 2000
    assert caplog.records == []


def test_time_without_a_zone_is_in_utc_however_far_away(anna: Person) -> None:
    assert anna.get("/admin/calls", since="0001-01-01T00:00:00", until="9999-12-31T23:59:59").status_code == 200


def test_path_that_is_longer_than_any_file_is_a_page_of_the_client(
    nobody: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_files, "DIST", tmp_path)  # the client is not built
    page = nobody.client.get("/", base_url=ORIGIN)
    long = nobody.client.get("/" + "a" * 300, base_url=ORIGIN)
    assert (long.status_code, long.data) == (page.status_code, page.data)


def test_stranger_gets_no_time_of_the_server_for_a_large_body(nobody: Person) -> None:
    began = time.process_time()
    assert error_of(nobody.request("POST", "/session", data=MANY_UNKNOWN, content_type=JSON))[0] == 413
    assert time.process_time() - began < 0.1


def test_live_request_with_nul_is_refused_likewise(boris: Person) -> None:
    message = {"conversation": 1, "client_id": "client-0001", "text": "hi", "attachments": ["a\0"]}
    assert boris.connect().ask("send", message)["error"]["code"] == "invalid"


def test_method_that_a_client_made_up_is_not_kept_or_shown(office: WebOffice, nobody: Person) -> None:
    kept = len(metrics.requests)
    for place in range(5):
        metrics.count_request(f'X{place}" 1\nevil', 405)
    assert len(metrics.requests) <= kept + 1
    assert "evil" not in nobody.get("/metrics").text

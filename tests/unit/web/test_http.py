"""What every answer has: error shape, headers, limits; health, metrics, OpenAPI; the client's files."""

import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import pytest

from pbx.storage.errors import DatabaseRefused
from tests.unit.web.access import ROUTES
from tests.unit.web.office import ORIGIN, Person, WebOffice, error_of
from web import client_files
from web.pace import Pace
from web.threads import InlineThreads


@pytest.mark.parametrize(
    ("method", "path", "options", "refusal"),
    [
        ("GET", "/api/v1/nothing", {}, (404, "not-found")),
        ("GET", "/api/", {}, (404, "not-found")),
        ("POST", "/api/v1/people", {"json": {}}, (405, "method-not-allowed")),
        ("POST", "/api/v1/session", {"data": "{", "content_type": "application/json"}, (400, "bad-request")),
        ("POST", "/api/v1/session", {"data": b"\xff\xfe"}, (400, "bad-request")),
        ("POST", "/api/v1/session", {"json": []}, (422, "invalid")),
        ("POST", "/api/v1/session", {"json": {"user": "101"}}, (422, "invalid")),
        ("POST", "/api/v1/session", {"data": b"x" * (1 << 20) + b"x"}, (413, "request-entity-too-large")),
        ("GET", "/api/v1/people?limit=0", {}, (422, "invalid")),
        ("GET", "/api/v1/people?unknown=1", {}, (422, "invalid")),
    ],
)
def test_every_refusal_has_the_same_shape(
    boris: Person, method: str, path: str, options: dict[str, Any], refusal: tuple[int, str]
) -> None:
    answer = boris.request(method, path, **options)
    assert error_of(answer) == refusal
    assert answer.mimetype == "application/json"
    if refusal[0] == 405:
        assert "GET" in answer.headers["Allow"]


def test_validation_says_which_field_is_wrong(boris: Person) -> None:
    error = boris.get("/people", limit=0).json["error"]
    assert error["details"] == {"limit": ["Input should be greater than or equal to 1"]}
    assert error["message"].startswith("limit: ")


def test_fault_of_ours_is_answered_without_its_words_and_logged_with_a_reference(
    office: WebOffice, boris: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_number: str) -> None:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr(office.web.services.presence, "of", broken)
    answer = boris.get("/people")
    assert error_of(answer) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.json["error"]["details"]["reference"] in caplog.text


def test_database_that_refuses_is_said_so(office: WebOffice, boris: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise DatabaseRefused("the disk of the database is full")

    monkeypatch.setattr(office.store, "transaction", refuse)
    answer = boris.put("/people/101/favourite")
    assert error_of(answer) == (503, "database-unavailable")
    assert answer.json["error"]["message"] == "the disk of the database is full"


def test_user_who_asks_for_too_many_changes_is_told_when_to_go_on(
    office: WebOffice, anna: Person, boris: Person
) -> None:
    office.web.services.pace = Pace(2)
    second, listener = office.person("102"), boris.connect()
    conversation = boris.post("/conversations", kind="direct", members=["101"]).json["id"]
    answers = [one.put("/people/101/favourite") for one in (boris, second) * 9]
    assert {answer.status_code for answer in answers} == {204}
    said = {"conversation": conversation, "text": "hello", "client_id": "client-0001"}
    assert "ok" in listener.ask("send", said)
    for refused in (second.put("/people/101/favourite"), second.post("/uploads"), second.patch("/me", status="")):
        assert error_of(refused) == (429, "too-many")
        assert refused.headers["Retry-After"] == "1"
    assert listener.ask("send", said)["error"]["code"] == "too-many"
    assert boris.get("/people").status_code == 200
    assert anna.put("/people/102/favourite").status_code == 204
    office.clock.wait(seconds=1)
    assert [boris.put("/people/101/favourite").status_code for _ in range(3)] == [204, 204, 429]


def test_description_says_of_changes_that_they_may_be_too_many(nobody: Person) -> None:
    paths = nobody.get("/api/v1/openapi.json").json["paths"]
    assert "429" in paths["/api/v1/conversations"]["post"]["responses"]
    assert "429" not in paths["/api/v1/conversations"]["get"]["responses"]


def test_every_answer_has_the_headers_that_keep_others_out(boris: Person) -> None:
    for path in ("/people", "/api/v1/nothing", "/healthz"):
        headers = boris.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["connect-src"] == "'self'"
        assert "http" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert boris.get("/people").headers["Cache-Control"] == "no-store"


def test_no_other_origin_is_told_that_it_may(boris: Person) -> None:
    answer = boris.request("OPTIONS", "/people", headers={"Origin": "https://evil.test"})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_readiness_needs_engine_and_database(office: WebOffice, nobody: Person) -> None:
    assert nobody.get("/healthz").text == "ok\n"
    assert nobody.get("/readyz").status_code == 200
    office.engine.running = False
    answer = nobody.get("/readyz")
    assert answer.status_code == 503
    assert answer.text == "engine: the server is not running\n"
    assert nobody.get("/healthz").status_code == 200


def test_metrics_are_in_the_text_format(office: WebOffice, nobody: Person) -> None:
    text = nobody.get("/metrics").text
    assert "gorizont_users 3" in text.splitlines()
    assert "gorizont_engine_up 1" in text.splitlines()
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) .+|[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [0-9.e+-]+', line), line
    office.engine.running = False
    office.clock.wait(seconds=2)
    assert "gorizont_engine_up 0" in nobody.get("/metrics").text.splitlines()


def test_engine_lists_its_phones_once_however_often_strangers_ask_for_metrics(
    office: WebOffice, nobody: Person
) -> None:
    for _ in range(20):
        assert nobody.get("/metrics").status_code == 200
    assert [command for command, _ in office.engine.asked].count("registrations") == 1


# ---- OpenAPI


def test_description_has_every_route_with_summary_answers_and_examples(nobody: Person) -> None:
    spec = nobody.get("/api/v1/openapi.json").json
    described = {(method.upper(), path) for path, operations in spec["paths"].items() for method in operations}
    wanted = {
        (route.method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule))
        for route in ROUTES
        if route.rule.startswith("/api/") and route.rule != "/api/v1/openapi.json"
    }
    assert described == wanted
    ids = []
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            ids.append(operation["operationId"])
            assert operation["summary"], where
            assert [name for name in operation["responses"] if name.startswith("2")], where
            body = operation.get("requestBody")
            if body is not None and "application/json" in body["content"]:
                assert "example" in body["content"]["application/json"], where
            for status, response in operation["responses"].items():
                for kind, content in response.get("content", {}).items():
                    if kind == "application/json":
                        assert "example" in content, f"{where} {status}"
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("get", "/attachments/{attachment}", "200", "application/octet-stream"),
        ("get", "/attachments/{attachment}/thumbnail", "200", "image/webp"),
        ("get", "/admin/retention/holds/{number}/export", "200", "application/zip"),
        ("get", "/provisioning/{token}", "200", "application/xml"),
        ("post", "/uploads", "201", None),
        ("patch", "/uploads/{upload}", "204", None),
    ],
)
def test_description_of_what_is_no_json_is_true(
    nobody: Person, method: str, path: str, status: str, kind: str | None
) -> None:
    answers = nobody.get("/api/v1/openapi.json").json["paths"][f"/api/v1{path}"][method]["responses"]
    good = {name: list(answer.get("content", {})) for name, answer in answers.items() if name.startswith("2")}
    assert good == {status: [] if kind is None else [kind]}


def test_references_of_the_description_lead_somewhere(nobody: Person) -> None:
    text = nobody.get("/api/v1/openapi.json").text
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names
    assert names <= set(json.loads(text)["components"]["schemas"])


def test_description_is_put_together_once_and_away_from_the_loop(
    office: WebOffice, nobody: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[bool] = []
    generate = office.web.app._generate_spec

    class Elsewhere(InlineThreads):
        def run_slow(self, work: Any) -> Any:
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(work).result()

    def noted() -> Any:
        built.append(current_thread() is main_thread())
        return generate()

    monkeypatch.setattr(office.web.app, "_generate_spec", noted)
    monkeypatch.setattr(office.web.services, "threads", Elsewhere())
    assert nobody.get("/api/v1/openapi.json").json["openapi"].startswith("3.")
    assert nobody.get("/api/v1/openapi.json").mimetype == "application/json"
    assert built == [False]


# ---- files of the client


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Gorizont</title>")
    (folder / "assets" / "index-5f0c.js").write_text("console.log(1)")
    (folder / "assets" / "index-5f0c.js.gz").write_bytes(gzip.compress(b"console.log(1)"))
    (folder / "assets" / "index-0b21.css").write_text("a { color: red }")
    (folder / "assets" / "inter-77aa.woff2").write_bytes(b"wOF2")
    (folder / "assets" / "picture-3c3c.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "sw.js").write_text("self.x = 1")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(client_files, "DIST", folder)
    return folder


def fetch(person: Person, path: str, **headers: str) -> Any:
    return person.client.open(path, base_url=ORIGIN, headers=headers, buffered=True)


def test_pages_of_the_client_are_its_index_which_is_always_asked_for(nobody: Person, dist: Path) -> None:
    for path in ("/", "/sign-in", "/chats/17", "/admin/users"):
        answer = fetch(nobody, path)
        assert answer.status_code == 200
        assert "Gorizont" in answer.text
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.mimetype == "text/html"


def test_hashed_files_are_kept_for_good_and_go_out_compressed(nobody: Person, dist: Path) -> None:
    plain = fetch(nobody, "/assets/index-5f0c.js")
    assert (plain.text, plain.mimetype) == ("console.log(1)", "text/javascript")
    assert "immutable" in plain.headers["Cache-Control"]
    packed = fetch(nobody, "/assets/index-5f0c.js", **{"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.mimetype == "text/javascript"
    assert gzip.decompress(packed.data) == b"console.log(1)"
    assert packed.headers["Vary"] == "Accept-Encoding"
    again = fetch(nobody, "/assets/index-5f0c.js", **{"If-None-Match": plain.headers["ETag"]})
    assert again.status_code == 304


POLICIES = (
    "Content-Security-Policy",
    "X-Frame-Options",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
    "Permissions-Policy",
)


@pytest.mark.parametrize(
    "path", ["/", "/chats/17", "/sw.js", "/assets/picture-3c3c.svg", "/assets/gone.js", "/assets/a"]
)
def test_what_can_stand_alone_comes_with_its_policies(nobody: Person, dist: Path, path: str) -> None:
    headers = fetch(nobody, path).headers
    assert not [name for name in POLICIES if name not in headers]
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["index-5f0c.js", "index-0b21.css", "inter-77aa.woff2"])
def test_part_of_a_page_leaves_policies_to_its_page(nobody: Person, dist: Path, name: str) -> None:
    headers = fetch(nobody, f"/assets/{name}").headers
    assert not [name for name in POLICIES if name in headers]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert len(str(headers)) < 450  # octets, with each of some twenty files


@pytest.mark.parametrize("path", ["/assets/gone.js", "/favicon.ico", "/api/nothing", "/socket.io", "/sip"])
def test_file_that_is_not_there_is_no_page(nobody: Person, dist: Path, path: str) -> None:
    assert error_of(fetch(nobody, path)) == (404, "not-found")


@pytest.mark.parametrize("path", ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "//secret.txt"])
def test_nothing_outside_of_the_folder_is_sent(nobody: Person, dist: Path, path: str) -> None:
    assert "secret" not in fetch(nobody, path).text


def test_page_says_how_to_build_a_client_that_is_missing(
    nobody: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_files, "DIST", tmp_path / "nothing")
    answer = fetch(nobody, "/")
    assert answer.status_code == 503
    assert "make client" in answer.text

"""Uploads by tus, and files as browsers get them, however hostile they are."""

import base64
import errno
import io
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from messaging.attachments import note_thumbnail, try_thumbnail
from messaging.files import FileStore
from messaging.thumbnails import make_thumbnail
from pbx.storage.errors import DatabaseRefused
from tests.unit.web.office import Person, WebOffice, error_of
from web.api import chat_uploads
from web.api.chat_files import disposition
from web.live.chat_worker import WorkerNews

OCTETS = "application/offset+octet-stream"
TUS = {"Tus-Resumable": "1.0.0"}


def metadata(name: str) -> str:
    return f"filename {base64.b64encode(name.encode()).decode()},filetype dGV4dC9odG1s"


def create(person: Person, size: int, name: str = "plan.txt", **headers: str) -> TestResponse:
    said = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata(name), **headers}
    return person.request("POST", "/uploads", headers=said)


def patch(person: Person, place: str, offset: int, content: bytes, **headers: str) -> TestResponse:
    said = {**TUS, "Upload-Offset": str(offset), "Content-Type": OCTETS, **headers}
    return person.request("PATCH", place, data=content, headers=said)


def upload(person: Person, name: str, content: bytes) -> str:
    """A file that is all there; its id."""
    created = create(person, len(content), name)
    assert created.status_code == 201, created.text
    if content:
        assert patch(person, created.headers["Location"], 0, content).status_code == 204
    return created.headers["Location"].rpartition("/")[2]


def send(person: Person, file: str, to: str = "102") -> dict[str, Any]:
    conversation = person.post("/conversations", kind="direct", members=[to]).json["id"]
    body = {"client_id": f"client-{file}", "attachments": [file]}
    answer = person.post(f"/conversations/{conversation}/messages", **body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


# ---- tus


def test_upload_that_was_broken_off_goes_on(office: WebOffice, anna: Person, boris: Person) -> None:
    created = create(anna, 10)
    place = created.headers["Location"]
    assert (created.status_code, created.headers["Tus-Resumable"]) == (201, "1.0.0")
    assert "Upload-Expires" in created.headers
    first = patch(anna, place, 0, b"01234")
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "5")
    asked = anna.request("HEAD", place, headers=TUS)
    assert (asked.status_code, asked.headers["Upload-Offset"], asked.headers["Upload-Length"]) == (200, "5", "10")
    assert asked.headers["Cache-Control"] == "no-store"
    assert patch(anna, place, 5, b"56789").headers["Upload-Offset"] == "10"
    message = send(anna, place.rpartition("/")[2])
    (file,) = message["attachments"]
    assert (file["name"], file["size"], file["type"]) == ("plan.txt", 10, "text/plain")
    assert boris.get(f"/attachments/{file['id']}").data == b"0123456789"


def test_upload_whose_end_the_database_refused_is_whole_when_the_client_asks_how_far_it_came(
    office: WebOffice, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tus clients do: they ask, hear that all octets are there, and send no more."""
    place = create(anna, 5).headers["Location"]

    def refuse(*_: object, **__: object) -> None:
        raise DatabaseRefused("the database is locked by another program")

    with monkeypatch.context() as patched:
        patched.setattr(chat_uploads, "finish_upload", refuse)
        assert error_of(patch(anna, place, 0, b"01234")) == (503, "database-unavailable")
    assert anna.request("HEAD", place, headers=TUS).headers["Upload-Offset"] == "5"
    (file,) = send(anna, place.rpartition("/")[2])["attachments"]
    assert anna.get(f"/attachments/{file['id']}").data == b"01234"


def test_full_disk_is_said_so_and_the_upload_goes_on_later(anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    place = create(anna, 5).headers["Location"]

    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(FileStore, "append", refuse)
        assert error_of(patch(anna, place, 0, b"01234")) == (507, "disk-full")
    assert patch(anna, place, 0, b"01234").headers["Upload-Offset"] == "5"


def test_wrong_offset_is_refused_with_the_right_one(anna: Person) -> None:
    place = create(anna, 10).headers["Location"]
    patch(anna, place, 0, b"01234")
    for offset in (0, 4, 6):
        refused = patch(anna, place, offset, b"x")
        assert error_of(refused) == (409, "wrong-offset")
        assert refused.headers["Upload-Offset"] == "5"


@pytest.mark.parametrize("terminated", [False, True], ids=["plain", "as gevent gives it"])
@pytest.mark.parametrize("more", [1, 2, 300_000])
def test_more_than_was_announced_is_not_taken(anna: Person, more: int, terminated: bool) -> None:
    def send_octets(content: bytes) -> TestResponse:
        headers = {**TUS, "Upload-Offset": "0", "Content-Type": OCTETS}
        environ = {"wsgi.input_terminated": terminated}
        return anna.request("PATCH", place, data=content, headers=headers, environ_overrides=environ)

    place = create(anna, 5).headers["Location"]
    assert error_of(send_octets(b"01234" + b"x" * more))[0] == 413
    assert anna.request("HEAD", place, headers=TUS).headers["Upload-Offset"] == "0"
    assert send_octets(b"01234").headers["Upload-Offset"] == "5"


def test_file_may_be_larger_than_other_requests(anna: Person) -> None:
    content = bytes(range(256)) * (8 << 10)
    file = send(anna, upload(anna, "large.bin", content))["attachments"][0]["id"]
    assert anna.get(f"/attachments/{file}").data == content


def test_empty_file_is_there_at_once(anna: Person, boris: Person) -> None:
    (file,) = send(anna, upload(anna, "empty.txt", b""))["attachments"]
    assert file["size"] == 0
    assert boris.get(f"/attachments/{file['id']}").data == b""


def test_given_up_upload_is_gone(anna: Person) -> None:
    place = create(anna, 5).headers["Location"]
    assert anna.request("DELETE", place, headers=TUS).status_code == 204
    for again in (anna.request("HEAD", place, headers=TUS), patch(anna, place, 0, b"01234")):
        assert again.status_code in (404, 410)


def test_upload_of_somebody_else_is_not_there(anna: Person, boris: Person, nobody: Person) -> None:
    place = create(anna, 5).headers["Location"]
    assert boris.request("HEAD", place, headers=TUS).status_code == 404
    assert error_of(patch(boris, place, 0, b"01234")) == (404, "not-found")
    assert error_of(boris.request("DELETE", place, headers=TUS)) == (404, "not-found")
    assert nobody.request("HEAD", place, headers=TUS).status_code == 401
    assert nobody.request("OPTIONS", "/uploads").status_code == 401


def test_protocol_says_what_it_can(anna: Person) -> None:
    said = anna.request("OPTIONS", "/uploads")
    assert (said.status_code, said.headers["Tus-Version"]) == (204, "1.0.0")
    assert said.headers["Tus-Extension"] == "creation,expiration,termination"
    assert int(said.headers["Tus-Max-Size"]) == 200 << 20


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "tus-version"),
        ({"Upload-Length": "-1"}, 400, "bad-request"),
        ({"Upload-Length": "many"}, 400, "bad-request"),
        ({"Upload-Length": "９"}, 400, "bad-request"),
        ({"Upload-Length": "9" * 16}, 400, "bad-request"),
        ({"Upload-Length": str((200 << 20) + 1)}, 413, "too-much"),
        ({"Upload-Metadata": "filename ****"}, 400, "bad-request"),
        ({"Upload-Metadata": "filename " + "QUFB" * 2000}, 400, "bad-request"),
    ],
)
def test_bad_beginning_is_refused(anna: Person, headers: dict[str, str], status: int, code: str) -> None:
    try:
        answer = create(anna, 5, **headers)
    except UnicodeEncodeError:
        pytest.skip("this client cannot send it")
    assert error_of(answer) == (status, code)


def test_octets_have_their_own_content_type(anna: Person) -> None:
    place = create(anna, 5).headers["Location"]
    assert error_of(patch(anna, place, 0, b"01234", **{"Content-Type": "text/plain"}))[0] == 415


# ---- delivery


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("picture.png", b"<script>alert(1)</script>"),
        ("picture.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("page.xhtml", b"<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>"),
        ("script.js", b"alert(1)"),
        ("document.pdf", b"%PDF-1.7"),
        ("invoice\u202egnp.exe", b"MZ"),
        ("../../../etc/cron.d/evil", b"* * * * * root id"),
        ('a"; filename="b.html', b"<b>"),
        ("a\r\nSet-Cookie: x=1\r\n\r\n<script>", b"<b>"),
    ],
)
def test_active_content_is_saved_and_never_shown(anna: Person, boris: Person, name: str, content: bytes) -> None:
    (file,) = send(anna, upload(anna, name, content))["attachments"]
    answer = boris.get(f"/attachments/{file['id']}")
    assert answer.data == content
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "x" not in answer.headers.get("Set-Cookie", "")
    assert "/" not in file["name"]


def test_page_that_begins_like_a_picture_is_shown_as_the_picture_that_it_claims_to_be(anna: Person) -> None:
    content = b"\x89PNG\r\n\x1a\n<script>alert(1)</script>"
    answer = anna.get(f"/attachments/{send(anna, upload(anna, 'page.html', content))['attachments'][0]['id']}")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_picture_is_shown_unless_one_wants_to_save_it(anna: Person) -> None:
    file = send(anna, upload(anna, "a.gif", b"GIF89a......"))["attachments"][0]["id"]
    shown = anna.get(f"/attachments/{file}")
    assert (shown.headers["Content-Type"], shown.headers["Content-Disposition"][:7]) == ("image/gif", "inline;")
    assert anna.get(f"/attachments/{file}", download="true").headers["Content-Disposition"].startswith("attachment;")


def test_name_in_any_script_survives_the_header(anna: Person) -> None:
    assert disposition("attachment", "отчёт 2026.docx") == (
        "attachment; filename=\" 2026.docx\"; filename*=UTF-8''%D0%BE%D1%82%D1%87%D1%91%D1%82%202026.docx"
    )
    assert disposition("attachment", "отчёт") == (
        "attachment; filename=\"file\"; filename*=UTF-8''%D0%BE%D1%82%D1%87%D1%91%D1%82"
    )


@pytest.mark.parametrize(
    ("asked", "status", "content", "said"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=nonsense", 200, b"0123456789", None),
    ],
)
def test_range_is_delivered(anna: Person, asked: str, status: int, content: bytes, said: str | None) -> None:
    file = send(anna, upload(anna, "a.bin", b"0123456789"))["attachments"][0]["id"]
    answer = anna.request("GET", f"/attachments/{file}", headers={"Range": asked})
    assert (answer.status_code, answer.data, answer.headers.get("Content-Range")) == (status, content, said)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(content))


def test_range_behind_the_end_is_refused(anna: Person) -> None:
    file = send(anna, upload(anna, "a.bin", b"0123456789"))["attachments"][0]["id"]
    answer = anna.request("GET", f"/attachments/{file}", headers={"Range": "bytes=10-"})
    assert error_of(answer) == (416, "range-not-satisfiable")
    assert answer.headers["Content-Range"] == "bytes */10"


def test_what_the_browser_has_is_not_sent_again(anna: Person) -> None:
    file = send(anna, upload(anna, "a.bin", b"0123456789"))["attachments"][0]["id"]
    tag = anna.get(f"/attachments/{file}").headers["ETag"]
    answer = anna.request("GET", f"/attachments/{file}", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    other = anna.request("GET", f"/attachments/{file}", headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert (other.status_code, other.data) == (200, b"0123456789")


def test_picture_in_the_browsers_cache_is_shown_to_nobody_who_may_not_see_it(
    office: WebOffice, anna: Person, boris: Person
) -> None:
    message = send(anna, upload(anna, "a.gif", b"GIF89a......"))
    path = f"/attachments/{message['attachments'][0]['id']}"
    first = boris.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    kept = {"If-None-Match": first.headers["ETag"]}
    assert boris.request("GET", path, headers=kept).status_code == 304
    assert error_of(office.person("103").request("GET", path, headers=kept)) == (404, "not-found")
    assert boris.delete("/session").headers["Clear-Site-Data"] == '"cache"'
    assert error_of(boris.request("GET", path, headers=kept)) == (401, "not-signed-in")
    anna.delete(f"/messages/{message['id']}")
    assert error_of(office.person("102").request("GET", path, headers=kept)) == (404, "not-found")


def test_file_is_for_those_of_its_conversation(anna: Person, boris: Person, office: WebOffice, nobody: Person) -> None:
    clara = office.person("103")
    file = upload(anna, "a.txt", b"secret")
    for stranger in (boris, clara):
        assert error_of(stranger.get(f"/attachments/{file}")) == (404, "not-found")
    assert anna.get(f"/attachments/{file}").status_code == 200
    message = send(anna, file)
    assert boris.get(f"/attachments/{file}").status_code == 200
    assert error_of(clara.get(f"/attachments/{file}")) == (404, "not-found")
    assert error_of(nobody.get(f"/attachments/{file}")) == (401, "not-signed-in")
    anna.delete(f"/messages/{message['id']}")
    assert error_of(boris.get(f"/attachments/{file}")) == (404, "not-found")


@pytest.mark.parametrize("forged", ["x", "../../gorizont.db", "%2e%2e%2f%2e%2e%2fsecrets", "a" * 500, "' OR 1=1 --"])
def test_forged_id_is_nothing_found(anna: Person, forged: str) -> None:
    assert anna.get(f"/attachments/{forged}").status_code in (404, 400)
    assert anna.request("HEAD", f"/uploads/{forged}", headers=TUS).status_code in (404, 405)


def test_removed_file_is_said_to_be_gone(office: WebOffice, anna: Person) -> None:
    file = send(anna, upload(anna, "a.txt", b"here today"))["attachments"][0]["id"]
    FileStore(office.settings.files.folder).remove(file)
    assert error_of(anna.get(f"/attachments/{file}")) == (410, "gone")


def test_thumbnail_comes_when_the_worker_has_made_it(office: WebOffice, anna: Person, boris: Person) -> None:
    out = io.BytesIO()
    Image.new("RGB", (1000, 500)).save(out, "PNG")
    message = send(anna, upload(anna, "photo.png", out.getvalue()))
    file = message["attachments"][0]["id"]
    assert error_of(boris.get(f"/attachments/{file}/thumbnail")) == (404, "not-found")
    browser = boris.connect()
    files = FileStore(office.settings.files.folder)
    size = make_thumbnail(files.path(file), files.thumbnail(file))
    with office.store.transaction() as tx:
        try_thumbnail(tx, file)
        note_thumbnail(tx, file, size or (0, 0))
    news = WorkerNews(office.web.services)
    news.look()
    (event,) = browser.heard("message.changed")
    (shown,) = event["data"]["message"]["attachments"]
    assert (shown["has_thumbnail"], shown["width"], shown["height"]) == (True, 1000, 500)
    answer = boris.get(f"/attachments/{file}/thumbnail")
    assert (answer.headers["Content-Type"], answer.data[8:12]) == ("image/webp", b"WEBP")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    news.look()
    assert browser.heard("message.changed") == []


def test_octets_that_arrive_together_are_taken_once(office: WebOffice, anna: Person) -> None:
    place = create(anna, 4).headers["Location"]
    answers = [patch(one, place, 0, b"0123") for one in (anna, anna)]
    assert [answer.status_code for answer in answers] == [204, 409]

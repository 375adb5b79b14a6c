"""Legal holds in the panel: who is held, and the export of what was kept."""

import io
import json
import secrets
from collections.abc import Callable
from typing import Any
from zipfile import ZipFile

from messaging.attachments import Limits, begin_upload, finish_upload
from messaging.conversations import open_direct
from messaging.files import FileStore
from messaging.messages import delete, send
from pbx.directory.users import remove_user
from tests.unit.web.office import Person, WebOffice, error_of

REASON = "case 7/2026"


def act(office: WebOffice, action: Callable[..., Any], *arguments: Any, actor: str, **options: Any) -> Any:
    """What somebody does, elsewhere than by the API."""
    return office.web.services.act(lambda tx: action(tx, *arguments, actor=actor, **options))


def say(office: WebOffice, author: str, other: str, text: str, **options: Any) -> int:
    conversation = act(office, open_direct, other, actor=author)
    return int(act(office, send, conversation, actor=author, client_id=secrets.token_hex(8), text=text, **options).id)


def upload(office: WebOffice, owner: str, name: str, content: bytes) -> str:
    limits = Limits(1 << 20, 1 << 20, office.web.services.limits.idle)
    files = FileStore(office.web.services.settings.files.folder)
    file = str(act(office, begin_upload, name, len(content), actor=owner, limits=limits))
    files.create(file)
    files.append(file, 0, [content], size=len(content))
    act(office, finish_upload, file, content, actor=owner)
    return file


def lines(archive: ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(name).splitlines()]


def test_hold_is_set_shown_changed_and_lifted(office: WebOffice, anna: Person) -> None:
    say(office, "102", "103", "one")
    made = anna.put("/admin/retention/holds/102", reason=REASON)
    assert made.status_code == 200
    (shown,) = anna.get("/admin/retention/holds").json["items"]
    assert shown == made.json
    assert (shown["number"], shown["name"], shown["reason"]) == ("102", "Boris Petrov", REASON)
    assert (shown["set_by"], shown["messages"], shown["kept"]) == ("101", 1, 0)
    assert anna.put("/admin/retention/holds/102", reason="case 8").json["reason"] == "case 8"
    assert anna.delete("/admin/retention/holds/102").status_code == 204
    assert anna.get("/admin/retention/holds").json["items"] == []
    assert error_of(anna.delete("/admin/retention/holds/102")) == (404, "not-found")
    said = [entry for entry in office.audit() if entry[1].startswith("hold.")]
    assert said == [("101", "hold.set", "102"), ("101", "hold.set", "102"), ("101", "hold.lifted", "102")]


def test_hold_needs_a_reason_and_somebody(anna: Person) -> None:
    assert error_of(anna.put("/admin/retention/holds/102", reason="  ")) == (422, "invalid")
    assert error_of(anna.put("/admin/retention/holds/999", reason=REASON)) == (404, "not-found")


def test_export_has_what_was_deleted_and_is_audited(office: WebOffice, anna: Person, boris: Person) -> None:
    file = upload(office, "102", "план.txt", b"the plan")
    message = say(office, "102", "103", "burn the papers", attachments=[file])
    kept = say(office, "102", "103", "good morning")
    anna.put("/admin/retention/holds/102", reason=REASON)
    act(office, delete, message, actor="102")
    assert anna.get("/admin/retention/holds").json["items"][0]["kept"] == 1
    assert boris.get(f"/attachments/{file}").status_code == 404

    answer = anna.get("/admin/retention/holds/102/export")
    assert answer.mimetype == "application/zip"
    assert "hold-102.zip" in answer.headers["Content-Disposition"]
    archive = ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    about = json.loads(archive.read("about.json"))
    assert (about["number"], about["reason"], about["exported_by"]) == ("102", REASON, "101")
    assert [
        [one["number"] for one in conversation["members"]] for conversation in lines(archive, "conversations.jsonl")
    ] == [["102", "103"]]
    first, second = lines(archive, "messages.jsonl")
    assert (first["id"], first["text"], second["id"], second["text"]) == (message, "", kept, "good morning")
    (before,) = first["before"]
    assert (before["text"], before["changed"], before["changed_by"]) == ("burn the papers", "deleted", "102")
    assert archive.read(before["attachments"][0]["path"]) == b"the plan"
    assert before["attachments"][0]["path"].endswith("/план.txt")
    assert office.audit()[-1] == ("101", "hold.exported", "102")


def test_nothing_is_exported_without_a_hold(office: WebOffice, anna: Person) -> None:
    assert error_of(anna.get("/admin/retention/holds/102/export")) == (404, "not-found")
    assert "hold.exported" not in [action for _, action, _ in office.audit()]


def test_hold_on_somebody_who_was_removed_stays_and_can_be_exported(office: WebOffice, anna: Person) -> None:
    say(office, "103", "102", "hello")
    anna.put("/admin/retention/holds/102", reason=REASON)
    office.elsewhere(remove_user, "102")
    (shown,) = anna.get("/admin/retention/holds").json["items"]
    assert (shown["number"], shown["name"], shown["messages"]) == ("102", "", 1)
    archive = ZipFile(io.BytesIO(anna.get("/admin/retention/holds/102/export").data))
    assert [one["text"] for one in lines(archive, "messages.jsonl")] == ["hello"]

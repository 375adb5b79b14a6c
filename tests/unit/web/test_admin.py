"""What admins do in the panel: people, groups, live state, records, audit."""

import pytest

from pbx.directory.forwarding import set_rule
from tests.unit.web.office import BEGIN, Person, WebOffice, error_of, password_of
from tests.unit.web.test_calls import record
from tests.unit.web.test_live import call_view


def test_user_is_made_with_a_phone_and_a_one_time_password(office: WebOffice, anna: Person) -> None:
    made = anna.post("/admin/users", number="104", name="Dora", employee_id="E-4")
    assert made.status_code == 201
    assert made.json["sip_name"] == "104"
    assert made.json["password_temporary"] is True
    password = made.json["password"]
    new = office.person()
    assert error_of(new.post("/session", user="104", password=password)) == (403, "new-password-needed")
    assert new.post("/session", user="104", password=password, new_password="her own words").status_code == 200
    assert office.audit()[-2] == ("101", "user.added", "104")
    assert ("directory.changed", {"numbers": ["104"]}) in office.engine.asked
    assert password not in str(office.store.engine.url)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"number": "102"}, (409, "number-taken")),
        ({"number": "*43"}, (422, "invalid")),
        ({"number": "admin"}, (422, "invalid")),
        ({"number": "105", "role": "king"}, (422, "invalid")),
        ({"number": "105", "name": "two\nlines"}, (422, "invalid")),
        ({"number": "105", "unknown": 1}, (422, "invalid")),
    ],
)
def test_user_that_cannot_be_is_refused(anna: Person, body: dict[str, object], refusal: tuple[int, str]) -> None:
    assert error_of(anna.post("/admin/users", **body)) == refusal


def test_users_are_searched_and_come_in_parts(anna: Person) -> None:
    page = anna.get("/admin/users", limit=2).json
    assert ([one["number"] for one in page["items"]], page["total"]) == (["101", "102"], 3)
    assert [one["number"] for one in anna.get("/admin/users", limit=2, before=page["next"]).json["items"]] == ["103"]
    assert [one["number"] for one in anna.get("/admin/users", q="PETR").json["items"]] == ["102"]
    assert [one["number"] for one in anna.get("/admin/users", role="admin").json["items"]] == ["101"]
    assert anna.get("/admin/users", q="100%").json["items"] == []
    anna.patch("/admin/users/102", name="Борис Петров")
    assert [one["number"] for one in anna.get("/admin/users", q="петров").json["items"]] == ["102"]


def test_user_is_changed_and_removed_with_warnings(office: WebOffice, anna: Person) -> None:
    assert anna.patch("/admin/users/102", name="Boris Ivanov", employee_id="E-2").json["name"] == "Boris Ivanov"
    assert anna.patch("/admin/users/102", name="Boris Ivanov").json["employee_id"] == "E-2"
    assert anna.patch("/admin/users/102", employee_id=None).json["employee_id"] is None
    assert error_of(anna.patch("/admin/users/102")) == (422, "invalid")
    office.elsewhere(set_rule, "103", "busy", ["102"])
    assert anna.delete("/admin/users/102").json["warnings"] == ["103 forwards to 102 by the rule busy"]
    assert error_of(anna.get("/admin/users/102")) == (404, "not-found")


def test_admin_cannot_lock_everybody_out(office: WebOffice, anna: Person) -> None:
    assert error_of(anna.delete("/admin/users/101")) == (403, "own-account")
    assert error_of(anna.patch("/admin/users/101", role="user")) == (403, "own-account")
    anna.patch("/admin/users/102", role="admin")
    boris = office.person("102")
    assert boris.patch("/admin/users/101", role="user").status_code == 200
    assert error_of(anna.get("/admin/overview")) == (401, "not-signed-in")


def test_password_reset_ends_sessions_and_is_good_once(office: WebOffice, anna: Person, boris: Person) -> None:
    password = anna.post("/admin/users/102/password").json["password"]
    assert error_of(boris.get("/me")) == (401, "not-signed-in")
    assert error_of(boris.post("/session", user="102", password=password_of("102"))) == (401, "wrong-password")
    assert boris.post("/session", user="102", password=password, new_password="his own words").status_code == 200


def test_file_of_users_is_tried_and_then_taken(office: WebOffice, anna: Person) -> None:
    csv = "number,name\n104,Dora\n105,Emil\n"
    assert anna.post("/admin/users/import", csv=csv).json == {
        "added": ["104", "105"],
        "errors": [],
        "passwords": {},
        "dry_run": True,
    }
    assert anna.get("/people", q="Emil").json["items"] == []
    taken = anna.post("/admin/users/import", csv=csv, dry_run=False).json
    assert list(taken["passwords"]) == taken["added"] == ["104", "105"]
    assert ("directory.changed", {"numbers": ["104", "105"]}) in office.engine.asked
    assert [one["number"] for one in anna.get("/people", q="Emil").json["items"]] == ["105"]
    again = anna.post("/admin/users/import", csv=csv, dry_run=False).json
    assert again["added"] == []
    assert again["errors"] == [
        {"line": 2, "message": "number 104 is taken by Dora"},
        {"line": 3, "message": "number 105 is taken by Emil"},
    ]


def test_rules_of_a_user_are_set_by_an_admin(office: WebOffice, anna: Person, boris: Person) -> None:
    version = anna.get("/admin/users/102/forwarding").json["version"]
    rules = [{"kind": "always", "targets": ["103"]}]
    assert anna.put("/admin/users/102/forwarding", version=version, rules=rules).status_code == 200
    assert boris.get("/me/forwarding/history").json["items"][0]["actor"] == "101"


def test_devices_of_everybody(office: WebOffice, anna: Person) -> None:
    made = anna.post("/admin/devices", number="102", label="hall").json
    assert [one["sip_name"] for one in anna.get("/admin/devices", number="102").json["items"]] == [
        "102",
        made["sip_name"],
    ]
    assert anna.delete(f"/admin/devices/{made['sip_name']}").status_code == 204
    assert error_of(anna.delete(f"/admin/devices/{made['sip_name']}")) == (404, "not-found")
    assert error_of(anna.post("/admin/devices", number="999", label="hall")) == (404, "not-found")


def test_group_is_made_changed_and_removed(anna: Person) -> None:
    made = anna.put("/admin/groups/600", members=["102", "555"], strategy="in-turn").json
    assert (made["strategy"], made["warnings"]) == ("in-turn", ["555 is no user or group here"])
    assert anna.put("/admin/groups/600", members=["102"]).json["strategy"] == "in-turn"
    assert error_of(anna.put("/admin/groups/101", members=["102"])) == (409, "number-taken")
    assert [group["members"] for group in anna.get("/admin/groups").json["items"]] == [["102"]]
    assert anna.delete("/admin/groups/600").json == {"warnings": []}
    assert error_of(anna.delete("/admin/groups/600")) == (404, "not-found")


def test_call_is_hung_up_and_that_stands_in_the_audit(office: WebOffice, anna: Person) -> None:
    office.engine.calls = [call_view()]
    assert [call["id"] for call in anna.get("/admin/calls/live").json["items"]] == ["5f0c"]
    assert anna.delete("/admin/calls/live/5f0c").status_code == 204
    assert office.audit()[-1] == ("101", "call.ended", "5f0c")
    assert error_of(anna.delete("/admin/calls/live/none")) == (404, "not-found")


def test_blocks_of_phones_and_browsers_stand_in_one_list(office: WebOffice, anna: Person, nobody: Person) -> None:
    for _ in range(7):
        nobody.post("/session", user="102", password="wrong")
    at = BEGIN.timestamp()
    office.engine.blocks = [
        {"what": "103@10.0.0.66", "why": "7 wrong passwords", "since": at, "until": at, "attempts": 9}
    ]
    blocks = {block["what"]: block["where"] for block in anna.get("/admin/blocks").json["items"]}
    assert blocks == {"103@10.0.0.66": "sip", "102@127.0.0.1": "web"}
    assert anna.delete("/admin/blocks/102@127.0.0.1").status_code == 204
    assert nobody.post("/session", user="102", password=password_of("102")).status_code == 200
    assert anna.delete("/admin/blocks/103@10.0.0.66").status_code == 204
    assert error_of(anna.delete("/admin/blocks/nobody")) == (404, "not-found")
    assert office.audit()[-1] == ("101", "block.released", "103@10.0.0.66")


def test_browser_is_released_and_that_is_audited_while_the_engine_is_away(
    office: WebOffice, anna: Person, nobody: Person
) -> None:
    for _ in range(7):
        nobody.post("/session", user="102", password="wrong")
    office.engine.running = False
    assert anna.delete("/admin/blocks/102@127.0.0.1").status_code == 204
    assert office.audit()[-1] == ("101", "block.released", "102@127.0.0.1")
    assert nobody.post("/session", user="102", password=password_of("102")).status_code == 200
    assert error_of(anna.delete("/admin/blocks/103@10.0.0.66")) == (503, "engine-unavailable")


def test_records_of_everybody_are_filtered(office: WebOffice, anna: Person) -> None:
    record(office, "a", "101", "102", "102", ago=300, answered_by="102")
    record(office, "b", "103", "101", "101", ago=100)
    assert [call["id"] for call in anna.get("/admin/calls").json["items"]] == ["b", "a"]
    assert [call["id"] for call in anna.get("/admin/calls", q="103").json["items"]] == ["b"]
    assert [call["id"] for call in anna.get("/admin/calls", outcome="answered").json["items"]] == ["a"]
    assert [call["id"] for call in anna.get("/admin/calls", until="2026-12-01T16:27:00Z").json["items"]] == ["a"]
    first = anna.get("/admin/calls", limit=1).json
    assert [call["id"] for call in anna.get("/admin/calls", limit=1, before=first["next"]).json["items"]] == ["a"]


def test_audit_is_filtered_and_comes_in_parts(anna: Person) -> None:
    anna.put("/admin/groups/600", members=["102"])
    anna.put("/admin/groups/601", members=["102"])
    items = anna.get("/admin/audit", action="group.").json["items"]
    assert [(item["subject"], item["after"]["members"]) for item in items] == [("601", ["102"]), ("600", ["102"])]
    first = anna.get("/admin/audit", action="group.", limit=1).json
    rest = anna.get("/admin/audit", action="group.", limit=1, before=first["next"]).json
    assert [item["subject"] for item in rest["items"]] == ["600"]


def test_overview_is_quiet_when_all_is_well_and_says_what_is_not(office: WebOffice, anna: Person) -> None:
    view = anna.get("/admin/overview").json
    assert (view["users"], view["devices"]) == (3, 3)
    states = {one["name"]: one["state"] for one in view["processes"]}
    assert states == {"engine": "running", "web": "running", "media 0": "away", "worker": "away"}  # the test has none
    assert [warning["code"] for warning in view["warnings"]] == ["certificate-unreadable"]  # the test has none
    office.engine.running = False
    view = anna.get("/admin/overview").json
    assert {"code": "telephony", "detail": "the server is not running"} in view["warnings"]
    assert view["processes"][0]["state"] == "away"


def test_any_call_is_simulated(office: WebOffice, anna: Person) -> None:
    office.elsewhere(set_rule, "102", "always", ["103"])
    tried = anna.post("/admin/simulate", caller="101", dialled="102", states={"103": "answered"}).json
    assert tried["answered_by"] == "103"
    assert error_of(anna.post("/admin/simulate", dialled="102", states={"x": "busy"})) == (422, "invalid")

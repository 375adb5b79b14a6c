"""People, profile, devices and forwarding, as the web client asks for them."""

import re
from urllib.parse import unquote

import pytest

from pbx.directory.forwarding import set_rule
from pbx.registrar.models import BindingRow
from tests.unit.web.office import BEGIN, Person, WebOffice, error_of


def register(office: WebOffice, *numbers: str) -> None:
    """A phone of each is registered, as far as the database knows."""
    with office.store.transaction() as tx:
        for number in numbers:
            tx.session.add(
                BindingRow(
                    id=number, number=number, sip_name=number, contact=f"sip:{number}@10.0.0.7", q=1.0, path="[]",
                    call_id="x", cseq=1, expires_at=BEGIN.timestamp() + 600, flow="", updated_at=0.0,
                )
            )  # fmt: skip


# ---- start and people


def test_start_has_everything_to_begin_with(office: WebOffice, boris: Person) -> None:
    start = boris.get("/start").json
    assert start["user"]["number"] == "102"
    assert start["server"]["domain"] == "office.test"
    assert start["sip"] == {
        "uri": "sip:102@office.test",
        "username": "102-web-7f3a",
        "password": "temporary",
        "realm": "office.test",
        "path": "/sip",
        "expires_at": "2026-12-01T17:30:00.000Z",
    }
    assert office.engine.asked[-1] == (
        "credentials.issue",
        {"number": "102", "session": boris.get("/session").json["session"]},
    )
    assert boris.get("/start/sip").json["username"] == "102-web-7f3a"


def test_client_starts_while_the_engine_is_away(office: WebOffice, boris: Person) -> None:
    office.engine.running = False
    assert boris.get("/start").json["sip"] is None
    assert error_of(boris.get("/start/sip")) == (503, "engine-unavailable")


def test_people_come_by_name_in_parts(boris: Person) -> None:
    first = boris.get("/people", limit=2).json
    assert [one["name"] for one in first["items"]] == ["Anna Orlova", "Boris Petrov"]
    rest = boris.get("/people", limit=2, before=first["next"]).json
    assert [one["name"] for one in rest["items"]] == ["Clara"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("q", "found"), [("orl", ["101"]), ("ann orl", ["101"]), ("10", ["101", "102", "103"]), ("zzz", [])]
)
def test_people_are_found_by_parts_of_name_and_number(boris: Person, q: str, found: list[str]) -> None:
    assert [one["number"] for one in boris.get("/people", q=q).json["items"]] == found


def test_favourites_are_ones_own(office: WebOffice, anna: Person, boris: Person) -> None:
    assert boris.put("/people/101/favourite").status_code == 204
    assert boris.put("/people/101/favourite").status_code == 204
    assert boris.get("/people/101").json["favourite"] is True
    assert office.person("103").get("/people/101").json["favourite"] is False
    assert boris.delete("/people/101/favourite").status_code == 204
    assert boris.get("/people/101").json["favourite"] is False
    assert error_of(boris.put("/people/999/favourite")) == (404, "not-found")


def test_profile_changes_only_what_is_given(office: WebOffice, boris: Person) -> None:
    assert boris.patch("/me", language="ru", status=" In  the workshop ").json["status"] == "In the workshop"
    assert boris.patch("/me", theme="dark").json["language"] == "ru"
    assert boris.patch("/me", language=None).json["language"] is None
    assert office.person("103").get("/people/102").json["status"] == "In the workshop"
    assert error_of(boris.patch("/me", theme="pink")) == (422, "invalid")
    assert boris.patch("/me", name="Boris Ivanov").json["name"] == "Boris Ivanov"
    assert office.audit()[-1] == ("102", "user.changed", "102")


# ---- devices


def test_new_device_comes_with_all_that_the_phone_has_to_be_told(office: WebOffice, boris: Person) -> None:
    made = boris.post("/me/devices", label="laptop")
    assert made.status_code == 201
    account = made.json
    assert re.fullmatch(r"102-[2-9a-z]{4}", account["sip_name"])
    assert account["sip_password"] in unquote(account["uri"])
    assert account["linphone"]["qr_svg"].startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert {server["transport"] for server in account["servers"]} >= {"udp", "tls"}
    assert ("directory.changed", {"numbers": ["102"]}) in office.engine.asked
    items = boris.get("/me/devices").json["items"]
    assert [item["label"] for item in items] == ["first phone", "laptop"]
    assert account["sip_password"] not in str(items)
    assert boris.delete(f"/me/devices/{account['sip_name']}").status_code == 204
    assert len(boris.get("/me/devices").json["items"]) == 1


def test_device_shows_the_phone_that_is_registered_by_it(office: WebOffice, boris: Person) -> None:
    phone = {
        "number": "102", "sip_name": "102", "flow": "open", "transport": "UDP",
        "user_agent": "Yealink", "source": "10.0.0.7 5060",
    }  # fmt: skip
    office.engine.registrations.append(phone)
    (item,) = boris.get("/me/devices").json["items"]
    assert (item["online"], item["user_agent"], item["transport"]) == (True, "Yealink", "UDP")
    office.engine.running = False
    (item,) = boris.get("/me/devices").json["items"]
    assert item["online"] is False


def test_password_of_a_device_is_nowhere_in_the_log(boris: Person, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    account = boris.post("/me/devices", label="laptop").json
    assert account["sip_password"] not in caplog.text


# ---- forwarding


def test_rules_are_replaced_as_a_whole_and_the_command_line_sees_them(office: WebOffice, boris: Person) -> None:
    from pbx.directory.forwarding import list_rules

    empty = boris.get("/me/forwarding").json
    assert empty["rules"] == []
    rules = [
        {"kind": "busy", "targets": ["103"]},
        {"kind": "no-answer", "targets": ["101", "103"], "after": 15},
        {"kind": "time", "targets": ["101"], "start": "18:00", "end": "09:00", "days": [0, 4]},
        {"kind": "caller", "targets": ["101"], "caller": "7495*"},
    ]
    stored = boris.put("/me/forwarding", version=empty["version"], rules=rules).json
    assert stored["warnings"] == []
    shown = [{name: rule[name] for name in given} for rule, given in zip(stored["rules"], rules, strict=True)]
    assert shown == rules
    with office.store.reading() as session:
        assert [rule.kind for rule in list_rules(session, "102")] == ["busy", "no-answer", "time", "caller"]
    assert office.engine.asked[-1] == ("directory.changed", {"numbers": ["102"]})
    assert boris.get("/me/forwarding").json["version"] == stored["version"] != empty["version"]


def test_rule_that_stays_keeps_its_version_and_its_place(office: WebOffice, boris: Person) -> None:
    first = boris.put(
        "/me/forwarding",
        version=boris.get("/me/forwarding").json["version"],
        rules=[{"kind": "busy", "targets": ["103"]}, {"kind": "unreachable", "targets": ["103"]}],
    ).json
    sent_back = [{**first["rules"][0]}, {**first["rules"][1], "targets": ["101"]}, {"kind": "dnd"}]
    second = boris.put("/me/forwarding", version=first["version"], rules=sent_back).json
    assert [(rule["id"], rule["version"]) for rule in second["rules"][:2]] == [
        (first["rules"][0]["id"], 1),
        (first["rules"][1]["id"], 2),
    ]


def test_rules_that_changed_meanwhile_are_not_overwritten(office: WebOffice, boris: Person) -> None:
    version = boris.get("/me/forwarding").json["version"]
    office.elsewhere(set_rule, "102", "always", ["101"])
    assert error_of(boris.put("/me/forwarding", version=version, rules=[])) == (409, "stale-version")
    assert len(boris.get("/me/forwarding").json["rules"]) == 1


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([{"kind": "busy"}], "rule 1: a rule busy needs 1 to 20 targets"),
        ([{"kind": "dnd"}, {"kind": "busy", "targets": ["102"]}], "rule 2: 102 cannot be a target of itself"),
        ([{"kind": "dnd"}, {"kind": "dnd"}], "rule 2: it is for the same occasion as rule 1"),
        ([{"kind": "time", "targets": ["101"], "start": "25:00", "end": "09:00"}], "'25:00' is no time of day"),
    ],
)
def test_rule_that_makes_no_sense_is_refused_with_its_place(boris: Person, rules: list[object], words: str) -> None:
    version = boris.get("/me/forwarding").json["version"]
    refused = boris.put("/me/forwarding", version=version, rules=rules)
    assert error_of(refused) == (422, "invalid")
    assert words in refused.json["error"]["message"]
    assert error_of(boris.post("/me/forwarding/simulate", rules=rules)) == (422, "invalid")


def test_number_of_nobody_is_a_warning(boris: Person) -> None:
    version = boris.get("/me/forwarding").json["version"]
    stored = boris.put("/me/forwarding", version=version, rules=[{"kind": "busy", "targets": ["555"]}]).json
    assert stored["warnings"] == ["555 is no user or group here"]


def test_rules_are_tried_out_before_they_are_stored(office: WebOffice, boris: Person) -> None:
    register(office, "102", "103")
    rules = [{"kind": "busy", "targets": ["103"]}]
    tried = boris.post("/me/forwarding/simulate", rules=rules, caller="101", states={"102": "busy"}).json
    assert tried["answered_by"] == "103"
    assert any("by rule 'busy'" in line for line in tried["lines"])
    assert any("103" in line for line in tried["plan"])
    assert tried["warnings"] == []
    assert boris.get("/me/forwarding").json["rules"] == []
    free = boris.post("/me/forwarding/simulate", rules=rules, caller="101").json
    assert free["answered_by"] == "102"


def test_trial_without_a_registered_phone_says_so(boris: Person) -> None:
    tried = boris.post("/me/forwarding/simulate", rules=[], caller="101").json
    assert tried["answered_by"] is None
    assert any("not reachable" in line for line in tried["lines"])


def test_trial_is_made_at_the_local_time_that_rules_mean(office: WebOffice, boris: Person) -> None:
    register(office, "102", "103")
    rules = [{"kind": "time", "targets": ["103"], "start": "19:00", "end": "20:00", "days": [1]}]
    inside = boris.post("/me/forwarding/simulate", rules=rules, at="2026-12-01T19:30").json  # a Tuesday
    outside = boris.post("/me/forwarding/simulate", rules=rules, at="2026-12-01T20:30").json
    now = boris.post("/me/forwarding/simulate", rules=rules).json  # 16:30 in UTC is 19:30 in Moscow
    assert [one["answered_by"] for one in (inside, outside, now)] == ["103", "102", "103"]
    assert error_of(boris.post("/me/forwarding/simulate", rules=rules, at="soon")) == (422, "invalid")


def test_history_tells_who_changed_the_rules(office: WebOffice, boris: Person) -> None:
    office.elsewhere(set_rule, "102", "always", ["101"])
    version = boris.get("/me/forwarding").json["version"]
    boris.put("/me/forwarding", version=version, rules=[])
    items = boris.get("/me/forwarding/history").json["items"]
    assert [(item["actor"], item["action"]) for item in items] == [
        ("102", "forwarding.replaced"),
        ("cli:root", "forwarding.set"),
    ]
    assert items[0]["after"] == []

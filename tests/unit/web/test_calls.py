"""A person's calls: history, missed ones, reasons, calls in progress."""

import json
from typing import Any

import pytest
from sqlalchemy.orm import Session

from pbx.calls.models import CallRecordRow
from pbx.directory.users import remove_user
from pbx.routing.outcome import Outcome
from pbx.routing.plan import plan
from pbx.routing.record import to_dict
from tests.unit.web.office import BEGIN, Person, WebOffice, error_of
from tests.unit.web.test_live import call_view
from web.calls_index import CallsIndex


def record(
    office: WebOffice,
    call: str,
    caller: str,
    dialled: str,
    *rang: str,
    ago: float,
    answered_by: str | None = None,
    private: bool = False,
) -> None:
    """A call that ended `ago` seconds before the beginning, on which the phones of `rang` rang."""
    at = BEGIN.timestamp() - ago
    outcome = Outcome.ANSWERED if answered_by else Outcome.NO_ANSWER
    route = plan(dialled, caller, BEGIN, office.web.services.directory, private=private)
    events = [
        {"step": 0, "target": number, "outcome": outcome.value, "at": BEGIN.isoformat(), "seconds": 5.0}
        for number in rang
    ]
    with office.store.transaction() as tx:
        tx.session.add(
            CallRecordRow(
                id=call, caller=caller, caller_name="", dialled=dialled, answered_by=answered_by, started_at=at - 10,
                answered_at=at - 5 if answered_by else None, ended_at=at, outcome=outcome, cause="nobody answered",
                plan=json.dumps(to_dict(route)), events=json.dumps(events),
            )
        )  # fmt: skip


def ids(page: Any) -> list[str]:
    return [item["id"] for item in page.json["items"]]


def test_history_shows_each_call_as_its_owner_sees_it(office: WebOffice, anna: Person, boris: Person) -> None:
    record(office, "one", "101", "102", "102", ago=60)
    (hers,) = anna.get("/me/calls").json["items"]
    (his,) = boris.get("/me/calls").json["items"]
    assert (hers["direction"], hers["missed"]) == ("out", False)
    assert hers["other"] == {"number": "102", "name": "Boris Petrov"}
    assert (his["direction"], his["missed"]) == ("in", True)
    assert his["other"] == {"number": "101", "name": "Anna Orlova"}
    assert his["started_at"] == "2026-12-01T16:28:50.000Z"
    assert ids(office.person("103").get("/me/calls")) == []


def test_member_of_a_group_finds_the_call_that_rang_there(office: WebOffice, boris: Person) -> None:
    record(office, "one", "101", "600", "102", "103", ago=60, answered_by="103")
    (item,) = boris.get("/me/calls").json["items"]
    assert item["missed"] is False
    assert (item["answered_by"], item["answered_by_name"]) == ("103", "Clara")


def test_history_comes_in_parts_and_by_filter(office: WebOffice, boris: Person) -> None:
    record(office, "a", "101", "102", "102", ago=40)
    record(office, "b", "102", "103", "103", ago=30, answered_by="103")
    record(office, "c", "74951234567", "102", "102", ago=20, answered_by="102")
    record(office, "d", "102", "101", "101", ago=10)
    first = boris.get("/me/calls", limit=3)
    assert ids(first) == ["d", "c", "b"]
    assert ids(boris.get("/me/calls", limit=3, before=first.json["next"])) == ["a"]
    assert ids(boris.get("/me/calls", filter="missed")) == ["a"]
    assert ids(boris.get("/me/calls", filter="out")) == ["d", "b"]
    assert ids(boris.get("/me/calls", filter="in")) == ["c", "a"]
    assert ids(boris.get("/me/calls", **{"with": "101"})) == ["d", "a"]
    assert ids(boris.get("/me/calls", **{"with": "+7 495 123-45-67"})) == ["c"]


def test_missed_calls_are_counted_until_they_were_looked_at(office: WebOffice, boris: Person) -> None:
    record(office, "a", "101", "102", "102", ago=40)
    before = boris.get("/me/calls").json
    assert (before["missed"], before["items"][0]["seen"]) == (1, False)
    second = office.person("102").connect()
    second.heard()
    assert boris.put("/me/calls/seen").json == {"seen_at": "2026-12-01T16:30:00.000Z"}
    after = boris.get("/me/calls").json
    assert (after["missed"], after["items"][0]["seen"]) == (0, True)
    assert [event["type"] for event in second.heard()] == ["calls.seen"]
    assert boris.patch("/me", theme="dark").status_code == 200
    assert boris.get("/me/calls").json["missed"] == 0


def test_record_that_came_late_is_found(office: WebOffice, boris: Person) -> None:
    record(office, "new", "101", "102", "102", ago=10)
    assert ids(boris.get("/me/calls")) == ["new"]
    record(office, "late", "101", "102", "102", ago=500)
    assert ids(boris.get("/me/calls")) == ["new", "late"]


def test_history_ends_where_nobody_of_a_call_is_known_here(office: WebOffice, boris: Person) -> None:
    record(office, "foreign", "74951234567", "78121234567", ago=20)
    record(office, "one", "101", "102", "102", ago=10)
    for _ in range(2):
        assert ids(boris.get("/me/calls")) == ["one"]


def test_call_is_explained_to_its_parties_and_to_admins(office: WebOffice, anna: Person, boris: Person) -> None:
    record(office, "one", "103", "102", "102", ago=60)
    story = boris.get("/calls/one").json
    assert story["explanation"][0].startswith("call from 103 to 102 on")
    assert story["explanation"][-1].endswith("nobody answered")
    assert (story["caller"], story["caller_name"]) == ("103", "Clara")
    assert anna.get("/calls/one").status_code == 200
    office.add_user("104", "Dora")
    office.web.services.directory_holder.check()
    assert error_of(office.person("104").get("/calls/one")) == (404, "not-found")
    assert error_of(boris.get("/calls/none")) == (404, "not-found")


def test_number_that_was_hidden_stays_so_in_the_history(office: WebOffice, anna: Person, boris: Person) -> None:
    record(office, "one", "103", "102", "102", ago=60, private=True)
    (item,) = boris.get("/me/calls").json["items"]
    assert item["other"] == {"number": "anonymous", "name": ""}
    story = boris.get("/calls/one")
    assert (story.json["caller"], "103" in story.text, "Clara" in story.text) == ("anonymous", False, False)
    with office.store.transaction() as tx:
        row = tx.session.get(CallRecordRow, "one")
        assert row is not None
        note = {"at": BEGIN.isoformat(), "text": "102 asks to transfer 103 to 1030"}
        row.events = json.dumps([*json.loads(row.events), note])
    noted = boris.get("/calls/one").json["explanation"]
    assert "  ".join(noted).count("102 asks to transfer anonymous to 1030") == 1
    assert "asks to transfer 103 to 1030" in anna.get("/calls/one").text
    assert anna.get("/calls/one").json["caller"] == "103"
    assert office.person("103").get("/calls/one").json["caller_name"] == "Clara"


def test_record_that_cannot_be_read_is_still_shown(office: WebOffice, boris: Person) -> None:
    record(office, "one", "103", "102", "102", ago=60)
    with office.store.transaction() as tx:
        row = tx.session.get(CallRecordRow, "one")
        assert row is not None
        row.plan = "{}"
    assert boris.get("/calls/one").json["explanation"] == ["the record of this call cannot be read"]


def test_recorded_call_is_told_to_each_party_in_its_own_view(office: WebOffice, anna: Person, boris: Person) -> None:
    hers, his, clara = anna.connect(), boris.connect(), office.person("103").connect()
    record(office, "one", "101", "102", "102", ago=0)
    office.hear("call.recorded", calls=["one"])
    assert [event["data"]["call"]["direction"] for event in hers.heard("call.recorded")] == ["out"]
    assert [event["data"]["call"]["missed"] for event in his.heard("call.recorded")] == [True]
    assert clara.heard("call.recorded") == []


def test_live_calls_are_those_that_one_is_in(office: WebOffice, boris: Person) -> None:
    office.engine.calls = [call_view(), call_view("ringing", id="x", caller="101", dialled="600", ringing=["103"])]
    assert [call["id"] for call in boris.get("/me/calls/live").json["items"]] == ["5f0c"]
    assert [call["id"] for call in office.person("103").get("/me/calls/live").json["items"]] == ["x"]


def test_call_is_pulled_to_a_device_or_to_this_browser(office: WebOffice, boris: Person) -> None:
    assert boris.post("/me/calls/5f0c/pull", device="102-k3fw").status_code == 204
    assert office.engine.asked[-1] == ("calls.pull", {"call": "5f0c", "number": "102", "sip_name": "102-k3fw"})
    assert error_of(boris.post("/me/calls/5f0c/pull", device="browser")) == (409, "browser-has-no-phone")
    boris.get("/start")
    assert boris.post("/me/calls/5f0c/pull", device="browser").status_code == 204
    assert office.engine.asked[-1][1]["sip_name"] == "102-web-7f3a"


def test_call_that_rings_while_one_looks_at_the_list_is_a_missed_one_afterwards(
    office: WebOffice, boris: Person
) -> None:
    boris.put("/me/calls/seen")
    record(office, "one", "101", "102", "102", ago=-5)  # began 5 s before the look, and was given up 5 s after it
    page = boris.get("/me/calls").json
    assert (page["missed"], page["items"][0]["seen"]) == (1, False)


def test_caller_who_hid_the_number_is_not_found_by_asking_for_it(office: WebOffice, boris: Person) -> None:
    record(office, "hidden", "103", "102", "102", ago=60, private=True)
    record(office, "mine", "102", "103", "103", ago=50, private=True)
    record(office, "shown", "103", "102", "102", ago=40)
    assert ids(boris.get("/me/calls", **{"with": "103"})) == ["shown", "mine"]


def test_whoever_gets_a_number_does_not_get_the_calls_of_its_last_owner(office: WebOffice, boris: Person) -> None:
    record(office, "his", "102", "74951234567", ago=60)
    assert ids(boris.get("/me/calls")) == ["his"]
    office.elsewhere(remove_user, "102")
    office.add_user("102", "Bogdan")
    office.web.services.directory_holder.check()
    office.web.services.calls_index = CallsIndex()  # the process was restarted
    bogdan = office.person("102")
    ears = bogdan.connect()
    office.hear("snapshot", registrations=[], calls=[])
    assert ids(bogdan.get("/me/calls")) == []
    assert ears.heard("call.recorded") == []
    record(office, "new", "102", "74951234567", ago=-60)
    assert ids(bogdan.get("/me/calls")) == ["new"]


def test_nobody_waits_for_the_database_while_new_calls_are_looked_for(
    office: WebOffice, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With millions of records the look after a start takes seconds, in which the engine has to write."""
    record(office, "one", "101", "102", "102", ago=60)
    behind = office.web.services.calls_index.behind

    def look(session: Session) -> Any:
        office.add_user(f"2{len(office.audit()):02d}", "Dora")  # fails after a while where a writer is at work
        return behind(session)

    monkeypatch.setattr(office.web.services.calls_index, "behind", look)
    assert ids(boris.get("/me/calls")) == ["one"]


def test_page_after_a_call_that_retention_has_removed_is_empty_and_does_not_begin_anew(
    office: WebOffice, anna: Person, boris: Person
) -> None:
    for place, call in enumerate(("new", "middle", "old")):
        record(office, call, "101", "102", "102", ago=60.0 + place)
    for person, path in ((boris, "/me/calls"), (anna, "/admin/calls")):
        assert person.get(path, limit=1).json["next"] == "new"
        assert ids(person.get(path, limit=1, before="new")) == ["middle"]
        page = person.get(path, before="gone")
        assert (ids(page), page.json["next"]) == ([], None)

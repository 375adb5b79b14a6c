"""What browsers hear over Socket.IO, and what they may ask."""

from collections import defaultdict
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from pbx.directory.forwarding import clear_rules, set_rule
from pbx.directory.users import remove_user, set_user
from tests.unit.web.office import BEGIN, QUICK, Listener, Person, WebOffice, error_of
from web.live import gateway
from web.live.gateway import _own_origins, check_sessions
from web.services import Services


def call_view(state: str = "talking", **more: Any) -> dict[str, Any]:
    at = BEGIN.timestamp()
    return {
        "id": "5f0c",
        "caller": "101",
        "caller_name": "Anna Orlova",
        "dialled": "102",
        "answered_by": "102" if state == "talking" else None,
        "state": state,
        "started_at": at,
        "answered_at": at + 3 if state == "talking" else None,
        "private": False,
        "ringing": ["102"] if state == "ringing" else [],
        "parties": ["101", "102"] if state == "talking" else [],
        "devices": {"101": "101", "102": "102-web-7f3a"} if state == "talking" else {},
        **more,
    }


def presences(listener: Listener) -> list[tuple[str, str]]:
    return [told for event in listener.heard("presence.changed") for told in told_by(event)]


def told_by(event: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["number"], one["presence"]) for one in event["data"]["people"]]


def test_first_event_says_how_far_the_chat_has_come(boris: Person) -> None:
    first = boris.connect().heard()[0]
    assert first["type"] == "connected"
    assert set(first["data"]) == {"seq"}


def test_page_of_another_origin_may_not_connect() -> None:
    environ = {"HTTP_HOST": "office.test:8443"}
    assert _own_origins("https://office.test:8443", environ)
    for foreign in ("https://evil.test", "http://office.test:8443", "https://office.test", "null", None):
        assert not _own_origins(foreign, environ)


def test_browser_makes_its_user_available_to_everyone(office: WebOffice, anna: Person, boris: Person) -> None:
    hers = anna.connect()
    hers.heard()
    his = boris.connect()
    assert presences(hers) == [("102", "available")]
    his.client.disconnect()
    assert presences(hers) == [("102", "offline")]


def test_second_browser_changes_nothing_for_others(anna: Person, boris: Person) -> None:
    hers = anna.connect()
    boris.connect()
    hers.heard()
    second = boris.connect()
    second.client.disconnect()
    assert presences(hers) == []


def test_person_is_away_when_every_browser_says_so(anna: Person, boris: Person) -> None:
    hers, his = anna.connect(), boris.connect()
    hers.heard()
    assert his.ask("activity", {"state": "away"}) == {"ok": None}
    assert presences(hers) == [("102", "away")]
    assert his.ask("activity", {"state": "active"}) == {"ok": None}
    assert presences(hers) == [("102", "available")]


def test_request_of_another_shape_is_answered_with_an_error(boris: Person) -> None:
    answer = boris.connect().ask("activity", {"state": "sleeping"})
    assert answer["error"]["code"] == "invalid"
    assert list(answer["error"]["details"]) == ["state"]


def test_browser_that_asks_too_much_at_once_is_refused(boris: Person) -> None:
    listener = boris.connect()
    codes = [listener.ask("activity", {"state": "active"}).get("error", {}).get("code") for _ in range(100)]
    assert codes[:60] == [None] * 60
    assert codes[-1] == "too-many"


def test_phone_that_registers_makes_its_user_available(office: WebOffice, anna: Person) -> None:
    hers = anna.connect()
    hers.heard()
    office.hear("registration.registered", number="102", sip_name="102", contact="sip:102@10.0.0.7")
    events = hers.heard()
    assert [told_by(event) for event in events if event["type"] == "presence.changed"] == [[("102", "available")]]
    assert {"type": "registration.changed", "seq": None, "data": {"number": "102", "sip_name": "102"}} in events
    person = anna.get("/people/102").json
    assert (person["presence"], person["devices_online"]) == ("available", 1)
    assert datetime.fromisoformat(person["presence_since"]) == BEGIN
    office.hear("registration.expired", number="102", sip_name="102", contact="sip:102@10.0.0.7")
    assert presences(hers) == [("102", "offline")]


def test_phone_of_a_page_shows_nobody_who_is_not_there(office: WebOffice, anna: Person) -> None:
    """A page that is closed leaves its registration behind for minutes."""
    hers = anna.connect()
    hers.heard()
    office.hear("registration.registered", number="102", sip_name="102-web-7f3a", contact="sip:x@y.invalid")
    gone = {"number": "103", "sip_name": "103", "contact": "sip:103@10.0.0.7", "flow": "closed"}
    office.hear("snapshot", registrations=[gone], calls=[])
    assert presences(hers) == []


def test_registrations_are_told_to_the_user_and_to_admins_only(office: WebOffice, boris: Person) -> None:
    his, clara = boris.connect(), office.person("103").connect()
    his.heard()
    clara.heard()
    office.hear("registration.registered", number="102", sip_name="102", contact="sip:102@10.0.0.7")
    assert "device.changed" in [event["type"] for event in his.heard()]
    assert clara.heard() == []


def test_call_is_told_to_its_parties_and_to_admins(office: WebOffice, anna: Person, boris: Person) -> None:
    hers, his, clara = anna.connect(), boris.connect(), office.person("103").connect()
    for listener in (hers, his, clara):
        listener.heard()
    office.hear("call.started", call=call_view("ringing"))
    (event,) = his.heard("call.live")
    assert event["data"]["call"]["state"] == "ringing"
    assert event["data"]["call"]["caller"] == {"number": "101", "name": "Anna Orlova"}
    assert presences(clara) == [("101", "on-the-phone")]
    office.hear("call.answered", call=call_view())
    (talking,) = [event["data"]["call"] for event in his.heard("call.live")]
    assert talking["callee"] == {"number": "102", "name": "Boris Petrov"}
    assert (talking["direction"], talking["other"]["number"]) == ("in", "101")
    assert talking["device"] == {"sip_name": "102-web-7f3a", "browser": True}
    office.hear("call.ended", call=call_view())
    assert [event["data"]["call"]["state"] for event in his.heard("call.live")] == ["ended"]
    assert len(hers.heard("call.live")) == 3
    theirs = clara.heard()
    assert {event["type"] for event in theirs} == {"presence.changed"}
    answered, ended = [told_by(event) for event in theirs]
    assert answered == [("102", "on-the-phone")]
    assert sorted(ended) == [("101", "available"), ("102", "available")]


def test_hidden_number_is_shown_to_its_owner_and_to_admins_only(office: WebOffice, anna: Person, boris: Person) -> None:
    hers, his, clara = anna.connect(), boris.connect(), office.person("103").connect()
    office.hear("call.started", call=call_view("ringing", caller="103", caller_name="Clara", private=True))
    shown = [listener.heard("call.live")[0]["data"]["call"]["caller"]["number"] for listener in (hers, his, clara)]
    assert shown == ["103", "anonymous", "103"]


def test_snapshot_after_a_gap_tells_only_what_is_different(office: WebOffice, anna: Person) -> None:
    phone = {"number": "102", "sip_name": "102", "contact": "sip:102@10.0.0.7", "flow": "open"}
    office.hear("snapshot", registrations=[phone], calls=[])
    hers = anna.connect()
    hers.heard()
    office.hear("snapshot", registrations=[phone], calls=[])
    assert presences(hers) == []
    office.hear("snapshot", registrations=[], calls=[call_view(caller="103", answered_by=None)])
    assert sorted(presences(hers)) == [("102", "offline"), ("103", "on-the-phone")]


def test_event_that_cannot_be_used_does_not_stop_the_others(office: WebOffice, anna: Person) -> None:
    hers = anna.connect()
    hers.heard()
    office.hear("call.started", call={"id": "broken"})
    office.hear("registration.registered", number="102", sip_name="102", contact="sip:102@10.0.0.7")
    assert presences(hers) == [("102", "available")]


def test_do_not_disturb_is_seen_at_once_and_only_where_somebody_is_there(office: WebOffice, anna: Person) -> None:
    office.hear("registration.registered", number="102", sip_name="102", contact="sip:102@10.0.0.7")
    hers = anna.connect()
    hers.heard()
    office.elsewhere(set_rule, "102", "dnd")
    assert presences(hers) == [("102", "dnd")]
    office.elsewhere(set_rule, "103", "dnd")
    assert presences(hers) == []
    office.elsewhere(clear_rules, "102")
    assert presences(hers) == [("102", "available")]


def test_rules_set_by_the_command_line_are_told_to_their_user(office: WebOffice, boris: Person) -> None:
    his, clara = boris.connect(), office.person("103").connect()
    his.heard()
    clara.heard()
    office.elsewhere(set_rule, "102", "always", ["101"])
    assert [event["type"] for event in his.heard()] == ["forwarding.changed", "directory.changed"]
    assert [event["data"] for event in clara.heard()] == [{"numbers": ["102"]}]


def test_name_that_changes_is_told_to_everyone(office: WebOffice, anna: Person, boris: Person) -> None:
    hers = anna.connect()
    hers.heard()
    boris.patch("/me", name="Boris Ivanov")
    assert {"numbers": ["102"]} in [event["data"] for event in hers.heard("directory.changed")]
    assert anna.get("/people/102").json["name"] == "Boris Ivanov"


def test_revoked_session_hears_so_and_is_disconnected(office: WebOffice, boris: Person) -> None:
    other = office.person("102")
    listener = other.connect()
    listener.heard()
    session = other.get("/session").json["session"]
    boris.delete(f"/me/sessions/{session}")
    assert next(event["type"] for event in listener.heard()) == "session.revoked"
    assert not office.web.services.browsers.is_there("102")


def test_phone_of_a_browser_ends_with_its_session(office: WebOffice, boris: Person) -> None:
    session = boris.get("/session").json["session"]
    boris.get("/start")
    boris.delete("/session")
    assert office.engine.asked[-1] == ("credentials.revoke", {"number": "102", "session": session})


def test_sessions_end_when_the_command_line_changes_the_role(office: WebOffice, anna: Person, boris: Person) -> None:
    his, hers = boris.connect(), anna.connect()
    his.heard()
    office.elsewhere(set_user, "102", box=office.box, role="admin")
    assert "session.revoked" in [event["type"] for event in his.heard()]
    assert [browser.user.number for browser in office.web.services.browsers.connected.values()] == ["101"]
    assert hers.connected


def test_sessions_end_when_the_user_is_removed(office: WebOffice, boris: Person) -> None:
    his = boris.connect()
    his.heard()
    office.elsewhere(remove_user, "102")
    assert "session.revoked" in [event["type"] for event in his.heard()]


def test_session_that_grew_too_old_is_ended_by_the_regular_look(office: WebOffice, boris: Person) -> None:
    his = boris.connect()
    his.heard()
    office.clock.wait(days=31)
    check_sessions(office.web.services, office.web.socketio)
    assert his.heard()[0]["type"] == "session.revoked"
    assert not his.connected
    assert error_of(boris.get("/me")) == (401, "not-signed-in")


def test_phone_of_a_browser_ends_with_a_session_that_has_no_connection(office: WebOffice, boris: Person) -> None:
    session = boris.get("/session").json["session"]
    boris.get("/start")
    office.elsewhere(set_user, "102", box=office.box, password_hash=QUICK.hash("another"))
    assert ("credentials.revoke", {"number": "102", "session": session}) in office.engine.asked


def test_phone_that_the_process_before_has_issued_ends_too(office: WebOffice, boris: Person) -> None:
    session = boris.get("/session").json["session"]
    boris.delete("/session")
    assert office.engine.asked[-1] == ("credentials.revoke", {"number": "102", "session": session})


def test_engine_that_was_away_is_told_which_phones_have_ended(office: WebOffice, boris: Person) -> None:
    session = boris.get("/session").json["session"]
    boris.get("/start")
    office.engine.running = False
    assert boris.delete("/session").status_code == 204
    office.engine.running = True
    office.engine.asked.clear()
    office.hear("snapshot", registrations=[], calls=[])
    assert ("credentials.revoke", {"number": "102", "session": session}) in office.engine.asked


def test_browser_in_which_somebody_else_signs_in_hears_nothing_more_of_the_one_before(office: WebOffice) -> None:
    browser = office.person("102")
    listener = browser.connect()
    listener.heard()
    browser.number = "103"
    browser.sign_in()
    assert "session.revoked" in [event["type"] for event in listener.heard()]
    assert not office.web.services.browsers.is_there("102")


def test_what_is_said_while_a_browser_connects_is_not_lost_behind_the_first_event(
    office: WebOffice, anna: Person, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = anna.post("/conversations", kind="group", title="Sales", members=["102"]).json["id"]
    find = gateway.chat_position

    def slow(given: Services, number: str) -> int | None:
        found = find(given, number)
        anna.post(f"/conversations/{group}/messages", client_id="client-0001", text="hello")
        return found

    monkeypatch.setattr(gateway, "chat_position", slow)
    events = boris.connect().heard()
    assert events[0]["type"] == "connected"
    said = anna.get(f"/conversations/{group}").json["last"]["seq"]
    assert events[0]["data"]["seq"] >= said or said in [event["seq"] for event in events]


@pytest.mark.parametrize("place", ["chat_position", "room_of"])
def test_browser_is_not_let_in_where_anything_fails(
    office: WebOffice, boris: Person, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(gateway, place, broken)
        assert not boris.connect().connected
    assert not office.web.services.browsers.is_there("102")
    assert boris.connect().connected


def test_one_user_does_not_take_the_places_of_all(
    office: WebOffice, anna: Person, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "MOST_OF_ONE", 2)
    pages = [boris.connect() for _ in range(3)]
    assert [page.connected for page in pages] == [True, True, False]
    assert anna.connect().connected
    pages[0].client.disconnect()
    assert boris.connect().connected


def test_others_hear_of_a_status_and_not_of_what_is_ones_own(boris: Person, office: WebOffice) -> None:
    clara = office.person("103").connect()
    his = boris.connect()
    clara.heard()
    boris.put("/people/101/favourite")
    boris.patch("/me", theme="dark")
    boris.patch("/me", status="")  # as it was
    assert [event["type"] for event in his.heard()].count("profile.changed") == 3
    assert clara.heard("directory.changed") == []
    boris.patch("/me", status="In the workshop")
    assert [event["data"] for event in clara.heard("directory.changed")] == [{"numbers": ["102"]}]


def test_connection_is_kept_for_who_is_signed_in_and_for_nobody_else(
    office: WebOffice, boris: Person, nobody: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = defaultdict[str, Any](lambda: SimpleNamespace(welcome=False))
    monkeypatch.setattr(office.web.socketio.server.eio, "sockets", SimpleNamespace(get=channels.__getitem__))
    assert not nobody.connect().connected
    assert not any(channel.welcome for channel in channels.values())
    assert boris.connect().connected
    assert [channel.welcome for channel in channels.values()] == [True]


def test_browser_that_goes_while_it_connects_is_not_taken_for_one_that_is_there(
    office: WebOffice, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = office.web.socketio.server

    def slow(*_: object) -> int:
        for connection in list(server.environ):
            server._handle_eio_disconnect(connection, "transport close")
        return 0

    monkeypatch.setattr(gateway, "chat_position", slow)
    assert not boris.connect().connected
    monkeypatch.undo()
    assert not office.web.services.browsers.is_there("102")
    assert boris.get("/people/102").json["presence"] == "offline"

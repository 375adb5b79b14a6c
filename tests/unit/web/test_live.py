"""What browsers hear over Socket.IO, and what they may ask."""

from datetime import datetime
from typing import Any

from pbx.directory.forwarding import clear_rules, set_rule
from pbx.directory.users import remove_user, set_user
from tests.unit.web.office import BEGIN, Listener, Person, WebOffice, error_of
from web.live.gateway import _own_origins, check_sessions


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
    check_sessions(office.web.services, office.web.socketio, None)
    assert his.heard()[0]["type"] == "session.revoked"
    assert not his.connected
    assert error_of(boris.get("/me")) == (401, "not-signed-in")

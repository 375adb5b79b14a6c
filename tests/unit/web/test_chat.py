"""Chat through the API and over Socket.IO, as two or three people see it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from messaging.retention import MessageStore
from pbx.calls.models import CallRecordRow, SipInboxRow
from pbx.directory.users import remove_user
from pbx.retention.service import set_policy, sweep
from pbx.routing.outcome import Outcome
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Transaction
from tests.unit.web.office import Listener, Person, WebOffice, error_of
from web.live.chat_worker import WorkerNews

CHAT_EVENTS = ("message.", "conversation.", "read.", "typing")


@pytest.fixture
def clara(office: WebOffice) -> Person:
    return office.person("103")


def direct(one: Person, other: str) -> int:
    return int(one.post("/conversations", kind="direct", members=[other]).json["id"])


def group(one: Person, *others: str, title: str = "Sales") -> int:
    return int(one.post("/conversations", kind="group", members=list(others), title=title).json["id"])


def say(one: Person, conversation: int, text: str, **more: object) -> dict[str, Any]:
    body = {"client_id": f"client-{text.encode().hex()}", "text": text, **more}
    answer = one.post(f"/conversations/{conversation}/messages", **body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def heard(listener: Listener) -> list[dict[str, Any]]:
    return [event for event in listener.heard() if event["type"].startswith(CHAT_EVENTS)]


def test_message_reaches_both_at_once_and_stands_in_the_timeline(anna: Person, boris: Person) -> None:
    conversation = direct(anna, "102")
    browsers = [anna.connect(), boris.connect()]
    message = say(anna, conversation, "Привет")
    for browser in browsers:
        (event,) = heard(browser)
        assert event == {"seq": message["seq"], "type": "message.sent", "data": {"message": message}}
    page = boris.get(f"/conversations/{conversation}/messages").json
    assert page == {"items": [message], "next": None}
    (listed,) = boris.get("/conversations").json["items"]
    assert (listed["unread"], listed["last"], listed["members"]) == (1, message, ["101", "102"])


def test_message_sent_twice_is_one(anna: Person, boris: Person) -> None:
    conversation = direct(anna, "102")
    browser = boris.connect()
    assert say(anna, conversation, "once") == say(anna, conversation, "once")
    assert len(heard(browser)) == 1


def test_message_whose_commit_was_lost_is_told_when_it_is_sent_again(
    office: WebOffice, anna: Person, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = direct(anna, "102")
    path, body = f"/conversations/{conversation}/messages", {"client_id": "client-0001", "text": "are you there?"}
    commit = office.store.transaction

    @contextmanager
    def lost() -> Iterator[Transaction]:
        """What PostgreSQL does that is stopped between the commit and the word of it."""
        with commit() as tx:
            yield tx
            tx.events.clear()
        raise DatabaseRefused("the server closed the connection")

    with monkeypatch.context() as patched:
        patched.setattr(office.store, "transaction", lost)
        assert error_of(anna.post(path, **body)) == (503, "database-unavailable")
    browser = boris.connect()
    (connected,) = browser.heard("connected")
    sent = anna.post(path, **body).json
    (event,) = browser.heard("message.sent")
    assert (event["data"]["message"], event["seq"]) == (sent, sent["changed_seq"])
    found = boris.get("/sync", since=connected["data"]["seq"]).json["messages"]
    assert [message["text"] for message in found] == ["are you there?"]
    assert anna.post(path, **body).json == sent
    assert browser.heard("message.sent") == []
    assert len(boris.get(path).json["items"]) == 1


def test_message_by_socket_is_the_same_as_by_the_api(anna: Person, boris: Person) -> None:
    conversation = direct(anna, "102")
    sender, receiver = anna.connect(), boris.connect()
    body = {"conversation": conversation, "client_id": f"client-{b'once'.hex()}", "text": "once"}
    answer = sender.ask("send", body)
    assert answer == {"ok": say(anna, conversation, "once")}
    assert [event["data"]["message"] for event in heard(receiver)] == [answer["ok"]]
    assert sender.ask("send", {**body, "conversation": 999})["error"]["code"] == "not-found"
    assert sender.ask("send", {**body, "author": "102"})["error"]["code"] == "invalid"


def test_nobody_else_hears_or_reads_a_word(anna: Person, boris: Person, clara: Person) -> None:
    conversation = direct(anna, "102")
    stranger = clara.connect()
    message = say(anna, conversation, "secret")
    boris.put(f"/conversations/{conversation}/read", seq=message["seq"])
    anna.connect().ask("typing", {"conversation": conversation})
    assert heard(stranger) == []
    for method, path, body in (
        ("GET", f"/conversations/{conversation}", None),
        ("GET", f"/conversations/{conversation}/messages", None),
        ("POST", f"/conversations/{conversation}/messages", {"client_id": "forged-id", "text": "x"}),
        ("PATCH", f"/conversations/{conversation}", {"muted": True}),
        ("PUT", f"/conversations/{conversation}/members/103", None),
        ("DELETE", f"/conversations/{conversation}/members/101", None),
        ("PUT", f"/conversations/{conversation}/read", {"seq": 1}),
        ("PATCH", f"/messages/{message['id']}", {"text": "forged"}),
        ("DELETE", f"/messages/{message['id']}", None),
    ):
        assert error_of(clara.request(method, path, json=body)) == (404, "not-found"), path
    assert stranger.ask("typing", {"conversation": conversation})["error"]["code"] == "not-found"
    assert clara.get("/sync", since=0).json["messages"] == []
    assert clara.get("/search", q="secret").json["items"] == []
    assert [one["text"] for one in boris.get("/search", q="SEC").json["items"]] == ["secret"]


def test_group_is_added_for_its_members_and_removed_for_who_leaves(anna: Person, boris: Person, clara: Person) -> None:
    browser = boris.connect()
    conversation = group(anna, "102")
    added, told = heard(browser)
    assert (added["type"], added["data"]["conversation"]["members"]) == ("conversation.added", ["101", "102"])
    assert told["data"]["message"]["system"] == {"what": "group.created", "number": None, "title": "Sales"}

    late = clara.connect()
    assert boris.put(f"/conversations/{conversation}/members/103").status_code == 204
    assert [event["type"] for event in heard(late)] == ["conversation.added", "message.sent"]
    assert [event["type"] for event in heard(browser)] == ["conversation.changed", "message.sent"]

    assert error_of(boris.delete(f"/conversations/{conversation}/members/103")) == (403, "not-allowed")
    assert clara.delete(f"/conversations/{conversation}/members/103").status_code == 204
    assert [event["type"] for event in heard(late)] == ["conversation.removed"]
    say(anna, conversation, "without her")
    assert heard(late) == []


def test_title_and_silence_are_changed_by_one_request(anna: Person, boris: Person) -> None:
    conversation = group(anna, "102")
    browser = boris.connect()
    changed = anna.patch(f"/conversations/{conversation}", title="Night shift", muted=True).json
    assert (changed["title"], changed["muted"]) == ("Night shift", True)
    assert [event["type"] for event in heard(browser)] == ["conversation.changed", "message.sent"]
    assert boris.get(f"/conversations/{conversation}").json["muted"] is False


def test_what_is_edited_or_deleted_is_so_for_everybody(anna: Person, boris: Person) -> None:
    conversation = direct(anna, "102")
    message = say(anna, conversation, "frist")
    browser = boris.connect()
    edited = anna.patch(f"/messages/{message['id']}", text="first").json
    deleted = anna.delete(f"/messages/{message['id']}").json
    assert [event["data"]["message"] for event in heard(browser)] == [edited, deleted]
    assert (edited["text"], deleted["text"], deleted["deleted_at"]) == ("first", "", "2026-12-01T16:30:00.000Z")
    assert error_of(boris.delete(f"/messages/{message['id']}")) == (403, "not-allowed")


def test_read_mark_is_the_same_on_every_device_and_seen_by_the_other(anna: Person, boris: Person) -> None:
    conversation = direct(anna, "102")
    message = say(anna, conversation, "read me")
    browsers = [anna.connect(), boris.connect(), boris.connect()]
    assert boris.put(f"/conversations/{conversation}/read", seq=10**15).json == {"read_seq": message["seq"]}
    for browser in browsers:
        (event,) = heard(browser)
        assert event["data"] == {"conversation": conversation, "number": "102", "read_seq": message["seq"]}
    assert boris.put(f"/conversations/{conversation}/read", seq=1).json == {"read_seq": message["seq"]}
    assert boris.get(f"/conversations/{conversation}").json["unread"] == 0


def test_typing_is_seen_by_the_others_alone(anna: Person, boris: Person) -> None:
    conversation = direct(anna, "102")
    mine, theirs = anna.connect(), boris.connect()
    assert mine.ask("typing", {"conversation": conversation}) == {"ok": None}
    assert heard(mine) == []
    assert heard(theirs) == [{"seq": None, "type": "typing", "data": {"conversation": conversation, "number": "101"}}]


def test_who_was_away_catches_up_from_the_last_number(anna: Person, boris: Person) -> None:
    conversation = direct(anna, "102")
    say(anna, conversation, "before")
    since = boris.get("/start").json["seq"]
    assert boris.connect().heard("connected")[0]["data"]["seq"] == since
    message = say(anna, conversation, "while away")
    missed = boris.get("/sync", since=since).json
    assert (missed["messages"], missed["reset"]) == ([message], False)
    assert [(one["id"], one["unread"]) for one in missed["conversations"]] == [(conversation, 2)]
    assert missed["reads"] == [{"conversation": conversation, "number": "101", "read_seq": message["seq"]}]
    assert boris.get("/sync", since=missed["seq"]).json["messages"] == []
    assert boris.get("/sync", since=10**15).json["reset"]  # of a database that was restored from an older backup


def test_timeline_is_read_in_pages(anna: Person) -> None:
    conversation = direct(anna, "102")
    sent = [say(anna, conversation, f"number {number}") for number in range(5)]
    newest = anna.get(f"/conversations/{conversation}/messages", limit=2).json
    assert newest["items"] == sent[3:]
    older = anna.get(f"/conversations/{conversation}/messages", limit=3, before=newest["next"]).json
    assert (older["items"], older["next"]) == (sent[:3], None)
    later = anna.get(f"/conversations/{conversation}/messages", limit=2, after=sent[0]["id"]).json
    assert (later["items"], later["next"]) == (sent[1:3], str(sent[2]["id"]))
    found = anna.get("/search", q="number", limit=2).json
    assert (found["items"], found["next"]) == ([sent[4], sent[3]], str(sent[3]["id"]))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/conversations", {"kind": "direct", "members": ["102", "103"]}),
        ("/conversations", {"kind": "direct", "members": []}),
        ("/conversations", {"kind": "direct", "members": ["101"]}),
        ("/conversations", {"kind": "group", "members": ["102"]}),
        ("/conversations", {"kind": "channel", "members": ["102"]}),
        ("/conversations/1/messages", {"text": "no id"}),
        ("/conversations/1/messages", {"client_id": "call:12345678", "text": "an id that is ours"}),
        ("/conversations/1/messages", {"client_id": "client-id", "text": "x" * 8001}),
        ("/conversations/1/messages", {"client_id": "client-id", "text": "x", "kind": "system"}),
        ("/conversations/1/messages", {"client_id": "client-id", "text": "x", "reply_to": 10**30}),
    ],
)
def test_input_that_is_not_good_is_refused(anna: Person, path: str, body: dict[str, object]) -> None:
    assert error_of(anna.post(path, **body)) == (422, "invalid")


@pytest.mark.parametrize("number", ["0", "999", str(2**63), str(10**40)])
def test_forged_numbers_are_nothing_found(anna: Person, number: str) -> None:
    assert error_of(anna.get(f"/conversations/{number}")) == (404, "not-found")
    assert error_of(anna.patch(f"/messages/{number}", text="x")) == (404, "not-found")
    assert error_of(anna.put(f"/conversations/{number}/read", seq=1)) == (404, "not-found")


def test_others_hear_that_a_user_was_removed(office: WebOffice, anna: Person, boris: Person) -> None:
    conversation = group(anna, "102", "103")
    browser = boris.connect()
    office.elsewhere(remove_user, "103")
    (changed,) = heard(browser)
    assert (changed["type"], changed["data"]["conversation"]["members"]) == ("conversation.changed", ["101", "102"])
    assert boris.get(f"/conversations/{conversation}").json["members"] == ["101", "102"]


# ---- phones


def record(office: WebOffice, name: str, caller: str, dialled: str, *, plan: str = "{}", ended: float = 0.0) -> None:
    """A call that rang for five seconds and that nobody answered."""
    at = office.clock.at.timestamp() + ended
    row = CallRecordRow(
        id=name, caller=caller, caller_name="", dialled=dialled, answered_by=None, started_at=at - 5, answered_at=None,
        ended_at=at, outcome=Outcome.NO_ANSWER, cause="nobody answered", plan=plan, events="[]",
    )  # fmt: skip
    with office.store.transaction() as tx:
        tx.session.add(row)


def snapshot(office: WebOffice) -> None:
    office.hear("snapshot", registrations=[], calls=[])


def test_missed_call_stands_in_the_timeline_once(office: WebOffice, anna: Person, boris: Person) -> None:
    browser = boris.connect()
    record(office, "c1", "101", "102")
    office.hear("call.recorded", calls=["c1"])
    snapshot(office)
    added, sent = heard(browser)
    assert added["type"] == "conversation.added"
    assert sent["data"]["message"]["call"] == {
        "id": "c1", "caller": "101", "callee": "102", "answered_by": None, "outcome": "no-answer", "missed": True,
        "duration": 0,
    }  # fmt: skip
    (listed,) = boris.get("/conversations").json["items"]
    assert listed["unread"] == 1


def test_calls_of_a_time_when_nobody_listened_are_found(office: WebOffice, anna: Person) -> None:
    for number in range(5):
        record(office, f"c{number}", "102", "101", ended=float(number % 2))
    snapshot(office)
    (listed,) = anna.get("/conversations").json["items"]
    assert listed["unread"] == 5
    record(office, "late", "102", "101", ended=-300.0)
    snapshot(office)
    assert anna.get("/conversations").json["items"][0]["unread"] == 6


def test_call_of_somebody_who_hides_the_number_is_in_no_conversation(office: WebOffice, anna: Person) -> None:
    record(office, "c1", "102", "101", plan='{"private": true}')
    snapshot(office)
    assert anna.get("/conversations").json["items"] == []


def test_what_a_phone_says_is_a_message_once(office: WebOffice, anna: Person, boris: Person) -> None:
    browser = boris.connect()
    at = office.clock.at.timestamp()
    office.hear("sip.message", **{"id": "m1", "from": "101", "to": "102", "text": "on my way", "at": at})
    with office.store.transaction() as tx:  # the engine writes behind
        tx.session.add(SipInboxRow(id="m1", sender="101", receiver="102", text="on my way", at=at))
        tx.session.add(SipInboxRow(id="m2", sender="101", receiver="102", text="almost there", at=at + 1))
    snapshot(office)
    said = [event["data"]["message"]["text"] for event in heard(browser) if event["type"] == "message.sent"]
    assert said == ["on my way", "almost there"]
    with office.store.reading() as session:
        assert session.query(SipInboxRow).count() == 0


def test_what_a_phone_said_lies_in_the_inbox_no_longer_than_until_chat_has_it(
    office: WebOffice, anna: Person, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would outlive its deletion, and retention, and come again with the next start of the engine."""
    due: list[tuple[float, Callable[[], object]]] = []
    monkeypatch.setattr(office.web.services.chat, "after", lambda *work: due.append(work))
    at = office.clock.at.timestamp()
    for name in ("m1", "m2"):
        office.hear("sip.message", **{"id": name, "from": "101", "to": "102", "text": name, "at": at})
    with office.store.transaction() as tx:
        for name in ("m1", "m2"):
            tx.session.add(SipInboxRow(id=name, sender="101", receiver="102", text=name, at=at))
    assert len(due) == 3  # each message at once, and one look
    with monkeypatch.context() as patched:
        patched.setattr(office.web.services, "read", _refuse)
        for _, work in sorted(due.copy(), key=lambda one: one[0]):
            work()
    assert len(due) == 4  # the database refused: it is looked again
    due[-1][1]()
    with office.store.reading() as session:
        assert session.query(SipInboxRow).count() == 0
    (conversation,) = boris.get("/conversations").json["items"]
    assert conversation["unread"] == 2


def _refuse(*_: object) -> None:
    raise DatabaseRefused("the database is locked by another program")


def test_softphones_hear_what_is_said_in_a_browser(office: WebOffice, anna: Person, boris: Person) -> None:
    office.engine.commands["messages.send"] = lambda _: {"phones": 1}
    conversation = direct(anna, "102")
    say(anna, conversation, "nobody there")
    office.hear("registration.registered", number="102", sip_name="102", contact="sip:102@10.0.0.9")
    message = say(anna, conversation, "hello phone")
    office.hear("sip.message", **{"id": "m1", "from": "101", "to": "102", "text": "from a phone", "at": 1.0})
    asked = [data for command, data in office.engine.asked if command == "messages.send"]
    assert asked == [{"from": "101", "to": "102", "text": "hello phone", "id": str(message["id"])}]
    office.engine.running = False
    say(anna, conversation, "without an engine")  # chat goes on


# ---- retention


def test_admin_sees_what_rules_would_remove_before_they_hold(office: WebOffice, anna: Person, boris: Person) -> None:
    rules = {"messages_days": 30, "files_days": None, "calls_days": 90}
    say(anna, direct(anna, "102"), "old")
    record(office, "c1", "101", "102")
    office.clock.at += timedelta(days=6)
    nothing = {"messages": 0, "files": 0, "calls": 0}
    assert anna.post("/admin/retention/preview", **rules).json == nothing
    assert anna.post("/admin/retention/preview", **{**rules, "messages_days": 5}).json == {**nothing, "messages": 1}
    assert anna.get("/admin/retention").json == dict.fromkeys(rules)
    assert anna.put("/admin/retention", **rules).json == rules
    assert anna.get("/admin/retention").json == rules
    assert office.audit()[-1] == ("101", "retention.changed", "retention")
    for bad in ({**rules, "calls_days": 0}, {"messages_days": 1}, {**rules, "other": 1}):
        assert error_of(anna.put("/admin/retention", **bad)) == (422, "invalid")


def test_browsers_are_told_to_read_anew_when_something_was_removed(
    office: WebOffice, anna: Person, boris: Person
) -> None:
    news = WorkerNews(office.web.services)
    say(anna, direct(anna, "102"), "old")
    news.look()
    browser = boris.connect()
    office.clock.at += timedelta(days=6)
    with office.store.transaction() as tx:
        set_policy(tx, {"messages": 5}, actor="101")
    news.look()
    assert browser.heard("chat.reset") == []
    sweep(office.store, [MessageStore()])
    news.look()
    news.look()
    assert browser.heard("chat.reset") == [{"seq": None, "type": "chat.reset", "data": {}}]

"""Calls that have ended, many at a time and some of them late, in histories and timelines."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event, select

from pbx.calls.models import CallRecordRow
from pbx.directory.secrets import SecretBox
from pbx.directory.users import add_user
from pbx.routing.outcome import Outcome
from pbx.storage.engine import open_database
from pbx.storage.errors import DatabaseRefused
from pbx.storage.unit import Store
from tests.unit.web.office import BEGIN, Person, WebOffice
from web.calls_index import index_calls, load_records
from web.live.ended_calls import GATHER, LATE
from web.models import CallPartyRow


class Later:
    """What was put off, done when a test says so."""

    def __init__(self, office: WebOffice, monkeypatch: pytest.MonkeyPatch) -> None:
        self._works: deque[tuple[float, Callable[[], object]]] = deque()
        monkeypatch.setattr(office.web.services.chat, "after", lambda *work: self._works.append(work))

    def wait(self) -> float:
        """Does the next work; the seconds for which it was put off."""
        seconds, work = self._works.popleft()
        work()
        return seconds

    def all(self) -> None:
        """Does all that there is."""
        while not self.over:
            self.wait()

    @property
    def over(self) -> bool:
        return not self._works


@pytest.fixture
def later(office: WebOffice, monkeypatch: pytest.MonkeyPatch) -> Later:
    return Later(office, monkeypatch)


def record(office: WebOffice, call: str, *, ended: float = 0.0, **changes: Any) -> None:
    """101 called 102, who did not answer."""
    at = BEGIN.timestamp() + ended
    values = {"caller": "101", "caller_name": "", "dialled": "102", "answered_by": None, "answered_at": None}
    values |= {"started_at": at - 5, "ended_at": at, "outcome": Outcome.NO_ANSWER, "cause": "nobody answered"}
    with office.store.transaction() as tx:
        tx.session.add(CallRecordRow(**{"id": call, **values, "plan": "{}", "events": "[]", **changes}))


def entries(one: Person) -> list[str]:
    """The calls in the conversation that somebody has, the first first."""
    (conversation,) = one.get("/conversations").json["items"]
    items = one.get(f"/conversations/{conversation['id']}/messages").json["items"]
    return [item["call"]["id"] for item in items]


def history(one: Person) -> set[str]:
    return {item["id"] for item in one.get("/me/calls").json["items"]}


def test_calls_of_a_moment_are_one_transaction_and_stand_in_their_order(
    office: WebOffice, later: Later, boris: Person
) -> None:
    for number in (3, 1, 2):
        record(office, f"c{number}", ended=float(number))
    commits: list[object] = []
    event.listen(office.store.engine, "commit", commits.append)
    office.hear("call.recorded", calls=["c2", "c1"])
    office.hear("call.recorded", calls=["c3"])
    assert later.wait() == GATHER
    assert later.over
    assert len(commits) == 1
    assert entries(boris) == ["c1", "c2", "c3"]
    assert history(boris) == {"c1", "c2", "c3"}


def test_each_party_hears_once_of_a_call_and_those_who_are_away_of_none(
    office: WebOffice, anna: Person, boris: Person
) -> None:
    his = boris.connect()
    record(office, "c1")
    for _ in range(2):
        office.hear("call.recorded", calls=["c1"])
    assert [told["data"]["call"]["id"] for told in his.heard("call.recorded")] == ["c1"]
    assert len(entries(boris)) == 1


def test_record_that_is_late_is_looked_for_again(office: WebOffice, later: Later, boris: Person) -> None:
    record(office, "there")
    his = boris.connect()
    office.hear("call.recorded", calls=["there", "late"])
    assert later.wait() == GATHER
    assert entries(boris) == ["there"]
    assert later.wait() == LATE[0]
    record(office, "late")
    assert later.wait() == LATE[1]
    assert later.over
    assert entries(boris) == ["there", "late"]
    assert len(his.heard("call.recorded")) == 2


def test_record_that_never_comes_is_given_up(office: WebOffice, later: Later) -> None:
    office.hear("call.recorded", calls=["never"])
    assert [later.wait() for _ in range(1 + len(LATE))] == [GATHER, *LATE]
    assert later.over


def test_database_that_refuses_is_asked_again(
    office: WebOffice, later: Later, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise DatabaseRefused("the disk is full")

    record(office, "c1")
    office.hear("call.recorded", calls=["c1"])
    with monkeypatch.context() as patch:
        patch.setattr(office.web.services.chat, "act", refuse)
        later.wait()
    later.wait()
    assert entries(boris) == ["c1"]


def test_call_that_cannot_be_noted_does_not_hold_others_up(
    office: WebOffice, boris: Person, caplog: pytest.LogCaptureFixture
) -> None:
    record(office, "good", ended=1.0)
    record(office, "bad", started_at=1e30)
    record(office, "fine", ended=2.0)
    office.hear("call.recorded", calls=["good", "bad", "fine"])
    assert entries(boris) == ["good", "fine"]
    assert "call bad cannot be taken" in caplog.text


def test_snapshot_that_comes_while_calls_are_caught_up_with_is_heeded_after_it(
    office: WebOffice, later: Later, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records that it tells of may lie where the look is past already."""
    act, noted = office.web.services.chat.act, []

    def act_and_hear(action: Callable[[Any], Any]) -> Any:
        result = act(action)
        if len(noted) == 1:
            record(office, "before", ended=-1.0)
            office.hear("snapshot", registrations=[], calls=[])
            later.all()
        noted.append(action)
        return result

    record(office, "c1")
    monkeypatch.setattr(office.web.services.chat, "act", act_and_hear)
    office.hear("snapshot", registrations=[], calls=[])
    later.all()
    assert entries(boris) == ["c1", "before"]


# ---- the index, on both databases


@pytest.fixture
def store(migrated_url: str, box: SecretBox) -> Iterator[Store]:
    store = Store(open_database(migrated_url))
    with store.transaction() as tx:
        for number in ("101", "102"):
            add_user(tx, number, name=number, box=box, actor="cli:test")
    yield store
    store.close()


def test_index_has_the_users_of_a_call_and_tells_what_is_new(store: Store) -> None:
    with store.transaction() as tx:
        for call, dialled in (("a", "102"), ("b", "600"), ("c", "74951234567")):
            tx.session.add(
                CallRecordRow(
                    id=call, caller="101" if call != "c" else "999", caller_name="", dialled=dialled, answered_by=None,
                    started_at=1.5, answered_at=None, ended_at=9.0, outcome=Outcome.NO_ANSWER, cause="", plan="{}",
                    events='[{"target": "102"}, {"at": ""}]' if call == "b" else "broken",
                )
            )  # fmt: skip
    with store.transaction() as tx:
        some = index_calls(tx.session, load_records(tx.session, ["a"]))
        new = index_calls(tx.session, load_records(tx.session, ["c", "b", "a"]))
    assert [(one.record.id, one.parties) for one in (*some, *new)] == [("a", ("101", "102")), ("b", ("101", "102"))]
    with store.reading() as session:
        rows = session.scalars(select(CallPartyRow).order_by(CallPartyRow.call_id, CallPartyRow.number)).all()
    assert [(row.call_id, row.number, row.outgoing, row.missed, row.started_at) for row in rows] == [
        (call, number, number == "101", number == "102", 1.5) for call in ("a", "b") for number in ("101", "102")
    ]

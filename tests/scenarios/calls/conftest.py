"""Every scenario ends the same way: who still talks hangs up, all timers run, and nothing may be left."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pbx.routing.outcome import Outcome
from tests.scenarios.calls.office import Office
from tests.scenarios.calls.rules import check, check_all_answered

LONGEST_TIMER = 64.0  # s; 64·T1 twice: a CANCEL whose INVITE is never answered


@pytest.fixture
def make_office() -> Iterator[Callable[..., Office]]:
    """Makes offices; see `Office` for the arguments."""
    offices: list[Office] = []

    def make(*arguments: Any, **options: Any) -> Office:
        offices.append(Office(*arguments, **options))
        return offices[-1]

    yield make
    for office in offices:
        _close(office)


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    """An office of four people without rules: 101 to 104."""
    return make_office()


def _close(office: Office) -> None:
    for phone in office.phones.values():
        for talk in phone.talks:
            if talk.live and not (phone.deaf or phone.dumb):
                bye = talk.bye()
                assert bye.status == 200, f"{phone.name} could not hang up: {bye.statuses}"
    office.run(3 * LONGEST_TIMER)
    _nothing_is_left(office)
    check(office.wire.log, office.server)
    silent = any(phone.deaf or phone.dumb for phone in office.phones.values())
    if not silent and not any(packet.lost and packet.transport == "UDP" for packet in office.wire.log):
        check_all_answered(office.wire.log, office.server)
        for phone in office.phones.values():
            live = [talk for talk in phone.talks if talk.live]
            assert not live, f"{phone.name} still believes to be in a call"
    for record in office.records:
        assert record.cause
        if not record.events or record.events[-1].outcome is not Outcome.ANSWERED:  # which is nobody's end then
            _explains(record.story, record.outcome)


def _nothing_is_left(office: Office) -> None:
    endpoint = office.endpoint
    assert endpoint.counters["failures"] == 0
    left = {
        "legs": office.switch.legs,
        "calls": office.switch.calls,
        "invitations": office.calls._inviting,
        "server transactions": endpoint._servers,
        "client transactions": endpoint._clients,
        "transactions by flow": endpoint._by_flow,
        "unsaved calls": office.store._changed,
        "stored calls": office.live,
    }
    assert {name: held for name, held in left.items() if held} == {}
    assert len(endpoint._queues) == 0


def _explains(story: list[str], outcome: Outcome) -> None:
    """The record tells how the call went: its explanation comes to an end that fits the outcome."""
    words = {
        Outcome.ANSWERED: "answered",
        Outcome.BUSY: "busy",
        Outcome.REFUSED: "declined",
        Outcome.NO_ANSWER: "answer",
        Outcome.UNREACHABLE: "reachable",
        Outcome.CANCELLED: "no longer called",
        Outcome.DND: "disturb",
        Outcome.NOT_FOUND: "no such number",
        Outcome.FAILED: "failed",
    }
    assert words[outcome] in "\n".join(story[1:]), story

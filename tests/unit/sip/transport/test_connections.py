"""Who has to go when there are too many connections."""

import asyncio

import pytest

from sip.transport.connections import Connections, Limits
from tests.unit.sip.transport.peers import FakeClock, Recorder


class Member:
    """A connection that only notes what is done to it."""

    def __init__(self, host: str = "192.0.2.1") -> None:
        self.remote = (host, 5060)
        self.ended = ""
        self.ticks: list[float] = []

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def tick(self, now: float) -> None:
        self.ticks.append(now)


def table(connections: int = 3, per_host: int = 100, unlimited: frozenset[str] = frozenset()) -> Connections:
    limits = Limits(connections=connections, per_host=per_host, unlimited_hosts=unlimited)
    return Connections(Recorder(), limits, FakeClock())


def accepted(connections: Connections, *hosts: str) -> list[Member]:
    members = [Member(host) for host in hosts]
    for member in members:
        connections.accepted(member)
    return members


def ended(members: list[Member]) -> list[bool]:
    return [member.ended == "aborted" for member in members]


def test_oldest_silent_connection_gives_way() -> None:
    connections = table()
    members = accepted(connections, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
    assert ended(members) == [True, False, False, False]
    assert len(connections) == 3
    assert connections.counters.shed == 1


def test_connection_that_has_spoken_outlives_any_flood_of_silent_ones() -> None:
    connections = table()
    (phone,) = accepted(connections, "192.0.2.1")
    connections.heard(phone)
    flood = accepted(connections, *["198.51.100.1"] * 1000)
    assert not phone.ended
    assert sum(ended(flood)) == 998


def test_longest_silent_gives_way_when_all_have_spoken() -> None:
    connections = table()
    members = accepted(connections, "192.0.2.1", "192.0.2.2", "192.0.2.3")
    for at in (0, 1, 2, 0):
        connections.heard(members[at])
    accepted(connections, "192.0.2.4")
    assert ended(members) == [False, True, False]


def test_own_connection_displaces_the_silent_and_is_not_displaced_by_them() -> None:
    connections = table()
    members = accepted(connections, "192.0.2.1", "192.0.2.2", "192.0.2.3")
    ours = Member()
    connections.opened(ours)
    assert ended(members) == [True, False, False]
    accepted(connections, *["192.0.2.9"] * 10)
    assert not ours.ended


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["192.0.2.1"] * 3 + ["192.0.2.2"], [True, False, False, False]),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"], [False] * 4),
        (["2001:db8::1", "2001:db8::2", "2001:db8::3"], [True, False, False]),
        (["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1"], [False] * 3),
        (["127.0.0.1"] * 4, [False] * 4),
    ],
)
def test_one_host_or_one_ipv6_network_gets_its_share_only(hosts: list[str], expected: list[bool]) -> None:
    connections = table(connections=100, per_host=2, unlimited=frozenset(("127.0.0.1",)))
    assert ended(accepted(connections, *hosts)) == expected


def test_host_with_its_share_loses_a_silent_connection_first() -> None:
    connections = table(connections=100, per_host=2)
    members = accepted(connections, "192.0.2.1", "192.0.2.1")
    connections.heard(members[0])
    members += accepted(connections, "192.0.2.1")
    assert ended(members) == [False, True, False]
    connections.heard(members[2])
    members += accepted(connections, "192.0.2.1")
    assert ended(members) == [True, True, False, False]


def test_connection_that_ended_leaves_its_place_to_others() -> None:
    connections = table(connections=100, per_host=2)
    members = accepted(connections, "192.0.2.1", "192.0.2.1")
    connections.remove(members[0])
    connections.remove(members[0])
    members += accepted(connections, "192.0.2.1")
    assert ended(members) == [False, False, False]
    for member in members:
        connections.remove(member)
    assert len(connections) == 0


def test_word_of_a_connection_that_was_shed_changes_nothing() -> None:
    connections = table(connections=1)
    members = accepted(connections, "192.0.2.1", "192.0.2.2")
    connections.heard(members[0])
    assert connections.members() == [members[1]]


def test_tick_reaches_every_connection_and_reports_what_was_shed(caplog: pytest.LogCaptureFixture) -> None:
    connections = table(connections=2)
    members = accepted(connections, *["192.0.2.1"] * 5)
    connections.tick()
    connections.tick()
    assert [len(member.ticks) for member in members] == [0, 0, 0, 2, 2]
    assert [record.getMessage() for record in caplog.records] == ["! 3 connections shed, 2 left"]


def test_close_gives_time_for_farewells_and_then_cuts_off() -> None:
    class Polite(Member):
        def close(self) -> None:
            super().close()
            connections.remove(self)

    connections = Connections(Recorder(), Limits(farewell=0.01), FakeClock())
    polite, stuck = Polite(), Member()
    connections.accepted(polite)
    connections.accepted(stuck)
    asyncio.run(connections.close())
    assert (polite.ended, stuck.ended) == ("closed", "aborted")

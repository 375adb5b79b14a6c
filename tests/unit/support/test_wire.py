"""The wire and the clock that other tests stand on."""

from typing import Any

import pytest

from sip.errors import FlowClosed
from tests.support.clock import FakeClock
from tests.support.wire import FakeFlow, Inbox, Wire


class Two:
    """Two inboxes on a wire; `a` sends to `b`."""

    def __init__(self, transport: str = "UDP", **patterns: Any) -> None:
        self.clock = FakeClock()
        self.wire = Wire(self.clock, delay=0.5, **patterns)
        self.inbox_a, self.inbox_b = Inbox(), Inbox()
        self.a = self.wire.attach(self.inbox_a, "192.0.2.1")
        self.b = self.wire.attach(self.inbox_b, "192.0.2.2")
        self.flow = self.a.flow_to(transport, "192.0.2.2", 5060)

    def send(self, count: int) -> list[bytes]:
        for number in range(count):
            self.flow.send(b"X %d" % number)
        self.clock.advance(1)
        return self.inbox_b.messages


@pytest.mark.parametrize(
    ("patterns", "delivered"),
    [
        ({}, "012"),
        ({"loss": [0, 1]}, "02"),
        ({"duplicate": [1, 0, 1]}, "00122"),
        ({"reorder": [1]}, "102"),
        ({"loss": [1, 1, 1, 1]}, ""),
    ],
)
def test_datagrams_suffer_what_the_patterns_say(patterns: dict[str, Any], delivered: str) -> None:
    assert Two(**patterns).send(3) == [b"X %c" % digit for digit in delivered.encode()]


def test_connection_delivers_everything_in_order() -> None:
    two = Two("TCP", loss=[1, 1], reorder=[1], duplicate=[1])
    assert two.send(3) == [b"X 0", b"X 1", b"X 2"]


def test_messages_take_their_time() -> None:
    two = Two()
    two.flow.send(b"X")
    two.clock.advance(0.4)
    assert two.inbox_b.messages == []
    two.clock.advance(0.1)
    assert two.inbox_b.messages == [b"X"]


def test_what_is_under_way_when_a_connection_is_cut_is_lost_and_both_ends_are_told() -> None:
    two = Two("TCP")
    two.flow.send(b"X")
    two.flow.close()
    two.clock.advance(1)
    assert two.inbox_b.messages == []
    assert (two.inbox_a.lost, two.inbox_b.lost) == ([two.flow], [two.flow.other])
    with pytest.raises(FlowClosed):
        two.flow.send(b"X")


@pytest.mark.parametrize("host", ["192.0.2.2", "192.0.2.99"])
def test_connection_that_nobody_takes_is_lost(host: str) -> None:
    two = Two()
    two.b.refuses.add("TCP")
    flow = two.a.flow_to("TCP", host, 5060)
    flow.send(b"X")
    two.clock.advance(1)
    assert two.inbox_a.lost == [flow]
    assert two.inbox_b.messages == []


def test_flows_of_datagrams_are_equal_by_their_ends_and_connections_by_themselves() -> None:
    two = Two()
    assert two.flow == two.a.flow_to("UDP", "192.0.2.2", 5060)
    assert two.flow != two.a.flow_to("UDP", "192.0.2.2", 5061)
    connection = two.a.flow_to("TCP", "192.0.2.2", 5060)
    assert connection != two.a.flow_to("TCP", "192.0.2.2", 5060)
    assert isinstance(connection, FakeFlow)
    assert (connection.other.local, connection.other.remote) == (connection.remote, connection.local)


def test_callbacks_run_in_the_order_of_their_time_and_see_it() -> None:
    clock, seen = FakeClock(0.0), list[tuple[str, float]]()
    clock.call_at(2.0, lambda: seen.append(("two", clock.time())))

    def nest() -> None:
        clock.call_at(1.5, lambda: seen.append(("nested", clock.time())))

    clock.call_at(1.0, nest)
    clock.call_at(1.0, lambda: seen.append(("one", clock.time())))
    clock.call_at(1.2, lambda: seen.append(("never", 0.0))).cancel()
    clock.advance(3.0)
    assert seen == [("one", 1.0), ("nested", 1.5), ("two", 2.0)]
    assert (clock.time(), clock.pending) == (3.0, 0)


def test_clock_that_would_never_move_on_says_so() -> None:
    clock = FakeClock()

    def again() -> None:
        clock.call_at(clock.time(), again)

    again()
    with pytest.raises(AssertionError, match="time stands still"):
        clock.advance(1.0)

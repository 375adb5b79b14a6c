"""Who may send how much while the server is near overload."""

import pytest

from pbx.fairness import BURST, CALM, FULL, KNOWN_EVERY, MOST_SENDERS, NEAR, Fairness
from sip.transport.base import Address

RATE = 100
STRANGER = "198.51.100.7"
OFFICE = "203.0.113.5"


class Server:
    """A server that looks at its load ten times a second."""

    def __init__(self, *known: Address) -> None:
        self.now = 1_000_000.0
        self.known = set(known)
        self.fairness = Fairness(RATE, lambda: self.known, lambda: self.now)

    def look(self, backlog: float, times: int = 1) -> bool:
        for _ in range(times):
            self.now += 0.1
            engaged = self.fairness.look(backlog)
        return engaged

    def admitted(self, messages: int, host: str = STRANGER, port: int = 5060) -> int:
        """How many of so many messages that come at once are read."""
        return sum(self.fairness.admits(host, port) for _ in range(messages))


@pytest.fixture
def busy() -> Server:
    server = Server((OFFICE, 40001))
    assert server.look(2 * NEAR, times=2)
    return server


def test_nobody_is_counted_while_the_server_keeps_up() -> None:
    server = Server()
    assert not server.look(NEAR, times=10)
    assert not server.look(2 * NEAR)  # a moment's stall
    assert not server.look(0.0)


def test_backlog_that_lasts_or_is_large_has_senders_counted(busy: Server) -> None:
    assert busy.fairness.engaged
    assert Server().look(FULL + 0.1)


def test_stranger_may_use_its_rate_and_no_more(busy: Server) -> None:
    assert busy.admitted(10_000) == RATE * BURST
    busy.look(2 * NEAR, times=5)  # half a second
    assert busy.admitted(10_000) == pytest.approx(RATE / 2, abs=1)


def test_other_strangers_have_a_rate_of_their_own(busy: Server) -> None:
    busy.admitted(10_000)
    assert busy.admitted(50, "198.51.100.8") == 50


def test_registered_phone_is_not_counted_even_beside_somebody_who_sends_too_much(busy: Server) -> None:
    busy.admitted(10_000, OFFICE, 6666)
    assert busy.admitted(1000, OFFICE, 40001) == 1000
    assert busy.admitted(10, OFFICE, 40002) == 0


def test_phone_that_has_registered_meanwhile_becomes_known(busy: Server) -> None:
    busy.admitted(10_000, OFFICE, 40002)
    busy.known.add((OFFICE, 40002))
    busy.look(2 * NEAR, times=int(KNOWN_EVERY * 10) + 1)
    assert busy.admitted(1000, OFFICE, 40002) == 1000


def test_ipv6_network_counts_as_one(busy: Server) -> None:
    assert sum(busy.admitted(1, f"2001:db8::{number:x}") for number in range(1000)) == RATE * BURST
    assert busy.admitted(10, "2001:db8:0:1::1") == 10
    assert busy.admitted(10, "fe80::1%eth0") == 10
    busy.look(2 * NEAR)
    (block,) = busy.fairness.blocks(busy.now)
    assert (block.what, block.attempts) == ("2001:db8::/64", 1000 - RATE * BURST)


def test_limit_ends_some_seconds_after_the_last_message_too_many(
    busy: Server, caplog: pytest.LogCaptureFixture
) -> None:
    busy.admitted(10_000)
    busy.look(0.0, times=int(CALM * 10) - 1)
    assert busy.fairness.engaged
    busy.admitted(10_000)
    busy.look(0.0, times=int(CALM * 10) - 1)
    assert busy.fairness.engaged
    assert not busy.look(0.0, times=3)
    assert busy.fairness.blocks(busy.now) == []
    begins, ends = [record.getMessage() for record in caplog.records]
    assert f"{STRANGER} sends more than 100 messages a second" in begins
    assert f"{busy.fairness.dropped} messages were dropped" in ends


def test_blocks_name_who_sends_too_much(busy: Server) -> None:
    busy.admitted(50, "198.51.100.8")
    busy.admitted(1000)
    busy.look(2 * NEAR)
    (block,) = busy.fairness.blocks(busy.now)
    assert (block.what, block.attempts) == (STRANGER, 1000 - RATE * BURST)
    assert block.why == "more than 100 messages a second, near overload"
    assert block.since <= busy.now < block.until


def test_released_sender_begins_anew(busy: Server) -> None:
    busy.admitted(1000)
    assert busy.fairness.release(STRANGER) == 1
    assert busy.fairness.release(STRANGER) == 0
    assert busy.fairness.blocks(busy.now) == []
    assert busy.admitted(10) == 10


def test_memory_is_bounded(busy: Server) -> None:
    for number in range(MOST_SENDERS + 100):
        busy.admitted(1, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(busy.fairness._senders) == MOST_SENDERS


def test_clock_that_is_set_back_keeps_nobody_out(busy: Server) -> None:
    busy.admitted(1000)
    busy.now -= 3600.0
    assert not busy.look(0.0, times=int(CALM * 10) + 2)

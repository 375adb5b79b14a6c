"""Wrong passwords cost time, and only the one who sends them pays."""

import logging

import pytest

from pbx.registrar.guard import (
    FIRST_DELAY,
    FORGOTTEN_AFTER,
    FREE,
    LONGEST_DELAY,
    MOST_ENTRIES,
    SCANNED,
    TRUSTED_FOR,
    Block,
    Guard,
)

NOW = 1_800_000_000.0
OFFICE = "192.0.2.10"


def wrong(guard: Guard, times: int, account: str = "101", host: str = OFFICE, now: float = NOW) -> None:
    for _ in range(times):
        guard.failed(host, account, now)


def test_first_wrong_answers_are_free_and_the_next_wait_longer_each() -> None:
    guard = Guard()
    now, waits = NOW, []
    for _ in range(FREE + 9):
        guard.failed(OFFICE, "101", now)
        waits.append(guard.wait(OFFICE, "101", now))
        now += waits[-1]
    assert waits == [0] * FREE + [10, 20, 40, 80, 160, 320, 640, 900, 900]


def test_block_ends_by_itself() -> None:
    guard = Guard()
    wrong(guard, FREE + 1)
    assert guard.wait(OFFICE, "101", NOW + FIRST_DELAY - 0.5) == 1
    assert guard.wait(OFFICE, "101", NOW + FIRST_DELAY) == 0


def test_only_this_account_at_this_address_waits() -> None:
    guard = Guard()
    wrong(guard, FREE + 1)
    others = [(OFFICE, "102"), ("192.0.2.11", "101"), (OFFICE, "101-a1b2")]
    assert [guard.wait(host, account, NOW) for host, account in others] == [0, 0, 0]


def test_registered_phone_is_counted_by_its_own_port() -> None:
    guard = Guard()
    wrong(guard, FREE + 1)
    assert guard.wait(OFFICE, "101", NOW, port=5060) == 0
    for _ in range(FREE + 1):
        guard.failed(OFFICE, "101", NOW, port=5061)
    assert guard.wait(OFFICE, "101", NOW, port=5060) == 0
    assert guard.wait(OFFICE, "101", NOW, port=5061) == 10


def test_whole_ipv6_network_is_one_address() -> None:
    guard = Guard()
    wrong(guard, FREE + 1, host="2001:db8::1")
    assert guard.wait("2001:db8::ffff:2", "101", NOW) > 0
    assert guard.wait("2001:db8:0:1::1", "101", NOW) == 0
    assert [block.what for block in guard.blocks(NOW)] == ["101@2001:db8::/64"]


def test_address_that_tries_many_accounts_waits_as_a_whole() -> None:
    guard = Guard()
    for number in range(SCANNED):
        wrong(guard, 1, str(number))
    assert guard.wait(OFFICE, "new", NOW) == 0
    wrong(guard, 1, "one too many")
    assert guard.wait(OFFICE, "new", NOW) == 10
    assert guard.wait(OFFICE, "101", NOW, port=5060) == 0, "a registered phone goes on"


def test_one_account_tried_often_is_no_scan() -> None:
    guard = Guard()
    wrong(guard, 3 * SCANNED)
    assert guard.wait(OFFICE, "102", NOW) == 0


def test_address_that_knew_a_right_password_is_no_scanner_for_a_day() -> None:
    guard = Guard()
    guard.succeeded(OFFICE, NOW - TRUSTED_FOR / 2)
    for number in range(2 * SCANNED):
        wrong(guard, 1, str(number))
    assert guard.wait(OFFICE, "101", NOW) == 0
    assert guard.blocks(NOW) == []
    later = NOW + TRUSTED_FOR
    for number in range(2 * SCANNED):
        wrong(guard, 1, str(number), now=later)
    assert guard.wait(OFFICE, "101", later) > 0


def test_trust_is_renewed_by_every_right_password() -> None:
    guard = Guard()
    for hour in range(48):
        guard.succeeded(OFFICE, NOW + hour * 3600)
    later = NOW + 47 * 3600
    for number in range(2 * SCANNED):
        wrong(guard, 1, str(number), now=later)
    assert guard.blocks(later) == []


def test_right_passwords_of_others_do_not_help_the_guesser() -> None:
    guard = Guard()
    wrong(guard, FREE)
    guard.succeeded(OFFICE, NOW)
    wrong(guard, 1)
    assert guard.wait(OFFICE, "101", NOW) == 10


def test_wrong_answers_are_forgotten_after_a_while() -> None:
    guard = Guard()
    wrong(guard, FREE + 1)
    later = NOW + FORGOTTEN_AFTER + 1
    wrong(guard, FREE, now=later)
    assert guard.wait(OFFICE, "101", later) == 0


def test_clock_that_is_set_back_does_not_prolong_a_block() -> None:
    guard = Guard()
    wrong(guard, FREE + 1)
    assert guard.wait(OFFICE, "101", NOW - 2 * LONGEST_DELAY) == 0


def test_blocks_say_who_why_and_how_long() -> None:
    guard = Guard()
    guard.failed(OFFICE, "101", NOW - 60)
    wrong(guard, FREE + 1)
    guard.wait(OFFICE, "101", NOW)
    wrong(guard, FREE, "102")
    for number in range(SCANNED + 1):
        wrong(guard, 1, str(number), "198.51.100.1")
    assert guard.blocks(NOW) == [
        Block("101@192.0.2.10", "7 wrong passwords", NOW - 60, NOW + 20, FREE + 3),
        Block("198.51.100.1", "wrong passwords for 21 accounts", NOW, NOW + 10, 21),
    ]
    assert guard.blocks(NOW + 20) == []


@pytest.mark.parametrize(
    ("what", "released", "left"),
    [
        ("101@192.0.2.10", 1, ["102@192.0.2.10", "101@192.0.2.11"]),
        ("101", 2, ["102@192.0.2.10"]),
        ("192.0.2.10", 3, ["101@192.0.2.11"]),  # with its own record as an address that tries accounts
        ("103", 0, ["101@192.0.2.10", "102@192.0.2.10", "101@192.0.2.11"]),
    ],
)
def test_release_takes_what_blocks_shows_or_an_account_or_an_address(what: str, released: int, left: list[str]) -> None:
    guard = Guard()
    wrong(guard, FREE + 1, "101")
    wrong(guard, FREE + 1, "102")
    wrong(guard, FREE + 1, "101", "192.0.2.11")
    assert guard.release(what) == released
    assert [block.what for block in guard.blocks(NOW)] == left


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    guard = Guard()
    wrong(guard, FREE + 1, "first")
    wrong(guard, FREE + 1, "second")
    wrong(guard, 1, "first")  # used again, so it is the younger one
    for number in range(MOST_ENTRIES - 1):
        wrong(guard, 1, str(number), f"198.51.{number // 256}.{number % 256}")
        guard.succeeded(f"203.0.{number // 256}.{number % 256}", NOW)
    guard.succeeded("203.0.113.1", NOW)
    guard.succeeded("203.0.113.2", NOW)
    assert [block.what for block in guard.blocks(NOW)] == ["first@192.0.2.10"]
    assert {len(guard._accounts), len(guard._scanners), len(guard._trusted)} == {MOST_ENTRIES}


def test_endless_names_share_what_they_begin_with() -> None:
    guard = Guard()
    wrong(guard, FREE + 1, "x" * 60_000)
    assert len(guard.blocks(NOW)[0].what) < 100
    assert guard.wait(OFFICE, "x" * 60_000, NOW) > 0


def test_hostile_name_is_one_harmless_log_line(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard()
    with caplog.at_level(logging.WARNING):
        wrong(guard, FREE + 1, "1\r\n01\x1b[31m\x00")
    assert [record.getMessage() for record in caplog.records] == [
        "! 1??01?[31m?@192.0.2.10 waits 10 s: 6 wrong passwords"
    ]

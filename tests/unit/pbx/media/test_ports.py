"""Ports and addresses of a media process."""

import socket

import pytest

from pbx.media.errors import MediaUnavailable
from pbx.media.relay.ports import Addressing, PortPool, bound, free_everywhere, share


def test_range_is_shared_out_without_overlap() -> None:
    parts = [share(30_000, 39_999, index, 3) for index in range(3)]
    assert parts == [(30_000, 33_332), (33_333, 36_665), (36_666, 39_998)]


def test_pair_is_an_even_port_and_the_next() -> None:
    pool = PortPool(9_001, 9_010)
    pair = pool.take("127.0.0.1")
    assert pair.port % 2 == 0
    assert pair.rtp.getsockname() == ("127.0.0.1", pair.port)
    assert pair.rtcp.getsockname() == ("127.0.0.1", pair.port + 1)
    pool.give_back(pair)


def test_port_of_somebody_else_is_passed_over() -> None:
    pool = PortPool(9_020, 9_025)
    taken = bound("127.0.0.1", 9_021)
    pairs = [pool.take("127.0.0.1") for _ in range(2)]
    assert [pair.port for pair in pairs] == [9_022, 9_024]
    with pytest.raises(MediaUnavailable):
        pool.take("127.0.0.1")
    taken.close()
    pairs.append(pool.take("127.0.0.1"))
    assert pairs[-1].port == 9_020
    for pair in pairs:
        pool.give_back(pair)


def test_port_that_was_free_longest_comes_next() -> None:
    pool = PortPool(9_030, 9_035)
    first = pool.take("127.0.0.1")
    pool.give_back(first)
    second = pool.take("127.0.0.1")
    assert second.port != first.port
    pool.give_back(second)


def test_configured_address_wins_over_those_of_the_machine() -> None:
    addressing = Addressing(["203.0.113.9", "2001:db8::9"])
    assert addressing.towards("198.51.100.1") == "203.0.113.9"
    assert addressing.towards("") == "203.0.113.9"
    assert addressing.bindable("203.0.113.9") == "0.0.0.0"
    assert set(addressing.candidates("")) == {"203.0.113.9", "2001:db8::9"}


def test_address_is_that_of_the_way_to_the_party() -> None:
    addressing = Addressing()
    assert addressing.towards("127.0.0.1") == "127.0.0.1"
    assert addressing.bindable("127.0.0.1") == "127.0.0.1"
    assert addressing.towards("::1") == "::1"
    for odd in ("0.0.0.0", "phone.local", ""):
        assert addressing.towards(odd) in addressing.local()


def test_loopback_is_told_to_nobody_elsewhere() -> None:
    candidates = Addressing(["192.0.2.7", "127.0.0.1"]).candidates("192.0.2.1")
    assert candidates == ("192.0.2.7",)


def test_ipv6_socket_takes_no_ipv4_port() -> None:
    one = bound("::", 9_040)
    other = bound("0.0.0.0", 9_040)
    assert {one.family, other.family} == {socket.AF_INET, socket.AF_INET6}
    one.close()
    other.close()


def test_port_for_browsers_is_one_that_nobody_has_on_any_address() -> None:
    with bound("127.0.0.1", 9_020):
        assert free_everywhere(["127.0.0.2", "127.0.0.1"], 9_020, 9_030) == 9_022
        assert free_everywhere(["127.0.0.2"], 9_019, 9_030) == 9_020
        with pytest.raises(MediaUnavailable, match="9020 to 9021"):
            free_everywhere(["127.0.0.1"], 9_020, 9_021)
